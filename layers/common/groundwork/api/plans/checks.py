"""Routes of checks: baselines of repositories, and the checks of a task."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.adapters.dynamodb.check_rows import is_result_position
from groundwork.api import http
from groundwork.api.deps import Limit, Token, new_router, services
from groundwork.api.http import answers
from groundwork.api.plans.deps import plan_of
from groundwork.checks.baseline import Baseline
from groundwork.checks.ports import Owner
from groundwork.checks.records import CheckRecord
from groundwork.checks.schemas import BaselineShown, CheckShown
from groundwork.checks.views import baseline_view, check_view
from groundwork.errors import NotFound, Transient
from groundwork.execution.baseline_worker import JOB
from groundwork.execution.errors import ChecksUnavailable
from groundwork.ids import Kind
from groundwork.runs.schemas import ListPage

router = new_router()


@router.post(
    "/api/repositories/<repository_id>/baseline",
    status_code=202,
    tags=["repositories"],
    operation_id="startBaseline",
    summary="Check the head of the default branch",
    responses=answers(BaselineShown, 202),
)
def start_baseline(repository_id: str) -> Response[str]:
    own, tables = services(router), services(router).tables
    settings = tables.repositories.get(repository_id).checks
    if settings and settings.verify:
        _require_sandboxes()
    before = tables.baselines.get(repository_id)
    baseline, is_new = tables.baselines.request(repository_id, settings, own.now_ms())
    if is_new:
        # without an answer the sweep finds the baseline
        with suppress(Transient):
            own.start_baseline(repository_id)
        if before is not None:
            tables.checks.forget(before.owner)
    return http.answer(_view(baseline), 202)


def _require_sandboxes() -> None:
    own = services(router)
    if own.settings.checks == "off":
        raise ChecksUnavailable("Checks are off (GROUNDWORK_CHECKS).")
    availability = own.sandboxes_available()
    if not availability.available:
        raise ChecksUnavailable(availability.reason)


@router.get(
    "/api/repositories/<repository_id>/baseline",
    tags=["repositories"],
    operation_id="getBaseline",
    summary="Get the last baseline",
    responses=answers(BaselineShown),
)
def get_baseline(repository_id: str) -> Response[str]:
    tables = services(router).tables
    tables.repositories.get(repository_id)
    baseline = tables.baselines.get(repository_id)
    if baseline is None:
        raise NotFound(f"The repository {repository_id!r} has no baseline yet.")
    return http.answer(_view(baseline))


def _view(baseline: Baseline) -> dict[str, Any]:
    tables = services(router).tables
    results = tables.checks.results(baseline.owner, JOB)
    return baseline_view(baseline, results, *tables.baselines.costs(baseline.repository_id))


@router.get(
    "/api/plan-tasks/<task_id>/checks",
    tags=["control"],
    operation_id="listTaskChecks",
    summary="List the checks of a task",
    responses=answers(ListPage[CheckShown]),
)
def task_checks(task_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    position = http.position_of(next_token, is_result_position)
    tables, plan_id = services(router).tables, plan_of(Kind.TASK, task_id)
    # raises NotFound for a deleted plan: rows of its checks may still exist
    tables.plans.summary(plan_id)
    found: list[tuple[str, dict[str, Any]]] = []
    for key, view in _checks_of(plan_id, task_id, position):
        found.append((key, view))
        if len(found) == limit:
            break
    return http.page([view for _, view in found], found[-1][0] if len(found) == limit else None)


def _checks_of(plan_id: str, task_id: str, after: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the results of a task's checks, newest check first."""
    checks, memory_mb = services(router).tables.checks, services(router).settings.sandbox_memory_mb
    jobs = checks.of_task(plan_id, task_id)
    last_job, _, last_position = (after or "").rpartition("#")
    names = [f"{owner.kind}:{owner.number}#{record.job_id}" for owner, record in jobs]
    start = names.index(last_job) if last_job in names else 0
    for name, (owner, record) in list(zip(names, jobs, strict=True))[start:]:
        is_open = record.verdict is None and _is_open(owner, record)
        for stored in checks.results(owner, record.job_id):
            if name != last_job or stored.position > int(last_position):
                yield f"{name}#{stored.position:03d}", check_view(owner, record, stored, memory_mb, is_open)


def _is_open(owner: Owner, record: CheckRecord) -> bool:
    """False if the sandbox was closed with its check unfinished, as by a pause or a cancel."""
    sandbox = services(router).tables.sandboxes.get(owner)
    return sandbox is not None and sandbox.generation == record.generation
