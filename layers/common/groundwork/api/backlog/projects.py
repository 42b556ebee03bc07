"""Routes of projects."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.adapters.dynamodb.backlog_rows import is_list_position
from groundwork.api import http
from groundwork.api.backlog.items import purge
from groundwork.api.deps import Limit, Token, new_router, services
from groundwork.api.http import answers
from groundwork.backlog.model import Project
from groundwork.backlog.requests import NewProject, ProjectPatch
from groundwork.runs.schemas import ListPage

router = new_router()


@router.post(
    "/api/projects",
    status_code=201,
    tags=["projects"],
    operation_id="createProject",
    summary="Create a project",
    responses=answers(Project, 201),
)
def create_project(body: NewProject) -> dict[str, Any]:
    return services(router).tables.projects.create(body.name.strip(), body.description).as_json()


@router.get(
    "/api/projects",
    tags=["projects"],
    operation_id="listProjects",
    summary="List projects",
    responses=answers(ListPage[Project]),
)
def list_projects(limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    before = http.position_of(next_token, is_list_position)
    found, more = services(router).tables.projects.page(before, limit)
    return http.page([project.as_json() for project in found], more)


@router.get(
    "/api/projects/<project_id>",
    tags=["projects"],
    operation_id="getProject",
    summary="Get a project",
    responses=answers(Project),
)
def get_project(project_id: str) -> dict[str, Any]:
    return services(router).tables.projects.get(project_id).as_json()


@router.patch(
    "/api/projects/<project_id>",
    tags=["projects"],
    operation_id="updateProject",
    summary="Update a project",
    responses=answers(Project),
)
def patch_project(project_id: str, body: ProjectPatch) -> dict[str, Any]:
    return services(router).tables.projects.update(project_id, body.changes()).as_json()


@router.delete(
    "/api/projects/<project_id>",
    status_code=204,
    tags=["projects"],
    operation_id="deleteProject",
    summary="Delete a project",
)
def delete_project(project_id: str) -> Response[str]:
    services(router).tables.projects.delete(project_id)
    return purge(services(router).tables, project_id)
