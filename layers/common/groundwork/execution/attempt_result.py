"""Result of an attempt: success, suspension, backoff, another attempt, or a failed task."""

from dataclasses import dataclass
from math import ceil

from groundwork.execution.commands import pause_after_failure, pause_for_trouble
from groundwork.execution.state import Attempt, ExecutionState
from groundwork.execution.task_step import Step, step_of_task
from groundwork.execution.worker import (
    Blocked,
    Completed,
    Failed,
    Suspended,
    TaskOutcome,
    TransientFailure,
    Waiting,
)
from groundwork.plans.model import PlanStatus, TaskStatus

MAX_CONSECUTIVE_FAULTS = 25
"""Transient failures in a row, about two hours of backoff. Then the task fails."""

MAX_WAIT_S = 600
# as many as an attempt may change (MAX_CHANGED_FILES)
MAX_FILES = 200
MAX_REASON = 2_000
MAX_ACTIVITY = 300
MAX_FAILED_ATTEMPTS = 5
MAX_CONFLICTS = 10
"""Attempts given back to a task after conflicts, or checks that could not run."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """State after an invocation, and the task's next step."""

    execution_state: ExecutionState
    step: Step
    wait_s: int = 0


def record_outcome(
    execution_state: ExecutionState,
    task_id: str,
    outcome: TaskOutcome,
    now_ms: int,
    worked_ms: int = 0,
    jitter: float = 0.5,
) -> AttemptResult:
    """Record the outcome of an invocation and release its claim. The caller checks the claim.

    `jitter` is a random number from 0 to 1. It spreads retries and so avoids a thundering herd.
    """
    state = execution_state.of(task_id)
    # the new epoch ends the claim: a duplicate of this invocation can write nothing
    released = {"lease_until": 0, "epoch": state.epoch + 1}
    execution_state = execution_state.with_task(task_id, worked_ms=state.worked_ms + worked_ms, **released)
    match outcome:
        case Completed():
            return AttemptResult(_complete(execution_state, task_id, outcome, now_ms), Step.DONE)
        case Suspended():
            # progress was made: only faults and losses in a row count
            after = suspend(execution_state.with_task(task_id, consecutive_faults=0, lost_workers=0), task_id)
            return AttemptResult(after, step_of_task(after, task_id))
        case Waiting():
            return _wait(execution_state, task_id, outcome)
        case Blocked():
            after = pause_for_trouble(suspend_at_gate(execution_state, task_id, outcome.reason), outcome.reason)
            return AttemptResult(after, step_of_task(after, task_id))
        case TransientFailure():
            return _record_transient_failure(execution_state, task_id, outcome, now_ms, jitter)
        case Failed():
            after = _fail(execution_state, task_id, outcome, now_ms)
            return AttemptResult(after, step_of_task(after, task_id))


def _complete(execution_state: ExecutionState, task_id: str, done: Completed, now_ms: int) -> ExecutionState:
    return execution_state.with_task(
        task_id,
        status=TaskStatus.COMPLETED,
        attempt_open=False,
        commit_sha=done.commit_sha,
        landing_since=0,
        verified=done.verified,
        tests=done.tests,
        findings=done.findings,
        reviewed=_truncate(done.reviewed),
        activity=None,
        error_msg=None,
        summary=done.summary[:MAX_REASON],
        files=done.files[:MAX_FILES],
        ended_at=now_ms,
        # the seq of this very change: no two tasks of a plan share one
        completed_seq=execution_state.execution.seq + 1,
    )


def _fail(execution_state: ExecutionState, task_id: str, outcome: Failed, now_ms: int) -> ExecutionState:
    if outcome.could_not_run:
        return _give_back_unchecked(execution_state, task_id, outcome, now_ms)
    if outcome.final:
        execution_state = execution_state.with_task(task_id, max_attempts=execution_state.of(task_id).attempts)
    if outcome.conflict:
        execution_state = _give_back(execution_state, task_id)
    if outcome.verified is not None:
        execution_state = execution_state.with_task(task_id, verified=outcome.verified)
    return fail_attempt(execution_state, task_id, outcome.reason, now_ms, outcome.keep_changes)


def _wait(execution_state: ExecutionState, task_id: str, outcome: Waiting) -> AttemptResult:
    """Put the attempt away. Awaiting is progress: it uses neither attempt nor fault."""
    waits = execution_state.with_task(task_id, consecutive_faults=0, lost_workers=0, activity=outcome.activity or None)
    after = suspend(waits, task_id)
    step = step_of_task(after, task_id)
    return AttemptResult(after, Step.LATER if step is Step.WORK else step, max(1, ceil(outcome.wait_s)))


def suspend_at_gate(execution_state: ExecutionState, task_id: str, reason: str) -> ExecutionState:
    """Keep the attempt open, and return the task to its gate."""
    fields = {"consecutive_faults": 0, "lost_workers": 0, "error_msg": _truncate(reason), "activity": None}
    return execution_state.with_task(task_id, status=TaskStatus.PENDING, **fields)


def _give_back(execution_state: ExecutionState, task_id: str) -> ExecutionState:
    """Allow another attempt for one lost to a conflict, up to MAX_CONFLICTS times."""
    state = execution_state.of(task_id)
    if state.conflicts >= MAX_CONFLICTS:
        return execution_state
    return execution_state.with_task(task_id, conflicts=state.conflicts + 1, max_attempts=state.max_attempts + 1)


def _give_back_unchecked(execution_state: ExecutionState, task_id: str, outcome: Failed, now_ms: int) -> ExecutionState:
    """End an attempt whose check could not run.

    It never counts; at the bound a user must resume the plan.
    """
    state = execution_state.of(task_id)
    given_back = {"conflicts": state.conflicts + 1, "max_attempts": state.max_attempts + 1}
    if state.conflicts >= MAX_CONFLICTS:
        # without the log: the next attempt reads it
        execution_state = pause_for_trouble(execution_state, outcome.reason.partition("\n")[0])
    after = execution_state.with_task(task_id, **given_back)
    return fail_attempt(after, task_id, outcome.reason, now_ms, outcome.keep_changes)


def _record_transient_failure(
    execution_state: ExecutionState, task_id: str, outcome: TransientFailure, now_ms: int, jitter: float
) -> AttemptResult:
    """Keep the attempt open and retry after a backoff, up to MAX_CONSECUTIVE_FAULTS times."""
    faults = execution_state.of(task_id).consecutive_faults + 1
    if faults > MAX_CONSECUTIVE_FAULTS:
        reason = f"Gave up after {faults} transient failures in a row: {outcome.reason}"
        given_up = execution_state.with_task(task_id, attempts=execution_state.of(task_id).max_attempts)
        after = fail_attempt(given_up, task_id, reason, now_ms)
        return AttemptResult(after, step_of_task(after, task_id))
    wait = _wait_s(outcome, faults, jitter)
    after = suspend(
        execution_state.with_task(
            task_id,
            consecutive_faults=faults,
            error_msg=_truncate(outcome.reason),
            activity=f"Retrying in {wait} s: {outcome.reason}"[:MAX_ACTIVITY],
        ),
        task_id,
    )
    return AttemptResult(after, _later(after, task_id), wait)


def _later(execution_state: ExecutionState, task_id: str) -> Step:
    step = step_of_task(execution_state, task_id)
    # LATER waits in the state machine, so the wait holds no Lambda
    return Step.LATER if step is Step.WORK else step


def _wait_s(outcome: TransientFailure, faults: int, jitter: float) -> int:
    """Exponential backoff with jitter, never below the wait the provider asked for."""
    # 1.5 is the largest factor of the jitter: even the longest waits keep their spread
    own = min(MAX_WAIT_S / 1.5, 2.0**faults)
    wait = outcome.wait_s + jitter * min(outcome.wait_s, own) if outcome.wait_s else own * (0.5 + jitter)
    return max(1, ceil(min(MAX_WAIT_S, wait)))


def suspend(execution_state: ExecutionState, task_id: str) -> ExecutionState:
    """Keep the attempt open. If the plan is being paused, the task returns to its gate."""
    if execution_state.status is PlanStatus.RUNNING:
        return execution_state
    return execution_state.with_task(task_id, status=TaskStatus.PENDING)


def fail_attempt(
    execution_state: ExecutionState, task_id: str, reason: str, now_ms: int, keep_changes: bool = False
) -> ExecutionState:
    """End the attempt.

    Retry at once (behind the gate during a pause), or fail the task after the last attempt.
    """
    state = execution_state.of(task_id)
    attempt = Attempt(number=state.attempts, reason=_truncate(reason), keep_changes=keep_changes)
    failed = (*state.failed, attempt)[-MAX_FAILED_ATTEMPTS:]
    state = state.changed(
        attempt_open=False,
        failed=failed,
        error_msg=_truncate(reason),
        activity=None,
        landing_since=0,
        lost_workers=0,
        consecutive_faults=0,
        lease_until=0,
    )
    if state.attempts < state.max_attempts:
        status = TaskStatus.RUNNING if execution_state.status is PlanStatus.RUNNING else TaskStatus.PENDING
        return execution_state.with_tasks({task_id: state.changed(status=status)})
    failed_task = execution_state.with_tasks({task_id: state.changed(status=TaskStatus.FAILED, ended_at=now_ms)})
    return pause_after_failure(failed_task)


def _truncate(reason: str) -> str:
    return reason[:MAX_REASON]
