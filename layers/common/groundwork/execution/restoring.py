"""Schedules of plans made anew from the plans' own rows: the timer may have lost them where the tables have not.

So it is after a table was restored from a backup, and at every start of a system whose timer lives in memory.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from groundwork.errors import Invalid, NotFound
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.schedule import Timer
from groundwork.execution.state import ExecutionState, PassedOver


def schedules(plan_ids: Iterable[str], read: Callable[[str], ExecutionState]) -> Iterator[dict[str, Any]]:
    """Every schedule: `planId`, `title`, `expression`, `timezone`."""
    for plan_id in plan_ids:
        try:
            execution_state = read(plan_id)
        except NotFound:
            continue
        if (timing := execution_state.execution.schedule) is not None:
            about = {"planId": plan_id, "title": execution_state.plan.title}
            yield {**about, "expression": timing.expression, "timezone": timing.timezone}


def restore(conductor: ExecutionCoordinator, timer: Timer, plan_id: str, missed: str | None, reason: str) -> bool:
    """Note a time that passed unheard, then set the plan's schedule again; False where none is left.

    Raises NotFound, Transient.
    """
    if missed is None:
        execution_state = conductor.store.read(plan_id)
    else:
        noted = PassedOver(time=missed, at_ms=conductor.now_ms(), reason=reason)
        execution_state = conductor.change(plan_id, lambda now: _passed_over(now, noted))
    timing = execution_state.execution.schedule
    if timing is None:
        return False
    try:
        timer.set(plan_id, timing)
    except Invalid:
        return False
    return True


def _passed_over(execution_state: ExecutionState, missed: PassedOver) -> ExecutionState:
    """A single time that has passed is over; one that repeats has others."""
    timing, heard = execution_state.execution.schedule, execution_state.execution.woken
    if timing is None or (heard is not None and missed.time <= heard):
        return execution_state
    return execution_state.execution_changed(
        passed_over=missed, woken=missed.time, schedule=timing if timing.repeats else None
    )
