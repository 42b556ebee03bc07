"""Routes to watch runs. A poll reads one row; items, log and coverage are read on request."""

from itertools import islice
from typing import Annotated, Any
from zlib import crc32

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from groundwork.adapters.dynamodb.runs import DynamoRuns
from groundwork.api import http
from groundwork.api.deps import Limit, Token, new_router, services
from groundwork.api.http import answers
from groundwork.errors import NotFound
from groundwork.ids import Kind, parse
from groundwork.runs.handler import RunHandler
from groundwork.runs.leases import is_stale
from groundwork.runs.manifest import PAGE
from groundwork.runs.model import ItemStatus, JournalEntry, ManifestEntry, Run, RunType
from groundwork.runs.progress import coverage_counts, item_of, items_of, log_of, progress_of
from groundwork.runs.schemas import Coverage, ListPage, Progress, ProgressWithItems, RunItem, RunLog

router = new_router()


def _store() -> DynamoRuns:
    return services(router).tables.runs


def _handler(run: Run) -> RunHandler:
    return services(router).handlers[run.type]


@router.get(
    "/api/runs/<run_id>/progress",
    tags=["runs"],
    operation_id="getRunProgress",
    summary="Get the progress of a run",
    responses=answers(ProgressWithItems),
)
def progress(
    run_id: str,
    items: Annotated[bool, Query()] = False,
    since: Annotated[int | None, Query(ge=0)] = None,
) -> Response[str]:
    # an eventually consistent read costs half a read unit; the next poll shows a missed change
    run = _store().load(run_id, consistent=False)
    now = services(router).now_ms()
    # the reason of a halt is written without a new seq
    detail = crc32(run.phase_detail.encode())
    etag = f'"{run.seq}-{detail:x}-{int(is_stale(run, now))}-{int(items)}-{since}"'
    if http.etag_matches(router.current_event, etag):
        return Response(304, "application/json", "", headers={"ETag": etag})
    body: Progress | ProgressWithItems = progress_of(run, now, _handler(run))
    if items or since is not None:
        body = {**body, "items": _items(run) if since is None else _changed_items(run, since)}
    return Response(200, "application/json", http.to_json(body), headers={"ETag": etag})


def _items(run: Run) -> list[RunItem]:
    return items_of(run, _store().manifest(run.id, 0, run.total), _entries(run, 0), _handler(run).target)


def _changed_items(run: Run, since: int) -> list[RunItem]:
    """Return items with an end after seq `since`, and items in flight."""
    ended = _entries(run, since)
    indexes = sorted({*ended, *run.claims})
    manifest: dict[int, ManifestEntry] = {}
    for index in indexes:
        # only the pages with changes: a run may have 10,000 items
        if index not in manifest:
            page = index - index % PAGE
            manifest |= {entry.index: entry for entry in _store().manifest(run.id, page, page + PAGE)}
    kind = _handler(run).target
    return [item_of(run, manifest[index], ended.get(index), kind) for index in indexes if index in manifest]


def _entries(run: Run, after: int) -> dict[int, JournalEntry]:
    return {entry.index: entry for entry in _store().journal(run.id, after)}


@router.get(
    "/api/runs/<run_id>/items",
    tags=["runs"],
    operation_id="listRunItems",
    summary="List the items of a run",
    responses=answers(ListPage[RunItem]),
)
def items(
    run_id: str,
    status: Annotated[ItemStatus | None, Query()] = None,
    limit: Limit = 50,
    next_token: Token = None,
) -> dict[str, Any]:
    run = _store().load(run_id, consistent=False)
    position = http.position_of(next_token, str.isdecimal)
    start = int(position) if position else 0
    manifest = _store().manifest(run.id, start, max(start, run.total))
    rest = items_of(run, manifest, _entries(run, 0), _handler(run).target)
    wanted = ((index, item) for index, item in enumerate(rest, start) if status is None or item["status"] is status)
    found = list(islice(wanted, limit + 1))
    more = len(found) > limit
    return {
        "items": [item for _, item in found[:limit]],
        "nextToken": http.page_token(str(found[limit][0])) if more else None,
    }


@router.get(
    "/api/runs/<run_id>/logs",
    tags=["runs"],
    operation_id="listRunLogs",
    summary="List the log of a run",
    responses=answers(ListPage[RunLog]),
)
def logs(
    run_id: str,
    # keys have 17 digits, and a longer number would sort wrongly
    after: Annotated[int, Query(ge=0, le=10**16)] = 0,
    limit: Limit = 50,
    next_token: Token = None,
) -> dict[str, Any]:
    run = _store().load(run_id, consistent=False)
    position = http.position_of(next_token, str.isdecimal)
    lines = _store().logs(run.id, int(position) if position else after, limit)
    token = http.page_token(str(lines[-1].seq)) if len(lines) == limit else None
    return {"items": [log_of(run.id, line) for line in lines], "nextToken": token}


@router.get(
    "/api/runs/<run_id>/coverage",
    tags=["runs"],
    operation_id="getRunCoverage",
    summary="Get the card coverage of a run",
    responses=answers(Coverage),
)
def coverage(run_id: str) -> dict[str, Any]:
    run = _store().load(run_id, consistent=False)
    if run.coverage is None:
        raise NotFound("This run has no coverage: only a finished run that generates epics has one.")
    rest = _store().uncovered_card_ids(run_id)
    return coverage_counts(run.coverage) | {"rest": len(rest), "restCardIds": rest}


@router.get(
    "/api/projects/<project_id>/runs",
    tags=["runs"],
    operation_id="listRuns",
    summary="List the runs of a project",
    responses=answers(ListPage[Progress]),
)
def runs(
    project_id: str,
    type: Annotated[RunType | None, Query()] = None,  # the public name
    active: Annotated[bool | None, Query()] = None,
    limit: Limit = 50,
    next_token: Token = None,
) -> dict[str, Any]:
    services(router).tables.projects.check(project_id)
    position = http.position_of(next_token, str.isdecimal)
    if active:
        found = _active(project_id)
        more = None
    else:
        found = _store().runs_of(project_id, int(position) if position else None, limit)
        last = parse(found[-1].id) if len(found) == limit else None
        more = http.page_token(str(last.number)) if last and last.kind is Kind.RUN else None
    now = services(router).now_ms()
    wanted = [run for run in found if (type is None or run.type is type) and _fits(run, active)]
    return {"items": [progress_of(run, now, _handler(run)) for run in wanted], "nextToken": more}


def _active(project_id: str) -> list[Run]:
    """Load the holders of the project's locks: a row each, however long its history is."""
    holders = _store().active_by_type(project_id).values()
    found = [_store().load(run_id, consistent=False) for run_id in holders]
    return sorted(found, key=lambda run: run.created_at, reverse=True)


def _fits(run: Run, active: bool | None) -> bool:
    return active is None or run.status.active is active
