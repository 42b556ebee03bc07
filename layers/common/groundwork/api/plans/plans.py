"""Routes of plans, their versions and their history."""

import time
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from groundwork.adapters.dynamodb.list_rows import is_list_position
from groundwork.adapters.dynamodb.plan_rows import is_iteration_position
from groundwork.api import http
from groundwork.api.deps import Limit, Token, new_router
from groundwork.api.http import answers
from groundwork.api.plans.deps import IfMatch, deps, plan_answer
from groundwork.errors import NotFound, Transient
from groundwork.ids import PLAN_ID
from groundwork.plans import views
from groundwork.plans.create import make_source, plan_factory
from groundwork.plans.model import PlanStatus
from groundwork.plans.requests import NewPlan, PlanPatch, Restoration
from groundwork.plans.reviews import order_effect
from groundwork.plans.schemas import Comparison, IterationShown, PlanInBrief, PlanShown
from groundwork.runs.schemas import ListPage

PURGE_SECONDS = 5.0
"""Time for the purge before a delete answers. The schedule does the rest."""

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""Size of a page of the history, well below the limit of one answer."""

Version = Annotated[int | None, Query(ge=1, le=999_999)]

router = new_router()


@router.post(
    "/api/plans",
    status_code=201,
    tags=["plans"],
    operation_id="createPlan",
    summary="Create a plan",
    responses=answers(PlanShown, 201),
)
def create_plan(body: NewPlan) -> Response[str]:
    tables, editor = deps(router).tables, deps(router).editor
    source = make_source(body, tables.templates.get, tables.entries)
    return plan_answer(tables, editor.create(plan_factory(body, source), source.summary), 201)


@router.get(
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
    tables = deps(router).tables
    if repository_id is not None:
        # a 404 for an unknown repository, not an empty list
        tables.repositories.get(repository_id)
    return http.page(*tables.plans.page(repository_id, before, limit))


@router.get(
    "/api/plans/<plan_id>", tags=["plans"], operation_id="getPlan", summary="Get a plan", responses=answers(PlanShown)
)
def get_plan(plan_id: str, version: Version = None) -> Response[str]:
    tables = deps(router).tables
    plan = tables.plans.load(plan_id) if version is None else tables.plans.at_version(plan_id, version)
    return plan_answer(tables, plan)


@router.patch(
    "/api/plans/<plan_id>",
    tags=["plans"],
    operation_id="updatePlan",
    summary="Update a plan",
    responses=answers(PlanShown),
)
def patch_plan(plan_id: str, body: PlanPatch, if_match: IfMatch = None) -> Response[str]:
    status = body.changes().get("status")
    wanted = PlanStatus(status) if status else None
    plan = deps(router).editor.edit(plan_id, body.operations(), http.versions_seen(if_match), wanted)
    return plan_answer(deps(router).tables, plan)


@router.delete(
    "/api/plans/<plan_id>", status_code=204, tags=["plans"], operation_id="deletePlan", summary="Delete a plan"
)
def delete_plan(plan_id: str, if_match: IfMatch = None) -> Response[str]:
    plans, timer = deps(router).tables.plans, deps(router).timer
    was_scheduled = plans.delete(plan_id, http.versions_seen(if_match))
    ends = time.monotonic() + PURGE_SECONDS
    try:
        if was_scheduled:
            timer.clear(plan_id)
        plans.purge(plan_id, lambda: time.monotonic() > ends)
    except Transient as fault:
        # the plan is deleted: the sweep purges the rest, and the timer is removed when it fires next
        http.logger.warning("Purge postponed", plan_id=plan_id, fault=str(fault))
    return Response(204, "application/json", "")


@router.get(
    "/api/plans/<plan_id>/compare",
    tags=["plans"],
    operation_id="comparePlanVersions",
    summary="Compare two versions of a plan",
    responses=answers(Comparison),
)
def compare(
    plan_id: str, since: Annotated[int, Query(alias="from", ge=1, le=999_999)], to: Version = None
) -> Response[str]:
    plans = deps(router).tables.plans
    after = plans.load(plan_id) if to is None else plans.at_version(plan_id, to)
    return http.answer(views.comparison(plans.at_version(plan_id, since), after))


@router.post(
    "/api/plans/<plan_id>/restore",
    tags=["plans"],
    operation_id="restorePlanVersion",
    summary="Restore a version of a plan",
    responses=answers(PlanShown),
)
def restore(plan_id: str, body: Restoration, if_match: IfMatch = None) -> Response[str]:
    plan = deps(router).editor.restore(plan_id, body.version, http.versions_seen(if_match))
    return plan_answer(deps(router).tables, plan)


@router.get(
    "/api/plans/<plan_id>/iterations",
    tags=["plans"],
    operation_id="listIterations",
    summary="List the history of a plan",
    responses=answers(ListPage[IterationShown]),
)
def list_iterations(plan_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    position = http.position_of(next_token, is_iteration_position)
    plans = deps(router).tables.plans
    found = plans.iterations(plan_id, int(position) if position else None, limit)
    shown, last = views.history_page(map(plans.with_suggestions, found), MAX_PAGE_BYTES)
    # numbers start at 1: nothing is older
    return http.page(shown, str(last) if last and last > 1 else None)


@router.get(
    "/api/plans/<plan_id>/iterations/<iteration_id>",
    tags=["plans"],
    operation_id="getIteration",
    summary="Get an iteration of a plan",
    responses=answers(IterationShown),
)
def get_iteration(plan_id: str, iteration_id: str) -> Response[str]:
    plans = deps(router).tables.plans
    iteration, suggestions = plans.with_suggestions(plans.iteration(iteration_id))
    if iteration.plan_id != plan_id:
        raise NotFound.of("iteration", iteration_id)
    before, after = plans.before_and_after(iteration)
    iteration = iteration.model_copy(update={"schedule": order_effect(before, iteration, suggestions)})
    return http.answer(views.iteration_comparison(iteration, before, after, suggestions, plans.load(plan_id)))
