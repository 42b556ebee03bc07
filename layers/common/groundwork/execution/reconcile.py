"""What follows from where a plan stands, without anybody's doing: what is skipped, which gates open, what has ended.

`settled` is asked after every change, whoever made it. It makes at most so many tasks something else at once, as many
as fit into a transaction; what is left follows when it is asked again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from groundwork.execution.gates import due, holds, needs_approval, openable, phases_begun, room
from groundwork.execution.state import Cause, Standing, TaskStanding
from groundwork.plans.model import PlanStatus, TaskStatus

MOST_CHANGES = 80


@dataclass(frozen=True, slots=True)
class Settled:
    """`complete` if nothing more follows; `crowded` if gates could open but for the account's limit."""

    standing: Standing
    complete: bool = True
    crowded: bool = False


def settled(standing: Standing, now_ms: int, account_room: int, most: int = MOST_CHANGES) -> Settled:
    """`account_room` is how many more tasks the account lets begin."""
    for follow in (_heard, _stopped, _dependents_skipped, _conditions_checked):
        changes = follow(standing, now_ms)
        while changes:
            if most < len(changes):
                return Settled(standing.put(dict(list(changes.items())[:most])), complete=False)
            most -= len(changes)
            standing = standing.put(changes)
            changes = follow(standing, now_ms)
    return _with_gates(_concluded(standing, now_ms), now_ms, account_room, most)


Changes = Mapping[str, TaskStanding]
_Follow = Callable[[Standing, int], Changes]


def _heard(standing: Standing, now_ms: int) -> Changes:
    """Who has knocked waits at its gate from now on, or is let go on at once: a task that was deleted meanwhile too."""
    found = {id_: state for id_, state in standing.states.items() if state.knock}
    return {
        id_: state.changed(token=state.knock, gate=state.knocked, knock=None, knocked=0) for id_, state in found.items()
    }


def _stopped(standing: Standing, now_ms: int) -> Changes:
    """A cancelled plan's tasks are cancelled; a failed one's wait for another execution. Their workers are fenced.

    While a plan is being paused, what nobody works on at the moment goes back behind its gate.
    """
    states = {task.id: standing.of(task.id) for task in standing.plan.tasks}
    # those at work first: the account's room, and their workers, must not wait for another transaction
    states = dict(sorted(states.items(), key=lambda one: one[1].status is not TaskStatus.RUNNING))
    if standing.status is PlanStatus.CANCELLED:
        left = {
            id_: state for id_, state in states.items() if not state.ended and state.status is not TaskStatus.FAILED
        }
        return {id_: _fenced(state, TaskStatus.CANCELLED, ended_at=now_ms) for id_, state in left.items()}
    if standing.status is PlanStatus.FAILED:
        running = {id_: state for id_, state in states.items() if state.status is TaskStatus.RUNNING}
        return {id_: _fenced(state, TaskStatus.PENDING) for id_, state in running.items()}
    if standing.status is PlanStatus.PAUSING:
        idle = {
            id_: state for id_, state in states.items() if state.status is TaskStatus.RUNNING and not state.lease_until
        }
        return {id_: _fenced(state, TaskStatus.PENDING) for id_, state in idle.items()}
    return {}


def _fenced(state: TaskStanding, status: TaskStatus, **fields: int) -> TaskStanding:
    return state.changed(status=status, epoch=state.epoch + 1, lease_until=0, **fields)


def _dependents_skipped(standing: Standing, now_ms: int) -> Changes:
    if not standing.status.executing:
        return {}

    def because(task_id: str) -> str | None:
        task = standing.plan.task(task_id)
        skipped = (other for other in task.depends_on if _takes_along(standing.of(other))) if task else iter(())
        return next(skipped, None)

    found = {task.id: because(task.id) for task in standing.plan.tasks if standing.of(task.id).waits}
    keys = {task.id: task.key for task in standing.plan.tasks}
    return {
        id_: _skipped(standing.of(id_), "skip", f"{keys[other]}, which it depends on, was skipped.", now_ms)
        for id_, other in found.items()
        if other
    }


def _takes_along(state: TaskStanding) -> bool:
    return state.status is TaskStatus.SKIPPED and state.dependents == "skip"


def _conditions_checked(standing: Standing, now_ms: int) -> Changes:
    """What a condition skips lets go on what depends on it: it was not needed."""
    if not standing.status.executing:
        return {}
    for phase in phases_begun(standing):
        waiting = {task.id: standing.of(task.id) for task in phase.tasks if standing.of(task.id).waits}
        if waiting and not holds(standing, phase.condition):
            reason = "The condition of its phase does not hold."
            return {id_: _skipped(state, "run", reason, now_ms) for id_, state in waiting.items()}
    return {
        task.id: _skipped(standing.of(task.id), "run", "Its condition does not hold.", now_ms)
        for _, task in due(standing)
        if not holds(standing, task.condition)
    }


def _skipped(state: TaskStanding, dependents: str, note: str, now_ms: int) -> TaskStanding:
    return state.changed(status=TaskStatus.SKIPPED, dependents=dependents, note=note, ended_at=now_ms)


def _concluded(standing: Standing, now_ms: int) -> Standing:
    """The plan's own status, once nothing more is to be skipped."""
    if standing.status is PlanStatus.PAUSING and not standing.running:
        standing = standing.execution_changed(status=PlanStatus.PAUSED)
    if standing.status.executing and standing.ended:
        done = {"status": PlanStatus.COMPLETED, "cause": None, "reason": None, "ended_at": now_ms}
        return standing.execution_changed(**done)
    return _stuck(_phase_over(standing))


def _phase_over(standing: Standing) -> Standing:
    """After the last task of a phase that pauses, unless all that it did was to be skipped."""
    if standing.status is not PlanStatus.RUNNING:
        return standing
    for phase in standing.plan.phases:
        if not standing.phase_ended(phase):
            return standing
        worked = any(standing.of(task.id).status is TaskStatus.COMPLETED for task in phase.tasks)
        if phase.pause_after and worked and phase.id not in standing.execution.paused_after:
            return standing.execution_changed(
                status=PlanStatus.PAUSED,
                cause=Cause.PHASE,
                reason=f"The phase {phase.title!r} has ended and pauses the plan.",
                paused_after=(*standing.execution.paused_after, phase.id),
            )
    return standing


def _stuck(standing: Standing) -> Standing:
    """Nothing can go on without the tasks that have failed."""
    if standing.status is not PlanStatus.RUNNING or standing.running or due(standing) or not standing.failed:
        return standing
    return standing.execution_changed(status=PlanStatus.PAUSED, **failure(standing))


def failure(standing: Standing) -> dict[str, object]:
    """Why a plan with failed tasks is paused."""
    names = {task.id: task.key for task in standing.plan.tasks}
    keys = ", ".join(names[id_] for id_ in standing.failed)
    return {"cause": Cause.FAILURE, "reason": f"Failed: {keys}. Retry, complete or skip it, or cancel the plan."}


def _with_gates(standing: Standing, now_ms: int, account_room: int, most: int) -> Settled:
    awaiting = _awaiting(standing)
    if len(awaiting) > most:
        return Settled(standing.put(dict(list(awaiting.items())[:most])), complete=False)
    standing, most = standing.put(awaiting), most - len(awaiting)
    could = openable(standing)[: room(standing)]
    opening = could[: max(0, min(account_room, most))]
    for id_ in opening:
        state = standing.of(id_)
        started = state.started_at or now_ms
        standing = standing.with_task(id_, status=TaskStatus.RUNNING, started_at=started, lease_until=0)
    crowded = len(could) > max(0, account_room)
    return Settled(standing, complete=len(could) <= most, crowded=crowded)


def _awaiting(standing: Standing) -> Changes:
    """At its gate in a manual phase a task asks for approval, once its turn has come."""
    if not standing.status.executing:
        return {}
    asks = {
        task.id
        for phase, task in due(standing)
        if standing.at_gate(task.id) and needs_approval(phase, task, standing.of(task.id))
    }
    changes: dict[str, TaskStanding] = {}
    for task in standing.plan.tasks:
        state = standing.of(task.id)
        right = TaskStatus.AWAITING_APPROVAL if task.id in asks else TaskStatus.WAITING
        if standing.at_gate(task.id) and state.waits and state.status is not right:
            changes[task.id] = state.changed(status=right)
    return changes
