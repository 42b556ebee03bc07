"""EventBridge rules of functions on objects of buckets.

moto matches the rules and sends the events to a queue each; this module moves them to the functions.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local.background import repeat
from local.template import FUNCTION, SamTemplate

_SOURCE = "aws.s3"
_TARGET = "function"


@dataclass(frozen=True, slots=True)
class ObjectRule:
    """A rule of a function (logical id) on S3's events."""

    function: str
    name: str
    pattern: dict[str, Any]


def object_rules(template: SamTemplate) -> Iterator[ObjectRule]:
    """Return the functions' rules on objects."""
    for function in template.of_type(FUNCTION):
        for name, event in function.properties.get("Events", {}).items():
            pattern = event["Properties"].get("Pattern", {}) if event["Type"] == "EventBridgeRule" else {}
            if _SOURCE in pattern.get("source", ()):
                yield ObjectRule(function.logical_id, f"{function.logical_id}{name}", pattern)


class ObjectEvents:
    """Sends the events of objects to functions until closed; events before `start` wait."""

    def __init__(
        self,
        rules: list[ObjectRule],
        client: Callable[[str], Any],
        notify: Callable[[str, bytes], object],
        say: Callable[[str], None],
        *,
        interval: float = 1.0,
    ) -> None:
        self._client, self._notify, self._say, self._interval = client, notify, say, interval
        self._queues = {rule.name: (rule.function, self._create(rule)) for rule in rules}
        self._stopping = threading.Event()

    def start(self) -> None:
        for function, url in self._queues.values():
            threading.Thread(target=self._poll, args=(function, url), daemon=True).start()

    def close(self) -> None:
        """Stop sending events."""
        self._stopping.set()

    def _create(self, rule: ObjectRule) -> str:
        sqs, events = self._client("sqs"), self._client("events")
        url: str = sqs.create_queue(QueueName=f"rule-{rule.name}"[:80])["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=rule.name[:64], EventPattern=json.dumps(rule.pattern))
        events.put_targets(Rule=rule.name[:64], Targets=[{"Id": _TARGET, "Arn": arn}])
        return url

    def _poll(self, function: str, url: str) -> None:
        name = f"The delivery of S3's events to {function}"
        repeat(lambda: self._drain(function, url), self._stopping, self._interval, self._say, name=name)

    def _drain(self, function: str, url: str) -> None:
        while not self._stopping.is_set() and self._move(function, url):
            pass

    def _move(self, function: str, url: str) -> bool:
        """Move up to ten events; return False if the queue is empty."""
        sqs = self._client("sqs")
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self._notify(function, message["Body"].encode())
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bool(messages)
