"""Dead letters of process_next: runs whose hop failed for good."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from groundwork.errors import GroundworkError

logger = Logger(service="retry_runs")


def revive_runs(records: list[dict[str, Any]], revive: Callable[[str], bool]) -> list[str]:
    """Revive the run of each message of a queue.

    Returns ids of failed messages; the queue deletes the others.
    """
    failed = []
    for record in records:
        run_id = run_of(record["body"])
        if run_id is None:
            # not a failure: another delivery would have no run either
            logger.error("Dead letter without a run", message_id=record["messageId"])
            continue
        try:
            # a run with a valid lease is left to the schedule, which runs every few minutes
            logger.warning("Dead letter", run_id=run_id, revived=revive(run_id))
        except GroundworkError:
            logger.exception("Dead letter not handled", run_id=run_id)
            failed.append(record["messageId"])
    return failed


def run_of(body: str) -> str | None:
    """Return the run id of process_next's event, plain or in the record of a destination."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    payload = message.get("requestPayload", message) if isinstance(message, dict) else None
    run_id = payload.get("runId") if isinstance(payload, dict) else None
    return run_id if isinstance(run_id, str) else None
