"""Attempts at a task: who holds it, what counts as one, and what comes of it.

A worker claims a task for one invocation and must renew what it holds; an attempt may go over several of them. Every
write of a worker names the epoch of its claim: who has been replaced, or cancelled, writes nothing any more.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from groundwork.execution.commands import paused_by_failure
from groundwork.execution.state import Attempt, ExecutionState
from groundwork.execution.worker import Completed, Failed, Suspended, TaskOutcome, TransientFailure
from groundwork.plans.model import PlanStatus, TaskStatus

LEASE_MS = 60_000
MAX_LOST_WORKERS = 3
"""Workers that one attempt may lose: what kills its worker each time must not be tried for ever."""

MAX_CONSECUTIVE_FAULTS = 25
"""Faults of others in a row, some hours of them, after which the task fails all the same."""

MAX_WAIT_S = 600
MAX_FILES = 200
MAX_REASON = 2_000


class Step(StrEnum):
    """What the state machine does with a task next."""

    WORK = "WORK"
    LATER = "LATER"
    GATE = "GATE"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A worker's right to a task; or, where there is none, what to do instead."""

    execution_state: ExecutionState
    next: Step
    wait_s: int = 0
    epoch: int = 0


def next_step(execution_state: ExecutionState, task_id: str) -> Step:
    """Where a task that nobody works on goes in the state machine."""
    if execution_state.plan.task(task_id) is None or execution_state.of(task_id).ended:
        return Step.DONE
    if execution_state.status in (PlanStatus.CANCELLED, PlanStatus.FAILED, PlanStatus.COMPLETED):
        return Step.DONE
    return Step.WORK if execution_state.of(task_id).status is TaskStatus.RUNNING else Step.GATE


def claim_task(execution_state: ExecutionState, task_id: str, now_ms: int, attempt_key: str = "") -> ClaimResult:
    """For one invocation; another worker that still holds the task is waited for, unless it is known to be gone.

    `attempt_key` is the state machine's: when it came to this state, and how often it has tried since.
    """
    state = execution_state.of(task_id)
    where = next_step(execution_state, task_id)
    if where is not Step.WORK:
        return ClaimResult(execution_state, where)
    if state.lease_until > now_ms and not _is_later_try(state.holder, attempt_key):
        return ClaimResult(execution_state, Step.LATER, wait_s=_ceil_seconds(state.lease_until - now_ms))
    # a lease that was not given back is that of a worker which is gone
    lost = state.lost + 1 if state.lease_until else state.lost
    if lost >= MAX_LOST_WORKERS:
        reason = f"The worker was lost {lost} times during this attempt."
        # and with that, this worker begins the next one, if there is one
        return claim_task(fail_attempt(execution_state, task_id, reason, now_ms), task_id, now_ms, attempt_key)
    if execution_state.status is not PlanStatus.RUNNING:
        after = suspend(execution_state.with_task(task_id, lost=lost, lease_until=0), task_id)
        return ClaimResult(after, next_step(after, task_id))
    fields = {
        "epoch": state.epoch + 1,
        "lease_until": now_ms + LEASE_MS,
        "lost": lost,
        "token": None,
        "holder": attempt_key,
    }
    if not state.open:
        fields |= {"open": True, "attempts": state.attempts + 1, "lost": 0, "faults": 0}
    return ClaimResult(execution_state.with_task(task_id, **fields), Step.WORK, epoch=state.epoch + 1)


def _is_later_try(holder: str, attempt_key: str) -> bool:
    """Whether the holder was an earlier try of the same: it has failed, or there would be no other.

    That saves the time its lease has left, and is not what keeps two apart: who is replaced is fenced by its epoch.
    """
    same = holder.rpartition(" ")[0] == attempt_key.rpartition(" ")[0] != ""
    return same and holder < attempt_key


def claim_is_valid(execution_state: ExecutionState, task_id: str, epoch: int) -> bool:
    """Whether the worker of this claim may go on, and write."""
    state = execution_state.of(task_id)
    return (
        execution_state.plan.task(task_id) is not None and state.epoch == epoch and state.status is TaskStatus.RUNNING
    )


@dataclass(frozen=True, slots=True)
class AttemptResult:
    execution_state: ExecutionState
    next: Step
    wait_s: int = 0


def record_outcome(
    execution_state: ExecutionState,
    task_id: str,
    outcome: TaskOutcome,
    now_ms: int,
    worked_ms: int = 0,
    jitter: float = 0.5,
) -> AttemptResult:
    """What an invocation has come to, for a worker that still holds the task; it holds it no longer after that.

    `share`, a number between 0 and 1, is that by which waits differ: whom one fault met do not come back at once.
    """
    state = execution_state.of(task_id)
    given_back = {"lease_until": 0, "epoch": state.epoch + 1}
    execution_state = execution_state.with_task(task_id, worked_ms=state.worked_ms + worked_ms, **given_back)
    match outcome:
        case Completed():
            return AttemptResult(_complete(execution_state, task_id, outcome, now_ms), Step.DONE)
        case Suspended():
            after = suspend(execution_state.with_task(task_id, faults=0, lost=0), task_id)
            return AttemptResult(after, next_step(after, task_id))
        case TransientFailure():
            return _record_transient_failure(execution_state, task_id, outcome, now_ms, jitter)
        case Failed():
            if outcome.final:
                execution_state = execution_state.with_task(task_id, max_attempts=state.attempts)
            after = fail_attempt(execution_state, task_id, outcome.reason, now_ms)
            return AttemptResult(after, next_step(after, task_id))


def _complete(execution_state: ExecutionState, task_id: str, done: Completed, now_ms: int) -> ExecutionState:
    return execution_state.with_task(
        task_id,
        status=TaskStatus.COMPLETED,
        open=False,
        commit_sha=done.commit_sha,
        error_msg=None,
        summary=done.summary[:MAX_REASON],
        files=done.files[:MAX_FILES],
        ended_at=now_ms,
        completed_seq=execution_state.execution.seq + 1,
    )


def _record_transient_failure(
    execution_state: ExecutionState, task_id: str, outcome: TransientFailure, now_ms: int, jitter: float
) -> AttemptResult:
    """The fault of another: the attempt stays open, and goes on when it is over."""
    faults = execution_state.of(task_id).faults + 1
    if faults > MAX_CONSECUTIVE_FAULTS:
        reason = f"Given up after {faults} faults in a row: {outcome.reason}"
        given_up = execution_state.with_task(task_id, attempts=execution_state.of(task_id).max_attempts)
        after = fail_attempt(given_up, task_id, reason, now_ms)
        return AttemptResult(after, next_step(after, task_id))
    wait = _wait_s(outcome, faults, jitter)
    after = suspend(execution_state.with_task(task_id, faults=faults, error_msg=_truncate(outcome.reason)), task_id)
    where = next_step(after, task_id)
    return AttemptResult(after, Step.LATER if where is Step.WORK else where, wait)


def _wait_s(outcome: TransientFailure, faults: int, jitter: float) -> int:
    """Never less than was asked for."""
    own = min(MAX_WAIT_S / 1.5, 2.0**faults)
    wait = outcome.wait_s + jitter * min(outcome.wait_s, own) if outcome.wait_s else own * (0.5 + jitter)
    return max(1, ceil(min(MAX_WAIT_S, wait)))


def suspend(execution_state: ExecutionState, task_id: str) -> ExecutionState:
    """The attempt stays open; while the plan is being paused it goes on behind the gate."""
    if execution_state.status is PlanStatus.RUNNING:
        return execution_state
    return execution_state.with_task(task_id, status=TaskStatus.PENDING)


def fail_attempt(execution_state: ExecutionState, task_id: str, reason: str, now_ms: int) -> ExecutionState:
    """Another attempt at once, at its gate where the plan is being paused, or a person's turn."""
    state = execution_state.of(task_id)
    failed = (*state.failed, Attempt(number=state.attempts, reason=_truncate(reason)))[-5:]
    state = state.changed(open=False, failed=failed, error_msg=_truncate(reason), lost=0, faults=0, lease_until=0)
    if state.attempts < state.max_attempts:
        status = TaskStatus.RUNNING if execution_state.status is PlanStatus.RUNNING else TaskStatus.PENDING
        return execution_state.with_tasks({task_id: state.changed(status=status)})
    over = execution_state.with_tasks({task_id: state.changed(status=TaskStatus.FAILED, ended_at=now_ms)})
    return paused_by_failure(over)


def _truncate(reason: str) -> str:
    return reason[:MAX_REASON]


def _ceil_seconds(ms: int) -> int:
    return max(1, -(-ms // 1000))
