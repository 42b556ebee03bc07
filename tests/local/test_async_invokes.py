"""Asynchronous invocations: accepted at once, tried three times, then dead-lettered."""

import json
from collections.abc import Callable
from typing import Any

from local.system import LocalSystem
from tests.local.waiting import until

Count = Callable[[str], int]


def invoke_later(system: LocalSystem, function: str, event: dict[str, Any]) -> int:
    answer = system.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))
    status: int = answer["StatusCode"]
    return status


def take(system: LocalSystem, queue: str, word: str) -> list[dict[str, Any]]:
    """Receive and delete the messages of a queue containing a word."""
    sqs = system.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    return [message for message in found.get("Messages", []) if word in message["Body"]]


def test_an_asynchronous_invocation_is_accepted_and_run(system: LocalSystem, count: Count) -> None:
    assert invoke_later(system, "local-worker", {"do": "count", "key": "later"}) == 202
    until(lambda: count("later") == 1)


def test_one_that_fails_is_tried_again_until_it_succeeds(system: LocalSystem, count: Count) -> None:
    invoke_later(system, "local-worker", {"do": "fail-once", "key": "second try"})
    until(lambda: count("second try") == 2)
    assert take(system, "DeadLetters", "second try") == []


def test_after_three_failures_the_event_is_in_the_dead_letter_queue(system: LocalSystem, count: Count) -> None:
    event = {"do": "raise", "key": "hopeless"}
    invoke_later(system, "local-worker", event)
    (letter,) = until(lambda: take(system, "DeadLetters", "hopeless"))
    assert count("hopeless") == 3
    assert json.loads(letter["Body"]) == event
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["ErrorCode"] == "200"
    assert attributes["ErrorMessage"] == "as asked"
    assert attributes["RequestID"]


def test_after_three_failures_the_destination_has_the_record(system: LocalSystem) -> None:
    event = {"do": "raise", "key": "recorded"}
    invoke_later(system, "local-worker", event)
    (message,) = until(lambda: take(system, "failures", "recorded"))
    record = json.loads(message["Body"])
    assert record["requestPayload"] == event
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "as asked"


def test_the_template_says_how_often_an_event_is_tried(system: LocalSystem, count: Count) -> None:
    invoke_later(system, "OnceFunction", {"do": "raise", "key": "only once"})
    until(lambda: take(system, "DeadLetters", "only once"))
    assert count("only once") == 1


def test_a_function_invokes_itself_many_times_in_a_chain(system: LocalSystem, count: Count) -> None:
    invoke_later(system, "local-worker", {"do": "chain", "key": "links", "left": 20})
    until(lambda: count("links") == 20)
