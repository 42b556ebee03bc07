"""Answers of the four review types, and their conversion to operations on the plan."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from groundwork.generation import plan_prompts
from groundwork.generation.answer_fields import Answer, Ref
from groundwork.generation.task_texts import KeyedTask, Reason, TaskTexts, normalize_key, phase_refs, task_refs
from groundwork.llm.port import ModelTask
from groundwork.plans.draft import TaskDraft, make_key
from groundwork.plans.history import ReviewType
from groundwork.plans.model import Phase, PhaseMode, Plan, Task
from groundwork.plans.operations import (
    AddTask,
    ChangeDependencies,
    MoveTask,
    Operation,
    RemoveTask,
    Reorder,
    SplitTask,
    UpdatePhase,
    UpdateTask,
)

type Proposed = tuple[Operation, str]


@dataclass(slots=True)
class ReviewScope:
    """Scope of a review: the tasks and phases open to suggestions, and the refs of all."""

    plan: Plan
    task_ids: frozenset[str]
    phase_ids: tuple[str, ...]
    part: int = 0
    tasks: dict[str, str] = field(init=False)
    phases: dict[str, str] = field(init=False)
    taken: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.tasks, self.phases = task_refs(self.plan), phase_refs(self.plan)
        self.taken = {task.key.casefold() for task in self.plan.tasks}

    def task(self, ref: str) -> Task:
        found = self.plan.task(self.tasks.get(ref.strip(), ""))
        if found is None:
            raise ValueError(f"there is no task with the ref {ref!r}")
        return found

    def phase(self, ref: str) -> Phase:
        found = self.plan.phase(self.phases.get(ref.strip(), ""))
        if found is None:
            raise ValueError(f"there is no phase with the ref {ref!r}")
        return found

    def ids(self, refs: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.task(ref).id for ref in refs))

    def position(self, phase: Phase, before: str) -> int | None:
        """Return the position before a task of the phase.

        None (the end) for a task of another phase or none.
        """
        if not before.strip():
            return None
        task = self.task(before)
        return phase.tasks.index(task) if task in phase.tasks else None

    def new_key(self, wanted: str) -> str:
        """Return a key unused in the plan and by other suggestions.

        The part's number keeps parts apart.
        """
        stem = wanted if normalize_key(wanted) == wanted else make_key(wanted, ())
        # a key has at most 40 characters: room is left for the suffix
        stem = stem if self.part == 0 else f"{stem[:30]}-r{self.part + 1}"
        key, number = stem, 2
        while key.casefold() in self.taken:
            key, number = f"{stem[:36]}-{number}", number + 1
        self.taken.add(key.casefold())
        return key

    def allows(self, operation: Operation) -> bool:
        if isinstance(operation, AddTask | Reorder | UpdatePhase):
            return operation.phase_id in self.phase_ids
        return getattr(operation, "task_id", None) in self.task_ids


class Refinement(TaskTexts):
    ref: Ref
    reason: Reason


class Refinements(Answer):
    refinements: list[Refinement]


class Addition(TaskTexts):
    phase: Ref
    before: str
    depends_on: list[Ref]
    needed_by: list[Ref]
    reason: Reason


class Additions(Answer):
    additions: list[Addition]


class NewDependencies(Answer):
    ref: Ref
    depends_on: list[Ref]
    reason: Reason


class Move(Answer):
    ref: Ref
    phase: Ref
    before: str
    reason: Reason


class NewOrder(Answer):
    phase: Ref
    refs: list[Ref]
    reason: Reason


class NewMode(Answer):
    phase: Ref
    mode: PhaseMode
    reason: Reason


class Removal(Answer):
    ref: Ref
    reason: Reason


class Ordering(Answer):
    dependencies: list[NewDependencies]
    moves: list[Move]
    orders: list[NewOrder]
    modes: list[NewMode]
    removals: list[Removal]


class SplitPart(KeyedTask):
    pass


class Split(Answer):
    ref: Ref
    parts: list[SplitPart]
    reason: Reason


class Splits(Answer):
    splits: list[Split]


def read_refinements(scope: ReviewScope, answer: Refinements) -> list[Proposed]:
    """Return one operation per refinement, with the changed fields only."""
    found: list[Proposed] = []
    for one in answer.refinements:
        task = scope.task(one.ref)
        # unchanged fields stay out: the suggestion must not undo a later edit of them
        fields = {name: value for name, value in one.fields().items() if value != getattr(task, name)}
        # a review of texts must not remove files named by a user
        if set(fields) == {"files"} and not one.files:
            continue
        if fields:
            found.append((UpdateTask(task_id=task.id, fields=fields), one.reason))
    return found


def read_additions(scope: ReviewScope, answer: Additions) -> list[Proposed]:
    return [(_addition(scope, one), one.reason) for one in answer.additions]


def _addition(scope: ReviewScope, one: Addition) -> AddTask:
    phase = scope.phase(one.phase)
    depends_on, needed_by = scope.ids(one.depends_on), scope.ids(one.needed_by)
    draft = TaskDraft.model_validate(one.fields() | {"key": scope.new_key(one.title), "depends_on": depends_on})
    position = _valid_position(phase, scope.position(phase, one.before), depends_on, needed_by)
    return AddTask(phase_id=phase.id, task=draft, position=position, needed_by=needed_by)


def _valid_position(
    phase: Phase, position: int | None, depends_on: Iterable[str], needed_by: Iterable[str]
) -> int | None:
    """Return the requested position, moved after dependencies and before dependents.

    Models count badly.
    """
    places = {task.id: place for place, task in enumerate(phase.tasks)}
    first = max((places[id_] + 1 for id_ in depends_on if id_ in places), default=0)
    last = min((places[id_] for id_ in needed_by if id_ in places), default=None)
    if position is None:
        return last
    return min(max(position, first), len(phase.tasks) if last is None else max(last, first))


def read_ordering(scope: ReviewScope, answer: Ordering) -> list[Proposed]:
    found: list[Proposed] = []
    for links in answer.dependencies:
        task = scope.task(links.ref)
        found.append((ChangeDependencies(task_id=task.id, depends_on=scope.ids(links.depends_on)), links.reason))
    for move in answer.moves:
        phase = scope.phase(move.phase)
        position = scope.position(phase, move.before)
        found.append((MoveTask(task_id=scope.task(move.ref).id, phase_id=phase.id, position=position), move.reason))
    for order in answer.orders:
        if ids := scope.ids(order.refs):
            found.append((Reorder(phase_id=scope.phase(order.phase).id, task_ids=ids), order.reason))
    for mode in answer.modes:
        found.append((UpdatePhase(phase_id=scope.phase(mode.phase).id, fields={"mode": mode.mode}), mode.reason))
    found += [(RemoveTask(task_id=scope.task(gone.ref).id), gone.reason) for gone in answer.removals]
    return found


def read_splits(scope: ReviewScope, answer: Splits) -> list[Proposed]:
    return [(_split(scope, one), one.reason) for one in answer.splits]


def _split(scope: ReviewScope, one: Split) -> SplitTask:
    task = scope.task(one.ref)
    drafts = [part.draft() for part in one.parts]
    # more than the 8 requested parts are still usable
    if not 2 <= len(drafts) <= 20:
        raise ValueError(f"{len(drafts)} parts given for the task {one.ref}, 2 to 8 wanted")
    keys = {draft.key or "": scope.new_key(draft.key or "part") for draft in drafts}
    if len(keys) < len(drafts):
        raise ValueError(f"two parts of the task {one.ref} have the same key")
    if unknown := [key for draft in drafts for key in draft.depends_on if key not in keys]:
        raise ValueError(f"a part of the task {one.ref} depends on {unknown[0]!r}, which is none of its parts")
    parts = [
        draft.model_copy(
            update={"key": keys[draft.key or ""], "depends_on": tuple(keys[key] for key in draft.depends_on)}
        )
        for draft in drafts
    ]
    return SplitTask(task_id=task.id, parts=tuple(parts))


@dataclass(frozen=True, slots=True)
class ReviewForm:
    """Question and interpretation of one review type; `tokens` is the answer's size per task."""

    task: Literal[ModelTask.REFINE_TASKS, ModelTask.ADD_TASKS, ModelTask.ORDER_TASKS, ModelTask.SPLIT_TASKS]
    instructions: str
    answer: type[BaseModel]
    read: Callable[[ReviewScope, Any], list[Proposed]]
    tokens: int


FORMS: dict[ReviewType, ReviewForm] = {
    "refine_descriptions": ReviewForm(ModelTask.REFINE_TASKS, plan_prompts.REFINE, Refinements, read_refinements, 500),
    "add_missing": ReviewForm(ModelTask.ADD_TASKS, plan_prompts.ADD_MISSING, Additions, read_additions, 200),
    "optimize_order": ReviewForm(ModelTask.ORDER_TASKS, plan_prompts.OPTIMIZE_ORDER, Ordering, read_ordering, 100),
    "break_down": ReviewForm(ModelTask.SPLIT_TASKS, plan_prompts.BREAK_DOWN, Splits, read_splits, 1_600),
}
