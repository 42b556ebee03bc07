"""A function `manage_plans` on tables of its own, and a plan."""

from typing import Any

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from tests.functions.plan_calls import Plans, phase, plans_on, task


@pytest.fixture
def plans(moto_tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Plans:
    return plans_on(moto_tables, monkeypatch)


@pytest.fixture
def plan(plans: Plans) -> Any:
    return plans.plan(
        phase("First", task("a"), task("b", "a")),
        phase("Second", task("c", "b", acceptanceCriteria=["It works."]), mode="parallel", pauseAfter=True),
    )
