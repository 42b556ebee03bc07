"""Dead letters: runs whose hop failed for good, and files that could not be queued."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from groundwork.api.file_events import is_file_event
from groundwork.errors import GroundworkError

logger = Logger(service="retry_runs")


def take_letters(
    records: list[dict[str, Any]], revive: Callable[[str], bool], queue_file: Callable[[dict[str, Any]], object]
) -> list[str]:
    """Revive the run, or queue the file, of each message of a queue.

    Returns ids of failed messages; the queue deletes the others.
    """
    failed = []
    for record in records:
        event = event_of(record["body"])
        run_id = event.get("runId")
        try:
            if isinstance(run_id, str):
                # a run with a valid lease is left to the schedule, which runs every few minutes
                logger.warning("Dead letter", run_id=run_id, revived=revive(run_id))
            elif is_file_event(event):
                logger.warning("Dead letter of a file", end=queue_file(event))
            else:
                # not a failure: another delivery would be as unreadable
                logger.error("Dead letter without a run", message_id=record["messageId"])
        except GroundworkError:
            logger.exception("Dead letter not handled", message_id=record["messageId"])
            failed.append(record["messageId"])
    return failed


def event_of(body: str) -> dict[str, Any]:
    """Return the event of a letter, or {}.

    A rule sends it plain, Lambda in the record of a destination.
    """
    try:
        message = json.loads(body)
    except ValueError:
        return {}
    payload = message.get("requestPayload", message) if isinstance(message, dict) else None
    return payload if isinstance(payload, dict) else {}
