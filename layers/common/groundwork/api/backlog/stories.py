"""Routes of stories."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.api.backlog.items import items, parent_path, path_to
from groundwork.api.deps import Limit, Token, new_router
from groundwork.api.http import answers
from groundwork.backlog.model import Story
from groundwork.backlog.requests import NewStory, StoryOfEpic, StoryPatch
from groundwork.ids import Kind, Path
from groundwork.plans.schemas import StoryWithPlans
from groundwork.runs.schemas import ListPage

router = new_router()


@router.post(
    "/api/epics/<epic_id>/stories",
    status_code=201,
    tags=["stories"],
    operation_id="createEpicStory",
    summary="Create a story in an epic",
    responses=answers(StoryWithPlans, 201),
)
def create_story(epic_id: str, body: NewStory) -> dict[str, Any]:
    return items(router).create(Kind.STORY, path_to(Kind.EPIC, epic_id), body)


@router.get(
    "/api/epics/<epic_id>/stories",
    tags=["stories"],
    operation_id="listEpicStories",
    summary="List the stories of an epic",
    responses=answers(ListPage[Story]),
)
def list_epic_stories(epic_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return items(router).page(Kind.STORY, path_to(Kind.EPIC, epic_id), limit, next_token)


@router.get(
    "/api/projects/<project_id>/stories",
    tags=["stories"],
    operation_id="listStories",
    summary="List the stories of a project",
    responses=answers(ListPage[Story]),
)
def list_stories(project_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return items(router).page(Kind.STORY, Path(Kind.PROJECT, project_id), limit, next_token)


@router.post(
    "/api/projects/<project_id>/stories",
    status_code=201,
    tags=["stories"],
    operation_id="createStory",
    summary="Create a story in a project",
    responses=answers(StoryWithPlans, 201),
)
def create_project_story(project_id: str, body: StoryOfEpic) -> dict[str, Any]:
    epic = parent_path(Kind.EPIC, body.epic_id, project_id, "epicId")
    return items(router).create(Kind.STORY, epic, body.without_parent())


@router.get(
    "/api/stories/<story_id>",
    tags=["stories"],
    operation_id="getStory",
    summary="Get a story",
    responses=answers(StoryWithPlans),
)
def get_story(story_id: str) -> dict[str, Any]:
    return items(router).get(Kind.STORY, story_id)


@router.patch(
    "/api/stories/<story_id>",
    tags=["stories"],
    operation_id="updateStory",
    summary="Update a story",
    responses=answers(StoryWithPlans),
)
def patch_story(story_id: str, body: StoryPatch) -> dict[str, Any]:
    return items(router).patch(Kind.STORY, story_id, body)


@router.delete(
    "/api/stories/<story_id>",
    status_code=204,
    tags=["stories"],
    operation_id="deleteStory",
    summary="Delete a story",
)
def delete_story(story_id: str) -> Response[str]:
    return items(router).delete(Kind.STORY, story_id)
