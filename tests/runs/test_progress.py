"""Progress of runs as the API shows it."""

from dataclasses import replace

import pytest

from groundwork.generation.registry import run_handlers
from groundwork.runs.model import (
    Claim,
    ItemStatus,
    JournalEntry,
    ManifestEntry,
    Run,
    RunOptions,
    RunPhase,
    RunStatus,
    RunType,
)
from groundwork.runs.progress import item_status, percent, poll_after_ms, progress_of, remaining_ms

NOW = 1_000_000_000
RUNNING = Run(
    "bcdfghjkmn-R1",
    RunType.GENERATE_SUBTASKS,
    NOW - 60_000,
    RunOptions(pacing="fast"),
    status=RunStatus.RUNNING,
    phase=RunPhase.GENERATING,
    total=40,
    completed=8,
    average_ms=1_000,
    concurrency=4,
    started_at=NOW - 60_000,
)


def in_flight(*ages_ms: int) -> Run:
    return replace(RUNNING, claims={20 + n: Claim(1, started_at=NOW - age) for n, age in enumerate(ages_ms)})


def test_the_time_left_is_what_the_rest_takes_at_the_measured_pace() -> None:
    assert remaining_ms(RUNNING, NOW, 1) == 32 * 1_000 / 4
    assert remaining_ms(in_flight(200, 600), NOW, 1) == 32 * 1_000 / 4


def test_calls_that_take_longer_than_ever_before_make_the_time_left_longer() -> None:
    assert remaining_ms(in_flight(24_000, 26_000), NOW, 1) == 32 * 25_000 / 4
    one_of_many = in_flight(100, 100, 100, 3_000)
    assert remaining_ms(one_of_many, NOW, 1) == 32 * 1_000 / 4


def test_claims_that_nobody_works_on_say_nothing_of_the_pace() -> None:
    waiting = replace(RUNNING, claims={3: Claim(2, lost=True), 4: Claim(1)})
    assert remaining_ms(waiting, NOW, 1) == 32 * 1_000 / 4


@pytest.mark.parametrize(
    ("pacing", "type_", "left_ms"),
    [
        ("safe", RunType.GENERATE_SUBTASKS, 32 * 2_000),
        ("normal", RunType.GENERATE_SUBTASKS, 32 * 1_000),
        # ten cards a call
        ("fast", RunType.ANALYZE_CARDS, 4 * 250),
    ],
)
def test_a_pace_sets_the_least_time_an_item(pacing: str, type_: RunType, left_ms: int) -> None:
    run = replace(RUNNING, type=type_, options=RunOptions(pacing=pacing))
    assert remaining_ms(run, NOW, run_handlers()[type_].batch_size) == left_ms


def test_nobody_guesses_before_anything_was_measured_and_nothing_is_left_at_the_end() -> None:
    assert remaining_ms(replace(RUNNING, average_ms=0), NOW, 1) is None
    assert remaining_ms(replace(RUNNING, phase=RunPhase.QUEUEING), NOW, 1) is None
    assert remaining_ms(replace(RUNNING, status=RunStatus.CANCELLED), NOW, 1) == 0


def test_the_percent_is_whole_and_100_only_when_all_have_ended() -> None:
    many = replace(RUNNING, total=1_000, completed=990, failed=5, skipped=4)
    assert percent(many) == 99
    assert percent(replace(many, skipped=5)) == 100
    assert percent(replace(RUNNING, total=0, completed=0)) == 0
    assert percent(replace(RUNNING, total=0, completed=0, status=RunStatus.SUCCEEDED)) == 100


def test_the_counters_of_an_answer_add_up() -> None:
    shown = progress_of(replace(in_flight(10, 20, 30), failed=2, skipped=3), NOW, run_handlers()[RUNNING.type])
    parts = ("pendingItems", "activeItems", "completedItems", "failedItems", "skippedItems")
    assert [shown[part] for part in parts] == [24, 3, 8, 2, 3]  # type: ignore[literal-required]
    assert shown["elapsedMs"] == 60_000


def test_a_front_end_waits_between_one_and_five_seconds_and_a_minute_for_what_has_ended() -> None:
    assert poll_after_ms(replace(RUNNING, status=RunStatus.QUEUED)) == 1_000
    assert poll_after_ms(RUNNING) == 1_000
    assert poll_after_ms(replace(RUNNING, average_ms=20_000)) == 2_500
    assert poll_after_ms(replace(RUNNING, average_ms=900_000)) == 5_000
    assert poll_after_ms(replace(RUNNING, status=RunStatus.PARTIAL)) == 60_000


def test_an_item_is_what_the_journal_says_else_the_claim_else_pending() -> None:
    target = ManifestEntry(0, (1,), "A story")
    ended = JournalEntry(0, ItemStatus.FAILED)
    assert item_status(target, ended, Claim(1, NOW)) is ItemStatus.FAILED
    assert item_status(target, None, Claim(1, NOW)) is ItemStatus.GENERATING
    assert item_status(target, None, Claim(1, NOW, saving=True)) is ItemStatus.SAVING
    assert item_status(target, None, Claim(1)) is ItemStatus.PENDING
    assert item_status(target, None, None) is ItemStatus.PENDING
    assert item_status(replace(target, skipped=True), None, None) is ItemStatus.SKIPPED
