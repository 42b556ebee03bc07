"""A plan's iterations: who did what, from which version to which. Any version can be shown, compared, restored."""

import json
from bisect import bisect
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from groundwork.backlog import Value
from groundwork.plans.model import Plan, details
from groundwork.plans.suggestions import Suggestion


class IterationKind(StrEnum):
    CREATED = "CREATED"
    GENERATED = "GENERATED"
    EDITED = "EDITED"
    REVIEWED = "REVIEWED"
    SUGGESTIONS_APPLIED = "SUGGESTIONS_APPLIED"
    RESTORED = "RESTORED"


class IterationStatus(StrEnum):
    """Only what the model works on is PENDING; the rest is DONE as soon as it is there."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


ReviewType = Literal["refine_descriptions", "add_missing", "optimize_order", "break_down"]
Scope = Literal["plan", "phase", "task"]


class Request(Value):
    """What a generation or a review was asked for."""

    review_type: ReviewType | None = None
    scope: Scope = "plan"
    target_id: str | None = None
    story_ids: tuple[str, ...] = ()
    template_id: str | None = None
    parameters: dict[str, str] = Field(default_factory=dict)


class Change(Value):
    """What became of a phase, a task or the plan's own fields (`id` is then the plan's) between two versions."""

    id: str
    kind: Literal["added", "removed", "changed", "moved"]
    title: str
    fields: tuple[str, ...] = ()
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    def brief(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, "title": self.title, "fields": list(self.fields)}

    def told(self) -> dict[str, Any]:
        """With its before and after: all of what came or went, else the fields that differ."""
        return self.brief() | {"before": self._side(self.before), "after": self._side(self.after)}

    def _side(self, element: dict[str, Any] | None) -> dict[str, Any] | None:
        return {name: element.get(name) for name in self.fields} if element and self.fields else element


class Iteration(Value):
    """`from_version` to `version`; a review changes nothing: it has the version it was made against twice.

    `changes` are the first of them, with before and after while these are short; comparing the versions gives all.
    """

    id: str
    plan_id: str
    number: int
    kind: IterationKind
    status: IterationStatus = IterationStatus.DONE
    who: str
    summary: str
    from_version: int
    version: int
    created_at: str
    changes: tuple[dict[str, Any], ...] = ()
    change_count: int = 0
    run_id: str | None = None
    request: Request | None = None
    source_iteration_id: str | None = None
    suggestion_indices: tuple[int, ...] = ()
    restored_version: int | None = None
    suggestions: tuple[Suggestion, ...] = ()
    dropped: tuple[str, ...] = ()
    schedule: dict[str, Any] | None = None
    error: str | None = None


MOST_LISTED = 50
"""Changes that an iteration lists; it counts all of them."""

MOST_TOLD = 30_000
"""Characters that an iteration spends on before and after; beyond that its changes are told in brief."""

_VERBS = {"added": "Added", "changed": "Changed", "moved": "Moved", "removed": "Removed"}


def listed(changes: Sequence[Change]) -> dict[str, Any]:
    """An iteration's fields about its changes."""
    lines, room = [], MOST_TOLD
    for change in changes[:MOST_LISTED]:
        told = change.told()
        room -= len(json.dumps(told))
        lines.append(told if room >= 0 else change.brief())
    return {"changes": tuple(lines), "change_count": len(changes)}


def summary_of(changes: Sequence[Change]) -> str:
    """One line for the history: 'Added 2, changed 1', or what became of a single thing."""
    if len(changes) == 1:
        (one,) = changes
        fields = f" ({', '.join(one.fields)})" if one.kind == "changed" else ""
        return f"{_VERBS[one.kind]} {one.title[:120]!r}{fields}"
    kinds = [change.kind for change in changes]
    return ", ".join(f"{verb} {kinds.count(kind)}" for kind, verb in _VERBS.items() if kind in kinds).capitalize()


def compared(before: Plan, after: Plan) -> list[Change]:
    """What makes `after` of `before`: removed first, then in the order of `after`.

    Of what stands in another order as few as possible count as moved: not all that another has been put before.
    """
    old, new = _elements(before), _elements(after)
    for id_ in old.keys() & new.keys() - _moved(before, after):
        old[id_].pop("after", None), new[id_].pop("after", None)
    gone = [Change(id=id_, kind="removed", title=_title(was), before=was) for id_, was in old.items() if id_ not in new]
    found = [_change(id_, old.get(id_), now) for id_, now in new.items()]
    return [*gone, *(change for change in found if change)]


def _elements(plan: Plan) -> dict[str, dict[str, Any]]:
    """Each thing by id, with the place it has."""
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
    """Phases and tasks that have another place, apart from what has come, gone or moved beside them."""
    places = {task.id: (phase.id, at) for phase in before.phases for at, task in enumerate(phase.tasks)}
    moved = _out_of_order([phase.id for phase in after.phases], {p.id: at for at, p in enumerate(before.phases)})
    for phase in after.phases:
        moved |= {task.id for task in phase.tasks if places.get(task.id, (phase.id, 0))[0] != phase.id}
        stayed = [task.id for task in phase.tasks if task.id in places and task.id not in moved]
        moved |= _out_of_order(stayed, {id_: places[id_][1] for id_ in stayed})
    return moved


def _out_of_order(ids: Sequence[str], positions: Mapping[str, int]) -> set[str]:
    """The fewest ids without which the others are in the order that they had before (a longest rising chain)."""
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


def restored(current: Plan, earlier: Plan) -> Plan:
    """The earlier version's content as the plan's next: ids as they were, and numbers since given stay given."""
    fields = {name: getattr(earlier, name) for name in ("title", "description", "branch", "auto_commit")}
    fields |= {name: getattr(earlier, name) for name in ("max_parallel", "story_ids", "phases")}
    return current.changed(**fields)
