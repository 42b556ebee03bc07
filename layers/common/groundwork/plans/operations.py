"""The operations that change a plan, used by editors and suggestions alike.

`apply` performs one of them. Validation happens once, after all operations of an edit.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from groundwork.errors import Invalid, NotFound
from groundwork.plans.draft import PhaseDraft, TaskDraft, add_phases, ids_by_name, number_tasks, resolve
from groundwork.plans.errors import HasDependents
from groundwork.plans.model import MAX_PHASES, MAX_TASKS, Condition, Phase, Plan, References, Task
from groundwork.values import Stored, stored_as

Position = Annotated[int, Field(ge=0, le=MAX_TASKS)]
Dependents = Literal["refuse", "repair"]

# a stored name stays when its Python name changes: stored suggestions must remain readable
FIELD_NAMES = {
    "acceptance_criteria": "acceptance_criteria",
    "auto_commit": "auto_commit",
    "branch": "branch",
    "change_asked": "change_asked",
    "condition": "condition",
    "depends_on": "depends_on",
    "description": "description",
    "effort": "effort",
    "files": "files",
    "key": "key",
    "max_cost_usd": "max_cost_usd",
    "max_parallel": "max_parallel",
    "mode": "mode",
    "model": "model",
    "model_effort": "model_effort",
    "pause_after": "pause_after",
    "repository_id": "repository_id",
    "review": "review",
    "story_id": "story_id",
    "story_ids": "story_ids",
    "subtask_id": "subtask_id",
    "title": "title",
}
"""The stored name of each field an update can change, by Python name."""

_PYTHON_NAMES = {stored: name for name, stored in FIELD_NAMES.items()}


def _by_python_name(fields: Any) -> Any:
    return (
        {_PYTHON_NAMES.get(name, name): value for name, value in fields.items()} if isinstance(fields, dict) else fields
    )


def _by_stored_name(fields: dict[str, Any]) -> dict[str, Any]:
    return {FIELD_NAMES.get(name, name): _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    return value.stored() if isinstance(value, Stored) else value


Fields = Annotated[dict[str, Any], BeforeValidator(_by_python_name), PlainSerializer(_by_stored_name)]
"""Changed fields: Python names in memory, names of `FIELD_NAMES` in stored suggestions."""


class UpdatePlan(Stored):
    """`fields`: the plan's own fields, by Python name."""

    type: Annotated[Literal["update_plan"], stored_as("type")] = "update_plan"
    fields: Annotated[Fields, stored_as("fields")]


class AddPhase(Stored):
    type: Annotated[Literal["add_phase"], stored_as("type")] = "add_phase"
    phase: Annotated[PhaseDraft, stored_as("phase")]
    position: Annotated[Annotated[int, Field(ge=0, le=MAX_PHASES)] | None, stored_as("position")] = None


class UpdatePhase(Stored):
    type: Annotated[Literal["update_phase"], stored_as("type")] = "update_phase"
    phase_id: Annotated[str, stored_as("phaseId")]
    fields: Annotated[Fields, stored_as("fields")]


class RemovePhase(Stored):
    type: Annotated[Literal["remove_phase"], stored_as("type")] = "remove_phase"
    phase_id: Annotated[str, stored_as("phaseId")]
    dependents: Annotated[Dependents, stored_as("dependents")] = "refuse"


class MovePhase(Stored):
    type: Annotated[Literal["move_phase"], stored_as("type")] = "move_phase"
    phase_id: Annotated[str, stored_as("phaseId")]
    position: Annotated[Annotated[int, Field(ge=0, le=MAX_PHASES)], stored_as("position")]


class AddTask(Stored):
    """`ahead_of`: the task to insert before; overrides `position` while it is in the phase."""

    type: Annotated[Literal["add"], stored_as("type")] = "add"
    phase_id: Annotated[str, stored_as("phaseId")]
    task: Annotated[TaskDraft, stored_as("task")]
    position: Annotated[Position | None, stored_as("position")] = None
    ahead_of: Annotated[str | None, stored_as("aheadOf")] = None
    needed_by: Annotated[References, stored_as("neededBy")] = ()


class UpdateTask(Stored):
    """`fields`: texts of a task, by Python name. `ChangeDependencies` changes dependencies."""

    type: Annotated[Literal["update"], stored_as("type")] = "update"
    task_id: Annotated[str, stored_as("taskId")]
    fields: Annotated[Fields, stored_as("fields")]


class RemoveTask(Stored):
    type: Annotated[Literal["remove"], stored_as("type")] = "remove"
    task_id: Annotated[str, stored_as("taskId")]
    dependents: Annotated[Dependents, stored_as("dependents")] = "repair"


class SplitTask(Stored):
    """Replaces a task by its parts: they take its position, dependencies and dependents."""

    type: Annotated[Literal["split"], stored_as("type")] = "split"
    task_id: Annotated[str, stored_as("taskId")]
    parts: Annotated[Annotated[tuple[TaskDraft, ...], Field(min_length=2, max_length=20)], stored_as("parts")]


class MoveTask(Stored):
    """Moves a task. `position` null is the end of the phase; `ahead_of` as in `AddTask`."""

    type: Annotated[Literal["move"], stored_as("type")] = "move"
    task_id: Annotated[str, stored_as("taskId")]
    phase_id: Annotated[str, stored_as("phaseId")]
    position: Annotated[Position | None, stored_as("position")] = None
    ahead_of: Annotated[str | None, stored_as("aheadOf")] = None


class Reorder(Stored):
    """Puts the named tasks of a phase in this order; other tasks keep their order behind them."""

    type: Annotated[Literal["reorder"], stored_as("type")] = "reorder"
    phase_id: Annotated[str, stored_as("phaseId")]
    task_ids: Annotated[Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_TASKS)], stored_as("taskIds")]


class ChangeDependencies(Stored):
    type: Annotated[Literal["dependencies"], stored_as("type")] = "dependencies"
    task_id: Annotated[str, stored_as("taskId")]
    depends_on: Annotated[References, stored_as("dependsOn")]


Operation = (
    UpdatePlan
    | AddPhase
    | UpdatePhase
    | RemovePhase
    | MovePhase
    | AddTask
    | UpdateTask
    | RemoveTask
    | SplitTask
    | MoveTask
    | Reorder
    | ChangeDependencies
)
AnyOperation = Annotated[Operation, Field(discriminator="type")]


def apply(plan: Plan, operation: Operation) -> Plan:
    """Return the plan after one operation. Raises NotFound, HasDependents, Invalid."""
    handler: Callable[[Plan, Any], Plan] = _HANDLERS[type(operation)]
    return handler(plan, operation)


def _update_plan(plan: Plan, operation: UpdatePlan) -> Plan:
    return plan.changed(**operation.fields)


def _add_phase(plan: Plan, operation: AddPhase) -> Plan:
    grown = add_phases(plan, [operation.phase])
    *others, new = grown.phases
    return grown.changed(phases=_insert(others, [new], operation.position))


def _update_phase(plan: Plan, operation: UpdatePhase) -> Plan:
    phase = _phase(plan, operation.phase_id)
    return _with_phase(plan, phase.model_copy(update=_parse_fields(plan, operation.fields)))


def _remove_phase(plan: Plan, operation: RemovePhase) -> Plan:
    """Refuse while outside tasks depend on the phase, or link them to its dependencies."""
    phase = _phase(plan, operation.phase_id)
    inside = {phase.id, *(task.id for task in phase.tasks)}
    outside = [id_ for task in phase.tasks for id_ in dependents_of(plan, task.id) if id_ not in inside]
    if operation.dependents == "refuse" and outside:
        raise HasDependents(list(dict.fromkeys(outside)))
    for task in phase.tasks:
        # read the task again: removing its predecessors has changed its dependencies
        plan = _remove(plan, task, _task(plan, task.id).depends_on)
    return plan.changed(phases=tuple(other for other in plan.phases if other.id != phase.id))


def _move_phase(plan: Plan, operation: MovePhase) -> Plan:
    phase = _phase(plan, operation.phase_id)
    others = [other for other in plan.phases if other.id != phase.id]
    return plan.changed(phases=_insert(others, [phase], operation.position))


def _add_task(plan: Plan, operation: AddTask) -> Plan:
    _phase(plan, operation.phase_id)
    plan, (task,) = number_tasks(plan, [operation.task])
    plan = _place(plan, operation.phase_id, [task], operation.position, operation.ahead_of)
    names = ids_by_name(plan)
    for other in operation.needed_by:
        needing = _task(plan, resolve(other, names))
        depends_on = tuple(dict.fromkeys([*needing.depends_on, task.id]))
        plan = _with_task(plan, needing.model_copy(update={"depends_on": depends_on}))
    return plan


def _update_task(plan: Plan, operation: UpdateTask) -> Plan:
    task = _task(plan, operation.task_id)
    return _with_task(plan, task.model_copy(update=_parse_fields(plan, operation.fields)))


def _remove_task(plan: Plan, operation: RemoveTask) -> Plan:
    task = _task(plan, operation.task_id)
    dependents = dependents_of(plan, task.id)
    if operation.dependents == "refuse" and dependents:
        raise HasDependents(dependents)
    return _remove(plan, task, task.depends_on)


def _split_task(plan: Plan, operation: SplitTask) -> Plan:
    task = _task(plan, operation.task_id)
    phase = plan.phase_of(task.id)
    assert phase is not None
    position = phase.tasks.index(task)
    # remove the old task first: a part may reuse its key
    bare = _with_phase(plan, phase.model_copy(update={"tasks": tuple(t for t in phase.tasks if t.id != task.id)}))
    bare, parts = number_tasks(bare, operation.parts)
    ids = {part.id for part in parts}
    inherited = [_inherit(part, task, ids) for part in parts]
    last = [part.id for part in parts if not any(part.id in other.depends_on for other in parts)]
    replacement = last[0] if len(last) == 1 else None
    if replacement is None and any(
        element.condition and element.condition.task_id == task.id for element in _elements(bare)
    ):
        raise Invalid.field("parts", "a condition names the task, so one part must depend on all others")
    return _relink(_place(bare, phase.id, inherited, position), task.id, last, replacement)


def _inherit(part: Task, whole: Task, parts: Iterable[str]) -> Task:
    first = not set(part.depends_on) & set(parts)
    # a part needs the dependency its condition refers to, as the whole task did
    condition_dependencies = [id_ for id_ in whole.depends_on if whole.condition and id_ == whole.condition.task_id]
    depends_on = tuple(dict.fromkeys([*(whole.depends_on if first else condition_dependencies), *part.depends_on]))
    inherited = ("story_id", "subtask_id", "repository_id", "change_asked")
    kept = {name: getattr(whole, name) for name in inherited}
    links = {name: getattr(part, name) or value for name, value in kept.items()}
    return part.model_copy(update=links | {"depends_on": depends_on, "condition": part.condition or whole.condition})


def _move_task(plan: Plan, operation: MoveTask) -> Plan:
    task = _task(plan, operation.task_id)
    _phase(plan, operation.phase_id)
    rest = plan.changed(
        phases=tuple(
            phase.model_copy(update={"tasks": tuple(t for t in phase.tasks if t.id != task.id)})
            for phase in plan.phases
        )
    )
    return _place(rest, operation.phase_id, [task], operation.position, operation.ahead_of)


def _reorder(plan: Plan, operation: Reorder) -> Plan:
    phase = _phase(plan, operation.phase_id)
    by_id = {task.id: task for task in phase.tasks}
    ordered_ids = list(dict.fromkeys(operation.task_ids))
    if unknown := [id_ for id_ in ordered_ids if id_ not in by_id]:
        raise Invalid.field("taskIds", f"{unknown[0]} is not a task of this phase")
    rest = [task for task in phase.tasks if task.id not in ordered_ids]
    return _with_phase(plan, phase.model_copy(update={"tasks": (*(by_id[id_] for id_ in ordered_ids), *rest)}))


def _change_dependencies(plan: Plan, operation: ChangeDependencies) -> Plan:
    task = _task(plan, operation.task_id)
    names = ids_by_name(plan)
    depends_on = tuple(dict.fromkeys(resolve(other, names) for other in operation.depends_on))
    return _with_task(plan, task.model_copy(update={"depends_on": depends_on}))


_HANDLERS: dict[type[Any], Callable[[Plan, Any], Plan]] = {
    UpdatePlan: _update_plan,
    AddPhase: _add_phase,
    UpdatePhase: _update_phase,
    RemovePhase: _remove_phase,
    MovePhase: _move_phase,
    AddTask: _add_task,
    UpdateTask: _update_task,
    RemoveTask: _remove_task,
    SplitTask: _split_task,
    MoveTask: _move_task,
    Reorder: _reorder,
    ChangeDependencies: _change_dependencies,
}


def dependents_of(plan: Plan, task_id: str) -> list[str]:
    """Ids of tasks and phases that depend on a task or whose condition names it."""
    tasks = [
        task.id
        for task in plan.tasks
        if task_id in task.depends_on or (task.condition and task.condition.task_id == task_id)
    ]
    return tasks + [phase.id for phase in plan.phases if phase.condition and phase.condition.task_id == task_id]


def _remove(plan: Plan, task: Task, instead: Iterable[str]) -> Plan:
    phases = tuple(
        phase.model_copy(update={"tasks": tuple(other for other in phase.tasks if other.id != task.id)})
        for phase in plan.phases
    )
    return _relink(plan.changed(phases=phases), task.id, instead)


def _elements(plan: Plan) -> Iterator[Phase | Task]:
    for phase in plan.phases:
        yield phase
        yield from phase.tasks


def _relink(plan: Plan, removed_id: str, instead: Iterable[str], replacement: str | None = None) -> Plan:
    """Replace dependencies on a removed task by `instead`.

    Conditions on it name `replacement`, or are removed.
    """
    others = list(instead)

    def relink_task(task: Task) -> Task:
        links = [new for old in task.depends_on for new in (others if old == removed_id else [old])]
        # a part of a split may name the old task, and would then depend on itself
        depends_on = tuple(dict.fromkeys(id_ for id_ in links if id_ != task.id))
        return task.model_copy(
            update={"depends_on": depends_on, "condition": _inherit_condition(task.condition, removed_id, replacement)}
        )

    return plan.changed(
        phases=tuple(
            phase.model_copy(
                update={
                    "tasks": tuple(map(relink_task, phase.tasks)),
                    "condition": _inherit_condition(phase.condition, removed_id, replacement),
                }
            )
            for phase in plan.phases
        )
    )


def _inherit_condition(condition: Condition | None, removed_id: str, replacement: str | None) -> Condition | None:
    if condition is None or condition.task_id != removed_id:
        return condition
    return condition.model_copy(update={"task_id": replacement}) if replacement else None


def _parse_fields(plan: Plan, fields: dict[str, Any]) -> dict[str, Any]:
    """Convert fields to the types of a task or phase.

    Values may come from JSON, and a condition may name a task by key.
    """
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    condition = fields.get("condition")
    if not condition:
        return fields
    read = Condition.read(condition) if isinstance(condition, dict) else condition
    return fields | {"condition": read.model_copy(update={"task_id": resolve(read.task_id, ids_by_name(plan))})}


def _task(plan: Plan, task_id: str) -> Task:
    if task := plan.task(task_id):
        return task
    raise NotFound.of("task", task_id)


def _phase(plan: Plan, phase_id: str) -> Phase:
    if phase := plan.phase(phase_id):
        return phase
    raise NotFound.of("phase", phase_id)


def _with_task(plan: Plan, task: Task) -> Plan:
    phase = plan.phase_of(task.id)
    assert phase is not None
    tasks = tuple(task if other.id == task.id else other for other in phase.tasks)
    return _with_phase(plan, phase.model_copy(update={"tasks": tasks}))


def _with_phase(plan: Plan, phase: Phase) -> Plan:
    return plan.changed(phases=tuple(phase if other.id == phase.id else other for other in plan.phases))


def _place(plan: Plan, phase_id: str, tasks: list[Task], position: int | None, ahead_of: str | None = None) -> Plan:
    phase = _phase(plan, phase_id)
    position = next((place for place, task in enumerate(phase.tasks) if task.id == ahead_of), position)
    return _with_phase(plan, phase.model_copy(update={"tasks": _insert(list(phase.tasks), tasks, position)}))


def _insert[T](others: list[T], new: list[T], position: int | None) -> tuple[T, ...]:
    # the phase may have fewer tasks than when the position was chosen
    at = len(others) if position is None else min(position, len(others))
    return (*others[:at], *new, *others[at:])
