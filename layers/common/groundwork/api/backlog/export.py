"""Route of the export."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from groundwork.api.deps import new_router, services
from groundwork.api.http import answers
from groundwork.backlog.export import Backlog, ExportedBacklog, Format, render
from groundwork.ids import Kind, Path

router = new_router()


@router.get(
    "/api/projects/<project_id>/export",
    tags=["projects"],
    operation_id="exportBacklog",
    summary="Export the backlog",
    responses=answers(ExportedBacklog, files=("text/csv", "text/markdown")),
)
def export(project_id: str, format: Annotated[Format, Query()] = "json") -> Response[str]:
    root = Path(Kind.PROJECT, project_id)
    tables = services(router).tables
    project = tables.projects.get(project_id)
    levels = (tables.entries.iter_all(kind, root) for kind in (Kind.EPIC, Kind.STORY, Kind.SUBTASK))
    file = render(format, Backlog.of(project, *levels))
    disposition = f'attachment; filename="{file.filename}"'
    return Response(200, file.content_type, file.body, headers={"Content-Disposition": disposition})
