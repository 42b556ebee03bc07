"""After a stop: which of a schedule's times passed meanwhile, and what becomes of them."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.manage_plans import app
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.execution.schedule import set_schedule
from groundwork.execution.state import Timing
from local.recovery import missed_time
from tests.adapters.dynamodb.test_plans_contract import on_dynamo
from tests.events import Context
from tests.functions.services import services_on
from tests.plans.plans import draft, phase

OFF_SINCE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC).timestamp()
NOW = datetime(2026, 3, 4, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "timezone", "missed"),
    [
        ("at(2026-03-03T09:00:00)", "UTC", "2026-03-03T09:00:00Z"),
        ("at(2026-03-04T12:30:00)", "UTC", None),
        # in Berlin it is 13:00
        ("at(2026-03-04T12:30:00)", "Europe/Berlin", "2026-03-04T11:30:00Z"),
        ("cron(0 9 * * ? *)", "UTC", "2026-03-04T09:00:00Z"),
        ("cron(0 9 * * ? *)", "America/New_York", "2026-03-03T14:00:00Z"),
        ("cron(0 8 2 3 ? *)", "UTC", None),
        ("cron(0 12 * * ? *)", "UTC", "2026-03-03T12:00:00Z"),
        ("cron(0 9 1 * ? *)", "UTC", None),
    ],
)
def test_the_last_time_that_passed_is_found(expression: str, timezone: str, missed: str | None) -> None:
    assert missed_time(expression, timezone, OFF_SINCE, NOW) == missed


class Timer:
    def __init__(self) -> None:
        self.set_for: list[tuple[str, str]] = []

    def set(self, plan_id: str, timing: Timing) -> None:
        self.set_for.append((plan_id, timing.expression))

    def clear(self, plan_id: str) -> None: ...


@pytest.fixture
def timer(moto_tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Timer:
    timer = Timer()
    monkeypatch.setattr(app, "services", lambda: services_on(moto_tables, timer=timer))
    return timer


def a_plan(tables: Tables, expression: str) -> str:
    plan = on_dynamo(tables).created(phase("One", draft("a")))
    before = tables.executions.read(plan.id)
    after = set_schedule(before, Timing(expression=expression, timezone="UTC", who="admin"))
    tables.executions.commit(before, after.with_execution(seq=before.execution.seq + 1), ())
    return plan.id


def asked(**event: Any) -> Any:
    return app.handler(event, Context())


def test_schedules_are_set_again_from_the_plans_rows(moto_tables: Tables, timer: Timer) -> None:
    daily = a_plan(moto_tables, "cron(0 9 * * ? *)")
    on_dynamo(moto_tables).created(phase("One", draft("a")))
    (found,) = asked(do="LIST_SCHEDULES")
    assert (found["planId"], found["expression"], found["timezone"]) == (daily, "cron(0 9 * * ? *)", "UTC")
    assert asked(do="RESTORE_SCHEDULE", planId=daily, missed=None) is True
    assert timer.set_for == [(daily, "cron(0 9 * * ? *)")]
    assert moto_tables.executions.read(daily).execution.passed_over is None


def test_a_single_time_that_passed_is_noted_and_over(moto_tables: Tables, timer: Timer) -> None:
    once = a_plan(moto_tables, "at(2026-03-03T09:00:00)")
    assert asked(do="RESTORE_SCHEDULE", planId=once, missed="2026-03-03T09:00:00Z") is False
    execution = moto_tables.executions.read(once).execution
    assert timer.set_for == []
    assert execution.schedule is None
    assert execution.passed_over is not None
    assert execution.passed_over.time == "2026-03-03T09:00:00Z"
    assert abs(execution.passed_over.at_ms - time.time() * 1000) < 60_000


def test_a_schedule_that_repeats_goes_on_after_a_time_that_passed(moto_tables: Tables, timer: Timer) -> None:
    daily = a_plan(moto_tables, "cron(0 9 * * ? *)")
    for _ in range(2):  # once more after the next start: the same time is not noted twice
        assert asked(do="RESTORE_SCHEDULE", planId=daily, missed="2026-03-04T09:00:00Z") is True
    execution = moto_tables.executions.read(daily).execution
    assert execution.passed_over is not None
    assert execution.last_fired == "2026-03-04T09:00:00Z"
    assert timer.set_for == [(daily, "cron(0 9 * * ? *)")] * 2
