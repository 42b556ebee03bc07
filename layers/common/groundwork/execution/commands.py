"""Commands of users on a plan under execution: pure functions from one state to the next.

Raises WrongStatus, WrongTaskStatus, NotItsTurn, NothingCanGoOn, NotFound. `reconcile` derives the transitions after a
command.
"""

from dataclasses import dataclass
from typing import Any

from groundwork.errors import NotFound
from groundwork.execution.errors import NothingCanGoOn, NotItsTurn, RollingBack, WrongStatus, WrongTaskStatus
from groundwork.execution.gates import due_tasks, earlier_in_phase
from groundwork.execution.reconcile import failure_cause
from groundwork.execution.state import (
    MAX_ATTEMPTS,
    Cause,
    Dependents,
    ExecutionState,
    RepositoryChecks,
    TaskExecution,
    approval_fingerprint,
)
from groundwork.plans.model import PlanStatus, Task, TaskStatus
from groundwork.plans.validation import check

STARTABLE = (PlanStatus.DRAFT, PlanStatus.READY)
RESTARTABLE = (PlanStatus.COMPLETED, PlanStatus.CANCELLED)
MAX_PAUSE_REASON = 1_000


@dataclass(frozen=True, slots=True)
class Actor:
    """User of a command, and its time."""

    name: str
    at_ms: int


def execute(
    execution_state: ExecutionState, actor: Actor, again: bool = False, checks: tuple[RepositoryChecks, ...] = ()
) -> ExecutionState:
    """Start the plan from its beginning. `again` also allows a finished plan.

    `checks` are the present settings of its repositories. Raises InvalidPlan.
    """
    execution = execution_state.execution
    if execution_state.status not in STARTABLE and not (again and execution_state.status in RESTARTABLE):
        raise WrongStatus("execute the plan", execution_state.status.value)
    _require_no_rollback(execution_state)
    check(execution_state.plan, complete=True)
    round_ = execution.round + 1
    started = execution.changed(
        status=PlanStatus.RUNNING,
        round=round_,
        number=execution.number + 1,
        needs_restart=False,
        paused_after=(),
        checks=checks,
        started_at=actor.at_ms,
        ended_at=None,
        **_clear_cause(actor),
    )
    return ExecutionState(
        execution_state.plan, started, {id_: state.for_round(round_) for id_, state in execution_state.states.items()}
    )


def pause(execution_state: ExecutionState, actor: Actor, reason: str | None = None) -> ExecutionState:
    """Start no more tasks. Running tasks finish."""
    status, cause = execution_state.status, execution_state.execution.cause
    # a user may take over a pause by a failure: then a retry does not end it
    if not status.executing or (status is not PlanStatus.RUNNING and cause is Cause.PERSON):
        raise WrongStatus("pause the plan", status.value)
    after = PlanStatus.PAUSING if execution_state.running else PlanStatus.PAUSED
    return execution_state.with_execution(status=after, cause=Cause.PERSON, reason=reason, who=actor.name)


def resume(execution_state: ExecutionState, actor: Actor) -> ExecutionState:
    """Resume a paused plan. A plan whose execution failed continues in a new execution."""
    status, execution = execution_state.status, execution_state.execution
    # number 0: the generation of the plan has failed, so there is no execution to resume
    execution_failed = status is PlanStatus.FAILED and execution.number > 0
    if not execution_failed and status not in (PlanStatus.PAUSED, PlanStatus.PAUSING):
        raise WrongStatus("resume the plan", status.value)
    _require_no_rollback(execution_state)
    after = _set_running(execution_state, actor)
    # after a failed execution the plan resumes even so: users can handle its failed tasks once it is PAUSED
    if not execution_failed and after.failed and not after.running and not due_tasks(after):
        raise NothingCanGoOn(after.failed)
    return after


def cancel(execution_state: ExecutionState, actor: Actor) -> ExecutionState:
    execution_failed = execution_state.status is PlanStatus.FAILED and execution_state.execution.number > 0
    if not execution_failed and not execution_state.status.executing:
        raise WrongStatus("cancel the plan", execution_state.status.value)
    ended = {"status": PlanStatus.CANCELLED, "ended_at": actor.at_ms, "cause": None, "reason": None, "who": actor.name}
    return execution_state.with_execution(**ended)


def approve(execution_state: ExecutionState, task_id: str, actor: Actor) -> ExecutionState:
    task, state = _require_task(execution_state, task_id)
    _require_executing(execution_state, "approve")
    if state.status is not TaskStatus.AWAITING_APPROVAL:
        raise WrongTaskStatus("approve", state.status.value)
    return execution_state.with_task(
        task_id, approved=approval_fingerprint(task), status=TaskStatus.WAITING, note=f"Approved by {actor.name}"
    )


def reject(execution_state: ExecutionState, task_id: str, actor: Actor, reason: str | None = None) -> ExecutionState:
    """Fail a task before its first attempt.

    The plan pauses until a user edits, skips or completes the task.
    """
    _, state = _require_task(execution_state, task_id)
    _require_executing(execution_state, "reject")
    if state.status is not TaskStatus.AWAITING_APPROVAL:
        raise WrongTaskStatus("reject", state.status.value)
    message = f"Rejected by {actor.name}" + (f": {reason}" if reason else "")
    after = execution_state.with_task(task_id, status=TaskStatus.FAILED, rejected=True, error_msg=message)
    return pause_after_failure(after)


def retry(execution_state: ExecutionState, task_id: str, actor: Actor) -> ExecutionState:
    """Allow three more attempts. The plan resumes unless other tasks failed or a user paused it."""
    _, state = _require_task(execution_state, task_id)
    _require_executing(execution_state, "retry")
    if state.status is not TaskStatus.FAILED:
        raise WrongTaskStatus("retry", state.status.value)
    fields: dict[str, Any] = {
        "status": TaskStatus.WAITING if execution_state.at_gate(task_id) else TaskStatus.PENDING,
        "max_attempts": state.attempts + MAX_ATTEMPTS,
        "error_msg": None,
        # a rejected task needs a new decision; a failed one keeps its approval
        "approved": None if state.rejected else state.approved,
        "rejected": False,
        "consecutive_faults": 0,
        "lost_workers": 0,
    }
    return _resume_when_resolved(execution_state.with_task(task_id, **fields), actor)


def skip(
    execution_state: ExecutionState, task_id: str, actor: Actor, dependents: Dependents = "skip"
) -> ExecutionState:
    """Skip a task. Its dependents are skipped too ("skip"), or treat it as done ("run")."""
    _, state = _require_task(execution_state, task_id)
    _require_executing(execution_state, "skip")
    if not state.is_waiting and state.status is not TaskStatus.FAILED:
        raise WrongTaskStatus("skip", state.status.value)
    after = execution_state.with_task(
        task_id,
        status=TaskStatus.SKIPPED,
        dependents=dependents,
        # a condition may ask for the outcome FAILED, and the status no longer tells it
        skipped_after_failure=state.status is TaskStatus.FAILED,
        note=f"Skipped by {actor.name}",
        ended_at=actor.at_ms,
    )
    return _resume_when_resolved(after, actor)


def complete(
    execution_state: ExecutionState, task_id: str, actor: Actor, commit_sha: str | None = None, note: str | None = None
) -> ExecutionState:
    """Mark a task as done by a user. All tasks it waits for must have ended."""
    task, state = _require_task(execution_state, task_id)
    _require_executing(execution_state, "complete")
    if not state.is_waiting and state.status is not TaskStatus.FAILED:
        raise WrongTaskStatus("complete", state.status.value)
    if missing := _unfinished_prerequisites(execution_state, task):
        raise NotItsTurn(missing)
    after = execution_state.with_task(
        task_id,
        status=TaskStatus.COMPLETED,
        commit_sha=commit_sha,
        error_msg=None,
        note=note or f"Completed by {actor.name}",
        started_at=state.started_at or actor.at_ms,
        ended_at=actor.at_ms,
        completed_seq=execution_state.execution.seq + 1,
    )
    return _resume_when_resolved(after, actor)


def pause_after_failure(execution_state: ExecutionState) -> ExecutionState:
    """Pause a running plan after a failure. A pause by a user keeps its own cause."""
    if execution_state.status is not PlanStatus.RUNNING:
        return execution_state
    after = PlanStatus.PAUSING if execution_state.running else PlanStatus.PAUSED
    return execution_state.with_execution(status=after, **failure_cause(execution_state))


def pause_for_trouble(execution_state: ExecutionState, reason: str) -> ExecutionState:
    """Pause a running plan because of trouble outside of it, which a person must mend."""
    return _pause(execution_state, Cause.TROUBLE, reason)


def pause_at_limit(execution_state: ExecutionState, reason: str) -> ExecutionState:
    """Pause a running plan at its cost limit."""
    return _pause(execution_state, Cause.LIMIT, reason)


def _pause(execution_state: ExecutionState, cause: Cause, reason: str) -> ExecutionState:
    if execution_state.status is not PlanStatus.RUNNING:
        return execution_state
    after = PlanStatus.PAUSING if execution_state.running else PlanStatus.PAUSED
    return execution_state.with_execution(status=after, cause=cause, reason=reason[:MAX_PAUSE_REASON])


def _resume_when_resolved(execution_state: ExecutionState, actor: Actor) -> ExecutionState:
    """Resume a plan paused by failures once no failed task is left."""
    if execution_state.execution.cause is Cause.FAILURE and not execution_state.failed:
        return _set_running(execution_state, actor)
    return execution_state


def _set_running(execution_state: ExecutionState, actor: Actor) -> ExecutionState:
    """Set RUNNING. Use a new execution if the old one has ended, or has passed tasks to redo."""
    execution = execution_state.execution
    new_execution = execution_state.status is PlanStatus.FAILED or execution.needs_restart
    return execution_state.with_execution(
        status=PlanStatus.RUNNING,
        # Step Functions accepts the name of an ended execution only after 90 days, so a new one needs a new number
        number=execution.number + 1 if new_execution else execution.number,
        needs_restart=False,
        ended_at=None,
        **_clear_cause(actor),
    )


def _clear_cause(actor: Actor) -> dict[str, Any]:
    return {"cause": None, "reason": None, "who": actor.name}


def _require_task(execution_state: ExecutionState, task_id: str) -> tuple[Task, TaskExecution]:
    task = execution_state.plan.task(task_id)
    if task is None:
        raise NotFound.of("task", task_id)
    return task, execution_state.of(task_id)


def _require_executing(execution_state: ExecutionState, action: str) -> None:
    if not execution_state.status.executing:
        raise WrongStatus(f"{action} a task", execution_state.status.value)
    _require_no_rollback(execution_state)


def _require_no_rollback(execution_state: ExecutionState) -> None:
    # a task started now could build on commits about to be reverted
    if execution_state.execution.rolling_back:
        raise RollingBack


def _unfinished_prerequisites(execution_state: ExecutionState, task: Task) -> list[str]:
    """List unfinished tasks before this one: earlier phases, the phase's order, dependencies."""
    phase = execution_state.plan.phase_of(task.id)
    assert phase is not None
    earlier = execution_state.plan.phases[: execution_state.plan.phases.index(phase)]
    order = [other.id for one in earlier for other in one.tasks] + earlier_in_phase(phase, task)
    blocked = [id_ for id_ in order if not execution_state.of(id_).ended]
    return list(dict.fromkeys(blocked + [id_ for id_ in task.depends_on if not execution_state.of(id_).released]))
