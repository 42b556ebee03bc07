"""What follows from where a plan stands, without anybody's doing: what is skipped, which gates open, what has ended.

`reconcile` is asked after every change, whoever made it. It makes at most so many tasks something else at once, as many
as fit into a transaction; what is left follows when it is asked again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from groundwork.execution.gates import due, holds, needs_approval, openable, phases_begun, room
from groundwork.execution.state import Cause, ExecutionState, TaskExecution
from groundwork.plans.model import PlanStatus, TaskStatus

MAX_CHANGES = 80


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`complete` if nothing more follows; `waits_for_capacity` if gates could open but for the account's limit."""

    execution_state: ExecutionState
    complete: bool = True
    waits_for_capacity: bool = False


def reconcile(execution_state: ExecutionState, now_ms: int, account_room: int, most: int = MAX_CHANGES) -> Reconciled:
    """`account_room` is how many more tasks the account lets begin."""
    for follow in (_heard, _stopped, _dependents_skipped, _conditions_checked):
        changes = follow(execution_state, now_ms)
        while changes:
            if most < len(changes):
                return Reconciled(execution_state.put(dict(list(changes.items())[:most])), complete=False)
            most -= len(changes)
            execution_state = execution_state.put(changes)
            changes = follow(execution_state, now_ms)
    return _with_gates(_concluded(execution_state, now_ms), now_ms, account_room, most)


Changes = Mapping[str, TaskExecution]
_Follow = Callable[[ExecutionState, int], Changes]


def _heard(execution_state: ExecutionState, now_ms: int) -> Changes:
    """Who has knocked waits at its gate from now on, or is let go on at once: a task that was deleted meanwhile too."""
    found = {id_: state for id_, state in execution_state.states.items() if state.knock}
    return {
        id_: state.changed(token=state.knock, gate=state.knocked, knock=None, knocked=0) for id_, state in found.items()
    }


def _stopped(execution_state: ExecutionState, now_ms: int) -> Changes:
    """A cancelled plan's tasks are cancelled; a failed one's wait for another execution. Their workers are fenced.

    While a plan is being paused, what nobody works on at the moment goes back behind its gate.
    """
    states = {task.id: execution_state.of(task.id) for task in execution_state.plan.tasks}
    # those at work first: the account's room, and their workers, must not wait for another transaction
    states = dict(sorted(states.items(), key=lambda one: one[1].status is not TaskStatus.RUNNING))
    if execution_state.status is PlanStatus.CANCELLED:
        left = {
            id_: state for id_, state in states.items() if not state.ended and state.status is not TaskStatus.FAILED
        }
        return {id_: _fenced(state, TaskStatus.CANCELLED, ended_at=now_ms) for id_, state in left.items()}
    if execution_state.status is PlanStatus.FAILED:
        running = {id_: state for id_, state in states.items() if state.status is TaskStatus.RUNNING}
        return {id_: _fenced(state, TaskStatus.PENDING) for id_, state in running.items()}
    if execution_state.status is PlanStatus.PAUSING:
        idle = {
            id_: state for id_, state in states.items() if state.status is TaskStatus.RUNNING and not state.lease_until
        }
        return {id_: _fenced(state, TaskStatus.PENDING) for id_, state in idle.items()}
    return {}


def _fenced(state: TaskExecution, status: TaskStatus, **fields: int) -> TaskExecution:
    return state.changed(status=status, epoch=state.epoch + 1, lease_until=0, **fields)


def _dependents_skipped(execution_state: ExecutionState, now_ms: int) -> Changes:
    if not execution_state.status.executing:
        return {}

    def because(task_id: str) -> str | None:
        task = execution_state.plan.task(task_id)
        skipped = (other for other in task.depends_on if _takes_along(execution_state.of(other))) if task else iter(())
        return next(skipped, None)

    found = {task.id: because(task.id) for task in execution_state.plan.tasks if execution_state.of(task.id).waits}
    keys = {task.id: task.key for task in execution_state.plan.tasks}
    return {
        id_: _skipped(execution_state.of(id_), "skip", f"{keys[other]}, which it depends on, was skipped.", now_ms)
        for id_, other in found.items()
        if other
    }


def _takes_along(state: TaskExecution) -> bool:
    return state.status is TaskStatus.SKIPPED and state.dependents == "skip"


def _conditions_checked(execution_state: ExecutionState, now_ms: int) -> Changes:
    """What a condition skips lets go on what depends on it: it was not needed."""
    if not execution_state.status.executing:
        return {}
    for phase in phases_begun(execution_state):
        waiting = {task.id: execution_state.of(task.id) for task in phase.tasks if execution_state.of(task.id).waits}
        if waiting and not holds(execution_state, phase.condition):
            reason = "The condition of its phase does not hold."
            return {id_: _skipped(state, "run", reason, now_ms) for id_, state in waiting.items()}
    return {
        task.id: _skipped(execution_state.of(task.id), "run", "Its condition does not hold.", now_ms)
        for _, task in due(execution_state)
        if not holds(execution_state, task.condition)
    }


def _skipped(state: TaskExecution, dependents: str, note: str, now_ms: int) -> TaskExecution:
    return state.changed(status=TaskStatus.SKIPPED, dependents=dependents, note=note, ended_at=now_ms)


def _concluded(execution_state: ExecutionState, now_ms: int) -> ExecutionState:
    """The plan's own status, once nothing more is to be skipped."""
    if execution_state.status is PlanStatus.PAUSING and not execution_state.running:
        execution_state = execution_state.execution_changed(status=PlanStatus.PAUSED)
    if execution_state.status.executing and execution_state.ended:
        done = {"status": PlanStatus.COMPLETED, "cause": None, "reason": None, "ended_at": now_ms}
        return execution_state.execution_changed(**done)
    return _stuck(_phase_over(execution_state))


def _phase_over(execution_state: ExecutionState) -> ExecutionState:
    """After the last task of a phase that pauses, unless all that it did was to be skipped."""
    if execution_state.status is not PlanStatus.RUNNING:
        return execution_state
    for phase in execution_state.plan.phases:
        if not execution_state.phase_ended(phase):
            return execution_state
        worked = any(execution_state.of(task.id).status is TaskStatus.COMPLETED for task in phase.tasks)
        if phase.pause_after and worked and phase.id not in execution_state.execution.paused_after:
            return execution_state.execution_changed(
                status=PlanStatus.PAUSED,
                cause=Cause.PHASE,
                reason=f"The phase {phase.title!r} has ended and pauses the plan.",
                paused_after=(*execution_state.execution.paused_after, phase.id),
            )
    return execution_state


def _stuck(execution_state: ExecutionState) -> ExecutionState:
    """Nothing can go on without the tasks that have failed."""
    if (
        execution_state.status is not PlanStatus.RUNNING
        or execution_state.running
        or due(execution_state)
        or not execution_state.failed
    ):
        return execution_state
    return execution_state.execution_changed(status=PlanStatus.PAUSED, **failure(execution_state))


def failure(execution_state: ExecutionState) -> dict[str, object]:
    """Why a plan with failed tasks is paused."""
    names = {task.id: task.key for task in execution_state.plan.tasks}
    keys = ", ".join(names[id_] for id_ in execution_state.failed)
    return {"cause": Cause.FAILURE, "reason": f"Failed: {keys}. Retry, complete or skip it, or cancel the plan."}


def _with_gates(execution_state: ExecutionState, now_ms: int, account_room: int, most: int) -> Reconciled:
    awaiting = _awaiting(execution_state)
    if len(awaiting) > most:
        return Reconciled(execution_state.put(dict(list(awaiting.items())[:most])), complete=False)
    execution_state, most = execution_state.put(awaiting), most - len(awaiting)
    could = openable(execution_state)[: room(execution_state)]
    opening = could[: max(0, min(account_room, most))]
    for id_ in opening:
        state = execution_state.of(id_)
        started = state.started_at or now_ms
        execution_state = execution_state.with_task(id_, status=TaskStatus.RUNNING, started_at=started, lease_until=0)
    waits_for_capacity = len(could) > max(0, account_room)
    return Reconciled(execution_state, complete=len(could) <= most, waits_for_capacity=waits_for_capacity)


def _awaiting(execution_state: ExecutionState) -> Changes:
    """At its gate in a manual phase a task asks for approval, once its turn has come."""
    if not execution_state.status.executing:
        return {}
    asks = {
        task.id
        for phase, task in due(execution_state)
        if execution_state.at_gate(task.id) and needs_approval(phase, task, execution_state.of(task.id))
    }
    changes: dict[str, TaskExecution] = {}
    for task in execution_state.plan.tasks:
        state = execution_state.of(task.id)
        right = TaskStatus.AWAITING_APPROVAL if task.id in asks else TaskStatus.WAITING
        if execution_state.at_gate(task.id) and state.waits and state.status is not right:
            changes[task.id] = state.changed(status=right)
    return changes
