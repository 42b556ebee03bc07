"""Recovery after a stop: restore schedules, report missed times, sweep for interrupted work."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from local.background import ERRORS
from local.cron import parse_cron
from local.pool import PoolClosed
from local.sandbox import Outcome
from local.template import FUNCTION, SamTemplate
from local.timers import in_utc

SWEEPS_S = (0.0, 20.0, 45.0, 70.0)
"""Seconds after the start: at once, then until every lease of a lost worker has expired."""

MAX_LOOK_BACK = timedelta(days=8)
"""Limit of the search for missed times, as a cron expression is evaluated minute by minute."""

_MAKES_SCHEDULES = "GROUNDWORK_SCHEDULE_ROLE"

Invoke = Callable[[str, bytes], Outcome]


class Recovery:
    """Background recovery until closed; `last_seen` is the previous system's last sign of life."""

    def __init__(
        self,
        template: SamTemplate,
        invoke: Invoke,
        sweep: Callable[[], None],
        say: Callable[[str], None],
        last_seen: float | None,
    ) -> None:
        self._template, self._invoke, self._sweep, self._say = template, invoke, sweep, say
        self._last_seen = last_seen
        self._closed = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._sweeps, daemon=True).start()
        threading.Thread(target=self._schedules, daemon=True).start()

    def close(self) -> None:
        """Stop after the current step."""
        self._closed.set()

    def _sweeps(self) -> None:
        passed = 0.0
        for at in SWEEPS_S:
            if self._closed.wait(at - passed):
                return
            passed = at
            try:
                self._sweep()
            except ERRORS as exc:
                self._say(f"A sweep for interrupted work failed: {exc}")

    def _schedules(self) -> None:
        function = schedule_maker(self._template)
        if function is None or self._last_seen is None:
            return
        try:
            found = self._invoke_json(function, {"do": "LIST_SCHEDULES"}) or []
            for schedule in found:
                self._try_restore(function, schedule, self._last_seen)
        except PoolClosed:
            return
        except ERRORS as exc:
            self._say(f"Cannot restore schedules: {exc}")

    def _try_restore(self, function: str, schedule: dict[str, Any], since: float) -> None:
        try:
            self._restore(function, schedule, since)
        except ERRORS as exc:
            self._say(f"Cannot restore the schedule of plan {schedule.get('planId')}: {exc}")

    def _restore(self, function: str, schedule: dict[str, Any], since: float) -> None:
        missed = missed_time(schedule["expression"], schedule["timezone"], since, datetime.now(UTC))
        event = {"do": "RESTORE_SCHEDULE", "planId": schedule["planId"], "missed": missed}
        self._invoke_json(function, event)
        if missed is not None:
            title = schedule["title"]
            self._say(f"The plan “{title}” was due at {missed}, while the system was off. It did not start.")

    def _invoke_json(self, function: str, event: dict[str, Any]) -> Any:
        outcome = self._invoke(function, json.dumps(event).encode())
        if outcome.failed:
            self._say(f"Cannot restore schedules: {outcome.payload.decode()[:300]}")
            return None
        return json.loads(outcome.payload)


def schedule_maker(template: SamTemplate) -> str | None:
    """Return the logical id of the function with the permission to create schedules, or None."""
    for function in template.of_type(FUNCTION):
        if _MAKES_SCHEDULES in function.properties.get("Environment", {}).get("Variables", {}):
            return function.logical_id
    return None


def missed_time(expression: str, timezone: str, since: float, now: datetime) -> str | None:
    """Return a schedule's last time between `since` and now in EventBridge's format, or None."""
    zone = ZoneInfo(timezone)
    begin = datetime.fromtimestamp(since, zone).replace(tzinfo=None)
    end = now.astimezone(zone).replace(tzinfo=None)
    kind, _, rest = expression.partition("(")
    inside = rest.removesuffix(")")
    if kind == "at":
        return in_utc(inside, zone) if datetime.fromisoformat(inside) < end else None
    named = parse_cron(inside)
    return next((in_utc(minute.isoformat(), zone) for minute in _minutes_back(begin, end) if named(minute)), None)


def _minutes_back(begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield past full minutes, the latest first."""
    # The present minute is not missed: the restored schedule fires in it.
    minute = end.replace(second=0, microsecond=0) - timedelta(minutes=1)
    first = max(begin, end - MAX_LOOK_BACK)
    while minute > first:
        yield minute
        minute -= timedelta(minutes=1)
