"""Guard edits of an executing plan.

An edit may change texts and links of pending tasks, or delete them, and change the plan's cost limit. Everything else
(task states, phases, the plan's other fields) belongs to the execution: cancel the plan to change it. So does the
repository of each task: the plan's start fixed its checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.plans.errors import PlanNotEditable, TaskAlreadyStarted
from groundwork.plans.model import Phase, Plan, Task, TaskState, TaskStatus, details

MAX_EDITED_TASKS = 80
"""Tasks one edit may change: the commit checks each of them in its transaction."""


@dataclass(frozen=True, slots=True)
class ChangedElements:
    """Ids of tasks an edit changes or removes.

    A changed task must not have started; a removed task must not even wait at a gate.
    """

    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return self.changed + self.removed


def refusal(guarded: ChangedElements, states: Mapping[str, TaskState]) -> TaskAlreadyStarted | None:
    """Return the error if a task's state forbids the edit, else None."""

    def status(task_id: str) -> TaskStatus:
        return states[task_id].status if task_id in states else TaskStatus.PENDING

    started = [id_ for id_ in guarded.ids if status(id_).started]
    waiting = [id_ for id_ in guarded.removed if id_ not in started and status(id_) is not TaskStatus.PENDING]
    return TaskAlreadyStarted(started, waiting) if started or waiting else None


def changed_elements(before: Plan, after: Plan) -> ChangedElements:
    """Return the tasks an edit changes; empty unless the plan is executing.

    Raises PlanNotEditable for any other change during execution.
    """
    if not before.status.executing:
        return ChangedElements()
    if _fixed(before) != _fixed(after) or list(map(_without_tasks, before.phases)) != list(
        map(_without_tasks, after.phases)
    ):
        raise PlanNotEditable("During execution only tasks can be edited.")
    known = {task.id: task for task in before.tasks}
    kept = {task.id: task for task in after.tasks}
    # the running execution relies on this order
    if kept.keys() - known.keys() or _task_order(before, kept) != _task_order(after, kept):
        raise PlanNotEditable("During execution tasks can be neither added nor moved.")
    _require_repositories(_repositories(before), _repositories(after))
    changed = tuple(id_ for id_, task in kept.items() if task != known[id_])
    removed = tuple(id_ for id_ in known if id_ not in kept)
    if len(changed) + len(removed) > MAX_EDITED_TASKS:
        raise PlanNotEditable(f"During execution an edit may change at most {MAX_EDITED_TASKS} tasks.")
    return ChangedElements(changed, removed)


def _repositories(plan: Plan) -> dict[str, str]:
    """Return the repository of each task; a task without one uses the plan's."""
    return {task.id: task.repository_id or plan.repository_id for task in plan.tasks}


def _require_repositories(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    moved = [id_ for id_, repository_id in after.items() if repository_id != before[id_]]
    if moved:
        # the checks of another repository are unknown to the execution: the change would land without any
        raise PlanNotEditable(f"During execution repositoryId cannot change (task {moved[0]}).")


def _fixed(plan: Plan) -> dict[str, Any]:
    # a plan paused at its cost limit resumes with a higher one
    return details(plan.changed(max_cost_usd=None))


def _without_tasks(phase: Phase) -> Phase:
    return phase.model_copy(update={"tasks": ()})


def _task_order(plan: Plan, kept: dict[str, Task]) -> list[list[str]]:
    return [[task.id for task in phase.tasks if task.id in kept] for phase in plan.phases]
