"""Routes of subtasks."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.api.backlog.items import items, parent_path, path_to
from groundwork.api.deps import Limit, Token, new_router
from groundwork.api.http import answers
from groundwork.backlog.model import Subtask
from groundwork.backlog.requests import NewSubtask, SubtaskOfStory, SubtaskPatch
from groundwork.ids import Kind, Path
from groundwork.runs.schemas import ListPage

router = new_router()


@router.post(
    "/api/stories/<story_id>/subtasks",
    status_code=201,
    tags=["subtasks"],
    operation_id="createStorySubtask",
    summary="Create a subtask in a story",
    responses=answers(Subtask, 201),
)
def create_subtask(story_id: str, body: NewSubtask) -> dict[str, Any]:
    return items(router).create(Kind.SUBTASK, path_to(Kind.STORY, story_id), body)


@router.get(
    "/api/stories/<story_id>/subtasks",
    tags=["subtasks"],
    operation_id="listStorySubtasks",
    summary="List the subtasks of a story",
    responses=answers(ListPage[Subtask]),
)
def list_story_subtasks(story_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return items(router).page(Kind.SUBTASK, path_to(Kind.STORY, story_id), limit, next_token)


@router.get(
    "/api/projects/<project_id>/subtasks",
    tags=["subtasks"],
    operation_id="listSubtasks",
    summary="List the subtasks of a project",
    responses=answers(ListPage[Subtask]),
)
def list_subtasks(project_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return items(router).page(Kind.SUBTASK, Path(Kind.PROJECT, project_id), limit, next_token)


@router.post(
    "/api/projects/<project_id>/subtasks",
    status_code=201,
    tags=["subtasks"],
    operation_id="createSubtask",
    summary="Create a subtask in a project",
    responses=answers(Subtask, 201),
)
def create_project_subtask(project_id: str, body: SubtaskOfStory) -> dict[str, Any]:
    story = parent_path(Kind.STORY, body.story_id, project_id, "storyId")
    return items(router).create(Kind.SUBTASK, story, body.without_parent())


@router.get(
    "/api/subtasks/<subtask_id>",
    tags=["subtasks"],
    operation_id="getSubtask",
    summary="Get a subtask",
    responses=answers(Subtask),
)
def get_subtask(subtask_id: str) -> dict[str, Any]:
    return items(router).get(Kind.SUBTASK, subtask_id)


@router.patch(
    "/api/subtasks/<subtask_id>",
    tags=["subtasks"],
    operation_id="updateSubtask",
    summary="Update a subtask",
    responses=answers(Subtask),
)
def patch_subtask(subtask_id: str, body: SubtaskPatch) -> dict[str, Any]:
    return items(router).patch(Kind.SUBTASK, subtask_id, body)


@router.delete(
    "/api/subtasks/<subtask_id>",
    status_code=204,
    tags=["subtasks"],
    operation_id="deleteSubtask",
    summary="Delete a subtask",
)
def delete_subtask(subtask_id: str) -> Response[str]:
    return items(router).delete(Kind.SUBTASK, subtask_id)
