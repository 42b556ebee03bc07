"""HTTP: projects, cards, epics, stories, subtasks; import and export."""

import time
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from groundwork.adapters.dynamodb.backlog_rows import is_list_position, is_position
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.api import card_import, http
from groundwork.api.http import answers
from groundwork.backlog.export import Backlog, ExportedBacklog, Format, render
from groundwork.backlog.model import Artifact, Card, Epic, Project, Story, Subtask
from groundwork.backlog.requests import (
    CardPatch,
    EpicPatch,
    NewEpic,
    NewProject,
    NewStory,
    NewSubtask,
    Patch,
    ProjectPatch,
    StoryOfEpic,
    StoryPatch,
    SubtaskOfStory,
    SubtaskPatch,
    new_artifact,
    unknown_card_ids,
)
from groundwork.errors import Invalid, NotFound, Transient
from groundwork.ids import Kind, Path, path_of
from groundwork.plans.schemas import StoryWithPlans
from groundwork.runs.schemas import Health, ListPage
from groundwork.settings import Settings

PURGE_S = 5.0
"""How long a delete tidies up before it answers; what is left then is the schedule's."""

app = http.api()
Limit = Annotated[int, Query(ge=1, le=200)]
Token = Annotated[str | None, Query(alias="nextToken", max_length=400)]


@cache
def tables() -> Tables:
    return open_tables(Settings.from_environment())


app.include_router(card_import.router)


@app.get(
    "/api/health",
    tags=["system"],
    operation_id="getHealth",
    summary="Check the health of the API",
    security=[],
    responses=answers(Health),
)
def health() -> Health:
    return {"status": "ok"}


@app.get(
    "/api/openapi.json",
    tags=["system"],
    operation_id="getOpenApiDocument",
    summary="Get the OpenAPI document",
    responses=answers(dict[str, Any]),
)
def openapi() -> Response[str]:
    return Response(200, "application/json", files("groundwork").joinpath("openapi.json").read_text())


# projects


@app.post(
    "/api/projects",
    status_code=201,
    tags=["projects"],
    operation_id="createProject",
    summary="Create a project",
    responses=answers(Project, 201),
)
def create_project(body: NewProject) -> dict[str, Any]:
    return _json(tables().projects.create(body.name.strip(), body.description))


@app.get(
    "/api/projects",
    tags=["projects"],
    operation_id="listProjects",
    summary="List projects",
    responses=answers(ListPage[Project]),
)
def list_projects(limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    before = http.position_of(next_token, is_list_position)
    found, more = tables().projects.page(before, limit)
    return _list(found, more)


@app.get(
    "/api/projects/<project_id>",
    tags=["projects"],
    operation_id="getProject",
    summary="Get a project",
    responses=answers(Project),
)
def get_project(project_id: str) -> dict[str, Any]:
    return _json(tables().projects.get(project_id))


@app.patch(
    "/api/projects/<project_id>",
    tags=["projects"],
    operation_id="updateProject",
    summary="Update a project",
    responses=answers(Project),
)
def patch_project(project_id: str, body: ProjectPatch) -> dict[str, Any]:
    return _json(tables().projects.update(project_id, body.changes()))


@app.delete(
    "/api/projects/<project_id>",
    status_code=204,
    tags=["projects"],
    operation_id="deleteProject",
    summary="Delete a project",
)
def delete_project(project_id: str) -> Response[str]:
    tables().projects.delete(project_id)
    return _purged(project_id)


# cards


@app.get(
    "/api/projects/<project_id>/cards",
    tags=["cards"],
    operation_id="listCards",
    summary="List the cards of a project",
    responses=answers(ListPage[Card]),
)
def list_cards(project_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return _page(Kind.CARD, Path(Kind.PROJECT, project_id), limit, next_token)


@app.get("/api/cards/<card_id>", tags=["cards"], operation_id="getCard", summary="Get a card", responses=answers(Card))
def get_card(card_id: str) -> dict[str, Any]:
    return _get(Kind.CARD, card_id)


@app.patch(
    "/api/cards/<card_id>", tags=["cards"], operation_id="updateCard", summary="Update a card", responses=answers(Card)
)
def patch_card(card_id: str, body: CardPatch) -> dict[str, Any]:
    return _patch(Kind.CARD, card_id, body)


@app.delete("/api/cards/<card_id>", status_code=204, tags=["cards"], operation_id="deleteCard", summary="Delete a card")
def delete_card(card_id: str) -> Response[str]:
    return _delete(Kind.CARD, card_id)


# epics


@app.post(
    "/api/projects/<project_id>/epics",
    status_code=201,
    tags=["epics"],
    operation_id="createEpic",
    summary="Create an epic",
    responses=answers(Epic, 201),
)
def create_epic(project_id: str, body: NewEpic) -> dict[str, Any]:
    return _create(Kind.EPIC, Path(Kind.PROJECT, project_id), body)


@app.get(
    "/api/projects/<project_id>/epics",
    tags=["epics"],
    operation_id="listEpics",
    summary="List the epics of a project",
    responses=answers(ListPage[Epic]),
)
def list_epics(project_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return _page(Kind.EPIC, Path(Kind.PROJECT, project_id), limit, next_token)


@app.get("/api/epics/<epic_id>", tags=["epics"], operation_id="getEpic", summary="Get an epic", responses=answers(Epic))
def get_epic(epic_id: str) -> dict[str, Any]:
    return _get(Kind.EPIC, epic_id)


@app.patch(
    "/api/epics/<epic_id>", tags=["epics"], operation_id="updateEpic", summary="Update an epic", responses=answers(Epic)
)
def patch_epic(epic_id: str, body: EpicPatch) -> dict[str, Any]:
    return _patch(Kind.EPIC, epic_id, body)


@app.delete(
    "/api/epics/<epic_id>",
    status_code=204,
    tags=["epics"],
    operation_id="deleteEpic",
    summary="Delete an epic",
)
def delete_epic(epic_id: str) -> Response[str]:
    return _delete(Kind.EPIC, epic_id)


# stories


@app.post(
    "/api/epics/<epic_id>/stories",
    status_code=201,
    tags=["stories"],
    operation_id="createEpicStory",
    summary="Create a story in an epic",
    responses=answers(StoryWithPlans, 201),
)
def create_story(epic_id: str, body: NewStory) -> dict[str, Any]:
    return _create(Kind.STORY, _path(Kind.EPIC, epic_id), body)


@app.get(
    "/api/epics/<epic_id>/stories",
    tags=["stories"],
    operation_id="listEpicStories",
    summary="List the stories of an epic",
    responses=answers(ListPage[Story]),
)
def list_epic_stories(epic_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return _page(Kind.STORY, _path(Kind.EPIC, epic_id), limit, next_token)


@app.get(
    "/api/projects/<project_id>/stories",
    tags=["stories"],
    operation_id="listStories",
    summary="List the stories of a project",
    responses=answers(ListPage[Story]),
)
def list_stories(project_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return _page(Kind.STORY, Path(Kind.PROJECT, project_id), limit, next_token)


@app.post(
    "/api/projects/<project_id>/stories",
    status_code=201,
    tags=["stories"],
    operation_id="createStory",
    summary="Create a story in a project",
    responses=answers(StoryWithPlans, 201),
)
def create_project_story(project_id: str, body: StoryOfEpic) -> dict[str, Any]:
    epic = _parent(Kind.EPIC, body.epic_id, project_id, "epicId")
    return _create(Kind.STORY, epic, body.without_parent())


@app.get(
    "/api/stories/<story_id>",
    tags=["stories"],
    operation_id="getStory",
    summary="Get a story",
    responses=answers(StoryWithPlans),
)
def get_story(story_id: str) -> dict[str, Any]:
    return _get(Kind.STORY, story_id)


@app.patch(
    "/api/stories/<story_id>",
    tags=["stories"],
    operation_id="updateStory",
    summary="Update a story",
    responses=answers(StoryWithPlans),
)
def patch_story(story_id: str, body: StoryPatch) -> dict[str, Any]:
    return _patch(Kind.STORY, story_id, body)


@app.delete(
    "/api/stories/<story_id>",
    status_code=204,
    tags=["stories"],
    operation_id="deleteStory",
    summary="Delete a story",
)
def delete_story(story_id: str) -> Response[str]:
    return _delete(Kind.STORY, story_id)


# subtasks


@app.post(
    "/api/stories/<story_id>/subtasks",
    status_code=201,
    tags=["subtasks"],
    operation_id="createStorySubtask",
    summary="Create a subtask in a story",
    responses=answers(Subtask, 201),
)
def create_subtask(story_id: str, body: NewSubtask) -> dict[str, Any]:
    return _create(Kind.SUBTASK, _path(Kind.STORY, story_id), body)


@app.get(
    "/api/stories/<story_id>/subtasks",
    tags=["subtasks"],
    operation_id="listStorySubtasks",
    summary="List the subtasks of a story",
    responses=answers(ListPage[Subtask]),
)
def list_story_subtasks(story_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return _page(Kind.SUBTASK, _path(Kind.STORY, story_id), limit, next_token)


@app.get(
    "/api/projects/<project_id>/subtasks",
    tags=["subtasks"],
    operation_id="listSubtasks",
    summary="List the subtasks of a project",
    responses=answers(ListPage[Subtask]),
)
def list_subtasks(project_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return _page(Kind.SUBTASK, Path(Kind.PROJECT, project_id), limit, next_token)


@app.post(
    "/api/projects/<project_id>/subtasks",
    status_code=201,
    tags=["subtasks"],
    operation_id="createSubtask",
    summary="Create a subtask in a project",
    responses=answers(Subtask, 201),
)
def create_project_subtask(project_id: str, body: SubtaskOfStory) -> dict[str, Any]:
    story = _parent(Kind.STORY, body.story_id, project_id, "storyId")
    return _create(Kind.SUBTASK, story, body.without_parent())


@app.get(
    "/api/subtasks/<subtask_id>",
    tags=["subtasks"],
    operation_id="getSubtask",
    summary="Get a subtask",
    responses=answers(Subtask),
)
def get_subtask(subtask_id: str) -> dict[str, Any]:
    return _get(Kind.SUBTASK, subtask_id)


@app.patch(
    "/api/subtasks/<subtask_id>",
    tags=["subtasks"],
    operation_id="updateSubtask",
    summary="Update a subtask",
    responses=answers(Subtask),
)
def patch_subtask(subtask_id: str, body: SubtaskPatch) -> dict[str, Any]:
    return _patch(Kind.SUBTASK, subtask_id, body)


@app.delete(
    "/api/subtasks/<subtask_id>",
    status_code=204,
    tags=["subtasks"],
    operation_id="deleteSubtask",
    summary="Delete a subtask",
)
def delete_subtask(subtask_id: str) -> Response[str]:
    return _delete(Kind.SUBTASK, subtask_id)


# export


@app.get(
    "/api/projects/<project_id>/export",
    tags=["projects"],
    operation_id="exportBacklog",
    summary="Export the backlog",
    responses=answers(ExportedBacklog, files=("text/csv", "text/markdown")),
)
def export(project_id: str, format: Annotated[Format, Query()] = "json") -> Response[str]:
    root = Path(Kind.PROJECT, project_id)
    project = tables().projects.get(project_id)
    levels = (tables().entries.iter_all(kind, root) for kind in (Kind.EPIC, Kind.STORY, Kind.SUBTASK))
    file = render(format, Backlog.of(project, *levels))
    disposition = f'attachment; filename="{file.filename}"'
    return Response(200, file.content_type, file.body, headers={"Content-Disposition": disposition})


# what all kinds have in common


def _page(kind: Kind, parent: Path, limit: int, token: str | None) -> dict[str, Any]:
    after = http.position_of(token, lambda position: is_position(position, kind, parent))
    found, more = tables().entries.page(kind, parent, after, limit)
    return _list(found, more)


def _list(found: list[Any], more: str | None) -> dict[str, Any]:
    return {"items": [_json(thing) for thing in found], "nextToken": http.page_token(more) if more else None}


def _get(kind: Kind, id_: str) -> dict[str, Any]:
    return _one(tables().entries.get(_path(kind, id_)))


def _create(kind: Kind, parent: Path, body: NewEpic | NewStory | NewSubtask) -> dict[str, Any]:
    _check_cards(body, parent.project_id)
    return _one(tables().entries.create(kind, parent, lambda path, now: new_artifact(body, path, now)))


def _patch(kind: Kind, id_: str, patch: Patch) -> dict[str, Any]:
    path = _path(kind, id_)
    _check_cards(patch, path.project_id)
    return _one(tables().entries.update(path, patch.changes()))


def _delete(kind: Kind, id_: str) -> Response[str]:
    path = _path(kind, id_)
    tables().entries.delete(path)
    return _purged(path.project_id)


def _purged(project_id: str) -> Response[str]:
    ends = time.monotonic() + PURGE_S
    try:
        tables().purger.purge(project_id, lambda: time.monotonic() > ends)
    except Transient as fault:
        # the thing is gone all the same, and the schedule finds what is left of it
        http.logger.warning("A purge was put off", project_id=project_id, fault=str(fault))
    return Response(204, "application/json", "")


def _path(kind: Kind, id_: str) -> Path:
    path = path_of(kind, id_)
    if path is None:
        raise NotFound.of(kind.name.lower(), id_)
    return path


def _parent(kind: Kind, id_: str, project_id: str, field: str) -> Path:
    path = path_of(kind, id_)
    if path is None or path.project_id != project_id:
        raise Invalid.field(field, f"is no {kind.name.lower()} of this project")
    return path


def _check_cards(body: Patch, project_id: str) -> None:
    if problems := unknown_card_ids(getattr(body, "card_ids", ()), project_id, tables().entries.known_cards):
        raise Invalid(problems)


def _one(thing: Card | Artifact) -> dict[str, Any]:
    """By itself a story also shows how far plans are with it."""
    return _json(thing) | ({"plans": tables().plans.of_story(thing.id)} if isinstance(thing, Story) else {})


def _json(thing: Project | Card | Artifact | Epic | Story | Subtask) -> dict[str, Any]:
    return thing.as_json()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    app.append_context(tables=tables)  # type: ignore[no-untyped-call]
    return http.serve(app, event, context, takes_bytes=card_import.TAKES_BYTES)
