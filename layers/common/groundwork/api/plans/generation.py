"""Routes of the model's work on a plan: generate, review, estimate."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.api import http
from groundwork.api.deps import new_router, services
from groundwork.api.http import answers
from groundwork.api.plans.deps import IfMatch, deps, plan_answer
from groundwork.plans.estimate import estimate_of_plan
from groundwork.plans.generate import GenerateRequest, Generator
from groundwork.plans.reviews import Choice, Reviewer, ReviewRequest, apply_suggestions
from groundwork.plans.schemas import GenerationAccepted, PlanEstimate, PlanShown

router = new_router()


@router.post(
    "/api/plans/generate",
    status_code=202,
    tags=["plans"],
    operation_id="generatePlan",
    summary="Generate a plan",
    responses=answers(GenerationAccepted, 202),
)
def generate(body: GenerateRequest) -> dict[str, str]:
    own, tables = services(router), services(router).tables
    trigger = own.starter().trigger
    generator = Generator(tables.plans, tables.backlog, tables.templates.get, trigger, own.now_ms, own.ai_and_model)
    return generator.generate(body, deps(router).actor).as_json()


@router.post(
    "/api/plans/<plan_id>/review",
    status_code=202,
    tags=["plans"],
    operation_id="reviewPlan",
    summary="Review a plan",
    responses=answers(GenerationAccepted, 202),
)
def review(plan_id: str, body: ReviewRequest) -> dict[str, str]:
    own = services(router)
    reviewer = Reviewer(own.tables.plans, own.starter().trigger, own.now_ms, own.ai_and_model)
    return reviewer.review(plan_id, body, deps(router).actor).as_json()


@router.post(
    "/api/plans/<plan_id>/apply-suggestions",
    tags=["plans"],
    operation_id="applySuggestions",
    summary="Apply the suggestions of a review",
    responses=answers(PlanShown),
)
def apply(plan_id: str, body: Choice, if_match: IfMatch = None) -> Response[str]:
    tables, editor = deps(router).tables, deps(router).editor
    plan = apply_suggestions(tables.plans, editor, plan_id, body, http.versions_seen(if_match))
    return plan_answer(tables, plan)


@router.post(
    "/api/plans/<plan_id>/estimate",
    tags=["plans"],
    operation_id="estimatePlan",
    summary="Estimate a plan",
    responses=answers(PlanEstimate),
)
def estimate(plan_id: str) -> dict[str, Any]:
    own, tables = services(router), services(router).tables
    plan, (ai, model) = tables.plans.load(plan_id), own.ai_and_model(None)
    history = tables.measures.of_repository(plan.repository_id)
    latency_ms = own.settings.mock_latency_ms
    return estimate_of_plan(plan, tables.plans.states(plan_id), history, ai, model, latency_ms)
