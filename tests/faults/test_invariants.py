"""Each invariant fails where it should, and none fails on a correct state."""

from dataclasses import replace
from typing import Any

import pytest

from groundwork.ids import Kind
from groundwork.llm.port import Usage
from groundwork.runs.model import (
    Claim,
    ErrorCode,
    ItemStatus,
    JournalEntry,
    Lease,
    ManifestEntry,
    Run,
    RunOptions,
    RunPhase,
    RunStatus,
    RunType,
)
from tests.faults.invariants import (
    NAMES,
    Bill,
    Child,
    Moment,
    Record,
    State,
    at_a_moment,
    at_the_end,
    between,
    of_the_bill,
)

PROJECT = "k3v9x2m4q8"
SPENT = Usage(100, 20, 30, 40, calls=2)

RUN = Run(
    id=f"{PROJECT}-R1",
    type=RunType.GENERATE_STORIES,
    created_at=1,
    status=RunStatus.PARTIAL,
    phase=RunPhase.DONE,
    total=3,
    queued=3,
    cursor=3,
    completed=1,
    failed=1,
    skipped=1,
    created=2,
    usage=SPENT,
    cost=700,
    error="1 of 3 items failed.",
    seq=9,
)
DONE = JournalEntry(0, ItemStatus.COMPLETED, attempts=2, created=2, cost=400, seq=5)
FAILED = JournalEntry(
    1, ItemStatus.FAILED, attempts=3, cost=300, error_code=ErrorCode.WORKER_LOST, error="Lost.", seq=7
)
TARGETS = {
    0: ManifestEntry(0, (1,), "one"),
    1: ManifestEntry(1, (2,), "two"),
    2: ManifestEntry(2, (3,), "three", skipped=True),
}
RECORD = Record(RUN, TARGETS, (DONE, FAILED))
EPICS = [Child(Kind.EPIC, (number,), None) for number in (1, 2, 3)]
STORIES = [Child(Kind.STORY, (1, 1), 1), Child(Kind.STORY, (1, 2), 1)]
RIGHT = State(
    records=[RECORD],
    children=[*EPICS, *STORIES],
    cards=frozenset({1, 2}),
    analyzed=frozenset(),
    counts={"cards": 2, "epics": 3, "stories": 2, "subtasks": 0},
    locks={},
)
ACTIVE = replace(RUN, status=RunStatus.RUNNING, lease=Lease(2, "worker", 99))


def broken(state: State) -> set[str]:
    return {violation.invariant for violation in at_the_end(state)}


def with_run(**changes: Any) -> State:
    return replace(RIGHT, records=[replace(RECORD, run=replace(RUN, **changes))])


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert at_the_end(RIGHT) == []


WRONG: dict[str, tuple[State, str]] = {
    "an item that ended twice": (
        replace(RIGHT, records=[replace(RECORD, entries=(DONE, DONE, FAILED))]),
        "one_result_an_item",
    ),
    "an item that ended and is claimed": (with_run(claims={1: Claim(1)}), "one_result_an_item"),
    "a counter that is one too high": (with_run(completed=2, total=4), "counters_equal_items"),
    "artifacts that were not counted": (with_run(created=1), "counters_equal_items"),
    "a fourth attempt": (
        replace(RIGHT, records=[replace(RECORD, entries=(DONE, replace(FAILED, attempts=4)))]),
        "attempts_are_within_budget",
    ),
    "a run that is still active": (with_run(status=RunStatus.RUNNING), "every_item_has_ended"),
    "an item that was forgotten": (with_run(total=4), "every_item_has_ended"),
    "a success with a failure in it": (with_run(status=RunStatus.SUCCEEDED), "a_status_says_what_became_of_the_items"),
    "a failure without a reason": (with_run(error=None), "a_status_says_what_became_of_the_items"),
    "an item's failure without a reason": (
        replace(RIGHT, records=[replace(RECORD, entries=(DONE, replace(FAILED, error_code=None)))]),
        "a_status_says_what_became_of_the_items",
    ),
    "a story too few": (replace(RIGHT, children=[*EPICS, STORIES[0]]), "children_are_those_of_completed_items"),
    "stories below an item that failed": (
        replace(RIGHT, children=[*EPICS, *STORIES, Child(Kind.STORY, (2, 1), 1)]),
        "children_are_those_of_completed_items",
    ),
    "stories of two runs below one epic": (
        replace(RIGHT, children=[*EPICS, *STORIES, Child(Kind.STORY, (1, 3), 2)]),
        "children_are_those_of_completed_items",
    ),
    "stories below nothing": (
        replace(RIGHT, children=[*EPICS, *STORIES, Child(Kind.STORY, (9, 1), 1)]),
        "children_are_those_of_completed_items",
    ),
    "epics of a run that made none": (
        replace(RIGHT, children=[*EPICS, *STORIES, Child(Kind.EPIC, (4,), 7)]),
        "children_are_those_of_completed_items",
    ),
    "a card analyzed by nobody": (
        replace(RIGHT, analyzed=frozenset({2})),
        "cards_are_analyzed_by_completed_items",
    ),
    "a project that counts wrong": (
        replace(RIGHT, counts={**RIGHT.counts, "stories": 3}),
        "the_project_counts_what_it_has",
    ),
    "a lock that outlived its run": (
        replace(RIGHT, locks={RunType.GENERATE_STORIES: RUN.id}),
        "a_lock_for_each_active_run",
    ),
    "something the schedule still looks at": (
        replace(RIGHT, attention=frozenset({"R#000001"})),
        "nothing_is_left_over",
    ),
    "drafts of an item that failed": (
        replace(RIGHT, records=[replace(RECORD, drafts=frozenset({1}))]),
        "nothing_is_left_over",
    ),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_what_is_wrong_at_the_end_is_found(what: str) -> None:
    state, invariant = WRONG[what]
    assert invariant in broken(state)
    assert invariant in NAMES


@pytest.mark.parametrize("counter", ["completed", "failed", "skipped", "created", "hops", "queued", "cost", "seq"])
def test_a_counter_that_goes_down_is_found(counter: str) -> None:
    ten: dict[str, Any] = {counter: 10}
    nine: dict[str, Any] = {counter: 9}
    before, after = Moment({RUN.id: replace(ACTIVE, **ten)}, {}), Moment({RUN.id: replace(ACTIVE, **nine)}, {})
    assert {violation.invariant for violation in between(before, after)} == {"progress_is_monotonic"}
    assert between(after, before) == []


def test_a_terminal_run_that_changes_is_found() -> None:
    before, after = Moment({RUN.id: RUN}, {}), Moment({RUN.id: replace(RUN, phase_detail="late")}, {})
    assert {violation.invariant for violation in between(before, after)} == {"terminal_is_final"}
    assert {violation.invariant for violation in between(before, Moment({}, {}))} == {"terminal_is_final"}


def test_an_active_run_without_its_lock_is_found() -> None:
    entries = {RUN.id: (DONE, FAILED)}
    assert at_a_moment(Moment({RUN.id: ACTIVE}, {ACTIVE.type: RUN.id}, entries)) == []
    found = at_a_moment(Moment({RUN.id: ACTIVE}, {}, entries))
    assert {violation.invariant for violation in found} == {"a_lock_for_each_active_run"}


@pytest.mark.parametrize(
    ("bill", "right"),
    [
        (Bill(SPENT, 700, certain=True), True),
        (Bill(SPENT + SPENT, 1_400, certain=False), True),
        (Bill(SPENT + SPENT, 1_400, certain=True), False),
        (Bill(SPENT, 699, certain=False), False),
        (Bill(replace(SPENT, output=19), 700, certain=False), False),
    ],
)
def test_what_is_counted_is_held_against_the_bill(bill: Bill, right: bool) -> None:
    assert (of_the_bill([RECORD], bill) == []) is right


def test_items_that_cost_more_than_their_run_are_found() -> None:
    record = replace(RECORD, entries=(replace(DONE, cost=401), FAILED))
    assert of_the_bill([record], Bill(SPENT, 700, certain=True))


def test_a_replaced_item_leaves_only_what_the_later_run_made() -> None:
    later = replace(RUN, id=f"{PROJECT}-R2", options=RunOptions(existing_behavior="replace"), deleted=2, skipped=1)
    again = replace(RECORD, run=later, entries=(replace(DONE, deleted=2), FAILED))
    children = [*EPICS, Child(Kind.STORY, (1, 3), 2), Child(Kind.STORY, (1, 4), 2)]
    assert at_the_end(replace(RIGHT, records=[RECORD, again], children=children)) == []
    assert at_the_end(replace(RIGHT, records=[RECORD, again])) != []
