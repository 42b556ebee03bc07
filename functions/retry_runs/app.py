"""Revives what has lost its worker, retries what is due, purges what is dead. Invoked by the schedule and, for events
that process-next failed with for good, by its dead-letter queue."""

import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from groundwork.adapters.aws.clients import async_invoker
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.errors import GroundworkError
from groundwork.generation.registry import run_handlers
from groundwork.ids import Kind, path_of
from groundwork.llm.factory import ai_and_model
from groundwork.runs.start import Starter
from groundwork.runs.sweep import Sweeper
from groundwork.settings import Settings

logger = Logger(service="retry_runs")


@cache
def settings() -> Settings:
    return Settings.from_environment()


@cache
def tables() -> Tables:
    return open_tables(settings())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def sweeper(context: Any) -> Sweeper:
    starter = Starter(
        store=tables().runs,
        backlog=tables().backlog,
        handlers=run_handlers(),
        counts=tables().projects.counts,
        invoke=async_invoker(settings().process_next),
        now_ms=now_ms,
        ai_and_model=lambda asked: ai_and_model(settings(), asked),
    )
    return Sweeper(
        store=tables().runs,
        starter=starter,
        to_purge=lambda: tables().purger.to_purge() + tables().plans.to_purge(),
        purge=purge,
        now_ms=now_ms,
        left_ms=context.get_remaining_time_in_millis,
    )


def purge(id_: str, stop: Callable[[], bool]) -> bool:
    """Whether nothing of a deleted plan, or nothing dead of a project, is left."""
    owner = tables().plans if path_of(Kind.PLAN, id_) else tables().purger
    return owner.purge(id_, stop)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Raises Transient where the tables cannot be reached: the queue delivers again, the schedule comes again."""
    if "Records" in event:
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in _revive_dead(event["Records"], context)]}
    swept = sweeper(context).sweep()
    did = {"revived": swept.revived, "retried": swept.retried, "purged": swept.purged, "left": swept.deferred}
    # the template's metric StaleRuns, and the alarm on it, are made from this line
    logger.info("Swept", extra={"stale": len(swept.revived), **did})
    return did


def _revive_dead(records: list[dict[str, Any]], context: Any) -> list[str]:
    """The ids of messages that could not be seen to; the others are deleted from the queue."""
    failed = []
    for record in records:
        run_id = dead_run(record["body"])
        if run_id is None:
            logger.error("A dead letter names no run", message_id=record["messageId"])
            continue
        try:
            revived = sweeper(context).revive(run_id)
            # a run whose lease still holds is left to the schedule, which looks again within minutes
            logger.warning("Dead letter", run_id=run_id, revived=revived)
        except GroundworkError:
            logger.exception("A dead letter could not be seen to", run_id=run_id)
            failed.append(record["messageId"])
    return failed


def dead_run(body: str) -> str | None:
    """The run a dead letter is about: process-next's event, by itself or inside a destination's record."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    payload = message.get("requestPayload", message) if isinstance(message, dict) else None
    run_id = payload.get("runId") if isinstance(payload, dict) else None
    return run_id if isinstance(run_id, str) else None
