"""Schedule of a plan: once, or repeated by an EventBridge cron expression."""

import re
from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Annotated, Protocol, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field, model_validator

from groundwork.backlog.model import Value
from groundwork.errors import Invalid, Refusal
from groundwork.execution.commands import RESTARTABLE, STARTABLE, Actor, execute
from groundwork.execution.errors import NotScheduled, WrongStatus
from groundwork.execution.state import ExecutionState, PassedOver, RepositoryChecks, Timing
from groundwork.plans.validation import check

_CRON = re.compile(r"[0-9A-Z*?/,#-]+( [0-9A-Z*?/,#-]+){5}")


class NewTiming(Value):
    """Either `at`, or `cron` with six fields: minutes hours day-of-month month day-of-week year."""

    at: AwareDatetime | None = None
    cron: Annotated[str, Field(max_length=100)] | None = None
    timezone: Annotated[str, Field(max_length=60)] = "UTC"

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.at is None) == (self.cron is None):
            raise ValueError("set either at or cron")
        return self

    def timing(self, actor: Actor) -> Timing:
        """Raises Invalid."""
        zone = _parse_timezone(self.timezone)
        if self.at is not None and self.at.timestamp() * 1000 <= actor.at_ms:
            raise Invalid.field("at", "is in the past")
        if self.cron is not None and not is_cron(self.cron):
            raise Invalid.field("cron", "must have six fields, with ? for either day-of-month or day-of-week")
        once = self.at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S") if self.at else None
        expression = f"at({once})" if once else f"cron({self.cron})"
        return Timing(expression=expression, timezone=self.timezone, who=actor.name)


def _parse_timezone(name: str) -> tzinfo:
    # a machine may lack the time zone database, but UTC always works
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid.field("timezone", f"{name!r} is not a known time zone") from None


def is_cron(text: str) -> bool:
    """Check the form only; EventBridge refuses values out of range."""
    fields = text.split(" ")
    return _CRON.fullmatch(text) is not None and (fields[2] == "?") != (fields[4] == "?")


def set_schedule(execution_state: ExecutionState, timing: Timing) -> ExecutionState:
    """Set the schedule of a plan ready to start. Raises WrongStatus, InvalidPlan."""
    if execution_state.status not in (*STARTABLE, *RESTARTABLE):
        raise WrongStatus("schedule the plan", execution_state.status.value)
    # checked now: at the scheduled time no person is there to complete the plan
    check(execution_state.plan, complete=True)
    return execution_state.with_execution(schedule=timing, passed_over=None)


def clear_schedule(execution_state: ExecutionState) -> ExecutionState:
    return execution_state.with_execution(schedule=None)


def fire(
    execution_state: ExecutionState,
    expression: str,
    time: str,
    actor: Actor,
    checks: Callable[[], tuple[RepositoryChecks, ...]] = tuple,
) -> ExecutionState:
    """Start the plan at a scheduled time, or record why this time was skipped.

    `checks` returns the settings of its repositories; its refusal skips the time. Safe for repeated and late events.
    Raises NotScheduled if the schedule has no such time, or it has already fired.
    """
    timing, last_fired = execution_state.execution.schedule, execution_state.execution.last_fired
    # EventBridge Scheduler delivers at least once: an event may be late, doubled, or of a replaced schedule
    if timing is None or timing.expression != expression or (last_fired is not None and time <= last_fired):
        raise NotScheduled
    try:
        after = execute(execution_state, actor, again=True)
        after = after.with_execution(checks=checks())
    except Refusal as refused:
        # recorded, not raised: no person waits for this answer
        skipped = PassedOver(time=time, at_ms=actor.at_ms, reason=str(refused)[:1_000])
        after = execution_state.with_execution(passed_over=skipped)
    return after.with_execution(last_fired=time, schedule=timing if timing.repeats else None)


class Timer(Protocol):
    """Timer of scheduled plans. Raises Invalid for a refused expression, Transient."""

    def set(self, plan_id: str, timing: Timing) -> None: ...

    def clear(self, plan_id: str) -> None:
        """Remove the timer, if there is one."""
        ...
