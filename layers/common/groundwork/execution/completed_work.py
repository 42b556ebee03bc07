"""Completed work of a plan in one repository: the base of a new task."""

from groundwork.execution.state import ExecutionState
from groundwork.execution.worker import CompletedTask
from groundwork.plans.model import TaskStatus


def completed_tasks(execution_state: ExecutionState, repository_id: str) -> tuple[CompletedTask, ...]:
    """List completed tasks of a repository in order of completion."""
    plan = execution_state.plan
    done = [(execution_state.of(task.id), task) for task in plan.tasks]
    return tuple(
        CompletedTask(task, state.attempts, state.commit_sha, changed=bool(state.files), tests=state.tests)
        for state, task in sorted(done, key=lambda one: one[0].completed_seq)
        if state.status is TaskStatus.COMPLETED and (task.repository_id or plan.repository_id) == repository_id
    )
