"""Queue of landings with checks, for each plan and repository.

Each landing moves the branch, so it would undo the proof of every other landing under way.
"""

from groundwork.execution.claims import claim_is_valid
from groundwork.execution.state import ExecutionState
from groundwork.plans.model import TaskStatus


def queue_for_landing(execution_state: ExecutionState, task_id: str, epoch: int) -> ExecutionState:
    """Queue a task once. Does nothing if the claim is no longer valid."""
    if execution_state.of(task_id).landing_since or not claim_is_valid(execution_state, task_id, epoch):
        return execution_state
    # the seq of this very change: no two tasks share one
    return execution_state.with_task(task_id, landing_since=execution_state.execution.seq + 1)


def tasks_ahead(execution_state: ExecutionState, task_id: str) -> int:
    """Count the running tasks of the repository queued before this one.

    A task that was paused keeps its place, and holds up nobody meanwhile.
    """
    mine = execution_state.of(task_id).landing_since
    repository_id = _repository_of(execution_state, task_id)
    queued = (
        execution_state.of(other.id)
        for other in execution_state.plan.tasks
        if other.id != task_id and _repository_of(execution_state, other.id) == repository_id
    )
    return sum(state.status is TaskStatus.RUNNING and 0 < state.landing_since < mine for state in queued)


def _repository_of(execution_state: ExecutionState, task_id: str) -> str | None:
    task = execution_state.plan.task(task_id)
    return (task.repository_id or execution_state.plan.repository_id) if task else None
