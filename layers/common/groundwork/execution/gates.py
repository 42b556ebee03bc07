"""Gates of tasks: which task may start next, as one mechanism for all conditions.

Order, dependencies, approval, pause, failure and limits keep a gate shut. `reconcile` opens as many as slots allow.

A task is due when everything before it has ended. The gate of a due task opens when the plan is RUNNING, any approval
it needs is given, and a slot is free.
"""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import PurePosixPath

from groundwork.execution.state import ExecutionState, TaskExecution, approval_fingerprint
from groundwork.plans.graph import by_effort, remaining_costs
from groundwork.plans.model import Condition, Phase, PlanStatus, Task, TaskStatus


def earlier_in_phase(phase: Phase, task: Task) -> list[str]:
    """List tasks before this one by the order of its phase, dependencies not included."""
    if phase.mode == "parallel":
        return []
    return list(takewhile(lambda id_: id_ != task.id, (other.id for other in phase.tasks)))


def started_phases(execution_state: ExecutionState) -> Iterator[Phase]:
    """Yield all ended phases and the first unfinished one."""
    for phase in execution_state.plan.phases:
        yield phase
        if not execution_state.phase_ended(phase):
            return


def is_due(execution_state: ExecutionState, phase: Phase, task: Task) -> bool:
    """True if all tasks before it have ended. The phase itself must have started."""
    # the order of a phase asks only for an end; a dependency must also have released its dependents
    if not all(execution_state.of(other).ended for other in earlier_in_phase(phase, task)):
        return False
    return all(execution_state.of(other).released for other in task.depends_on)


def due_tasks(execution_state: ExecutionState) -> list[tuple[Phase, Task]]:
    """List due tasks, those with the longest path behind them first."""
    found: list[tuple[Phase, Task]] = []
    for phase in started_phases(execution_state):
        candidates = phase.tasks if phase.mode == "parallel" else _current_task(execution_state, phase)
        waiting = [
            task
            for task in candidates
            if execution_state.of(task.id).is_waiting and is_due(execution_state, phase, task)
        ]
        if len(waiting) > 1:
            # with few slots the phase ends sooner if the longest path never waits
            ahead = _critical_paths(phase)
            waiting.sort(key=lambda task: -ahead[task.id])
        found += [(phase, task) for task in waiting]
    return found


def _current_task(execution_state: ExecutionState, phase: Phase) -> tuple[Task, ...]:
    """The first unfinished task of a sequential phase."""
    return next(((task,) for task in phase.tasks if not execution_state.of(task.id).ended), ())


def _critical_paths(phase: Phase) -> dict[str, float]:
    """Longest path in seconds from each task's start to the end of its phase."""
    costs = {task.id: by_effort(task) for task in phase.tasks}
    graph = {task.id: [other for other in task.depends_on if other in costs] for task in phase.tasks}
    return remaining_costs(graph, costs)


def needs_approval(phase: Phase, task: Task, state: TaskExecution) -> bool:
    return phase.mode == "manual" and state.approved != approval_fingerprint(task)


def openable_gates(execution_state: ExecutionState) -> list[str]:
    """List due tasks at gates that may open, free slots aside."""
    if execution_state.status is not PlanStatus.RUNNING:
        return []
    return [
        task.id
        for phase, task in due_tasks(execution_state)
        if execution_state.at_gate(task.id) and not needs_approval(phase, task, execution_state.of(task.id))
    ]


def free_slots(execution_state: ExecutionState) -> int:
    """Number of tasks that may still start under the plan's own limit."""
    return max(0, execution_state.plan.max_parallel - len(execution_state.running))


def condition_met(execution_state: ExecutionState, condition: Condition | None) -> bool:
    """True if the earlier task meets the condition. A deleted task imposes none."""
    if condition is None or execution_state.plan.task(condition.task_id) is None:
        return True
    state = execution_state.of(condition.task_id)
    if condition.outcome is not None and not _has_outcome(state, condition.outcome):
        return False
    return condition.files_changed is None or any(_matches(path, condition.files_changed) for path in state.files)


def _has_outcome(state: TaskExecution, outcome: str) -> bool:
    """FAILED means a task skipped by a user after it had failed."""
    return state.skipped_after_failure if outcome == "FAILED" else state.status is TaskStatus(outcome)


def _matches(path: str, pattern: str) -> bool:
    # not `match`: only in `full_match` does ** cross folders
    return PurePosixPath(path).full_match(pattern)
