"""Which gates may open: one mechanism for order, dependencies, approval, pause, failure and limits.

A task's turn comes when everything it must wait for has ended; its gate opens when its turn has come, the plan is
RUNNING, a person has approved it where one must, and there is room.
"""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import PurePosixPath

from groundwork.execution.state import Standing, TaskStanding, approval_of
from groundwork.plans.graph import by_effort, ways_ahead
from groundwork.plans.model import Condition, Phase, PlanStatus, Task, TaskStatus


def before(phase: Phase, task: Task) -> list[str]:
    """The tasks of its own phase that it comes after by the phase's order, not by what it depends on."""
    if phase.mode == "parallel":
        return []
    return list(takewhile(lambda id_: id_ != task.id, (other.id for other in phase.tasks)))


def phases_begun(standing: Standing) -> Iterator[Phase]:
    """Those whose turn has come: all that have ended, and the first that has not."""
    for phase in standing.plan.phases:
        yield phase
        if not standing.phase_ended(phase):
            return


def is_due(standing: Standing, phase: Phase, task: Task) -> bool:
    """Whether its turn has come, given that its phase's has: what is left is the plan's state, approval and room."""
    if not all(standing.of(other).ended for other in before(phase, task)):
        return False
    return all(standing.of(other).released for other in task.depends_on)


def due(standing: Standing) -> list[tuple[Phase, Task]]:
    """The tasks whose turn has come and that have not begun; what most is waiting behind goes first."""
    found: list[tuple[Phase, Task]] = []
    for phase in phases_begun(standing):
        could = phase.tasks if phase.mode == "parallel" else _next(standing, phase)
        waiting = [task for task in could if standing.of(task.id).waits and is_due(standing, phase, task)]
        if len(waiting) > 1:
            ahead = _ahead(phase)
            waiting.sort(key=lambda task: -ahead[task.id])
        found += [(phase, task) for task in waiting]
    return found


def _next(standing: Standing, phase: Phase) -> tuple[Task, ...]:
    """Of a phase that goes in order, the one whose turn it is."""
    return next(((task,) for task in phase.tasks if not standing.of(task.id).ended), ())


def _ahead(phase: Phase) -> dict[str, float]:
    """The longest way from each task's beginning to the end of its phase, in seconds."""
    costs = {task.id: by_effort(task) for task in phase.tasks}
    graph = {task.id: [other for other in task.depends_on if other in costs] for task in phase.tasks}
    return ways_ahead(graph, costs)


def needs_approval(phase: Phase, task: Task, state: TaskStanding) -> bool:
    return phase.mode == "manual" and state.approved != approval_of(task)


def openable(standing: Standing) -> list[str]:
    """Tasks at gates that may open now, were there room for all of them."""
    if standing.status is not PlanStatus.RUNNING:
        return []
    return [
        task.id
        for phase, task in due(standing)
        if standing.at_gate(task.id) and not needs_approval(phase, task, standing.of(task.id))
    ]


def room(standing: Standing) -> int:
    """How many more tasks the plan's own limit lets begin."""
    return max(0, standing.plan.max_parallel - len(standing.running))


def holds(standing: Standing, condition: Condition | None) -> bool:
    """Whether what it asks of an earlier task has come of it. A task that is gone asks nothing any more."""
    if condition is None or standing.plan.task(condition.task_id) is None:
        return True
    state = standing.of(condition.task_id)
    if condition.outcome is not None and not _came_of(state, condition.outcome):
        return False
    return condition.files_changed is None or any(_matches(path, condition.files_changed) for path in state.files)


def _came_of(state: TaskStanding, outcome: str) -> bool:
    """FAILED is a task that a person has skipped after it had failed."""
    return state.gave_up if outcome == "FAILED" else state.status is TaskStatus(outcome)


def _matches(path: str, pattern: str) -> bool:
    return PurePosixPath(path).full_match(pattern)
