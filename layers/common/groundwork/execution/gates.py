"""Which gates may open: one mechanism for order, dependencies, approval, pause, failure and limits.

A task's turn comes when everything it must wait for has ended; its gate opens when its turn has come, the plan is
RUNNING, a person has approved it where one must, and there is room.
"""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import PurePosixPath

from groundwork.execution.state import ExecutionState, TaskExecution, approval_of
from groundwork.plans.graph import by_effort, remaining_costs
from groundwork.plans.model import Condition, Phase, PlanStatus, Task, TaskStatus


def before(phase: Phase, task: Task) -> list[str]:
    """The tasks of its own phase that it comes after by the phase's order, not by what it depends on."""
    if phase.mode == "parallel":
        return []
    return list(takewhile(lambda id_: id_ != task.id, (other.id for other in phase.tasks)))


def phases_begun(execution_state: ExecutionState) -> Iterator[Phase]:
    """Those whose turn has come: all that have ended, and the first that has not."""
    for phase in execution_state.plan.phases:
        yield phase
        if not execution_state.phase_ended(phase):
            return


def is_due(execution_state: ExecutionState, phase: Phase, task: Task) -> bool:
    """Whether its turn has come, given that its phase's has: what is left is the plan's state, approval and room."""
    if not all(execution_state.of(other).ended for other in before(phase, task)):
        return False
    return all(execution_state.of(other).released for other in task.depends_on)


def due(execution_state: ExecutionState) -> list[tuple[Phase, Task]]:
    """The tasks whose turn has come and that have not begun; what most is waiting behind goes first."""
    found: list[tuple[Phase, Task]] = []
    for phase in phases_begun(execution_state):
        could = phase.tasks if phase.mode == "parallel" else _next(execution_state, phase)
        waiting = [task for task in could if execution_state.of(task.id).waits and is_due(execution_state, phase, task)]
        if len(waiting) > 1:
            ahead = _ahead(phase)
            waiting.sort(key=lambda task: -ahead[task.id])
        found += [(phase, task) for task in waiting]
    return found


def _next(execution_state: ExecutionState, phase: Phase) -> tuple[Task, ...]:
    """Of a phase that goes in order, the one whose turn it is."""
    return next(((task,) for task in phase.tasks if not execution_state.of(task.id).ended), ())


def _ahead(phase: Phase) -> dict[str, float]:
    """The longest way from each task's beginning to the end of its phase, in seconds."""
    costs = {task.id: by_effort(task) for task in phase.tasks}
    graph = {task.id: [other for other in task.depends_on if other in costs] for task in phase.tasks}
    return remaining_costs(graph, costs)


def needs_approval(phase: Phase, task: Task, state: TaskExecution) -> bool:
    return phase.mode == "manual" and state.approved != approval_of(task)


def openable(execution_state: ExecutionState) -> list[str]:
    """Tasks at gates that may open now, were there room for all of them."""
    if execution_state.status is not PlanStatus.RUNNING:
        return []
    return [
        task.id
        for phase, task in due(execution_state)
        if execution_state.at_gate(task.id) and not needs_approval(phase, task, execution_state.of(task.id))
    ]


def room(execution_state: ExecutionState) -> int:
    """How many more tasks the plan's own limit lets begin."""
    return max(0, execution_state.plan.max_parallel - len(execution_state.running))


def holds(execution_state: ExecutionState, condition: Condition | None) -> bool:
    """Whether what it asks of an earlier task has come of it. A task that is gone asks nothing any more."""
    if condition is None or execution_state.plan.task(condition.task_id) is None:
        return True
    state = execution_state.of(condition.task_id)
    if condition.outcome is not None and not _came_of(state, condition.outcome):
        return False
    return condition.files_changed is None or any(_matches(path, condition.files_changed) for path in state.files)


def _came_of(state: TaskExecution, outcome: str) -> bool:
    """FAILED is a task that a person has skipped after it had failed."""
    return state.gave_up if outcome == "FAILED" else state.status is TaskStatus(outcome)


def _matches(path: str, pattern: str) -> bool:
    return PurePosixPath(path).full_match(pattern)
