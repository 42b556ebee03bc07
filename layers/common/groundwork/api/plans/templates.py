"""Routes of plan templates."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.adapters.dynamodb.list_rows import is_list_position
from groundwork.api import http
from groundwork.api.deps import Limit, Token, new_router, services
from groundwork.api.http import answers
from groundwork.backlog.model import rfc3339
from groundwork.ids import TEMPLATE_ID
from groundwork.plans.requests import NewTemplate
from groundwork.plans.schemas import TemplateInBrief
from groundwork.plans.template_library import is_builtin_position, new_template
from groundwork.plans.template_library import page as templates_from
from groundwork.plans.templates import Template
from groundwork.runs.schemas import ListPage

router = new_router()


@router.get(
    "/api/plan-templates",
    tags=["templates"],
    operation_id="listTemplates",
    summary="List plan templates",
    responses=answers(ListPage[TemplateInBrief]),
)
def list_templates(limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    position = http.position_of(
        next_token, lambda text: is_builtin_position(text) or is_list_position(text, TEMPLATE_ID)
    )
    return http.page(*templates_from(position, limit, services(router).tables.templates.page))


@router.post(
    "/api/plan-templates",
    status_code=201,
    tags=["templates"],
    operation_id="createTemplate",
    summary="Create a plan template",
    responses=answers(Template, 201),
)
def create_template(body: NewTemplate) -> Response[str]:
    tables, created_at = services(router).tables, rfc3339(services(router).now_ms())
    template = new_template(body, tables.plans.load, created_at)
    tables.templates.create(template)
    return http.answer(template.as_json(), 201)


@router.get(
    "/api/plan-templates/<template_id>",
    tags=["templates"],
    operation_id="getTemplate",
    summary="Get a template",
    responses=answers(Template),
)
def get_template(template_id: str) -> Response[str]:
    return http.answer(services(router).tables.templates.get(template_id).as_json())


@router.delete(
    "/api/plan-templates/<template_id>",
    status_code=204,
    tags=["templates"],
    operation_id="deleteTemplate",
    summary="Delete a template",
)
def delete_template(template_id: str) -> Response[str]:
    services(router).tables.templates.delete(template_id)
    return Response(204, "application/json", "")
