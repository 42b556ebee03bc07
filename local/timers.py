"""Schedules created in EventBridge Scheduler at run time; moto stores but never fires them."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from botocore.exceptions import BotoCoreError, ClientError

from local.cron import parse_cron

_TIME = "<aws.scheduler.scheduled-time>"


class TimerWatch:
    """Fires each due schedule once for each of its times until closed."""

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
        """Stop firing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self.poll()
            except (ClientError, BotoCoreError):
                continue  # the next poll retries

    def poll(self) -> None:
        """Fire the schedules due now."""
        scheduler = self._client("scheduler")
        for page in scheduler.get_paginator("list_schedules").paginate():
            for summary in page["Schedules"]:
                self._consider(scheduler, scheduler.get_schedule(Name=summary["Name"]))

    def _consider(self, scheduler: Any, schedule: dict[str, Any]) -> None:
        expression = schedule["ScheduleExpression"]
        zone = ZoneInfo(schedule.get("ScheduleExpressionTimezone", "UTC"))
        due = due_time(expression, self._now(zone).replace(tzinfo=None))
        if due is None or (schedule["Name"], expression, due) in self._fired:
            return
        # A poll comes each second, and a cron expression is due for a whole minute.
        self._fired.add((schedule["Name"], expression, due))
        self._fire(schedule["Target"]["Arn"], schedule["Target"]["Input"].replace(_TIME, in_utc(due, zone)).encode())
        if schedule.get("ActionAfterCompletion") == "DELETE":
            scheduler.delete_schedule(Name=schedule["Name"])


def in_utc(local_time: str, zone: ZoneInfo) -> str:
    """Convert a schedule's local time to EventBridge's format, in UTC."""
    return datetime.fromisoformat(local_time).replace(tzinfo=zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def due_time(expression: str, now: datetime) -> str | None:
    """Return the schedule's time if it is due now, in its own zone; else None."""
    kind, _, rest = expression.partition("(")
    inside = rest.removesuffix(")")
    if kind == "at":
        return inside if now >= datetime.fromisoformat(inside) else None
    minute = now.replace(second=0, microsecond=0)
    return minute.isoformat() if kind == "cron" and parse_cron(inside)(minute) else None


def expression_error(expression: str) -> str | None:
    """Return the reason why EventBridge Scheduler would reject an expression, or None."""
    kind, _, rest = expression.partition("(")
    try:
        if kind == "cron":
            parse_cron(rest.removesuffix(")"))
        elif kind == "at":
            datetime.fromisoformat(rest.removesuffix(")"))
    except ValueError as exc:
        return str(exc)
    return None
