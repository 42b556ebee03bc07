"""Background work reports an error once and continues."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config

from local.background import repeat
from local.disk_space import MIN_FREE_MB, DiskWatch
from local.object_rules import ObjectEvents
from local.pool import PoolClosed
from local.queue_sources import QueuePoller, QueueSource
from local.recovery import Recovery
from local.sandbox import Outcome
from local.template import SamTemplate
from tests.local.waiting import until


class Failing:
    """The client of a service; its next `left` calls find no server."""

    def __init__(self, service: str, url: str) -> None:
        self.left = 0
        once = Config(retries={"total_max_attempts": 1})
        self._found: Any = boto3.client(cast(Any, service), endpoint_url=url, config=once)
        self._lost: Any = boto3.client(cast(Any, service), endpoint_url="http://127.0.0.1:9", config=once)

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.left -= 1
            return getattr(self._lost if self.left >= 0 else self._found, name)(**arguments)

        return call


@contextmanager
def closing[T: Any](one: T) -> Iterator[T]:
    try:
        yield one
    finally:
        one.close()


def test_a_queue_is_delivered_after_an_error(moto_server: str) -> None:
    sqs = Failing("sqs", moto_server)
    url = sqs.create_queue(QueueName="after-an-error")["QueueUrl"]
    said, delivered = list[str](), list[bytes]()

    def invoke(function: str, event: bytes) -> Outcome:
        delivered.append(event)
        return Outcome(b"null", failed=False)

    pool, runner = SimpleNamespace(invoke=invoke), SimpleNamespace(process_of=lambda name: name)
    sqs.left = 3
    with closing(
        QueuePoller(cast(Any, runner), cast(Any, pool), lambda _: sqs, "r", said.append, interval=0.02)
    ) as one:
        one.start(QueueSource("Fn", "arn:after-an-error", 10, reports_failures=False))
        until(lambda: sqs.left < 0, 20)
        sqs.send_message(QueueUrl=url, MessageBody="later")
        until(lambda: delivered, 20)
    assert len(said) == 1
    assert said[0].startswith("The delivery to Fn failed: Could not connect")


def test_the_events_of_objects_are_delivered_after_an_error(moto_server: str) -> None:
    sqs = Failing("sqs", moto_server)
    url = sqs.create_queue(QueueName="events-after-an-error")["QueueUrl"]
    said, told = list[str](), list[bytes]()
    events = ObjectEvents([], lambda _: sqs, lambda _, event: told.append(event), said.append, interval=0.02)
    events._queues = {"rule": ("Fn", url)}
    sqs.left = 3
    with closing(events):
        events.start()
        until(lambda: sqs.left < 0, 20)
        sqs.send_message(QueueUrl=url, MessageBody="later")
        until(lambda: told, 20)
    assert len(said) == 1


def test_the_disk_is_watched_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.disk_space.POLL_S", 0.01)
    paused, said = threading.Event(), list[str]()
    levels: Iterator[int | OSError] = iter([OSError("stale handle"), OSError("stale handle"), MIN_FREE_MB - 1])

    def free(_: Path) -> int:
        level = next(levels, 0)
        if isinstance(level, OSError):
            raise level
        return level

    with closing(DiskWatch(tmp_path, paused.set, lambda: None, said.append, free)) as watch:
        watch.start()
        assert paused.wait(20)
    assert said[0] == "The check of the free disk space failed: stale handle. It is repeated."
    assert [line for line in said if "failed" in line] == said[:1]


def test_an_error_is_reported_again_after_a_success() -> None:
    stopping, said = threading.Event(), list[str]()
    results = iter([OSError("a"), OSError("a"), None, OSError("a"), PoolClosed()])

    def step() -> None:
        if (result := next(results)) is not None:
            raise result

    repeat(step, stopping, 0.001, said.append, name="It")
    assert said == ["It failed: a. It is repeated."] * 2


SCHEDULED = {
    "Type": "AWS::Serverless::Function",
    "Properties": {"Environment": {"Variables": {"GROUNDWORK_SCHEDULE_ROLE": "r"}}},
}


def test_the_schedules_after_a_bad_one_are_restored(on_template: Callable[[dict[str, Any]], Any]) -> None:
    restored, said = list[str](), list[str]()
    rows = [
        {"planId": "bad-zone", "title": "", "expression": "cron(0 9 * * ? *)", "timezone": "Mars/Olympus"},
        {"planId": "bad-time", "title": "", "expression": "at(soon)", "timezone": "UTC"},
        {"planId": "no-zone", "title": "", "expression": "at(soon)"},
        {"planId": "good", "title": "", "expression": "cron(0 9 * * ? *)", "timezone": "UTC"},
    ]

    def invoke(_: str, event: bytes) -> Outcome:
        asked = json.loads(event)
        if asked["do"] == "LIST_SCHEDULES":
            return Outcome(json.dumps(rows).encode(), failed=False)
        restored.append(asked["planId"])
        return Outcome(b"true", failed=False)

    Recovery(on_template({"Fn": SCHEDULED}), invoke, lambda: None, said.append, last_seen=time.time())._schedules()
    assert restored == ["good"]
    assert [line.partition(":")[0] for line in said] == [
        f"Cannot restore the schedule of plan {plan}" for plan in ("bad-zone", "bad-time", "no-zone")
    ]


@pytest.fixture
def on_template(tmp_path: Path) -> Callable[[dict[str, Any]], Any]:
    def make(resources: dict[str, Any]) -> Any:
        file = tmp_path / "template.json"
        file.write_text(json.dumps({"Resources": resources}))
        return SamTemplate(file, parameters={}, region="us-east-1")

    return make
