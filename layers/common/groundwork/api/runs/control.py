"""Routes to start, estimate, cancel and retry runs."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

from groundwork.api.deps import new_router, services
from groundwork.api.http import answers
from groundwork.runs.cancel import cancel
from groundwork.runs.estimate import estimate_of
from groundwork.runs.model import RunType
from groundwork.runs.progress import progress_of
from groundwork.runs.schemas import Progress, RunEstimate, RunRetried, RunStarted
from groundwork.runs.start import RunRequest, StartedRun

router = new_router()


@router.post(
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
    return _accepted(services(router).starter().start(project_id, request, idempotency_key))


@router.post(
    "/api/projects/<project_id>/runs/estimate",
    tags=["runs"],
    operation_id="estimateRun",
    summary="Estimate a run",
    responses=answers(RunEstimate),
)
def estimate(project_id: str, request: RunRequest) -> RunEstimate:
    own = services(router)
    run, selection = own.starter().draft(project_id, request)
    tables, latency_ms = own.tables, own.settings.mock_latency_ms
    handler = own.handlers[run.type]
    return estimate_of(handler, run, project_id, tables.backlog, tables.runs, selection, latency_ms)


@router.post(
    "/api/runs/<run_id>/cancel",
    tags=["runs"],
    operation_id="cancelRun",
    summary="Cancel a run",
    responses=answers(Progress),
)
def cancel_run(run_id: str) -> Progress:
    own = services(router)
    run = cancel(own.tables.runs, run_id, own.now_ms)
    if run.type is RunType.IMPORT_CARDS:
        own.imports().start_next(run_id.partition("-")[0])
    return progress_of(run, own.now_ms(), own.handlers[run.type])


@router.post(
    "/api/imports/<import_id>/start",
    status_code=202,
    tags=["cards"],
    operation_id="startImport",
    summary="Start an import",
    responses=answers(RunStarted, 202),
)
def start_import(import_id: str) -> RunStarted:
    return _accepted(services(router).imports().start(import_id))


@router.post(
    "/api/runs/<run_id>/retry",
    status_code=202,
    tags=["runs"],
    operation_id="retryRun",
    summary="Retry the failed items of a run",
    responses=answers(RunRetried, 202),
)
def retry(run_id: str) -> RunRetried:
    return {**_accepted(services(router).starter().retry(run_id)), "retryOf": run_id}


def _accepted(started: StartedRun) -> RunStarted:
    return {
        "runId": started.run_id,
        "type": started.type,
        "status": started.status,
        "totalItems": started.total,
    }
