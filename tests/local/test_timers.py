"""What a schedule's expression names."""

from datetime import datetime

import pytest

from local.timers import cron_matches, due_time

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
    ],
)
def test_a_cron_names_its_minutes(expression: str) -> None:
    assert cron_matches(expression, MONDAY_NINE)


@pytest.mark.parametrize(
    "expression", ["1 9 ? * MON *", "0 9 ? * SUN *", "0 9 24 * ? *", "7/15 9 * * ? *", "0 9 ? DEC MON *", "0 9 L * ? *"]
)
def test_and_no_others(expression: str) -> None:
    assert not cron_matches(expression, MONDAY_NINE)


def test_a_time_is_due_once_it_has_come() -> None:
    assert due_time("at(2026-11-23T09:00:00)", MONDAY_NINE) == "2026-11-23T09:00:00"
    assert due_time("at(2026-11-23T09:00:01)", MONDAY_NINE) is None
    assert due_time("rate(5 minutes)", MONDAY_NINE) is None
