"""Plans as returned by the API: tasks together with their states."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from groundwork.errors import NotFound, Refusal
from groundwork.plans.history import Iteration, compared
from groundwork.plans.model import Phase, Plan, Task, TaskState
from groundwork.plans.suggestions import Suggestion, clashes, stale

States = Mapping[str, TaskState]
_INTERNAL = {"last_phase", "last_task", "phases"}


def plan_shown(plan: Plan, states: States) -> dict[str, Any]:
    shown = plan.model_dump(mode="json", by_alias=True, exclude=_INTERNAL)
    phases = [_phase(phase, states) for phase in plan.phases]
    return shown | {"taskCount": sum(1 for _ in plan.tasks), "phases": phases}


def phase_shown(plan: Plan, phase_id: str, states: States) -> dict[str, Any]:
    """Raises NotFound."""
    phase = plan.phase(phase_id)
    if phase is None:
        raise NotFound.of("phase", phase_id)
    return _phase(phase, states) | {"planId": plan.id, "planVersion": plan.version}


def task_shown(plan: Plan, task_id: str, states: States) -> dict[str, Any]:
    """Raises NotFound."""
    task, phase = plan.task(task_id), plan.phase_of(task_id)
    if task is None or phase is None:
        raise NotFound.of("task", task_id)
    return _task(task, states) | {"planId": plan.id, "phaseId": phase.id, "planVersion": plan.version}


def _phase(phase: Phase, states: States) -> dict[str, Any]:
    shown = phase.model_dump(mode="json", by_alias=True, exclude={"tasks"})
    return shown | {"tasks": [_task(task, states) for task in phase.tasks]}


def _task(task: Task, states: States) -> dict[str, Any]:
    return task.as_json() | states.get(task.id, TaskState()).as_json()


def iteration_shown(iteration: Iteration, suggestions: Sequence[Suggestion] = ()) -> dict[str, Any]:
    """Return the iteration; suggestions carry the index to apply them by."""
    numbered = [
        {"index": index, "stale": None, "conflictsWith": None} | _suggestion(suggestion)
        for index, suggestion in enumerate(suggestions)
    ]
    return iteration.as_json() | {"suggestions": numbered}


def history_page(
    lines: Iterable[tuple[Iteration, Sequence[Suggestion]]], most_bytes: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return iterations up to a size, and the number of the last one."""
    shown: list[dict[str, Any]] = []
    size = 0
    for iteration, suggestions in lines:
        shown.append(iteration_shown(iteration, suggestions))
        size += len(json.dumps(shown[-1], ensure_ascii=False).encode())
        if size > most_bytes:
            break
    return shown, shown[-1]["number"] if shown else None


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    """Name updated fields in camelCase, as in the rest of the API."""
    shown = suggestion.as_json()
    if fields := shown["operation"].get("fields"):
        shown["operation"]["fields"] = {to_camel(name): value for name, value in fields.items()}
    return shown


def iteration_compared(
    iteration: Iteration, before: Plan, after: Plan, suggestions: Sequence[Suggestion], now: Plan
) -> dict[str, Any]:
    """Return the iteration with full changes, and each suggestion's staleness and conflicts."""
    shown = iteration_shown(iteration, suggestions)
    shown["changes"] = [change.told() for change in compared(before, after)]
    for line, suggestion, others in zip(shown["suggestions"], suggestions, clashes(suggestions), strict=True):
        line["stale"], line["conflictsWith"] = _is_stale(now, suggestion), others
    return shown


def _is_stale(plan: Plan, suggestion: Suggestion) -> bool:
    try:
        return stale(plan, suggestion)
    except Refusal:
        return True


def comparison(before: Plan, after: Plan) -> dict[str, Any]:
    changes = [change.told() for change in compared(before, after)]
    return {"planId": after.id, "from": before.version, "to": after.version, "changes": changes}
