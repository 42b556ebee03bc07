"""EventBridge Scheduler: the schedules that are made while the system runs, which moto keeps and never fires."""

import re
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from botocore.exceptions import BotoCoreError, ClientError

_NAMES = {
    "month": ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    "weekday": ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
}
# lowest and highest of minutes, hours, day of month, month, day of week, year
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))


def cron_matches(expression: str, minute: datetime) -> bool:
    """Whether a cron of EventBridge names this minute. L, W and # are not understood: they name none."""
    weekday = minute.isoweekday() % 7 + 1
    values = (minute.minute, minute.hour, minute.day, minute.month, weekday, minute.year)
    fields = expression.split()
    return all(_field_matches(fields[n], values[n], n) for n in range(6))


def _field_matches(field: str, value: int, position: int) -> bool:
    low, high = _RANGES[position]
    return any(value in _values(part, low, high, position) for part in field.split(","))


def _values(part: str, low: int, high: int, position: int) -> range:
    span, _, step = part.partition("/")
    if span in ("*", "?"):
        first, last = low, high
    else:
        one, _, other = span.partition("-")
        first = _number(one, position)
        last = _number(other, position) if other else high if step else first
    return range(first, last + 1, int(step or 1)) if first >= low else range(0)


def _number(text: str, position: int) -> int:
    names = _NAMES["month"] if position == 3 else _NAMES["weekday"] if position == 4 else []
    if text in names:
        return names.index(text) + 1
    return int(text) if re.fullmatch("[0-9]+", text) else -1


class TimerWatch:
    """Fires what is due, once for each of its times, until it is closed."""

    def __init__(
        self,
        client: Callable[[str], Any],
        fire: Callable[[str, bytes], object],
        *,
        interval: float = 1.0,
        now: Callable[[ZoneInfo], datetime] = datetime.now,
    ) -> None:
        self._client, self._fire, self._interval, self._now = client, fire, interval, now
        self._fired: set[tuple[str, str, str]] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Fires nothing more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self.look()
            except (ClientError, BotoCoreError):
                continue  # the next look sees it

    def look(self) -> None:
        """Fires what is due now."""
        scheduler = self._client("scheduler")
        for page in scheduler.get_paginator("list_schedules").paginate():
            for line in page["Schedules"]:
                self._consider(scheduler, scheduler.get_schedule(Name=line["Name"]))

    def _consider(self, scheduler: Any, schedule: dict[str, Any]) -> None:
        expression = schedule["ScheduleExpression"]
        now = self._now(ZoneInfo(schedule.get("ScheduleExpressionTimezone", "UTC"))).replace(tzinfo=None)
        due = due_time(expression, now)
        if due is None or (schedule["Name"], expression, due) in self._fired:
            return
        self._fired.add((schedule["Name"], expression, due))
        self._fire(schedule["Target"]["Arn"], schedule["Target"]["Input"].encode())
        if schedule.get("ActionAfterCompletion") == "DELETE":
            scheduler.delete_schedule(Name=schedule["Name"])


def due_time(expression: str, now: datetime) -> str | None:
    """Which of a schedule's times it is now, in its own zone; None if it is none."""
    kind, _, rest = expression.partition("(")
    inside = rest.removesuffix(")")
    if kind == "at":
        return inside if now >= datetime.fromisoformat(inside) else None
    minute = now.replace(second=0, microsecond=0)
    return minute.isoformat() if kind == "cron" and cron_matches(inside, minute) else None
