"""HTTP: how runs stand. The path that front ends poll: one row read for the progress, the rest only when asked."""

import time
from functools import cache
from itertools import islice
from typing import Annotated, Any
from zlib import crc32

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.api import http
from groundwork.api.http import answers
from groundwork.errors import NotFound
from groundwork.generation.registry import run_handlers
from groundwork.ids import Kind, parse
from groundwork.runs.leases import is_stale
from groundwork.runs.model import ItemStatus, JournalEntry, ManifestEntry, Run, RunType
from groundwork.runs.progress import coverage_counts, item_of, items_of, log_of, progress_of
from groundwork.runs.schemas import Coverage, ListPage, Progress, ProgressWithItems, RunItem, RunLog
from groundwork.settings import Settings

app = http.api()
HANDLERS = run_handlers()
Limit = Annotated[int, Query(ge=1, le=200)]
Token = Annotated[str | None, Query(alias="nextToken", max_length=400)]


@cache
def tables() -> Tables:
    return open_tables(Settings.from_environment())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@app.get(
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
    # eventually consistent, half a read unit: a poll that is a moment old is followed by the next
    run = tables().runs.load(run_id, consistent=False)
    now = now_ms()
    # a note of why a run does not move is written beside its seq
    noted = crc32(run.phase_detail.encode())
    etag = f'"{run.seq}-{noted:x}-{int(is_stale(run, now))}-{int(items)}-{since}"'
    if http.etag_matches(app.current_event, etag):
        return Response(304, "application/json", "", headers={"ETag": etag})
    body: Progress | ProgressWithItems = progress_of(run, now, HANDLERS[run.type])
    if items or since is not None:
        body = {**body, "items": _items(run) if since is None else _changed_items(run, since)}
    return Response(200, "application/json", http.to_json(body), headers={"ETag": etag})


def _items(run: Run) -> list[RunItem]:
    return items_of(run, tables().runs.manifest(run.id, 0, run.total), _entries(run, 0), HANDLERS[run.type].target)


def _changed_items(run: Run, since: int) -> list[RunItem]:
    """Those that ended after SEQ, and those in flight, whose state lives in the run's own row."""
    entries = _entries(run, since)
    indexes = sorted({*entries, *run.claims})
    targets: dict[int, ManifestEntry] = {}
    for index in indexes:
        if index not in targets:
            page = index - index % 100
            targets |= {target.index: target for target in tables().runs.manifest(run.id, page, page + 100)}
    kind = HANDLERS[run.type].target
    return [item_of(run, targets[index], entries.get(index), kind) for index in indexes if index in targets]


def _entries(run: Run, after: int) -> dict[int, JournalEntry]:
    return {entry.index: entry for entry in tables().runs.journal(run.id, after)}


@app.get(
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
    run = tables().runs.load(run_id, consistent=False)
    position = http.position_of(next_token, str.isdigit)
    start = int(position) if position else 0
    entries = tables().runs.manifest(run.id, start, max(start, run.total))
    every = items_of(run, entries, _entries(run, 0), HANDLERS[run.type].target)
    wanted = ((start + offset, item) for offset, item in enumerate(every) if status is None or item["status"] is status)
    found = list(islice(wanted, limit + 1))
    more = len(found) > limit
    return {
        "items": [item for _, item in found[:limit]],
        "nextToken": http.page_token(str(found[limit][0])) if more else None,
    }


@app.get(
    "/api/runs/<run_id>/logs",
    tags=["runs"],
    operation_id="listRunLogs",
    summary="List the log of a run",
    responses=answers(ListPage[RunLog]),
)
def logs(
    run_id: str,
    after: Annotated[int, Query(ge=0, le=10**16)] = 0,
    limit: Limit = 50,
    next_token: Token = None,
) -> dict[str, Any]:
    run = tables().runs.load(run_id, consistent=False)
    position = http.position_of(next_token, str.isdigit)
    lines = tables().runs.logs(run.id, int(position) if position else after, limit)
    token = http.page_token(str(lines[-1].seq)) if len(lines) == limit else None
    return {"items": [log_of(run.id, line) for line in lines], "nextToken": token}


@app.get(
    "/api/runs/<run_id>/coverage",
    tags=["runs"],
    operation_id="getRunCoverage",
    summary="Get the card coverage of a run",
    responses=answers(Coverage),
)
def coverage(run_id: str) -> dict[str, Any]:
    run = tables().runs.load(run_id, consistent=False)
    if run.coverage is None:
        raise NotFound("This run reports no coverage: only epics runs do, at their end.")
    rest = tables().runs.uncovered_card_ids(run_id)
    return coverage_counts(run.coverage) | {"rest": len(rest), "restCardIds": rest}


@app.get(
    "/api/projects/<project_id>/runs",
    tags=["runs"],
    operation_id="listRuns",
    summary="List the runs of a project",
    responses=answers(ListPage[Progress]),
)
def runs(
    project_id: str,
    type: Annotated[RunType | None, Query()] = None,  # the contract's word
    active: Annotated[bool | None, Query()] = None,
    limit: Limit = 50,
    next_token: Token = None,
) -> dict[str, Any]:
    tables().projects.check(project_id)
    position = http.position_of(next_token, str.isdigit)
    if active:
        found = _active(project_id)
        more = None
    else:
        found = tables().runs.runs_of(project_id, int(position) if position else None, limit)
        last = parse(found[-1].id) if len(found) == limit else None
        more = http.page_token(str(last.number)) if last and last.kind is Kind.RUN else None
    now = now_ms()
    wanted = [run for run in found if (type is None or run.type is type) and _fits(run, active)]
    return {"items": [progress_of(run, now, HANDLERS[run.type]) for run in wanted], "nextToken": more}


def _active(project_id: str) -> list[Run]:
    """The locks say which: as many rows are read as there are active runs, whatever the project's history."""
    holders = tables().runs.active_by_type(project_id).values()
    found = [tables().runs.load(run_id, consistent=False) for run_id in holders]
    return sorted(found, key=lambda run: run.created_at, reverse=True)


def _fits(run: Run, active: bool | None) -> bool:
    return active is None or run.status.active is active


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return http.serve(app, event, context)
