"""HTTP: plans, their history, generation and review; the routes of what belongs to them are in `plan_routes`."""

import time
from functools import cache
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from groundwork.adapters.aws.clients import async_invoker
from groundwork.adapters.aws.scheduler import PlanTimer
from groundwork.adapters.aws.step_functions import PlanMachine
from groundwork.adapters.dynamodb.list_rows import is_list_position
from groundwork.adapters.dynamodb.plan_rows import is_iteration_position
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.api import http
from groundwork.api.http import answers
from groundwork.api.plans import control, parts, progress, repositories, templates
from groundwork.api.plans.deps import IfMatch, Limit, Token
from groundwork.errors import NotFound, Transient
from groundwork.execution import schedule_restore
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.generation.registry import run_handlers
from groundwork.ids import PLAN_ID
from groundwork.llm.factory import ai_and_model
from groundwork.plans import views
from groundwork.plans.create import make_source, plan_factory
from groundwork.plans.editor import Editor
from groundwork.plans.estimate import estimate_of_plan
from groundwork.plans.generate import GenerateRequest, Generator
from groundwork.plans.model import Plan, PlanStatus
from groundwork.plans.requests import NewPlan, PlanPatch, Restoration
from groundwork.plans.reviews import Choice, Reviewer, ReviewRequest, apply_suggestions, order_effect
from groundwork.plans.schemas import (
    Comparison,
    GenerationAccepted,
    IterationShown,
    PlanEstimate,
    PlanInBrief,
    PlanShown,
)
from groundwork.runs.schemas import ListPage
from groundwork.runs.start import Starter
from groundwork.settings import Settings
from groundwork.text import clean

PURGE_S = 5.0
"""How long a delete tidies up before it answers; what is left then is the schedule's."""

PAGE_BYTES = 4 * 1024 * 1024
"""A page of the history ends early rather than outgrow what one answer holds."""

app = http.api()
Version = Annotated[int | None, Query(ge=1, le=999_999)]


@cache
def settings() -> Settings:
    return Settings.from_environment()


@cache
def tables() -> Tables:
    return open_tables(settings())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def author() -> str:
    """Who is asking, for the history: what the client says of itself, else whom the authorizer has let pass."""
    named = clean(app.current_event.headers.get("x-groundwork-author", "")).strip()
    context = app.current_event.raw_event.get("requestContext", {}).get("authorizer", {}).get("lambda") or {}
    return named[:100] or str(context.get("principal", "admin"))


def editor() -> Editor:
    return Editor(tables().plans, tables().entries, now_ms, author(), on_edit_during_execution=followed)


def followed(plan_id: str) -> None:
    """What an edit lets follow in a plan that is carried out, such as a gate that opens; else the sweep sees to it."""
    try:
        conductor().change(plan_id, lambda execution_state: execution_state)
    except (NotFound, Transient) as fault:
        http.logger.warning("Nothing has followed from an edit", plan_id=plan_id, fault=str(fault))


def starter() -> Starter:
    return Starter(
        store=tables().runs,
        backlog=tables().backlog,
        handlers=run_handlers(),
        counts=tables().projects.counts,
        invoke=async_invoker(settings().process_next),
        now_ms=now_ms,
        ai_and_model=which_model,
    )


def which_model(asked: str | None) -> tuple[str, str]:
    return ai_and_model(settings(), asked)


# plans


@app.post(
    "/api/plans",
    status_code=201,
    tags=["plans"],
    operation_id="createPlan",
    summary="Create a plan",
    responses=answers(PlanShown, 201),
)
def create_plan(body: NewPlan) -> Response[str]:
    source = make_source(body, tables().templates.get, tables().entries)
    return _plan(editor().create(plan_factory(body, source), source.summary), 201)


@app.get(
    "/api/plans",
    tags=["plans"],
    operation_id="listPlans",
    summary="List plans",
    responses=answers(ListPage[PlanInBrief]),
)
def list_plans(
    repository_id: Annotated[str | None, Query(alias="repositoryId")] = None,
    limit: Limit = 50,
    next_token: Token = None,
) -> dict[str, Any]:
    before = http.position_of(next_token, lambda text: is_list_position(text, PLAN_ID))
    if repository_id is not None:
        tables().repositories.get(repository_id)
    return http.page(*tables().plans.page(repository_id, before, limit))


@app.get(
    "/api/plans/<plan_id>", tags=["plans"], operation_id="getPlan", summary="Get a plan", responses=answers(PlanShown)
)
def get_plan(plan_id: str, version: Version = None) -> Response[str]:
    return _plan(tables().plans.load(plan_id) if version is None else tables().plans.at_version(plan_id, version))


@app.patch(
    "/api/plans/<plan_id>",
    tags=["plans"],
    operation_id="updatePlan",
    summary="Update a plan",
    responses=answers(PlanShown),
)
def patch_plan(plan_id: str, body: PlanPatch, if_match: IfMatch = None) -> Response[str]:
    status = body.changes().get("status")
    wanted = PlanStatus(status) if status else None
    return _plan(editor().edit(plan_id, body.operations(), http.versions_seen(if_match), wanted))


@app.delete("/api/plans/<plan_id>", status_code=204, tags=["plans"], operation_id="deletePlan", summary="Delete a plan")
def delete_plan(plan_id: str, if_match: IfMatch = None) -> Response[str]:
    was_scheduled = tables().plans.delete(plan_id, http.versions_seen(if_match))
    ends = time.monotonic() + PURGE_S
    try:
        if was_scheduled:
            timer().clear(plan_id)
        tables().plans.purge(plan_id, lambda: time.monotonic() > ends)
    except Transient as fault:
        # the plan is gone all the same: the sweep finds what is left of it, and its timer ends when it fires next
        http.logger.warning("A purge was put off", plan_id=plan_id, fault=str(fault))
    return Response(204, "application/json", "")


@app.get(
    "/api/plans/<plan_id>/compare",
    tags=["plans"],
    operation_id="comparePlanVersions",
    summary="Compare two versions of a plan",
    responses=answers(Comparison),
)
def compare(
    plan_id: str, since: Annotated[int, Query(alias="from", ge=1, le=999_999)], to: Version = None
) -> Response[str]:
    plans = tables().plans
    after = plans.load(plan_id) if to is None else plans.at_version(plan_id, to)
    return http.answer(views.comparison(plans.at_version(plan_id, since), after))


@app.post(
    "/api/plans/<plan_id>/restore",
    tags=["plans"],
    operation_id="restorePlanVersion",
    summary="Restore a version of a plan",
    responses=answers(PlanShown),
)
def restore(plan_id: str, body: Restoration, if_match: IfMatch = None) -> Response[str]:
    return _plan(editor().restore(plan_id, body.version, http.versions_seen(if_match)))


@app.get(
    "/api/plans/<plan_id>/iterations",
    tags=["plans"],
    operation_id="listIterations",
    summary="List the history of a plan",
    responses=answers(ListPage[IterationShown]),
)
def list_iterations(plan_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    position = http.position_of(next_token, is_iteration_position)
    found = tables().plans.iterations(plan_id, int(position) if position else None, limit)
    shown, last = views.history_page(map(tables().plans.with_suggestions, found), PAGE_BYTES)
    return http.page(shown, str(last) if last and last > 1 else None)


@app.get(
    "/api/plans/<plan_id>/iterations/<iteration_id>",
    tags=["plans"],
    operation_id="getIteration",
    summary="Get an iteration of a plan",
    responses=answers(IterationShown),
)
def get_iteration(plan_id: str, iteration_id: str) -> Response[str]:
    plans = tables().plans
    iteration, suggestions = plans.with_suggestions(plans.iteration(iteration_id))
    if iteration.plan_id != plan_id:
        raise NotFound.of("iteration", iteration_id)
    before, after = plans.before_and_after(iteration)
    iteration = iteration.model_copy(update={"schedule": order_effect(before, iteration, suggestions)})
    return http.answer(views.iteration_comparison(iteration, before, after, suggestions, plans.load(plan_id)))


# the model's part


@app.post(
    "/api/plans/generate",
    status_code=202,
    tags=["plans"],
    operation_id="generatePlan",
    summary="Generate a plan",
    responses=answers(GenerationAccepted, 202),
)
def generate(body: GenerateRequest) -> dict[str, str]:
    generator = Generator(
        tables().plans, tables().backlog, tables().templates.get, starter().trigger, now_ms, which_model
    )
    return generator.generate(body, author()).as_json()


@app.post(
    "/api/plans/<plan_id>/review",
    status_code=202,
    tags=["plans"],
    operation_id="reviewPlan",
    summary="Review a plan",
    responses=answers(GenerationAccepted, 202),
)
def review(plan_id: str, body: ReviewRequest) -> dict[str, str]:
    reviewer = Reviewer(tables().plans, starter().trigger, now_ms, which_model)
    return reviewer.review(plan_id, body, author()).as_json()


@app.post(
    "/api/plans/<plan_id>/apply-suggestions",
    tags=["plans"],
    operation_id="applySuggestions",
    summary="Apply the suggestions of a review",
    responses=answers(PlanShown),
)
def apply(plan_id: str, body: Choice, if_match: IfMatch = None) -> Response[str]:
    return _plan(apply_suggestions(tables().plans, editor(), plan_id, body, http.versions_seen(if_match)))


@app.post(
    "/api/plans/<plan_id>/estimate",
    tags=["plans"],
    operation_id="estimatePlan",
    summary="Estimate a plan",
    responses=answers(PlanEstimate),
)
def estimate(plan_id: str) -> dict[str, Any]:
    plan, (ai, model) = tables().plans.load(plan_id), which_model(None)
    history = tables().measures.of_repository(plan.repository_id)
    return estimate_of_plan(plan, tables().plans.states(plan_id), history, ai, model, settings().mock_latency_ms)


# carrying out


def conductor() -> ExecutionCoordinator:
    return ExecutionCoordinator(tables().executions, _machine(), now_ms, author(), on_notify_error=_unheard)


def _machine() -> PlanMachine:
    return PlanMachine(settings().plan_machine, settings().plan_executor)


def _unheard(what: str) -> None:
    http.logger.warning("Unheard", what=what)


def timer() -> PlanTimer:
    return PlanTimer(settings().schedule_prefix, settings().plan_executor_arn, settings().schedule_role)


for routes in (repositories, parts, templates, control, progress):
    app.include_router(routes.router)


def _plan(plan: Plan, status: int = 200) -> Response[str]:
    return http.answer(views.plan_view(plan, tables().plans.states(plan.id)), status, plan.version)


def restored(event: dict[str, Any]) -> Any:
    """Lists schedules, or sets one again, from the plans' rows; invoked directly by whoever looks after the tables."""
    if event["do"] == "LIST_SCHEDULES":
        return list(schedule_restore.schedules(tables().plans.every(), tables().executions.read))
    reason = "The system was off at that time."
    nobody = ExecutionCoordinator(tables().executions, _machine(), now_ms, on_notify_error=_unheard)
    return schedule_restore.restore(nobody, timer(), event["planId"], event.get("missed"), reason)


def handler(event: dict[str, Any], context: Any) -> Any:
    if "do" in event:
        return restored(event)
    around = {"conductor": conductor, "editor": editor, "now_ms": now_ms, "settings": settings, "tables": tables}
    app.append_context(timer=timer, **around)  # type: ignore[no-untyped-call]
    return http.serve(app, event, context)
