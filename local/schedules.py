"""The template's EventBridge schedules, fired while the system runs."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.template import ACCOUNT, FUNCTION, SamTemplate

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of a function; `minutes` is None for any expression except a rate."""

    function: str
    name: str
    expression: str
    minutes: int | None
    kind: str
    input: str | None

    def event(self, region: str) -> bytes:
        """Return the function's event: the schedule's Input, or the service's default event."""
        if self.input is not None:
            return self.input.encode()
        # EventBridge Scheduler sends `detail` as a text, a rule as an object.
        detail: str | dict[str, Any]
        if self.kind == "ScheduleV2":
            source, resource, detail = "aws.scheduler", f"scheduler:{region}:{ACCOUNT}:schedule/default/", "{}"
        else:
            source, resource, detail = "aws.events", f"events:{region}:{ACCOUNT}:rule/", {}
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": source,
            "account": ACCOUNT,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [f"arn:aws:{resource}{self.name}"],
            "detail": detail,
        }
        return json.dumps(event).encode()


def schedules(template: SamTemplate) -> Iterator[Schedule]:
    """Return the enabled schedules of the template's functions."""
    for function in template.of_type(FUNCTION):
        for name, event in function.properties.get("Events", {}).items():
            if event["Type"] in ("Schedule", "ScheduleV2") and _enabled(event["Properties"]):
                yield _schedule(function.logical_id, name, event)


def _enabled(properties: dict[str, Any]) -> bool:
    return properties.get("State", "ENABLED") == "ENABLED" and properties.get("Enabled", True) in (True, "true")


def _schedule(function: str, event_name: str, event: dict[str, Any]) -> Schedule:
    properties = event["Properties"]
    expression = properties.get("Schedule") or properties["ScheduleExpression"]
    rate = _RATE.fullmatch(expression)
    return Schedule(
        function=function,
        name=properties.get("Name", f"{function}{event_name}"),
        expression=expression,
        minutes=int(rate[1]) * _MINUTES[rate[2]] if rate else None,
        kind=event["Type"],
        input=properties.get("Input"),
    )


class Clock:
    """Fires schedules until closed; `minute` is the length of a minute in seconds."""

    def __init__(self, fire: Callable[[Schedule], object], *, minute: float = 60.0) -> None:
        self._fire = fire
        self._minute = minute
        self._stopping = threading.Event()

    def start(self, schedule: Schedule) -> None:
        """Start to fire the schedule at the end of each period."""
        if schedule.minutes is None:
            raise ValueError(f"{schedule.expression} is not a rate")
        period = schedule.minutes * self._minute
        threading.Thread(target=self._tick, args=(schedule, period), daemon=True).start()

    def close(self) -> None:
        """Stop firing."""
        self._stopping.set()

    def _tick(self, schedule: Schedule, period: float) -> None:
        while not self._stopping.wait(period):
            self._fire(schedule)
