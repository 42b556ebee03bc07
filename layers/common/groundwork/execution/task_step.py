"""Step of one task in the state machine. `gates` decides which task starts next."""

from enum import StrEnum

from groundwork.execution.state import ExecutionState
from groundwork.plans.model import PlanStatus, TaskStatus


class Step(StrEnum):
    """Answers that the state machine's Choice states understand."""

    WORK = "WORK"
    LATER = "LATER"
    GATE = "GATE"
    DONE = "DONE"


def step_of_task(execution_state: ExecutionState, task_id: str) -> Step:
    """Decide the step of a task without a worker: WORK, GATE or DONE."""
    if execution_state.plan.task(task_id) is None or execution_state.of(task_id).ended:
        return Step.DONE
    if execution_state.status in (PlanStatus.CANCELLED, PlanStatus.FAILED, PlanStatus.COMPLETED):
        return Step.DONE
    # a failed task returns to its gate too: there it can wait for a user, up to a year
    return Step.WORK if execution_state.of(task_id).status is TaskStatus.RUNNING else Step.GATE
