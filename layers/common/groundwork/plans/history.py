"""Iterations of a plan: author, changes, versions.

Any version can be read, compared, restored.
"""

import json
from bisect import bisect
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from groundwork.backlog.model import MadeBy
from groundwork.plans.model import Plan, details
from groundwork.plans.suggestions import Suggestion
from groundwork.values import Stored, Value, stored_as


class IterationKind(StrEnum):
    CREATED = "CREATED"
    GENERATED = "GENERATED"
    EDITED = "EDITED"
    REVIEWED = "REVIEWED"
    SUGGESTIONS_APPLIED = "SUGGESTIONS_APPLIED"
    RESTORED = "RESTORED"


class IterationStatus(StrEnum):
    """Only work of the model is PENDING; other iterations are DONE at once."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


ReviewType = Literal["refine_descriptions", "add_missing", "optimize_order", "break_down"]
Scope = Literal["plan", "phase", "task"]


class IterationRequest(Stored):
    """The request of a generation or a review."""

    review_type: Annotated[ReviewType | None, stored_as("reviewType")] = None
    scope: Annotated[Scope, stored_as("scope")] = "plan"
    target_id: Annotated[str | None, stored_as("targetId")] = None
    story_ids: Annotated[tuple[str, ...], stored_as("storyIds")] = ()
    template_id: Annotated[str | None, stored_as("templateId")] = None
    parameters: Annotated[dict[str, str], stored_as("parameters")] = Field(default_factory=dict)


class Change(Value):
    """The change of a phase, a task or the plan itself (`id` of the plan) between two versions."""

    id: str
    kind: Literal["added", "removed", "changed", "moved"]
    title: str
    fields: tuple[str, ...] = ()
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    def brief(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, "title": self.title, "fields": list(self.fields)}

    def with_sides(self) -> dict[str, Any]:
        """Return the change with `before` and `after`.

        Added and removed elements are whole; changed ones have the changed fields.
        """
        return self.brief() | {"before": self._side(self.before), "after": self._side(self.after)}

    def _side(self, element: dict[str, Any] | None) -> dict[str, Any] | None:
        return {name: element.get(name) for name in self.fields} if element and self.fields else element


class Iteration(Stored):
    """One step of a plan's history, from `from_version` to `version`.

    A review changes nothing, so both are the reviewed version. `changes` holds the first changes, with before and after
    while these are short. A comparison of the versions returns all.
    """

    id: Annotated[str, stored_as("id")]
    plan_id: Annotated[str, stored_as("planId")]
    number: Annotated[int, stored_as("number")]
    kind: Annotated[IterationKind, stored_as("kind")]
    status: Annotated[IterationStatus, stored_as("status")] = IterationStatus.DONE
    actor: Annotated[str, stored_as("who")]
    summary: Annotated[str, stored_as("summary")]
    from_version: Annotated[int, stored_as("fromVersion")]
    version: Annotated[int, stored_as("version")]
    created_at: Annotated[str, stored_as("createdAt")]
    changes: Annotated[tuple[dict[str, Any], ...], stored_as("changes")] = ()
    change_count: Annotated[int, stored_as("changeCount")] = 0
    run_id: Annotated[str | None, stored_as("runId")] = None
    request: Annotated[IterationRequest | None, stored_as("request")] = None
    source_iteration_id: Annotated[str | None, stored_as("sourceIterationId")] = None
    suggestion_indices: Annotated[tuple[int, ...], stored_as("suggestionIndices")] = ()
    restored_version: Annotated[int | None, stored_as("restoredVersion")] = None
    suggestions: Annotated[tuple[Suggestion, ...], stored_as("suggestions")] = ()
    dropped: Annotated[tuple[str, ...], stored_as("dropped")] = ()
    schedule: Annotated[dict[str, Any] | None, stored_as("schedule")] = None
    error: Annotated[str | None, stored_as("error")] = None
    made_by: Annotated[MadeBy, stored_as("madeBy")] = None


MAX_LISTED = 50
"""Changes listed in an iteration; `change_count` counts all of them."""

MAX_DETAIL_CHARS = 30_000
"""Characters an iteration spends on before and after; further changes are listed in brief."""

_VERBS = {"added": "Added", "changed": "Changed", "moved": "Moved", "removed": "Removed"}


def change_fields(changes: Sequence[Change]) -> dict[str, Any]:
    """Return the iteration's fields about its changes."""
    lines, remaining_chars = [], MAX_DETAIL_CHARS
    for change in changes[:MAX_LISTED]:
        full = change.with_sides()
        remaining_chars -= len(json.dumps(full))
        # once over the limit, all further changes are brief: a row holds at most 400 KB
        lines.append(full if remaining_chars >= 0 else change.brief())
    return {"changes": tuple(lines), "change_count": len(changes)}


def summary_of(changes: Sequence[Change]) -> str:
    """Summarize changes in one line: 'Added 2, changed 1', or the title of a single element."""
    if len(changes) == 1:
        (one,) = changes
        fields = f" ({', '.join(one.fields)})" if one.kind == "changed" else ""
        return f"{_VERBS[one.kind]} {one.title[:120]!r}{fields}"
    kinds = [change.kind for change in changes]
    return ", ".join(f"{verb} {kinds.count(kind)}" for kind, verb in _VERBS.items() if kind in kinds).capitalize()


def compare(before: Plan, after: Plan) -> list[Change]:
    """List the changes from `before` to `after`: removals first, then in the order of `after`.

    As few elements as possible count as moved; an element displaced by another does not.
    """
    old, new = _elements(before), _elements(after)
    for id_ in old.keys() & new.keys() - _moved(before, after):
        # only the neighbour has changed: without this an insertion would mark the next element as moved
        old[id_].pop("after", None), new[id_].pop("after", None)
    removed = [
        Change(id=id_, kind="removed", title=_title(was), before=was) for id_, was in old.items() if id_ not in new
    ]
    found = [_change(id_, old.get(id_), now) for id_, now in new.items()]
    return [*removed, *(change for change in found if change)]


def _elements(plan: Plan) -> dict[str, dict[str, Any]]:
    """Elements by id, each with its position."""
    elements: dict[str, dict[str, Any]] = {plan.id: details(plan)}
    previous_phase: str | None = None
    for phase in plan.phases:
        body = phase.as_json()
        del body["tasks"]
        elements[phase.id] = body | {"after": previous_phase}
        previous_phase = phase.id
        previous: str | None = None
        for task in phase.tasks:
            elements[task.id] = task.as_json() | {"phaseId": phase.id, "after": previous}
            previous = task.id
    return elements


def _moved(before: Plan, after: Plan) -> set[str]:
    """Ids of phases and tasks with another position, ignoring shifts caused by their neighbours."""
    places = {task.id: (phase.id, at) for phase in before.phases for at, task in enumerate(phase.tasks)}
    moved = _out_of_order([phase.id for phase in after.phases], {p.id: at for at, p in enumerate(before.phases)})
    for phase in after.phases:
        moved |= {task.id for task in phase.tasks if places.get(task.id, (phase.id, 0))[0] != phase.id}
        stayed = [task.id for task in phase.tasks if task.id in places and task.id not in moved]
        moved |= _out_of_order(stayed, {id_: places[id_][1] for id_ in stayed})
    return moved


def _out_of_order(ids: Sequence[str], positions: Mapping[str, int]) -> set[str]:
    """Return the fewest ids to remove so that the rest keeps its old order.

    The rest is the longest increasing subsequence.
    """
    # patience sorting; each chain is kept whole, since plans have at most 500 tasks
    tails: list[int] = []
    chains: list[tuple[str, ...]] = []
    known = [id_ for id_ in ids if id_ in positions]
    for id_ in known:
        at = bisect(tails, positions[id_])
        chain = (*(chains[at - 1] if at else ()), id_)
        tails[at : at + 1], chains[at : at + 1] = [positions[id_]], [chain]
    return set(known) - set(chains[-1] if chains else ())


def _change(id_: str, was: dict[str, Any] | None, now: dict[str, Any]) -> Change | None:
    if was is None:
        return Change(id=id_, kind="added", title=_title(now), after=now)
    fields = tuple(name for name in now if now[name] != was.get(name))
    if not fields:
        return None
    kind: Literal["changed", "moved"] = "moved" if set(fields) <= {"phaseId", "after"} else "changed"
    return Change(id=id_, kind=kind, title=_title(now), fields=fields, before=was, after=now)


def _title(element: dict[str, Any]) -> str:
    return str(element.get("title", ""))


def restore(current: Plan, earlier: Plan) -> Plan:
    """Return the earlier content as the next version. Ids stay, and used numbers stay used."""
    kept = ("status", "version", "last_phase", "last_task", "error", "created_at", "updated_at")
    return earlier.changed(**{name: getattr(current, name) for name in kept})
