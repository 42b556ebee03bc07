"""Routes to watch the execution of a plan: progress, session logs and patches."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.adapters.dynamodb.execution_rows import is_log_position
from groundwork.api import http
from groundwork.api.deps import Limit, Token, new_router, services
from groundwork.api.http import answers
from groundwork.api.plans.deps import plan_of
from groundwork.errors import NotFound
from groundwork.execution.progress import progress
from groundwork.execution.schemas import LogLine, PlanProgress, TaskPatchShown
from groundwork.ids import Kind
from groundwork.plans.estimate import duration_estimator
from groundwork.runs.schemas import ListPage

router = new_router()


@router.get(
    "/api/plans/<plan_id>/progress",
    tags=["control"],
    operation_id="getPlanProgress",
    summary="Get the progress of a plan",
    responses=answers(PlanProgress),
)
def plan_progress(plan_id: str) -> Response[str]:
    own, tables = services(router), services(router).tables
    ai, _ = own.ai_and_model(None)
    state = tables.executions.read(plan_id)
    history = tables.measures.of_repository(state.plan.repository_id)
    expected = duration_estimator(history, ai, own.settings.mock_latency_ms)
    return http.answer(progress(state, tables.executions.events(plan_id), expected, own.now_ms()))


@router.get(
    "/api/plan-tasks/<task_id>/patch",
    tags=["control"],
    operation_id="getTaskPatch",
    summary="Get the patch of a task",
    responses=answers(TaskPatchShown),
)
def task_patch(task_id: str) -> Response[str]:
    tables = services(router).tables
    task = tables.executions.read(plan_of(Kind.TASK, task_id)).of(task_id)
    patch = tables.sessions.newest_patch(task_id)
    if patch is None:
        raise NotFound(f"The task {task_id!r} has no patch.")
    return http.answer({"taskId": task_id, "patch": patch.text, "withdrawn": task.withdrawn == patch.attempt})


@router.get(
    "/api/plan-tasks/<task_id>/log",
    tags=["control"],
    operation_id="listTaskLog",
    summary="List the session log of a task",
    responses=answers(ListPage[LogLine]),
)
def task_log(task_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    position = http.position_of(next_token, is_log_position)
    plan_id = plan_of(Kind.TASK, task_id)
    tables = services(router).tables
    # raises NotFound for a deleted plan: rows of its log may still exist
    tables.plans.summary(plan_id)
    return http.page(*tables.executions.log(plan_id, task_id, position, limit))
