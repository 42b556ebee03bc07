"""Routes of phases and tasks: edits of one part of a plan, by its id."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from groundwork.api import http
from groundwork.api.deps import new_router, services
from groundwork.api.http import answers
from groundwork.api.plans.deps import IfMatch, deps, plan_of
from groundwork.ids import Kind, path_of
from groundwork.plans import views
from groundwork.plans.model import Plan
from groundwork.plans.operations import Operation, RemovePhase, RemoveTask
from groundwork.plans.requests import NewPhase, NewTask, PhasePatch, TaskPatch
from groundwork.plans.schemas import PhaseOfPlan, TaskOfPlan

Dependents = Annotated[Literal["refuse", "repair"], Query()]

router = new_router()


@router.post(
    "/api/phases",
    status_code=201,
    tags=["phases"],
    operation_id="createPhase",
    summary="Add a phase to a plan",
    responses=answers(PhaseOfPlan, 201),
)
def create_phase(body: NewPhase, if_match: IfMatch = None) -> Response[str]:
    plan = _edited(body.plan_id, [body.operation()], http.versions_seen(if_match))
    return _phase(plan, _newest(Kind.PHASE, [phase.id for phase in plan.phases]), 201)


@router.patch(
    "/api/phases/<phase_id>",
    tags=["phases"],
    operation_id="updatePhase",
    summary="Update a phase",
    responses=answers(PhaseOfPlan),
)
def patch_phase(phase_id: str, body: PhasePatch, if_match: IfMatch = None) -> Response[str]:
    operations = body.operations(phase_id)
    return _phase(_edited(plan_of(Kind.PHASE, phase_id), operations, http.versions_seen(if_match)), phase_id)


@router.delete(
    "/api/phases/<phase_id>", status_code=204, tags=["phases"], operation_id="deletePhase", summary="Delete a phase"
)
def delete_phase(phase_id: str, dependents: Dependents = "refuse", if_match: IfMatch = None) -> Response[str]:
    operation = RemovePhase(phase_id=phase_id, dependents=dependents)
    return _gone(_edited(plan_of(Kind.PHASE, phase_id), [operation], http.versions_seen(if_match)))


@router.post(
    "/api/plan-tasks",
    status_code=201,
    tags=["tasks"],
    operation_id="createTask",
    summary="Add a task to a phase",
    responses=answers(TaskOfPlan, 201),
)
def create_task(body: NewTask, if_match: IfMatch = None) -> Response[str]:
    plan = _edited(plan_of(Kind.PHASE, body.phase_id), [body.operation()], http.versions_seen(if_match))
    return _task(plan, _newest(Kind.TASK, [task.id for task in plan.tasks]), 201)


@router.patch(
    "/api/plan-tasks/<task_id>",
    tags=["tasks"],
    operation_id="updateTask",
    summary="Update a task",
    responses=answers(TaskOfPlan),
)
def patch_task(task_id: str, body: TaskPatch, if_match: IfMatch = None) -> Response[str]:
    plan_id = plan_of(Kind.TASK, task_id)
    edited = _edited(plan_id, lambda plan: body.operations(task_id, plan), http.versions_seen(if_match))
    return _task(edited, task_id)


@router.delete(
    "/api/plan-tasks/<task_id>", status_code=204, tags=["tasks"], operation_id="deleteTask", summary="Delete a task"
)
def delete_task(task_id: str, dependents: Dependents = "refuse", if_match: IfMatch = None) -> Response[str]:
    operation = RemoveTask(task_id=task_id, dependents=dependents)
    return _gone(_edited(plan_of(Kind.TASK, task_id), [operation], http.versions_seen(if_match)))


def _edited(
    plan_id: str, operations: Sequence[Operation] | Callable[[Plan], Sequence[Operation]], seen: frozenset[int] | None
) -> Plan:
    return deps(router).editor.edit(plan_id, operations, seen)


def _phase(plan: Plan, phase_id: str, status: int = 200) -> Response[str]:
    return http.answer(
        views.phase_view(plan, phase_id, services(router).tables.plans.states(plan.id)), status, plan.version
    )


def _task(plan: Plan, task_id: str, status: int = 200) -> Response[str]:
    return http.answer(
        views.task_view(plan, task_id, services(router).tables.plans.states(plan.id)), status, plan.version
    )


def _gone(plan: Plan) -> Response[str]:
    return Response(204, "application/json", "", headers={"ETag": f'"{plan.version}"'})


def _newest(kind: Kind, ids: list[str]) -> str:
    """Return the id with the highest number.

    The plan's counters may be ahead of it after a concurrent edit.
    """
    return str(max((path for id_ in ids if (path := path_of(kind, id_))), key=lambda path: path.number))
