"""Route of the files put into the bucket for no known project."""

from typing import Any, TypedDict

from groundwork.adapters.dynamodb.unassigned_files import is_position
from groundwork.api import http
from groundwork.api.deps import Limit, Token, new_router, services
from groundwork.api.http import answers
from groundwork.imports.dropped_files import UnassignedFile
from groundwork.runs.schemas import ListPage

router = new_router()


class UnassignedFileEntry(TypedDict):
    key: str
    size: int
    reason: str
    createdAt: str


@router.get(
    "/api/imports",
    tags=["cards"],
    operation_id="listUnassignedFiles",
    summary="List files without a project",
    responses=answers(ListPage[UnassignedFileEntry]),
)
def list_unassigned_files(limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    before = http.position_of(next_token, is_position)
    found, more = services(router).tables.unassigned_files.page(before, limit)
    return http.page([_entry(file) for file in found], more)


def _entry(file: UnassignedFile) -> UnassignedFileEntry:
    return {"key": file.key, "size": file.size, "reason": file.reason, "createdAt": file.created_at}
