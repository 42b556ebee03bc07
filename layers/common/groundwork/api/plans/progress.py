"""What people watch of a plan that is carried out: how far it is, what a session does, what has come of it."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from groundwork.adapters.dynamodb.execution_rows import is_log_position
from groundwork.api import http
from groundwork.api.http import answers
from groundwork.api.plans.deps import Limit, Token, given, plan_of, tables
from groundwork.errors import NotFound
from groundwork.execution.progress import progress
from groundwork.execution.schemas import LogLine, PlanProgress, TaskPatchShown
from groundwork.ids import Kind
from groundwork.llm.factory import ai_and_model
from groundwork.plans.estimate import duration_estimator
from groundwork.runs.schemas import ListPage
from groundwork.settings import Settings

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.get(
    "/api/plans/<plan_id>/progress",
    tags=["control"],
    operation_id="getPlanProgress",
    summary="Get the progress of a plan",
    responses=answers(PlanProgress),
)
def plan_progress(plan_id: str) -> Response[str]:
    settings: Settings = given(router, "settings")
    executions, (ai, _) = tables(router).executions, ai_and_model(settings, None)
    execution_state = executions.read(plan_id)
    history = tables(router).measures.of_repository(execution_state.plan.repository_id)
    expect = duration_estimator(history, ai, settings.mock_latency_ms)
    return http.answer(progress(execution_state, executions.events(plan_id), expect, given(router, "now_ms")))


@router.get(
    "/api/plan-tasks/<task_id>/patch",
    tags=["control"],
    operation_id="getTaskPatch",
    summary="Get the patch of a task",
    responses=answers(TaskPatchShown),
)
def task_patch(task_id: str) -> Response[str]:
    state = tables(router).executions.read(plan_of(Kind.TASK, task_id)).of(task_id)
    patch = tables(router).sessions.newest_patch(task_id)
    if patch is None:
        raise NotFound(f"There is no patch of the task {task_id!r}.")
    return http.answer({"taskId": task_id, "patch": patch.text, "withdrawn": state.withdrawn == patch.attempt})


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
    tables(router).plans.summary(plan_id)
    return http.page(*tables(router).executions.log(plan_id, task_id, position, limit))
