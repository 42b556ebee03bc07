"""Routes of epics."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.api.backlog.items import items
from groundwork.api.deps import Limit, Token, new_router
from groundwork.api.http import answers
from groundwork.backlog.model import Epic
from groundwork.backlog.requests import EpicPatch, NewEpic
from groundwork.ids import Kind, Path
from groundwork.runs.schemas import ListPage

router = new_router()


@router.post(
    "/api/projects/<project_id>/epics",
    status_code=201,
    tags=["epics"],
    operation_id="createEpic",
    summary="Create an epic",
    responses=answers(Epic, 201),
)
def create_epic(project_id: str, body: NewEpic) -> dict[str, Any]:
    return items(router).create(Kind.EPIC, Path(Kind.PROJECT, project_id), body)


@router.get(
    "/api/projects/<project_id>/epics",
    tags=["epics"],
    operation_id="listEpics",
    summary="List the epics of a project",
    responses=answers(ListPage[Epic]),
)
def list_epics(project_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return items(router).page(Kind.EPIC, Path(Kind.PROJECT, project_id), limit, next_token)


@router.get(
    "/api/epics/<epic_id>", tags=["epics"], operation_id="getEpic", summary="Get an epic", responses=answers(Epic)
)
def get_epic(epic_id: str) -> dict[str, Any]:
    return items(router).get(Kind.EPIC, epic_id)


@router.patch(
    "/api/epics/<epic_id>", tags=["epics"], operation_id="updateEpic", summary="Update an epic", responses=answers(Epic)
)
def patch_epic(epic_id: str, body: EpicPatch) -> dict[str, Any]:
    return items(router).patch(Kind.EPIC, epic_id, body)


@router.delete(
    "/api/epics/<epic_id>",
    status_code=204,
    tags=["epics"],
    operation_id="deleteEpic",
    summary="Delete an epic",
)
def delete_epic(epic_id: str) -> Response[str]:
    return items(router).delete(Kind.EPIC, epic_id)
