"""Routes of imports: create, list, watch, and the rejected rows."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from groundwork.api import http
from groundwork.api.deps import Limit, Token, new_router, services
from groundwork.api.http import answers
from groundwork.backlog.import_schemas import RejectedRow
from groundwork.backlog.model import rfc3339
from groundwork.imports.requests import NewImport
from groundwork.imports.schemas import Import, ImportCreated
from groundwork.imports.status import with_latest_runs
from groundwork.imports.views import rejected_csv, view
from groundwork.runs.schemas import ListPage

MAX_REJECTED = 20_000
"""Rows of one answer: about 3 MB, half of what Lambda allows."""

RejectedLimit = Annotated[int, Query(ge=1, le=MAX_REJECTED)]

router = new_router()


@router.post(
    "/api/projects/<project_id>/imports",
    status_code=201,
    tags=["cards"],
    operation_id="createImport",
    summary="Create an import",
    responses=answers(ImportCreated, 201),
)
def create_import(project_id: str, body: NewImport) -> dict[str, Any]:
    made, upload = services(router).imports().create(project_id, body)
    request = {"url": upload.url, "method": upload.method, "headers": upload.headers}
    return {"importId": made.id, "upload": request | {"expiresAt": rfc3339(upload.expires_at)}}


@router.get(
    "/api/projects/<project_id>/imports",
    tags=["cards"],
    operation_id="listImports",
    summary="List imports",
    responses=answers(ListPage[Import]),
)
def list_imports(project_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    tables = services(router).tables
    tables.projects.check(project_id)
    position = http.position_of(next_token, str.isdecimal)
    found = tables.imports.page(project_id, int(position) if position else None, limit)
    more = str(found[-1].number) if len(found) == limit else None
    return http.page([view(*one) for one in with_latest_runs(tables.imports, found)], more)


@router.get(
    "/api/imports/<import_id>",
    tags=["cards"],
    operation_id="getImport",
    summary="Get an import",
    responses=answers(Import),
)
def get_import(import_id: str) -> dict[str, Any]:
    store = services(router).tables.imports
    ((record, run),) = with_latest_runs(store, [store.load(import_id)])
    return view(record, run, store.inspection(import_id))


@router.get(
    "/api/imports/<import_id>/rejected",
    tags=["cards"],
    operation_id="listRejectedRows",
    summary="List the rejected rows of an import",
    responses=answers(ListPage[RejectedRow], files=("text/csv",)),
)
def rejected(
    import_id: str,
    format: Annotated[Literal["json", "csv"], Query()] = "json",
    limit: RejectedLimit = 1_000,
    next_token: Token = None,
) -> Response[str]:
    store = services(router).tables.imports
    store.load(import_id)
    position = http.position_of(next_token, str.isdecimal)
    rows = store.rejected(import_id, int(position) if position else 0, limit)
    more = str(rows[-1].row) if len(rows) == limit else None
    if format == "json":
        return http.answer(http.page([asdict(row) for row in rows], more))
    headers = {"Content-Disposition": f'attachment; filename="{import_id}-rejected.csv"'}
    if more:
        headers["x-next-token"] = http.page_token(more)
    return Response(200, "text/csv; charset=utf-8", rejected_csv(rows), headers=headers)
