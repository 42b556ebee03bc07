"""Plans carried out in memory: the ports `groundwork.executing.ports`, and a state machine that only keeps its tokens."""

from dataclasses import dataclass, field, replace

from groundwork.errors import NotFound, WriteConflict
from groundwork.executing.ports import Event
from groundwork.executing.standing import Execution, Standing
from groundwork.plans.model import Plan


@dataclass
class MemoryExecutions:
    """`limit` is the account's."""

    standings: dict[str, Standing] = field(default_factory=dict)
    limit: int = 1_000
    used: int = 0
    crowded: set[str] = field(default_factory=set)
    events: list[tuple[str, Event]] = field(default_factory=list)

    def add(self, plan: Plan) -> None:
        self.standings[plan.id] = Standing(plan, Execution(status=plan.status))

    def read(self, plan_id: str) -> Standing:
        if plan_id not in self.standings:
            raise NotFound.of("plan", plan_id)
        return self.standings[plan_id]

    def commit(self, before: Standing, after: Standing, events: tuple[Event, ...]) -> None:
        plan_id = before.plan.id
        now = self.standings[plan_id]
        used = self.used + len(after.running) - len(before.running)
        if now.execution.seq != before.execution.seq or now.plan.version != before.plan.version:
            raise WriteConflict
        if used > max(self.limit, self.used):
            raise WriteConflict
        self.used = used
        self.standings[plan_id] = replace(after, plan=after.plan.changed(status=after.status))
        self.events += [(plan_id, event) for event in events]

    def room(self) -> int:
        return self.limit - self.used

    def crowded_out(self, plan_id: str) -> None:
        self.crowded.add(plan_id)

    def waiting_for_room(self) -> list[str]:
        waiting, self.crowded = sorted(self.crowded), set()
        return waiting


@dataclass
class MemoryMachine:
    """`opened` holds what was said to each token, None where its execution was ended; a token hears only once."""

    started: list[tuple[str, int]] = field(default_factory=list)
    opened: dict[str, str | None] = field(default_factory=dict)

    def start(self, plan_id: str, number: int) -> None:
        if (plan_id, number) not in self.started:
            self.started.append((plan_id, number))

    def open(self, token: str, answer: str) -> None:
        self.opened.setdefault(token, answer)

    def close(self, token: str) -> None:
        self.opened.setdefault(token, None)
