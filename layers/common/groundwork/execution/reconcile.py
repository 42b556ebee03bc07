"""Derives the automatic transitions: skips, gates to open, plan end.

`reconcile` runs after every change. It changes at most as many tasks as one transaction can hold; call it again for the
rest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from groundwork.execution import budget
from groundwork.execution.gates import (
    condition_met,
    due_tasks,
    free_slots,
    needs_approval,
    openable_gates,
    started_phases,
)
from groundwork.execution.state import Cause, ExecutionState, TaskExecution
from groundwork.plans.model import PlanStatus, TaskStatus

# a transaction has at most 100 actions, some of them for the plan, its event and the account's counter
MAX_CHANGES = 80


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`complete`: no transition is left.

    `waits_for_capacity`: only the account's limit keeps gates shut.
    """

    execution_state: ExecutionState
    complete: bool = True
    waits_for_capacity: bool = False


def reconcile(execution_state: ExecutionState, now_ms: int, account_slots: int, limit: int = MAX_CHANGES) -> Reconciled:
    """Apply pending transitions. `account_slots` is the number of free slots in the account."""
    # tokens before gates, skips before the plan's end: one transaction then does all of it
    for rule in (_accept_pending_tokens, _stop_tasks, _skip_dependents, _check_conditions):
        changes = rule(execution_state, now_ms)
        # repeated, because a skip may cause further skips
        while changes:
            if limit < len(changes):
                # no gate opens yet: a task still to be skipped must not start
                return Reconciled(execution_state.with_tasks(dict(list(changes.items())[:limit])), complete=False)
            limit -= len(changes)
            execution_state = execution_state.with_tasks(changes)
            changes = rule(execution_state, now_ms)
    return _open_gates(_conclude(execution_state, now_ms), now_ms, account_slots, limit)


Changes = Mapping[str, TaskExecution]
_Rule = Callable[[ExecutionState, int], Changes]


def _accept_pending_tokens(execution_state: ExecutionState, now_ms: int) -> Changes:
    """Accept newly arrived task tokens, also of deleted tasks."""
    # the gate of a deleted task needs an answer too: its execution waits for it
    found = {id_: state for id_, state in execution_state.states.items() if state.pending_token}
    return {
        id_: state.changed(
            gate_token=state.pending_token,
            gate_execution=state.pending_execution,
            pending_token=None,
            pending_execution=0,
        )
        for id_, state in found.items()
    }


def _stop_tasks(execution_state: ExecutionState, now_ms: int) -> Changes:
    """Stop tasks of a plan that no longer runs, and fence their workers.

    Tasks of a cancelled plan are cancelled. Those of a failed plan wait for another execution. During a pause, tasks
    without a worker return to their gates.
    """
    states = {task.id: execution_state.of(task.id) for task in execution_state.plan.tasks}
    # running tasks first: their workers and slots must not wait for another transaction
    states = dict(sorted(states.items(), key=lambda one: one[1].status is not TaskStatus.RUNNING))
    if execution_state.status is PlanStatus.CANCELLED:
        left = {
            id_: state for id_, state in states.items() if not state.ended and state.status is not TaskStatus.FAILED
        }
        return {id_: _fence(state, TaskStatus.CANCELLED, ended_at=now_ms) for id_, state in left.items()}
    if execution_state.status is PlanStatus.FAILED:
        running = {id_: state for id_, state in states.items() if state.status is TaskStatus.RUNNING}
        return {id_: _fence(state, TaskStatus.PENDING) for id_, state in running.items()}
    if execution_state.status is PlanStatus.PAUSING:
        # no lease, no worker: such a task waits in the state machine and can return to its gate at once
        idle = {
            id_: state for id_, state in states.items() if state.status is TaskStatus.RUNNING and not state.lease_until
        }
        return {id_: _fence(state, TaskStatus.PENDING) for id_, state in idle.items()}
    return {}


def _fence(state: TaskExecution, status: TaskStatus, **fields: int) -> TaskExecution:
    # the new epoch fences a worker still at work
    return state.changed(status=status, epoch=state.epoch + 1, lease_until=0, **fields)


def _skip_dependents(execution_state: ExecutionState, now_ms: int) -> Changes:
    if not execution_state.status.executing:
        return {}

    def skipped_by(task_id: str) -> str | None:
        task = execution_state.plan.task(task_id)
        skipped = (
            (other for other in task.depends_on if _skips_dependents(execution_state.of(other))) if task else iter(())
        )
        return next(skipped, None)

    found = {
        task.id: skipped_by(task.id) for task in execution_state.plan.tasks if execution_state.of(task.id).is_waiting
    }
    keys = {task.id: task.key for task in execution_state.plan.tasks}
    return {
        id_: _skip(execution_state.of(id_), "skip", f"Its dependency {keys[other]} was skipped.", now_ms)
        for id_, other in found.items()
        if other
    }


def _skips_dependents(state: TaskExecution) -> bool:
    return state.status is TaskStatus.SKIPPED and state.dependents == "skip"


def _check_conditions(execution_state: ExecutionState, now_ms: int) -> Changes:
    """Skip tasks whose condition is not met. Their dependents continue: the task was not needed."""
    if not execution_state.status.executing:
        return {}
    for phase in started_phases(execution_state):
        waiting = {
            task.id: execution_state.of(task.id) for task in phase.tasks if execution_state.of(task.id).is_waiting
        }
        if waiting and not condition_met(execution_state, phase.condition):
            reason = "The condition of its phase is not met."
            return {id_: _skip(state, "run", reason, now_ms) for id_, state in waiting.items()}
    return {
        task.id: _skip(execution_state.of(task.id), "run", "Its condition is not met.", now_ms)
        for _, task in due_tasks(execution_state)
        if not condition_met(execution_state, task.condition)
    }


def _skip(state: TaskExecution, dependents: str, note: str, now_ms: int) -> TaskExecution:
    return state.changed(status=TaskStatus.SKIPPED, dependents=dependents, note=note, ended_at=now_ms)


def _conclude(execution_state: ExecutionState, now_ms: int) -> ExecutionState:
    """Set the plan's status, once no more tasks are to be skipped."""
    if execution_state.status is PlanStatus.PAUSING and not execution_state.running:
        execution_state = execution_state.with_execution(status=PlanStatus.PAUSED)
    # before any pause: after the last phase there is nothing to resume
    if execution_state.status.executing and execution_state.ended:
        done = {"status": PlanStatus.COMPLETED, "cause": None, "reason": None, "ended_at": now_ms}
        return execution_state.with_execution(**done)
    return _pause_if_blocked(_pause_after_phase(execution_state))


def _pause_after_phase(execution_state: ExecutionState) -> ExecutionState:
    """Pause after a phase with `pause_after`, unless all its tasks were skipped."""
    if execution_state.status is not PlanStatus.RUNNING:
        return execution_state
    for phase in execution_state.plan.phases:
        if not execution_state.phase_ended(phase):
            return execution_state
        any_completed = any(execution_state.of(task.id).status is TaskStatus.COMPLETED for task in phase.tasks)
        # remembered in `paused_after`: a resume would pause here again
        if phase.pause_after and any_completed and phase.id not in execution_state.execution.paused_after:
            return execution_state.with_execution(
                status=PlanStatus.PAUSED,
                cause=Cause.PHASE,
                reason=f"The plan pauses after the phase {phase.title!r}.",
                paused_after=(*execution_state.execution.paused_after, phase.id),
            )
    return execution_state


def _pause_if_blocked(execution_state: ExecutionState) -> ExecutionState:
    """Pause a plan that cannot continue without its failed tasks."""
    if (
        execution_state.status is not PlanStatus.RUNNING
        or execution_state.running
        or due_tasks(execution_state)
        or not execution_state.failed
    ):
        return execution_state
    return execution_state.with_execution(status=PlanStatus.PAUSED, **failure_cause(execution_state))


def failure_cause(execution_state: ExecutionState) -> dict[str, object]:
    """Cause and reason of a pause by failed tasks."""
    names = {task.id: task.key for task in execution_state.plan.tasks}
    keys = ", ".join(names[id_] for id_ in execution_state.failed)
    return {
        "cause": Cause.FAILURE,
        "reason": f"Failed: {keys}. Retry, complete or skip these tasks, or cancel the plan.",
    }


def _open_gates(execution_state: ExecutionState, now_ms: int, account_slots: int, limit: int) -> Reconciled:
    awaiting = _request_approvals(execution_state)
    if len(awaiting) > limit:
        return Reconciled(execution_state.with_tasks(dict(list(awaiting.items())[:limit])), complete=False)
    execution_state, limit = execution_state.with_tasks(awaiting), limit - len(awaiting)
    candidates = openable_gates(execution_state)[: free_slots(execution_state)]
    opened = candidates[: max(0, min(account_slots, limit))]
    for id_ in opened:
        reserved = budget.reserve(execution_state, id_)
        # a task at its own limit starts: its worker's claim fails it, with the reason
        if reserved is None and not budget.task_is_at_limit(execution_state, id_):
            return Reconciled(_pause_at_limit(execution_state))
        execution_state = reserved or execution_state
        state = execution_state.of(id_)
        started = state.started_at or now_ms
        # no lease yet: a lease without a worker would count as a lost worker at the first claim
        execution_state = execution_state.with_task(id_, status=TaskStatus.RUNNING, started_at=started, lease_until=0)
    waits_for_capacity = len(candidates) > max(0, account_slots)
    return Reconciled(execution_state, complete=len(candidates) <= limit, waits_for_capacity=waits_for_capacity)


def _pause_at_limit(execution_state: ExecutionState) -> ExecutionState:
    """Pause at the plan's cost limit, unless running tasks may still give back money."""
    if execution_state.running:
        return execution_state
    reason = budget.limit_reason(execution_state)
    return execution_state.with_execution(status=PlanStatus.PAUSED, cause=Cause.LIMIT, reason=reason)


def _request_approvals(execution_state: ExecutionState) -> Changes:
    """Set AWAITING_APPROVAL for due tasks at gates of manual phases."""
    # not only RUNNING: during a pause a user can approve tasks in advance
    if not execution_state.status.executing:
        return {}
    due = {
        task.id
        for phase, task in due_tasks(execution_state)
        if execution_state.at_gate(task.id) and needs_approval(phase, task, execution_state.of(task.id))
    }
    changes: dict[str, TaskExecution] = {}
    for task in execution_state.plan.tasks:
        state = execution_state.of(task.id)
        wanted = TaskStatus.AWAITING_APPROVAL if task.id in due else TaskStatus.WAITING
        if execution_state.at_gate(task.id) and state.is_waiting and state.status is not wanted:
            changes[task.id] = state.changed(status=wanted)
    return changes
