"""The port `Timer` in memory."""

from dataclasses import dataclass, field

from groundwork.errors import Invalid
from groundwork.execution.state import Timing


@dataclass
class MemoryTimer:
    """`refused` are expressions that EventBridge Scheduler does not accept."""

    set_to: dict[str, Timing] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    def set(self, plan_id: str, timing: Timing) -> None:
        if timing.expression in self.refused:
            raise Invalid.field("cron", "EventBridge Scheduler refuses the expression")
        self.set_to[plan_id] = timing

    def clear(self, plan_id: str) -> None:
        self.set_to.pop(plan_id, None)
