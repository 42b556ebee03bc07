"""Validation rules of every plan: from people, the model, suggestions and templates.

Codes are stable: front ends translate them, and the model gets them to correct its answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import ValidationError

from groundwork.ids import Kind, path_of
from groundwork.plans.errors import InvalidPlan
from groundwork.plans.model import MAX_BYTES, MAX_PHASES, MAX_STORIES, MAX_TASKS, Phase, Plan, Task, links


class FaultCode(StrEnum):
    """Codes of the validation errors."""

    UNKNOWN_DEPENDENCY = "UNKNOWN_DEPENDENCY"
    SELF_DEPENDENCY = "SELF_DEPENDENCY"
    DUPLICATE_DEPENDENCY = "DUPLICATE_DEPENDENCY"
    CYCLE = "CYCLE"
    LATER_PHASE = "LATER_PHASE"
    LATER_IN_PHASE = "LATER_IN_PHASE"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    DUPLICATE_ID = "DUPLICATE_ID"
    EMPTY_PHASE = "EMPTY_PHASE"
    NO_PHASE = "NO_PHASE"
    TOO_MANY_TASKS = "TOO_MANY_TASKS"
    TOO_MANY_PHASES = "TOO_MANY_PHASES"
    TOO_MANY_STORIES = "TOO_MANY_STORIES"
    TOO_LARGE = "TOO_LARGE"
    TEXT = "TEXT"
    UNKNOWN_CONDITION = "UNKNOWN_CONDITION"
    UNKNOWN_STORY = "UNKNOWN_STORY"


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule. `path` holds the keys of a cycle, from a task back to itself."""

    code: FaultCode
    field: str
    message: str
    path: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        fault = {"field": self.field, "message": self.message, "code": self.code.value}
        return fault | {"path": list(self.path)} if self.path else fault


@dataclass(frozen=True, slots=True)
class TaskPosition:
    """Position of a task: phase index, index in the phase, and the phase's ordering."""

    phase: int
    position: int
    ordered: bool

    @property
    def field(self) -> str:
        return f"phases[{self.phase}].tasks[{self.position}]"


def faults(plan: Plan, complete: bool = False) -> list[Fault]:
    """Return all faults. `complete`: as required for execution; a draft may have empty phases."""
    places = _places(plan)
    # all faults, not the first one: the model has a single repair of its answer
    found = [*_sizes(plan), *_texts(plan), *_keys(plan), *_dependencies(plan, places), *_conditions(plan, places)]
    found += [*_links(plan), *_cycle(plan)]
    return [*found, *_gaps(plan)] if complete else found


def check(plan: Plan, complete: bool = False) -> Plan:
    """Return the plan itself. Raises InvalidPlan."""
    if found := faults(plan, complete):
        raise InvalidPlan([fault.as_json() for fault in found])
    return plan


def _places(plan: Plan) -> dict[str, TaskPosition]:
    return {
        task.id: TaskPosition(number, position, phase.mode != "parallel")
        for number, phase in enumerate(plan.phases)
        for position, task in enumerate(phase.tasks)
    }


def _sizes(plan: Plan) -> Iterator[Fault]:
    count = sum(len(phase.tasks) for phase in plan.phases)
    if count > MAX_TASKS:
        yield Fault(FaultCode.TOO_MANY_TASKS, "phases", f"{count} tasks exceed the limit of {MAX_TASKS}")
    if len(plan.phases) > MAX_PHASES:
        yield Fault(FaultCode.TOO_MANY_PHASES, "phases", f"{len(plan.phases)} phases exceed the limit of {MAX_PHASES}")
    size = sum(len(phase.model_dump_json().encode(errors="replace")) for phase in plan.phases)
    if size > MAX_BYTES:
        yield Fault(FaultCode.TOO_LARGE, "phases", f"{size} bytes of text exceed the limit of {MAX_BYTES}")
    if len(links(plan)) > MAX_STORIES:
        yield Fault(
            FaultCode.TOO_MANY_STORIES, "storyIds", f"{len(links(plan))} stories exceed the limit of {MAX_STORIES}"
        )


def _texts(plan: Plan) -> Iterator[Fault]:
    """Validate all texts here: `model_copy` does not."""
    for number, phase in enumerate(plan.phases):
        yield from _text_faults(Phase, phase.model_copy(update={"tasks": ()}), f"phases[{number}]")
        for position, task in enumerate(phase.tasks):
            yield from _text_faults(Task, task, f"phases[{number}].tasks[{position}]")
    # without the phases: each was checked above, under its own field
    yield from _text_faults(Plan, plan.changed(phases=()), "plan")


def _text_faults(kind: type[Phase | Task | Plan], value: Phase | Task | Plan, field: str) -> Iterator[Fault]:
    try:
        kind.model_validate(value.model_dump())
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False, include_context=False, include_input=False):
            name = ".".join(str(part) for part in error["loc"])
            yield Fault(FaultCode.TEXT, f"{field}.{name}", f"{name}: {error['msg']}")


def _keys(plan: Plan) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    ids: set[str] = set()
    for place, task in _tasks_with_fields(plan):
        if task.id in ids:
            yield Fault(FaultCode.DUPLICATE_ID, place, f"Two tasks have the id {task.id}")
        ids.add(task.id)
        # people write keys by hand: keys differing only by case would be confused
        if other := seen.setdefault(task.key.casefold(), task.key) if task.key.casefold() in seen else None:
            yield Fault(FaultCode.DUPLICATE_KEY, f"{place}.key", f"Two tasks have the key {other}")
        seen.setdefault(task.key.casefold(), task.key)


def _tasks_with_fields(plan: Plan) -> Iterator[tuple[str, Task]]:
    for number, phase in enumerate(plan.phases):
        for position, task in enumerate(phase.tasks):
            yield f"phases[{number}].tasks[{position}]", task


def _dependencies(plan: Plan, places: Mapping[str, TaskPosition]) -> Iterator[Fault]:
    names = {task.id: task.key for task in plan.tasks}
    for field, task in _tasks_with_fields(plan):
        if len(set(task.depends_on)) < len(task.depends_on):
            yield Fault(FaultCode.DUPLICATE_DEPENDENCY, f"{field}.dependsOn", f"{task.key} names a dependency twice")
        for other in dict.fromkeys(task.depends_on):
            if fault := _dependency(task, other, names, places):
                yield Fault(fault[0], f"{field}.dependsOn", fault[1])


def _dependency(
    task: Task, other: str, names: Mapping[str, str], places: Mapping[str, TaskPosition]
) -> tuple[FaultCode, str] | None:
    if other == task.id:
        return FaultCode.SELF_DEPENDENCY, f"{task.key} depends on itself"
    if other not in places:
        return FaultCode.UNKNOWN_DEPENDENCY, f"{task.key} depends on {other}, not a task of this plan"
    mine, theirs = places[task.id], places[other]
    if theirs.phase > mine.phase:
        return FaultCode.LATER_PHASE, f"{task.key} depends on {names[other]} in a later phase"
    if theirs.phase == mine.phase and mine.ordered and theirs.position > mine.position:
        return FaultCode.LATER_IN_PHASE, f"{task.key} depends on {names[other]}, later in the same phase"
    return None


def _cycle(plan: Plan) -> list[Fault]:
    """Return the first cycle, with its path in execution order: each task is needed by the next."""
    ids = {task.id for task in plan.tasks}
    # unknown tasks and self-dependencies are faults of their own: without them each cycle is a real one
    graph = {task.id: [other for other in task.depends_on if other in ids and other != task.id] for task in plan.tasks}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        names = {task.id: task.key for task in plan.tasks}
        path = tuple(names[id_] for id_ in cycle.args[1])
        return [Fault(FaultCode.CYCLE, "phases", f"These tasks wait for each other: {' → '.join(path)}", path)]
    return []


def _conditions(plan: Plan, places: Mapping[str, TaskPosition]) -> Iterator[Fault]:
    """A condition must name a task of an earlier phase, or a dependency of the task."""
    for number, phase in enumerate(plan.phases):
        if phase.condition and not _is_earlier(phase.condition.task_id, number, places):
            yield _condition_fault(f"phases[{number}]", phase.condition.task_id)
        for position, task in enumerate(phase.tasks):
            named = task.condition.task_id if task.condition else None
            if named and named not in task.depends_on and not _is_earlier(named, number, places):
                yield _condition_fault(f"phases[{number}].tasks[{position}]", named)


def _is_earlier(task_id: str, phase: int, places: Mapping[str, TaskPosition]) -> bool:
    return task_id in places and places[task_id].phase < phase


def _condition_fault(field: str, task_id: str) -> Fault:
    return Fault(
        FaultCode.UNKNOWN_CONDITION,
        f"{field}.condition",
        f"The condition names {task_id}, not an earlier task or dependency",
    )


def _links(plan: Plan) -> Iterator[Fault]:
    """Check the shape of story and subtask ids; the store checks their existence."""
    for id_ in plan.story_ids:
        if path_of(Kind.STORY, id_) is None:
            yield Fault(FaultCode.UNKNOWN_STORY, "storyIds", f"{id_!r} is not a story")
    for field, task in _tasks_with_fields(plan):
        if task.story_id and path_of(Kind.STORY, task.story_id) is None:
            yield Fault(FaultCode.UNKNOWN_STORY, f"{field}.storyId", f"{task.story_id!r} is not a story")
        subtask = path_of(Kind.SUBTASK, task.subtask_id) if task.subtask_id else None
        if task.subtask_id and (subtask is None or str(subtask.parent) != task.story_id):
            yield Fault(
                FaultCode.UNKNOWN_STORY, f"{field}.subtaskId", f"{task.subtask_id!r} is not a subtask of its story"
            )


def _gaps(plan: Plan) -> Iterator[Fault]:
    if not plan.phases:
        yield Fault(FaultCode.NO_PHASE, "phases", "The plan has no phase")
    for number, phase in enumerate(plan.phases):
        if not phase.tasks:
            yield Fault(FaultCode.EMPTY_PHASE, f"phases[{number}]", f"The phase {phase.title!r} has no task")
