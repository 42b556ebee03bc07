"""Plans before their tasks have ids; tasks refer to each other by key.

Plans from every source pass through here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from groundwork.backlog.model import Effort, LongText
from groundwork.plans.errors import InvalidPlan
from groundwork.plans.model import (
    MAX_PHASES,
    MAX_TASKS,
    Condition,
    Criteria,
    Files,
    Id,
    Key,
    MaxCostUsd,
    ModelEffort,
    ModelId,
    Phase,
    PhaseMode,
    Plan,
    References,
    Task,
    Title,
)
from groundwork.plans.validation import Fault, FaultCode
from groundwork.values import Stored, is_none, is_unused, stored_as


class TaskDraft(Stored):
    """A new task. `dependsOn` holds keys of the same draft, or ids or keys of the plan's tasks."""

    key: Annotated[Key | None, stored_as("key")] = None
    title: Annotated[Title, stored_as("title")]
    description: Annotated[LongText, stored_as("description")] = ""
    acceptance_criteria: Annotated[Criteria, stored_as("acceptanceCriteria")] = ()
    depends_on: Annotated[References, stored_as("dependsOn")] = ()
    repository_id: Annotated[Id | None, stored_as("repositoryId")] = None
    effort: Annotated[Effort, stored_as("effort")] = "M"
    files: Annotated[Files, stored_as("files")] = ()
    story_id: Annotated[Id | None, stored_as("storyId")] = None
    subtask_id: Annotated[Id | None, stored_as("subtaskId")] = None
    change_asked: Annotated[bool, stored_as("changeAsked")] = True
    max_cost_usd: Annotated[MaxCostUsd | None, stored_as("maxCostUsd"), Field(exclude_if=is_unused)] = None
    model: Annotated[ModelId | None, stored_as("model"), Field(exclude_if=is_unused)] = None
    model_effort: Annotated[ModelEffort | None, stored_as("modelEffort"), Field(exclude_if=is_unused)] = None
    review: Annotated[bool | None, stored_as("review"), Field(exclude_if=is_none)] = None
    condition: Annotated[Condition | None, stored_as("condition")] = None


class PhaseDraft(Stored):
    title: Annotated[Title, stored_as("title")]
    description: Annotated[LongText, stored_as("description")] = ""
    mode: Annotated[PhaseMode, stored_as("mode")] = "sequential"
    pause_after: Annotated[bool, stored_as("pauseAfter")] = False
    condition: Annotated[Condition | None, stored_as("condition")] = None
    tasks: Annotated[Annotated[tuple[TaskDraft, ...], Field(max_length=MAX_TASKS)], stored_as("tasks")] = ()


Phases = Annotated[tuple[PhaseDraft, ...], Field(max_length=MAX_PHASES)]


def add_phases(plan: Plan, drafts: Sequence[PhaseDraft]) -> Plan:
    """Append phases; give ids to phases and tasks. Raises InvalidPlan for a duplicate key."""
    taken = _taken_keys(plan, [task for draft in drafts for task in draft.tasks])
    numbered: list[tuple[str, PhaseDraft, list[tuple[str, TaskDraft]]]] = []
    for draft in drafts:
        plan, phase_id = plan.with_phase_id()
        tasks: list[tuple[str, TaskDraft]] = []
        for task in draft.tasks:
            plan, task_id = _next_task_id(plan, task, taken)
            tasks.append((task_id, task))
        numbered.append((phase_id, draft, tasks))
    # after all ids are given: a task may name a later one of the draft
    names = ids_by_name(plan, [pair for _, _, tasks in numbered for pair in tasks])
    phases = tuple(_phase(id_, draft, tasks, names) for id_, draft, tasks in numbered)
    return plan.changed(phases=(*plan.phases, *phases))


def number_tasks(plan: Plan, drafts: Sequence[TaskDraft]) -> tuple[Plan, tuple[Task, ...]]:
    """Return the plan with the numbers used, and the tasks, not yet added to it."""
    taken = _taken_keys(plan, drafts)
    numbered: list[tuple[str, TaskDraft]] = []
    for draft in drafts:
        plan, task_id = _next_task_id(plan, draft, taken)
        numbered.append((task_id, draft))
    names = ids_by_name(plan, numbered)
    return plan, tuple(_task(id_, draft, names) for id_, draft in numbered)


def ids_by_name(plan: Plan, new: Iterable[tuple[str, TaskDraft]] = ()) -> dict[str, str]:
    """Return task ids by key (case-insensitive) and by id."""
    names = {task.key.casefold(): task.id for task in plan.tasks} | {task.id.casefold(): task.id for task in plan.tasks}
    return names | {key_of(id_, draft).casefold(): id_ for id_, draft in new}


def resolve(reference: str, names: Mapping[str, str]) -> str:
    """Return the id of a reference; an unknown one stays as it is, for the validator to report."""
    return names.get(reference.strip().casefold(), reference)


def key_of(task_id: str, draft: TaskDraft) -> str:
    return draft.key or task_id.rpartition("-")[2]


def make_key(title: str, taken: Iterable[str]) -> str:
    """Make a short key from a title, unlike the keys taken."""
    words = re.findall(r"[a-z0-9]+", title.casefold())[:4]
    # a key has at most 40 characters: this leaves room for a number
    stem = "-".join(words)[:32].strip("-") or "task"
    lowered = {key.casefold() for key in taken}
    number = 1
    while (key := stem if number == 1 else f"{stem}-{number}") in lowered:
        number += 1
    return key


def _taken_keys(plan: Plan, drafts: Iterable[TaskDraft]) -> set[str]:
    """Keys of the plan and of the drafts, in lower case. Raises InvalidPlan.

    Dependencies refer to tasks by key: a duplicate would make them ambiguous.
    """
    taken = {task.key.casefold() for task in plan.tasks}
    for draft in drafts:
        key = (draft.key or "").casefold()
        if key and key in taken:
            raise InvalidPlan([Fault(FaultCode.DUPLICATE_KEY, "key", f"Two tasks have the key {draft.key}").as_json()])
        taken.add(key)
    return taken


def _next_task_id(plan: Plan, draft: TaskDraft, taken: set[str]) -> tuple[Plan, str]:
    """Return the next task id. A task without a key is keyed by its number, so skip keys in use."""
    plan, task_id = plan.with_task_id()
    while draft.key is None and key_of(task_id, draft).casefold() in taken:
        plan, task_id = plan.with_task_id()
    return plan, task_id


def _phase(id_: str, draft: PhaseDraft, tasks: Sequence[tuple[str, TaskDraft]], names: Mapping[str, str]) -> Phase:
    return Phase(
        id=id_,
        title=draft.title.strip(),
        description=draft.description,
        mode=draft.mode,
        pause_after=draft.pause_after,
        condition=_condition(draft.condition, names),
        tasks=tuple(_task(task_id, task, names) for task_id, task in tasks),
    )


def _task(id_: str, draft: TaskDraft, names: Mapping[str, str]) -> Task:
    fields = {name: getattr(draft, name) for name in TaskDraft.model_fields}
    fields |= {
        "key": key_of(id_, draft),
        "depends_on": tuple(dict.fromkeys(resolve(other, names) for other in draft.depends_on)),
        "condition": _condition(draft.condition, names),
    }
    return Task(id=id_, **fields)


def _condition(condition: Condition | None, names: Mapping[str, str]) -> Condition | None:
    if condition is None:
        return None
    return condition.model_copy(update={"task_id": resolve(condition.task_id, names)})
