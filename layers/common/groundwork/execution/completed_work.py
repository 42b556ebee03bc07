"""What of a plan's work is done in a repository: what lies under a task that begins there."""

from groundwork.execution.state import Standing
from groundwork.execution.worker import Below
from groundwork.plans.model import TaskStatus


def done_in(standing: Standing, repository_id: str) -> tuple[Below, ...]:
    """In the order in which it came about."""
    plan = standing.plan
    done = [(standing.of(task.id), task) for task in plan.tasks]
    return tuple(
        Below(task, state.attempts, state.commit_sha, changed=bool(state.files))
        for state, task in sorted(done, key=lambda one: one[0].landed)
        if state.status is TaskStatus.COMPLETED and (task.repository_id or plan.repository_id) == repository_id
    )
