"""Claims on tasks: one worker at a time, by lease and epoch.

A worker claims a task for one invocation and renews its lease. One attempt may span several invocations. Every write of
a worker carries the epoch of its claim, so a replaced or cancelled worker can write nothing.
"""

from dataclasses import dataclass

from groundwork.execution import budget
from groundwork.execution.attempt_result import MAX_REASON, fail_attempt, suspend
from groundwork.execution.commands import pause_after_failure
from groundwork.execution.state import ExecutionState
from groundwork.execution.task_step import Step, step_of_task
from groundwork.plans.model import PlanStatus, TaskStatus

# a task waits this long for a dead worker, unless the state machine retries the dead worker's own step
LEASE_MS = 60_000
MAX_LOST_WORKERS = 3
"""Per attempt. A task that kills its worker each time must not be retried forever."""


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A granted claim (step WORK, with its epoch), or the step to take instead."""

    execution_state: ExecutionState
    step: Step
    wait_s: int = 0
    epoch: int = 0


def claim_task(execution_state: ExecutionState, task_id: str, now_ms: int, attempt_key: str = "") -> ClaimResult:
    """Claim a task for one invocation, or wait for the worker with a valid lease.

    `attempt_key` comes from the state machine: entry time of the state and retry count.
    """
    state = execution_state.of(task_id)
    step = step_of_task(execution_state, task_id)
    if step is not Step.WORK:
        return ClaimResult(execution_state, step)
    if state.lease_until > now_ms and not _is_later_try(state.holder, attempt_key):
        return ClaimResult(execution_state, Step.LATER, wait_s=_ceil_seconds(state.lease_until - now_ms))
    # a worker returns its lease at the end: a lease that is still set belongs to a dead one
    lost = state.lost_workers + 1 if state.lease_until else state.lost_workers
    if lost >= MAX_LOST_WORKERS:
        reason = f"The worker was lost {lost} times during this attempt."
        # this worker then starts the next attempt, if one is left
        return claim_task(fail_attempt(execution_state, task_id, reason, now_ms), task_id, now_ms, attempt_key)
    if execution_state.status is not PlanStatus.RUNNING:
        after = suspend(execution_state.with_task(task_id, lost_workers=lost, lease_until=0), task_id)
        return ClaimResult(after, step_of_task(after, task_id))
    if not state.attempt_open:
        reserved = budget.reserve(execution_state, task_id)
        if reserved is None:
            return _refuse_attempt(execution_state, task_id, now_ms)
        execution_state = reserved
    fields = {
        "epoch": state.epoch + 1,
        "lease_until": now_ms + LEASE_MS,
        "lost_workers": lost,
        # this claim shows the arrival of the gate's answer: no sweep needs to repeat it
        "gate_token": None,
        "holder": attempt_key,
    }
    # counted before any work: a worker killed at once has used up an attempt
    if not state.attempt_open:
        fields |= {"attempt_open": True, "attempts": state.attempts + 1, "lost_workers": 0, "consecutive_faults": 0}
    return ClaimResult(execution_state.with_task(task_id, **fields), Step.WORK, epoch=state.epoch + 1)


def _refuse_attempt(execution_state: ExecutionState, task_id: str, now_ms: int) -> ClaimResult:
    """Fail a task at its own cost limit; send any other one back to its gate."""
    if budget.task_is_at_limit(execution_state, task_id):
        reason = "The task has reached its cost limit. Raise its maxCostUsd, then retry it."
        last = execution_state.of(task_id).failed[-1:]
        told = f"{reason} {last[0].reason}" if last else reason
        fields = {"status": TaskStatus.FAILED, "error_msg": told[:MAX_REASON], "ended_at": now_ms, "activity": None}
        after = pause_after_failure(execution_state.with_task(task_id, **fields))
    else:
        after = execution_state.with_task(task_id, status=TaskStatus.PENDING, activity=None)
    return ClaimResult(after, step_of_task(after, task_id))


def _is_later_try(holder: str, attempt_key: str) -> bool:
    """True if the state machine retries the holder's own step: the holder has failed.

    Optimisation only: it saves the rest of the lease. The epoch provides the fencing.
    """
    same = holder.rpartition(" ")[0] == attempt_key.rpartition(" ")[0] != ""
    return same and holder < attempt_key


def claim_is_valid(execution_state: ExecutionState, task_id: str, epoch: int) -> bool:
    """True while the worker of this claim may continue and write."""
    state = execution_state.of(task_id)
    return (
        execution_state.plan.task(task_id) is not None and state.epoch == epoch and state.status is TaskStatus.RUNNING
    )


def _ceil_seconds(ms: int) -> int:
    # rounded up: a call a moment early would find the lease still valid
    return max(1, -(-ms // 1000))
