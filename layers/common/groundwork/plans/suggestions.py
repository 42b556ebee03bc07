"""Suggestions of a review: typed operations to accept one by one or together.

A suggestion remembers the part of the plan it would change. It can be applied while that part is unchanged, whatever
else was edited; otherwise it is stale.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Annotated, Any

from pydantic import Field

from groundwork.errors import Refusal
from groundwork.plans.draft import ids_by_name, resolve
from groundwork.plans.errors import ConflictingSuggestions, StaleSuggestion
from groundwork.plans.graph import PlanTimes, schedule
from groundwork.plans.model import Plan, Task
from groundwork.plans.operations import (
    AddTask,
    AnyOperation,
    ChangeDependencies,
    MoveTask,
    Operation,
    RemoveTask,
    Reorder,
    SplitTask,
    UpdatePhase,
    UpdateTask,
    apply,
)
from groundwork.plans.validation import check, faults
from groundwork.values import Stored, stored_as

WHOLE = "*"
OF_ORDER = MoveTask | Reorder | ChangeDependencies | RemoveTask | UpdatePhase
OF_ONE_TASK = UpdateTask | ChangeDependencies | MoveTask | SplitTask | RemoveTask


class Suggestion(Stored):
    """A suggested operation.

    `before` and `after` show the affected part of the plan; `version` is the reviewed version.
    """

    operation: Annotated[AnyOperation, stored_as("operation")]
    reason: Annotated[Annotated[str, Field(max_length=2_000)], stored_as("reason")]
    version: Annotated[int, stored_as("version")]
    before: Annotated[dict[str, Any] | None, stored_as("before")]
    after: Annotated[dict[str, Any] | None, stored_as("after")]
    schedule: Annotated[dict[str, Any] | None, stored_as("schedule")] = None


@dataclass(frozen=True, slots=True)
class AppliedSuggestions:
    """The plan with the chosen suggestions applied."""

    plan: Plan
    indices: tuple[int, ...]


def make_suggestion(
    plan: Plan, operation: Operation, reason: str, current_schedule: Callable[[], PlanTimes] | None = None
) -> Suggestion:
    """Make a suggestion. Raises Refusal (InvalidPlan, NotFound ...) if it does not apply.

    `current_schedule` returns the plan's schedule, if the caller has it already.
    """
    operation = _anchor(plan, operation)
    after = check(apply(plan, operation))
    shown = None
    if isinstance(operation, OF_ORDER):
        before = current_schedule() if current_schedule else schedule(plan)
        shown = {"before": before.as_json(), "after": schedule(after).as_json()}
    return Suggestion(
        operation=operation,
        reason=reason,
        version=plan.version,
        before=affected_part(plan, operation),
        after=_affected_part_after(plan, after, operation),
        schedule=shown,
    )


def _anchor(plan: Plan, operation: Operation) -> Operation:
    """Name the following task as anchor: a position shifts with every insertion before it."""
    phase = plan.phase(operation.phase_id) if isinstance(operation, AddTask | MoveTask) else None
    if not isinstance(operation, AddTask | MoveTask) or phase is None or operation.position is None:
        return operation
    moved = operation.task_id if isinstance(operation, MoveTask) else None
    others = [task.id for task in phase.tasks if task.id != moved]
    ahead_of = others[operation.position] if operation.position < len(others) else None
    return operation.model_copy(update={"ahead_of": ahead_of})


def affected_part(plan: Plan, operation: Operation) -> dict[str, Any] | None:
    """Return the part of the plan the operation would change; None if it is gone."""
    if isinstance(operation, Reorder | AddTask | UpdatePhase):
        phase = plan.phase(operation.phase_id)
        if phase is None:
            return None
        if isinstance(operation, UpdatePhase):
            fields = phase.model_dump(mode="json", by_alias=True, include=set(operation.fields) - {"tasks", "id"})
            return {"phaseId": phase.id} | fields
        content = {"taskIds": [task.id for task in phase.tasks]} if isinstance(operation, Reorder) else {"tasks": []}
        return {"phaseId": phase.id} | content
    task = plan.task(operation.task_id) if isinstance(operation, OF_ONE_TASK) else None
    return _affected_part_of_task(plan, task, operation) if task else None


def _affected_part_of_task(plan: Plan, task: Task, operation: Operation) -> dict[str, Any]:
    match operation:
        case UpdateTask(fields=fields):
            return {"taskId": task.id} | task.model_dump(mode="json", by_alias=True, include=set(fields))
        case ChangeDependencies():
            return {"taskId": task.id, "dependsOn": list(task.depends_on)}
        case MoveTask():
            phase = plan.phase_of(task.id)
            assert phase is not None
            return {"taskId": task.id, "phaseId": phase.id, "position": phase.tasks.index(task)}
        case _:
            return {"tasks": [task.as_json()]}


def is_stale(plan: Plan, one: Suggestion) -> bool:
    """True if the affected part or a prerequisite has changed, or the suggestion was applied."""
    if not _has_prerequisites(plan, one.operation):
        return True
    now = affected_part(plan, one.operation)
    if isinstance(one.operation, MoveTask) and now and one.before:
        # the position within the phase shifts with every earlier edit: compare the phase alone
        return bool(now["phaseId"] != one.before["phaseId"])
    return now is None or now != one.before


def _has_prerequisites(plan: Plan, operation: Operation) -> bool:
    """True if all referenced elements exist and the key of an added task is free."""
    names = ids_by_name(plan)
    if isinstance(operation, AddTask) and operation.task.key and operation.task.key.casefold() in names:
        return False
    existing = {phase.id for phase in plan.phases} | set(names.values())
    return all(
        resolve(element, names) in existing for element, aspect in touched_aspects(operation) if aspect == "uses"
    )


def apply_chosen(plan: Plan, suggestions: Sequence[Suggestion], chosen: Sequence[int]) -> AppliedSuggestions:
    """Apply all chosen suggestions, or none.

    Raises StaleSuggestion, ConflictingSuggestions, InvalidPlan, Refusal. Splits and removals come last, so that other
    suggestions' references to those tasks are carried over with the links.
    """
    indices = tuple(dict.fromkeys(chosen))
    if outdated := [index for index in indices if is_stale(plan, suggestions[index])]:
        raise StaleSuggestion(outdated, plan.version)
    if pairs := find_conflicts({index: suggestions[index].operation for index in indices}):
        raise ConflictingSuggestions(pairs)
    after = plan
    for index in sorted(indices, key=lambda i: (_RANKS.get(type(suggestions[i].operation), 0), i)):
        after = apply(after, suggestions[index].operation)
    return AppliedSuggestions(check(after), indices)


_RANKS: dict[type[Any], int] = {SplitTask: 1, RemoveTask: 2}


def find_conflicts(operations: dict[int, Operation]) -> list[dict[str, Any]]:
    """Return pairs of incompatible operations, with the targets they share."""
    touched = {index: touched_aspects(operation) for index, operation in operations.items()}
    # only pairs with a common element are compared: 500 suggestions have 125,000 pairs
    sharing: dict[str, list[int]] = defaultdict(list)
    for index in sorted(operations):
        for element in {element for element, _ in touched[index]}:
            sharing[element].append(index)
    found = []
    for one, other in sorted({pair for those in sharing.values() for pair in combinations(those, 2)}):
        both = sorted({element for element, _ in _shared_aspects(touched[one], touched[other])})
        if both:
            found.append({"suggestionIndices": [one, other], "targets": both})
    return found


def incompatible_indices(suggestions: Sequence[Suggestion]) -> list[list[int]]:
    """Return for each suggestion the indices of incompatible ones."""
    found: list[list[int]] = [[] for _ in suggestions]
    for pair in find_conflicts({index: one.operation for index, one in enumerate(suggestions)}):
        one, other = pair["suggestionIndices"]
        found[one].append(other)
        found[other].append(one)
    return found


type Aspect = tuple[str, str]


def _shared_aspects(one: set[Aspect], other: set[Aspect]) -> list[Aspect]:
    """Return conflicting aspects: changed by one operation, and changed or used by the other."""
    return [
        mine
        for mine in one
        for theirs in other
        if mine[0] == theirs[0] and (mine[1] == theirs[1] != "uses" or WHOLE in (mine[1], theirs[1]))
    ]


def touched_aspects(operation: Operation) -> set[Aspect]:
    """Return (element, aspect) pairs: changed aspects, and `uses` for required elements."""
    match operation:
        case UpdateTask(task_id=id_, fields=fields) | UpdatePhase(phase_id=id_, fields=fields):
            return {(id_, name) for name in fields}
        case ChangeDependencies(task_id=id_, depends_on=others):
            return {(id_, "depends_on"), *((other, "uses") for other in others)}
        case MoveTask(task_id=id_, phase_id=phase):
            return {(id_, "place"), (phase, "uses")}
        case Reorder(phase_id=phase, task_ids=ids):
            return {(phase, "order"), *((id_, "place") for id_ in ids)}
        case AddTask(phase_id=phase, task=task, needed_by=needing):
            return {(phase, "uses"), *((id_, "uses") for id_ in (*task.depends_on, *needing))}
    return {(operation.task_id, WHOLE)} if isinstance(operation, SplitTask | RemoveTask) else set()


def select_applicable(plan: Plan, proposed: Sequence[tuple[Operation, str]]) -> tuple[list[Suggestion], list[str]]:
    """Return the applicable suggestions, and the reasons for dropping the others."""
    kept: list[Suggestion] = []
    dropped: list[str] = []
    # computed at most once, and only for suggestions about the order
    current_schedule = cache(lambda: schedule(plan))
    for operation, reason in proposed:
        try:
            one = make_suggestion(plan, operation, reason, current_schedule)
        except Refusal as refusal:
            dropped.append(str(refusal))
            continue
        if one.before != one.after:
            kept.append(one)
    return kept, dropped


def combined_schedule(plan: Plan, suggestions: Sequence[Suggestion]) -> dict[str, Any] | None:
    """Return the schedule before and after the compatible suggestions, earlier ones first."""
    after = plan
    accepted: dict[int, Operation] = {}
    for index, one in enumerate(suggestions):
        if find_conflicts(accepted | {index: one.operation}):
            continue
        try:
            trial = apply(after, one.operation)
        except Refusal:
            continue
        # a suggestion may be valid alone and not after the others
        if not faults(trial):
            after, accepted[index] = trial, one.operation
    if not accepted:
        return None
    return {
        "before": schedule(plan).as_json(),
        "after": schedule(after).as_json(),
        "suggestionIndices": sorted(accepted),
    }


def _affected_part_after(plan: Plan, after: Plan, operation: Operation) -> dict[str, Any] | None:
    if isinstance(operation, RemoveTask):
        return {"tasks": []}
    if isinstance(operation, SplitTask | AddTask):
        known = {task.id for task in plan.tasks}
        new = [_task_preview(task, after) for task in after.tasks if task.id not in known]
        head = {"phaseId": operation.phase_id} if isinstance(operation, AddTask) else {}
        return head | {"tasks": new}
    return affected_part(after, operation)


def _task_preview(task: Task, plan: Plan) -> dict[str, Any]:
    """Return a task to be created. It has no id yet, so its dependencies are given by key."""
    keys = {other.id: other.key for other in plan.tasks}
    shown = task.as_json() | {"dependsOn": [keys.get(id_, id_) for id_ in task.depends_on]}
    del shown["id"]
    return shown
