"""Schedules are fired and queues delivered while the system runs."""

from collections.abc import Callable

import pytest

from local.schedules import Schedule
from local.system import LocalSystem
from tests.local.waiting import until

Count = Callable[[str], int]


def send(system: LocalSystem, queue: str, *bodies: str) -> str:
    sqs = system.client("sqs")
    url: str = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    return url


def waiting_in(system: LocalSystem, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = system.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in attributes.values())


def test_a_rate_is_fired_again_and_again(count: Count) -> None:
    until(lambda: count("tick") >= 2)


def test_a_disabled_schedule_is_not_fired(system: LocalSystem, count: Count) -> None:
    # the enabled one beside it is fired in the same moment
    before = count("tick")
    system.fire_schedules("ListenerFunction")
    until(lambda: count("tick") > before)
    assert count("never") == 0


def test_a_schedule_that_is_not_a_rate_is_told(system: LocalSystem) -> None:
    assert [schedule.expression for schedule in system.unsupported_schedules] == ["cron(0 3 * * ? *)"]


@pytest.mark.parametrize(("kind", "source"), [("ScheduleV2", "aws.scheduler"), ("Schedule", "aws.events")])
def test_a_schedule_without_input_sends_its_service_s_event(kind: str, source: str) -> None:
    event = Schedule("Fn", "FnTick", "rate(1 minute)", 1, kind, None).event("eu-west-1")
    assert f'"source": "{source}"' in event.decode()
    assert b'"detail-type": "Scheduled Event"' in event


@pytest.mark.parametrize("queue", ["Inbox", "Outbox"], ids=["SAM event", "event source mapping"])
def test_messages_are_delivered_and_deleted(system: LocalSystem, count: Count, queue: str) -> None:
    bodies = [f"{queue} {number}" for number in range(7)]
    url = send(system, queue, *bodies)
    until(lambda: all(count(f"message-{body}") == 1 for body in bodies))
    until(lambda: waiting_in(system, url) == 0)


def test_a_message_whose_function_fails_is_delivered_again(system: LocalSystem, count: Count) -> None:
    url = send(system, "Inbox", "bad")
    until(lambda: count("message-bad") >= 2)
    system.client("sqs").purge_queue(QueueUrl=url)
