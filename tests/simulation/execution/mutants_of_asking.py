"""Mutants of requests by users and schedules, and of plans without commits."""

from dataclasses import replace
from typing import Any

from groundwork.errors import Refusal
from groundwork.execution import completed_work, rollback, schedule
from groundwork.execution.commands import execute
from groundwork.execution.errors import NotScheduled
from groundwork.execution.state import ExecutionState
from groundwork.execution.worker import CompletedTask
from groundwork.plans import edit_guard
from groundwork.plans.edit_guard import ChangedElements
from groundwork.plans.errors import PlanNotEditable
from groundwork.plans.model import Plan, TaskStatus
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.mutant import ExecutionMutant
from tests.simulation.execution.worlds import World
from tests.simulation.mutant import patched, patched_all

_fire, _selected_tasks, _completed_tasks, _changed_elements = (
    schedule.fire,
    rollback._selected_tasks,
    completed_work.completed_tasks,
    edit_guard.changed_elements,
)


def _whenever_told(execution_state: ExecutionState, *event: Any) -> ExecutionState:
    return _fire(execution_state.with_execution(last_fired=None), *event)


def _in_silence(execution_state: ExecutionState, expression: str, time: str, asked: Any, checks: Any) -> ExecutionState:
    """As in releases without a record of skipped times."""
    try:
        execute(execution_state, asked, again=True)
    except Refusal:
        raise NotScheduled from None
    return _fire(execution_state, expression, time, asked, checks)


def _takes_new_tasks(before: Plan, after: Plan) -> ChangedElements:
    try:
        return _changed_elements(before, after)
    except PlanNotEditable:
        return ChangedElements()


def _a_part(execution_state: ExecutionState, task_id: str | None, phase_id: str | None) -> list[str]:
    found = _selected_tasks(execution_state, task_id, phase_id)
    return [id_ for id_ in found if rollback.has_result(execution_state.of(id_))][:1] if phase_id else found


def _withdrawn_too(execution_state: ExecutionState, repository_id: str) -> tuple[CompletedTask, ...]:
    """Withdrawn patches count as completed."""
    states = {
        id_: state.changed(status=TaskStatus.COMPLETED, attempts=state.withdrawn, files=("src/shared.txt",))
        for id_, state in execution_state.states.items()
        if state.withdrawn
    }
    return _completed_tasks(execution_state.with_tasks(states), repository_id)


def by_schedule(world: World) -> World:
    """Plans started by crons and at fixed times, repeatedly."""
    return replace(world, schedules=4, clicks=0, rollbacks=0)


def without_commits(world: World) -> World:
    plans = tuple(plan.changed(auto_commit=False, max_parallel=10) for plan in world.plans)
    return replace(world, plans=plans, limit=20)


def taking_patches_back(world: World) -> World:
    return replace(without_commits(world), clicks=12, rollbacks=4)


def sharing(world: World) -> World:
    """All tasks write one file in turn, and some are rolled back."""
    habits = {id_: replace(habit, shared=True, failing=0, deadly=0) for id_, habit in world.habits.items()}
    return replace(taking_patches_back(world), habits=habits, schedules=0)


def told_again(faults: ExecutionFaults) -> ExecutionFaults:
    return replace(faults, told_twice=0.4, told_late=0.4, until_s=max(3_600.0, faults.until_s))


MUTANTS_OF_ASKING = (
    ExecutionMutant(
        "a time told twice begins twice",
        "a scheduled time received twice starts the plan twice",
        patched("groundwork.api.plan_events.fire", _whenever_told),
        by_schedule,
        told_again,
    ),
    ExecutionMutant(
        "passed over in silence",
        "a scheduled time at which the plan cannot start is not recorded",
        patched("groundwork.api.plan_events.fire", _in_silence),
        by_schedule,
    ),
    ExecutionMutant(
        "tasks added under way",
        "a plan under execution accepts new tasks unknown to its execution",
        patched("groundwork.adapters.dynamodb.plans.changed_elements", _takes_new_tasks),
        lambda world: replace(world, additions=6),
    ),
    ExecutionMutant(
        "a phase taken back in part",
        "the rollback of a phase reverts only one of its tasks",
        patched("groundwork.execution.rollback._selected_tasks", _a_part),
        lambda world: replace(world, clicks=12, rollbacks=4),
    ),
    ExecutionMutant(
        "patches side by side",
        "two tasks that end together save patches that ignore each other",
        patched("groundwork.execution.step_handler._is_outdated", lambda *asked: False),
        without_commits,
    ),
    ExecutionMutant(
        "built on what was taken back",
        "later patches build on a withdrawn one",
        patched_all(("groundwork.execution.step_handler.completed_tasks", _withdrawn_too)),
        taking_patches_back,
    ),
    ExecutionMutant(
        "withdrawn under the work of others",
        "a patch is withdrawn although later ones changed the same lines",
        patched("groundwork.execution.git_reverter.GitReverter.check_remaining_patches", lambda *asked: None),
        sharing,
    ),
)
