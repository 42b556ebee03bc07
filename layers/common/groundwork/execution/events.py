"""Events between two states of a plan, for its activity log."""

from collections.abc import Iterator

from groundwork.execution.ports import Event
from groundwork.execution.state import ExecutionState, Rollback, TaskExecution
from groundwork.plans.model import TaskStatus

_SILENT_STATUSES = (TaskStatus.PENDING, TaskStatus.WAITING)
"""Statuses without an event: reaching a gate is not reported."""


def events_between(before: ExecutionState, after: ExecutionState, now_ms: int, who: str | None) -> tuple[Event, ...]:
    return tuple(_events(before, after, now_ms, who))


def _events(before: ExecutionState, after: ExecutionState, now_ms: int, who: str | None) -> Iterator[Event]:
    earlier, later = before.execution.rollback, after.execution.rollback
    if later is not None and (earlier is None or (earlier.number, earlier.status) != (later.number, later.status)):
        yield Event(now_ms, f"ROLLBACK_{later.status}", later.who, reason=later.error)
    yield from _rollback_checks(earlier, later, now_ms)
    skipped = after.execution.passed_over
    if skipped is not None and skipped != before.execution.passed_over:
        yield Event(now_ms, "PASSED_OVER", who, reason=f"Skipped the scheduled time {skipped.time}: {skipped.reason}")
    started = after.execution.round > before.execution.round
    if started or before.status is not after.status or before.execution.cause is not after.execution.cause:
        yield Event(now_ms, after.status.value, who, reason=after.execution.reason)
    # a start resets every task: its one event stands for all of them
    if started:
        return
    for task_id, state in after.states.items():
        old = before.of(task_id)
        if kind := _event_kind(old, state):
            yield Event(now_ms, kind, who, task_id, state.error_msg if "FAILED" in kind else state.note)


def _rollback_checks(earlier: Rollback | None, later: Rollback | None, now_ms: int) -> Iterator[Event]:
    if earlier is None or later is None or earlier.number != later.number:
        return
    pending = {head.repository_id for head in earlier.heads if head.verified is None}
    for head in later.heads:
        if head.repository_id in pending and head.verified is not None:
            yield Event(now_ms, f"ROLLBACK_CHECK_{head.verified.name}", later.who, reason=head.reason)


def _event_kind(old: TaskExecution, new: TaskExecution) -> str | None:
    if old.status is not new.status and new.status not in _SILENT_STATUSES:
        return new.status.value
    # the list has a maximum length: from then on only its last entry tells of a new failure
    if len(new.failed) > len(old.failed) or (new.failed and new.failed[-1] != (old.failed or (None,))[-1]):
        return "ATTEMPT_FAILED"
    if new.approved and new.approved != old.approved:
        return "APPROVED"
    if (new.revert_sha and new.revert_sha != old.revert_sha) or new.withdrawn != old.withdrawn:
        return "ROLLED_BACK"
    return None
