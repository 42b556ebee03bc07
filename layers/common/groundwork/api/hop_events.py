"""Events for hops of runs."""

import asyncio
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import NotFound, Transient
from groundwork.ids import PLAN_ID, Kind, path_of
from groundwork.runs.hop import HopEnd, HopRunner
from groundwork.runs.model import ErrorCode

PURGE_RESERVE_MS = 5_000
"""Time kept free at the end of the invocation."""

logger = Logger(service="process_next")


def run_hop(
    run_id: str,
    runner: HopRunner,
    tables: Tables,
    start_next_import: Callable[[str], list[str]],
    left_ms: Callable[[], int],
) -> dict[str, Any]:
    """Run one hop. Raises Transient: Lambda retries an asynchronous event twice."""
    logger.append_keys(run_id=run_id)
    try:
        end = asyncio.run(runner.hop(run_id))
    except NotFound:
        # its project was deleted, so a retry would find nothing either
        logger.warning("Run not found")
        return {"end": "gone"}
    logger.info("Hop ended", end=end.value)
    if end is HopEnd.ENDED:
        _purge(run_id, tables, left_ms)
        _start_next_import(run_id, start_next_import)
    return {"end": end.value}


def log_give_up(code: ErrorCode, reason: str) -> None:
    # the template's metric RunsGivenUp, with its alarm, reads this line
    logger.error("Run given up", code=code.value, reason=reason)


def _purge(run_id: str, tables: Tables, left_ms: Callable[[], int]) -> None:
    """Delete the items superseded by a replacing run. The schedule does the rest."""
    path = path_of(Kind.RUN, run_id)
    try:
        # runs of a plan delete nothing from a backlog
        if path and not PLAN_ID.fullmatch(path.project_id):
            tables.purger.purge(path.project_id, lambda: left_ms() < PURGE_RESERVE_MS)
    except Transient as fault:
        logger.warning("Purge postponed", fault=str(fault))


def _start_next_import(run_id: str, start_next: Callable[[str], list[str]]) -> None:
    """Start the next waiting import of the project, if any. The schedule does so too."""
    path = path_of(Kind.RUN, run_id)
    try:
        if path and not PLAN_ID.fullmatch(path.project_id):
            start_next(path.project_id)
    except Transient as fault:
        logger.warning("Waiting import postponed", fault=str(fault))
