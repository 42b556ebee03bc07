"""HTTP: starts, retries, cancels and estimates runs."""

import time
from functools import cache
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Header

from groundwork.adapters.aws.clients import async_invoker
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.api.http import answers, api, serve
from groundwork.generation.registry import run_handlers
from groundwork.llm.factory import ai_and_model
from groundwork.runs.cancel import cancel
from groundwork.runs.estimate import estimate_of
from groundwork.runs.progress import progress_of
from groundwork.runs.schemas import Progress, RunEstimate, RunRetried, RunStarted
from groundwork.runs.start import RunRequest, StartedRun, Starter
from groundwork.settings import Settings

app = api()
HANDLERS = run_handlers()


@cache
def settings() -> Settings:
    return Settings.from_environment()


@cache
def tables() -> Tables:
    return open_tables(settings())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def starter() -> Starter:
    return Starter(
        store=tables().runs,
        backlog=tables().backlog,
        handlers=HANDLERS,
        counts=tables().projects.counts,
        invoke=async_invoker(settings().process_next),
        now_ms=now_ms,
        ai_and_model=lambda asked: ai_and_model(settings(), asked),
    )


@app.post(
    "/api/projects/<project_id>/runs",
    status_code=202,
    tags=["runs"],
    operation_id="startRun",
    summary="Start a run",
    responses=answers(RunStarted, 202),
)
def start(
    project_id: str,
    request: RunRequest,
    idempotency_key: Annotated[str | None, Header(alias="idempotency-key", min_length=1, max_length=255)] = None,
) -> RunStarted:
    return _accepted(starter().start(project_id, request, idempotency_key))


@app.post(
    "/api/projects/<project_id>/runs/estimate",
    tags=["runs"],
    operation_id="estimateRun",
    summary="Estimate a run",
    responses=answers(RunEstimate),
)
def estimate(project_id: str, request: RunRequest) -> RunEstimate:
    run, selection = starter().draft(project_id, request)
    latency_ms, stores = settings().mock_latency_ms, tables()
    return estimate_of(HANDLERS[run.type], run, project_id, stores.backlog, stores.runs, selection, latency_ms)


@app.post(
    "/api/runs/<run_id>/cancel",
    tags=["runs"],
    operation_id="cancelRun",
    summary="Cancel a run",
    responses=answers(Progress),
)
def cancel_run(run_id: str) -> Progress:
    run = cancel(tables().runs, run_id, now_ms)
    return progress_of(run, now_ms(), HANDLERS[run.type])


@app.post(
    "/api/runs/<run_id>/retry",
    status_code=202,
    tags=["runs"],
    operation_id="retryRun",
    summary="Retry the failed items of a run",
    responses=answers(RunRetried, 202),
)
def retry(run_id: str) -> RunRetried:
    return {**_accepted(starter().retry(run_id)), "retryOf": run_id}


def _accepted(started: StartedRun) -> RunStarted:
    return {
        "runId": started.run_id,
        "type": started.type,
        "status": started.status,
        "totalItems": started.total,
    }


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
