"""Model of EventBridge Scheduler: named schedules with events to their targets."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from groundwork.adapters.aws.scheduler import SCHEDULED_TIME
from local.cron import parse_cron
from tests.simulation.cloud import ask
from tests.simulation.dynamodb import failed
from tests.simulation.execution.paths import Json

MINUTE_S = 60.0


@dataclass(slots=True)
class Timers:
    """`tell` sends an event to the function at least once, sometimes late.

    `true_ms` is the time.
    """

    tell: Callable[[Json], None]
    true_ms: Callable[[], int]
    set_to: dict[str, Json] = field(default_factory=dict)

    # API

    def asked(self, method: str, arguments: Json) -> None:
        name = arguments["Name"]
        there = name in self.set_to
        if method == "create_schedule" and there:
            raise failed(method, "ConflictException")
        if method != "create_schedule" and not there:
            raise failed(method, "ResourceNotFoundException")
        if method == "delete_schedule":
            del self.set_to[name]
        else:
            self.set_to[name] = arguments

    # course of time

    async def run(self) -> None:
        """Fire once a minute, the precision of the service."""
        while True:
            await asyncio.sleep(MINUTE_S)
            now = datetime.fromtimestamp(self.true_ms() / 1000, UTC).replace(tzinfo=None)
            for name, schedule in list(self.set_to.items()):
                if due := _due(schedule["ScheduleExpression"], now):
                    self.tell(json.loads(schedule["Target"]["Input"].replace(SCHEDULED_TIME, f"{due}Z")))
                    if schedule["ActionAfterCompletion"] == "DELETE":
                        del self.set_to[name]


def _due(expression: str, now: datetime) -> str | None:
    kind, _, rest = expression.removesuffix(")").partition("(")
    if kind == "at":
        return rest if now >= datetime.fromisoformat(rest) else None
    minute = now.replace(second=0, microsecond=0)
    return minute.isoformat() if parse_cron(rest)(minute) else None


class SchedulerClient:
    """Stands in for boto3's client in groundwork.adapters.aws.scheduler."""

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **arguments: ask("scheduler", (method, arguments))
