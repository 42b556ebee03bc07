"""Asynchronous invocations with Lambda's two retries, dead-letter queue and destinations."""

import json
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.pool import PoolClosed, SandboxPool
from local.resources import ClientFactory
from local.runtime import LambdaRunner
from local.sandbox import Log, Outcome
from local.template import SamTemplate

RETRY_DELAYS = (60.0, 120.0)
"""Seconds before the second and the third attempt, as in Lambda."""

_LAMBDA_RETRIES = 2
_LAMBDA_MAX_AGE = 6 * 3600


@dataclass(frozen=True, slots=True)
class AsyncRule:
    """Retries and destinations of a function's asynchronous events; queues are ARNs."""

    retries: int = _LAMBDA_RETRIES
    max_age: float = _LAMBDA_MAX_AGE
    on_success: str | None = None
    on_failure: str | None = None
    dead_letters: str | None = None

    @classmethod
    def of(cls, properties: dict[str, Any]) -> "AsyncRule":
        """Read EventInvokeConfig and DeadLetterQueue of a function."""
        config = properties.get("EventInvokeConfig", {})
        destinations = config.get("DestinationConfig", {})
        return cls(
            retries=int(config.get("MaximumRetryAttempts", _LAMBDA_RETRIES)),
            max_age=float(config.get("MaximumEventAgeInSeconds", _LAMBDA_MAX_AGE)),
            on_success=destinations.get("OnSuccess", {}).get("Destination"),
            on_failure=destinations.get("OnFailure", {}).get("Destination"),
            dead_letters=properties.get("DeadLetterQueue", {}).get("TargetArn"),
        )


@dataclass(slots=True)
class _Event:
    function: str
    payload: bytes
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    accepted: float = field(default_factory=time.monotonic)
    tries: int = 0


class AsyncInvokes:
    """Background queue of asynchronous events; `delays` are the seconds before each retry."""

    def __init__(
        self,
        template: SamTemplate,
        runner: LambdaRunner,
        pool: SandboxPool,
        client: ClientFactory,
        log: Log,
        *,
        delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self._template = template
        self._runner = runner
        self._pool = pool
        self._client = client
        self._log = log
        self._delays = delays
        self._stopping = threading.Event()

    def submit(self, identifier: str, payload: bytes) -> str:
        """Accept an event for a function (logical id, name or ARN) and return the request id."""
        # An unknown name fails in the caller, not in the background.
        function = self._runner.get_function(identifier).function_id
        event = _Event(function, payload)
        threading.Thread(target=self._run_until_closed, args=(event,), daemon=True).start()
        return event.request_id

    def close(self) -> None:
        """Drop the events waiting for a retry."""
        self._stopping.set()

    def _run_until_closed(self, event: _Event) -> None:
        try:
            self._run(event)
        except (PoolClosed, BotoCoreError, ClientError):
            # Calls during the shutdown may find their target closed.
            if not self._stopping.is_set():
                raise

    def _run(self, event: _Event) -> None:
        rule = AsyncRule.of(self._template.resources[event.function].properties)
        while True:
            event.tries += 1
            outcome = self._pool.invoke(self._runner.process_of(event.function), event.payload, event.request_id)
            if not outcome.failed:
                self._record(rule.on_success, event, outcome, "Success")
                return
            if event.tries > rule.retries:
                self._discard(rule, event, outcome, "RetriesExhausted")
                return
            if self._stopping.wait(self._delay(event)):
                return
            if time.monotonic() - event.accepted > rule.max_age:
                self._discard(rule, event, outcome, "EventAgeExceeded")
                return

    def _delay(self, event: _Event) -> float:
        return self._delays[min(event.tries, len(self._delays)) - 1]

    def _discard(self, rule: AsyncRule, event: _Event, outcome: Outcome, condition: str) -> None:
        # A sandbox killed by the shutdown is not a failure of the function.
        if self._stopping.is_set():
            return
        self._log(event.function, f"Event discarded after {event.tries} attempts ({condition}): {_message(outcome)}")
        self._record(rule.on_failure, event, outcome, condition)
        if rule.dead_letters:
            self._send(
                rule.dead_letters,
                event.payload.decode(),
                RequestID=event.request_id,
                # Lambda's status of an error in the function; the message is cut at one kilobyte.
                ErrorCode="200",
                ErrorMessage=_message(outcome)[:1024],
            )

    def _record(self, queue: str | None, event: _Event, outcome: Outcome, condition: str) -> None:
        """Send Lambda's invocation record to a destination."""
        if queue is None:
            return
        error = {"functionError": "Unhandled"} if outcome.failed else {}
        record = {
            "version": "1.0",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": event.request_id,
                "functionArn": f"{self._runner.process_of(event.function).arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": event.tries,
            },
            "requestPayload": json.loads(event.payload),
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", **error},
            "responsePayload": json.loads(outcome.payload),
        }
        self._send(queue, json.dumps(record))

    def _send(self, queue_arn: str, body: str, **attributes: str) -> None:
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
        typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        if "ErrorCode" in typed:
            typed["ErrorCode"]["DataType"] = "Number"
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=typed)


def _message(outcome: Outcome) -> str:
    message: str = json.loads(outcome.payload).get("errorMessage", "")
    return message
