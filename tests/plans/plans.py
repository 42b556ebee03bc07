"""Strategies for random plans and operations, and a small plan with known figures."""

from typing import Any

from hypothesis import strategies as st

from groundwork.plans.draft import PhaseDraft, TaskDraft, add_phases
from groundwork.plans.model import Plan
from groundwork.plans.operations import (
    AddPhase,
    AddTask,
    ChangeDependencies,
    MovePhase,
    MoveTask,
    Operation,
    RemovePhase,
    RemoveTask,
    Reorder,
    SplitTask,
    UpdatePhase,
    UpdateTask,
)

PLAN_ID = "plk3v9x2m4q8"
NOW = "2026-11-21T09:00:00.000Z"
EFFORTS = ("XS", "S", "M", "L", "XL")


def empty(**fields: Any) -> Plan:
    known: dict[str, Any] = {
        "id": PLAN_ID,
        "repository_id": "rek3v9x2m4q8",
        "title": "A plan",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Plan(**known | fields)


def draft(key: str, *depends_on: str, **fields: Any) -> TaskDraft:
    return TaskDraft(key=key, title=f"Do {key}", depends_on=depends_on, **fields)


def phase(title: str, *tasks: TaskDraft, mode: Any = "sequential", **fields: Any) -> PhaseDraft:
    return PhaseDraft(title=title, mode=mode, tasks=tasks, **fields)


def plan_of(*phases: PhaseDraft, **fields: Any) -> Plan:
    return add_phases(empty(**fields), phases)


def id_of(plan: Plan, key: str) -> str:
    return next(task.id for task in plan.tasks if task.key == key)


@st.composite
def plans(draw: st.DrawFn, most_phases: int = 4, most_tasks: int = 5) -> Plan:
    """Generate valid plans: each task depends only on tasks before it."""
    phases: list[PhaseDraft] = []
    before: list[str] = []
    for number in range(draw(st.integers(0, most_phases))):
        tasks = []
        for position in range(draw(st.integers(0, most_tasks))):
            key = f"p{number}t{position}"
            needs = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else []
            tasks.append(draft(key, *needs, effort=draw(st.sampled_from(EFFORTS))))
            before.append(key)
        mode = draw(st.sampled_from(["sequential", "parallel", "manual"]))
        phases.append(phase(f"Phase {number}", *tasks, mode=mode))
    return plan_of(*phases, max_parallel=draw(st.integers(1, 5)))


def _some(draw: st.DrawFn, ids: list[str]) -> str:
    return draw(st.sampled_from([*ids, f"{PLAN_ID}-T9999"]))


@st.composite
def operations(draw: st.DrawFn, plan: Plan) -> Operation:
    """Generate any operation, valid or not: targets may be missing, results may be invalid."""
    tasks, phases = [task.id for task in plan.tasks], [phase.id for phase in plan.phases]
    task, other, place = _some(draw, tasks), _some(draw, tasks), _some(draw, phases)
    position = draw(st.none() | st.integers(0, 6))
    both = draw(st.sampled_from(["refuse", "repair"]))
    number = draw(st.integers(0, 10**6))
    any_of: list[Operation] = [
        UpdateTask(task_id=task, fields={"title": f"Changed {number}"}),
        UpdatePhase(phase_id=place, fields={"mode": draw(st.sampled_from(["parallel", "sequential"]))}),
        AddPhase(phase=phase(f"New {number}"), position=position),
        RemovePhase(phase_id=place, dependents=both),
        MovePhase(phase_id=place, position=position or 0),
        AddTask(phase_id=place, task=draft(f"new{number}", task), position=position, needed_by=(other,)),
        RemoveTask(task_id=task, dependents=both),
        SplitTask(task_id=task, parts=(draft(f"one{number}"), draft(f"two{number}", f"one{number}"))),
        MoveTask(task_id=task, phase_id=place, position=position),
        Reorder(phase_id=place, task_ids=(task, other)),
        ChangeDependencies(task_id=task, depends_on=(other,)),
    ]
    return draw(st.sampled_from(any_of))
