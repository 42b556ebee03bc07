"""Times of schedule expressions, and their firing."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest
from botocore.exceptions import ClientError

from local.cron import InvalidCron, parse_cron
from local.endpoint import AwsEndpoint
from local.timers import TimerWatch, due_time

MONDAY_NINE = datetime(2026, 11, 23, 9, 0)


@pytest.mark.parametrize(
    "expression",
    [
        "0 9 ? * MON *",
        "0 9 ? * 2 *",
        "0 9 23 NOV ? 2026",
        "*/15 8-10 * * ? *",
        "0 9 ? * MON-FRI *",
        "0,30 9 ? 11 2,3 *",
        "0 9 ? * FRI-MON *",
        "0 9 ? * 2#4 *",
        "0 9 ? * 2,5L *",
        "0 9 23W * ? 2026",
        "0 9 22W * ? *",
    ],
)
def test_a_cron_names_its_minutes(expression: str) -> None:
    assert parse_cron(expression)(MONDAY_NINE)


@pytest.mark.parametrize(
    "expression",
    [
        "1 9 ? * MON *",
        "0 9 ? * SUN *",
        "0 9 24 * ? *",
        "7/15 9 * * ? *",
        "0 9 ? DEC MON *",
        "0 9 L * ? *",
        "0 9 ? * 2#3 *",
        "0 9 ? * 2L *",
    ],
)
def test_and_no_others(expression: str) -> None:
    assert not parse_cron(expression)(MONDAY_NINE)


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 9 L * ? 2026", [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]),
        ("0 9 LW * ? 2026", [30, 27, 31, 30, 29, 30, 31, 31, 30, 30, 30, 31]),
        ("0 9 1W * ? 2026", [1, 2, 2, 1, 1, 1, 1, 3, 1, 1, 2, 1]),
        ("0 9 31W 1,2,5 ? 2026", [30, 29]),
        ("0 9 ? 1-3 6#5 2026", [30]),
        ("0 9 ? 1-3 MONL 2026", [26, 23, 30]),
        ("0 9 ? 1 L 2026", [3, 10, 17, 24, 31]),
    ],
)
def test_days_that_are_another_number_in_each_month(expression: str, days: list[int]) -> None:
    names = parse_cron(expression)
    year = [datetime(2026, 1, 1, 9) + timedelta(days=n) for n in range(365)]
    assert [day.day for day in year if names(day)] == days


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * * *",
        "* * ? * ? *",
        "* * * * ?",
        "60 * * * ? *",
        "* 24 * * ? *",
        "* * 0 * ? *",
        "* * * 13 ? *",
        "* * ? * 8 *",
        "* * ? * MONTAG *",
        "*/0 * * * ? *",
        "? * * * ? *",
        "1- * * * ? *",
        "* * 32W * ? *",
        "* * ? * 2#6 *",
        "* * W * ? *",
    ],
)
def test_what_names_no_times_is_refused(expression: str) -> None:
    with pytest.raises(InvalidCron):
        parse_cron(expression)


def test_a_time_is_due_once_it_has_come() -> None:
    assert due_time("at(2026-11-23T09:00:00)", MONDAY_NINE) == "2026-11-23T09:00:00"
    assert due_time("at(2026-11-23T09:00:01)", MONDAY_NINE) is None
    assert due_time("rate(5 minutes)", MONDAY_NINE) is None


class Scheduler:
    """The local EventBridge Scheduler: moto's, with a watch to fire it; `at` is its clock."""

    def __init__(self, url: str) -> None:
        session = boto3.Session("local", "local", region_name="us-east-1")
        self.client: Any = session.client("scheduler", endpoint_url=url)
        self.fired: list[dict[str, Any]] = []
        self.at = MONDAY_NINE
        self.watch = TimerWatch(lambda service: self.client, self._fire, now=self._now)

    def _now(self, zone: ZoneInfo) -> datetime:
        return self.at.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)

    def _fire(self, function: str, event: bytes) -> None:
        self.fired.append(json.loads(event))

    def create(self, name: str, expression: str, **fields: Any) -> None:
        target = {"Arn": "arn:f", "RoleArn": "arn:r", "Input": '{"time": "<aws.scheduler.scheduled-time>"}'}
        flexible = {"Mode": "OFF"}
        self.client.create_schedule(
            Name=name, ScheduleExpression=expression, Target=target, FlexibleTimeWindow=flexible, **fields
        )

    def look(self, minutes: int = 0) -> list[dict[str, Any]]:
        self.fired.clear()
        self.at += timedelta(minutes=minutes)
        self.watch.poll()
        return list(self.fired)


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    endpoint = AwsEndpoint()
    yield Scheduler(endpoint.url)
    endpoint.close()


def test_a_cron_fires_once_in_each_minute_that_it_names(scheduler: Scheduler) -> None:
    scheduler.create("nine", "cron(0/2 10 ? * MON *)", ScheduleExpressionTimezone="Europe/Vienna")
    told = [scheduler.look(minutes) for minutes in (0, 0, 1, 1, 0, 60)]
    # told in UTC, as EventBridge does
    first, second = [{"time": "2026-11-23T09:00:00Z"}], [{"time": "2026-11-23T09:02:00Z"}]
    assert told == [first, [], [], second, [], []]


def test_a_time_fires_once_and_is_gone(scheduler: Scheduler) -> None:
    scheduler.create("once", "at(2026-11-23T09:01:00)", ActionAfterCompletion="DELETE")
    assert [len(scheduler.look(minutes)) for minutes in (0, 1, 1)] == [0, 1, 0]
    assert scheduler.client.list_schedules()["Schedules"] == []


def test_an_invalid_schedule_expression_is_refused(scheduler: Scheduler) -> None:
    with pytest.raises(ClientError) as refused:
        scheduler.create("never", "cron(99 9 ? * MON *)")
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert "minutes" in refused.value.response["Error"]["Message"]
