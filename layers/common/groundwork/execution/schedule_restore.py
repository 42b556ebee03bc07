"""Restore the schedules of plans from their rows, in case the timer has lost them.

Needed after a table was restored from a backup, and at every start of a system with a timer in memory.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from groundwork.errors import Invalid, NotFound
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.schedule import Timer
from groundwork.execution.state import ExecutionState, PassedOver


def schedules(plan_ids: Iterable[str], read: Callable[[str], ExecutionState]) -> Iterator[dict[str, Any]]:
    """Yield every schedule: `planId`, `title`, `expression`, `timezone`."""
    for plan_id in plan_ids:
        try:
            execution_state = read(plan_id)
        except NotFound:
            continue
        if (timing := execution_state.execution.schedule) is not None:
            about = {"planId": plan_id, "title": execution_state.plan.title}
            yield {**about, "expression": timing.expression, "timezone": timing.timezone}


def restore(conductor: ExecutionCoordinator, timer: Timer, plan_id: str, missed: str | None, reason: str) -> bool:
    """Note a missed time, then set the plan's schedule again.

    Returns False if no schedule is left.

    Raises NotFound, Transient.
    """
    if missed is None:
        execution_state = conductor.store.read(plan_id)
    else:
        noted = PassedOver(time=missed, at_ms=conductor.now_ms(), reason=reason)
        execution_state = conductor.change(plan_id, lambda now: _record_missed(now, noted))
    timing = execution_state.execution.schedule
    if timing is None:
        return False
    try:
        timer.set(plan_id, timing)
    except Invalid:
        return False
    return True


def _record_missed(execution_state: ExecutionState, missed: PassedOver) -> ExecutionState:
    """Record the missed time. A schedule without repetition ends with it."""
    timing, last_fired = execution_state.execution.schedule, execution_state.execution.last_fired
    # a time up to `last_fired` was delivered before the stop, so it is not missed
    if timing is None or (last_fired is not None and missed.time <= last_fired):
        return execution_state
    return execution_state.with_execution(
        passed_over=missed, last_fired=missed.time, schedule=timing if timing.repeats else None
    )
