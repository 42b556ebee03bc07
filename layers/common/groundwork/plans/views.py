"""Plans as returned by the API: tasks together with their states."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from groundwork.errors import NotFound, Refusal
from groundwork.plans.history import Iteration, compare
from groundwork.plans.model import Phase, Plan, Task, TaskState
from groundwork.plans.suggestions import Suggestion, incompatible_indices, is_stale

States = Mapping[str, TaskState]
_INTERNAL = {"last_phase", "last_task", "phases"}
_UNUSED: dict[str, Any] = {"maxCostUsd": None, "model": None, "modelEffort": None}
"""Fields that documents hold only where they are used."""


def plan_view(plan: Plan, states: States) -> dict[str, Any]:
    view = _UNUSED | {"review": False} | plan.model_dump(mode="json", by_alias=True, exclude=_INTERNAL)
    phases = [_phase(phase, states) for phase in plan.phases]
    return view | {"taskCount": sum(1 for _ in plan.tasks), "phases": phases}


def phase_view(plan: Plan, phase_id: str, states: States) -> dict[str, Any]:
    """Raises NotFound."""
    phase = plan.phase(phase_id)
    if phase is None:
        raise NotFound.of("phase", phase_id)
    return _phase(phase, states) | {"planId": plan.id, "planVersion": plan.version}


def task_view(plan: Plan, task_id: str, states: States) -> dict[str, Any]:
    """Raises NotFound."""
    task, phase = plan.task(task_id), plan.phase_of(task_id)
    if task is None or phase is None:
        raise NotFound.of("task", task_id)
    return _task(task, states) | {"planId": plan.id, "phaseId": phase.id, "planVersion": plan.version}


def _phase(phase: Phase, states: States) -> dict[str, Any]:
    view = phase.model_dump(mode="json", by_alias=True, exclude={"tasks"})
    return view | {"tasks": [_task(task, states) for task in phase.tasks]}


def _task(task: Task, states: States) -> dict[str, Any]:
    return _UNUSED | {"review": None} | task.as_json() | states.get(task.id, TaskState()).as_json()


def iteration_view(iteration: Iteration, suggestions: Sequence[Suggestion] = ()) -> dict[str, Any]:
    """Return the iteration; suggestions carry the index to apply them by."""
    numbered = [
        {"index": index, "stale": None, "conflictsWith": None} | _suggestion(suggestion)
        for index, suggestion in enumerate(suggestions)
    ]
    return iteration.as_json() | {"suggestions": numbered}


def history_page(
    lines: Iterable[tuple[Iteration, Sequence[Suggestion]]], max_bytes: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return iterations up to a size, and the number of the last one."""
    view: list[dict[str, Any]] = []
    size = 0
    for iteration, suggestions in lines:
        # appended before the check: an empty page could not name the next one
        view.append(iteration_view(iteration, suggestions))
        size += len(json.dumps(view[-1], ensure_ascii=False).encode())
        if size > max_bytes:
            break
    return view, view[-1]["number"] if view else None


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    """Name updated fields in camelCase, as in the rest of the API."""
    view = suggestion.as_json()
    if fields := view["operation"].get("fields"):
        view["operation"]["fields"] = {to_camel(name): value for name, value in fields.items()}
    return view


def iteration_comparison(
    iteration: Iteration, before: Plan, after: Plan, suggestions: Sequence[Suggestion], now: Plan
) -> dict[str, Any]:
    """Return the iteration with full changes, and each suggestion's staleness and conflicts."""
    view = iteration_view(iteration, suggestions)
    view["changes"] = [change.with_sides() for change in compare(before, after)]
    for line, suggestion, others in zip(
        view["suggestions"], suggestions, incompatible_indices(suggestions), strict=True
    ):
        line["stale"], line["conflictsWith"] = _is_stale_or_invalid(now, suggestion), others
    return view


def _is_stale_or_invalid(plan: Plan, suggestion: Suggestion) -> bool:
    try:
        return is_stale(plan, suggestion)
    except Refusal:
        return True


def comparison(before: Plan, after: Plan) -> dict[str, Any]:
    changes = [change.with_sides() for change in compare(before, after)]
    return {"planId": after.id, "from": before.version, "to": after.version, "changes": changes}
