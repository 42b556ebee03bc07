"""SQS event sources: deliver batches of messages to functions and delete them on success."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local.background import repeat
from local.pool import SandboxPool
from local.resources import ClientFactory
from local.runtime import LambdaRunner
from local.sandbox import Outcome
from local.template import FUNCTION, SamTemplate


@dataclass(frozen=True, slots=True)
class QueueSource:
    """An SQS event source of a function (logical id, name or ARN), with its batch size."""

    function: str
    queue_arn: str
    batch: int
    reports_failures: bool


def queue_sources(template: SamTemplate) -> Iterator[QueueSource]:
    """Return the enabled queue sources: SQS events of functions and event source mappings."""
    for function in template.of_type(FUNCTION):
        for event in function.properties.get("Events", {}).values():
            if event["Type"] == "SQS":
                yield from _source(function.logical_id, event["Properties"]["Queue"], event["Properties"])
    for mapping in template.of_type("AWS::Lambda::EventSourceMapping"):
        queue_arn = mapping.properties.get("EventSourceArn", "")
        if ":sqs:" in queue_arn:
            yield from _source(mapping.properties["FunctionName"], queue_arn, mapping.properties)


def _source(function: str, queue_arn: str, properties: dict[str, Any]) -> Iterator[QueueSource]:
    if properties.get("Enabled", True) in (True, "true"):
        yield QueueSource(
            function=function,
            queue_arn=queue_arn,
            # SQS returns at most ten messages; Lambda collects more only with a batching window.
            batch=min(int(properties.get("BatchSize", 10)), 10),
            reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        )


class QueuePoller:
    """Polls queues every `interval` seconds until closed."""

    def __init__(
        self,
        runner: LambdaRunner,
        pool: SandboxPool,
        client: ClientFactory,
        region: str,
        say: Callable[[str], None],
        *,
        interval: float = 1.0,
    ) -> None:
        self._runner = runner
        self._pool = pool
        self._client = client
        self._region = region
        self._say = say
        self._interval = interval
        self._stopping = threading.Event()

    def start(self, source: QueueSource) -> None:
        """Start to deliver the messages of a queue."""
        threading.Thread(target=self._poll, args=(source,), daemon=True).start()

    def close(self) -> None:
        """Stop the delivery."""
        self._stopping.set()

    def _poll(self, source: QueueSource) -> None:
        name = f"The delivery to {source.function}"
        repeat(lambda: self._drain(source), self._stopping, self._interval, self._say, name=name)

    def _drain(self, source: QueueSource) -> None:
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=source.queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
        while not self._stopping.is_set() and self._deliver(source, sqs, url):
            pass

    def _deliver(self, source: QueueSource, sqs: Any, url: str) -> bool:
        """Deliver one batch; return False if the queue is empty."""
        messages = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=source.batch, AttributeNames=["All"], MessageAttributeNames=["All"]
        ).get("Messages", [])
        if not messages:
            return False
        records = [_record(message, source.queue_arn, self._region) for message in messages]
        event = json.dumps({"Records": records}).encode()
        outcome = self._pool.invoke(self._runner.process_of(source.function), event)
        failed = _failed_ids(outcome, source, messages)
        for message in messages:
            if message["MessageId"] not in failed:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return True


def _failed_ids(outcome: Outcome, source: QueueSource, messages: list[dict[str, Any]]) -> set[str]:
    """Return the ids of failed messages; these stay in the queue."""
    if outcome.failed:
        return {message["MessageId"] for message in messages}
    if not source.reports_failures:
        return set()
    answer = json.loads(outcome.payload) or {}
    return {failure["itemIdentifier"] for failure in answer.get("batchItemFailures", [])}


def _record(message: dict[str, Any], queue_arn: str, region: str) -> dict[str, Any]:
    attributes = {
        name: {key[0].lower() + key[1:]: value for key, value in attribute.items()}
        for name, attribute in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
