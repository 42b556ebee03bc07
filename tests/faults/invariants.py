"""Invariants, each a named predicate over plain values.

`at_the_end` checks the state at rest. `at_a_moment` checks one consistent snapshot of a project's runs and locks,
`between` two successive ones, `of_the_bill` the counted usage against the bill. All return the violations.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from groundwork.ids import Kind
from groundwork.llm.port import Usage
from groundwork.runs.model import (
    ITEM_ATTEMPTS,
    ItemStatus,
    JournalEntry,
    ManifestEntry,
    Run,
    RunStatus,
    RunType,
)
from groundwork.runs.retry import RUN_ATTEMPTS


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant, and where it shows."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


@dataclass(frozen=True, slots=True)
class Record:
    """A run with its manifest, its journal in order, and the items past the draft."""

    run: Run
    targets: Mapping[int, ManifestEntry] = field(default_factory=dict)
    entries: Sequence[JournalEntry] = ()
    drafts: frozenset[int] = frozenset()

    @property
    def number(self) -> int:
        return int(self.run.id.rpartition("-R")[2])

    def completed(self) -> dict[int, JournalEntry]:
        return {entry.index: entry for entry in self.entries if entry.status is ItemStatus.COMPLETED}


@dataclass(frozen=True, slots=True)
class Child:
    """An epic, story or subtask: its numbers in the project, and the number of its run."""

    kind: Kind
    numbers: tuple[int, ...]
    run: int | None


@dataclass(frozen=True, slots=True)
class State:
    """The state of a project.

    `locks`: the run by type; `attention`: sort keys of rows due for the schedule.
    """

    records: Sequence[Record]
    children: Sequence[Child]
    cards: frozenset[int]
    analyzed: frozenset[int]
    counts: Mapping[str, int]
    locks: Mapping[RunType, str]
    attention: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Moment:
    """A consistent snapshot: runs by id, locks, and the journals up to the runs' counters."""

    runs: Mapping[str, Run]
    locks: Mapping[RunType, str]
    entries: Mapping[str, Sequence[JournalEntry]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bill:
    """The provider's bill; `certain` if no worker can have been lost between response and save."""

    usage: Usage
    cost: int
    certain: bool


type Found = Iterator[str]


# one look


def counters_equal_items(records: Iterable[Record]) -> Found:
    """The counters of each run's row equal the lines of its journal at every moment."""
    for record in records:
        run, entries = record.run, record.entries
        ended = Counter(entry.status for entry in entries)
        items = (ended[ItemStatus.COMPLETED], ended[ItemStatus.FAILED])
        if (run.completed, run.failed) != items:
            yield f"{run.id} counts {(run.completed, run.failed)}, its items are {items}"
        made = (sum(entry.created for entry in entries), sum(entry.deleted for entry in entries))
        if (run.created, run.deleted) != made:
            yield f"{run.id} counts {(run.created, run.deleted)} made and deleted, its items {made}"


def one_result_an_item(records: Iterable[Record]) -> Found:
    for record in records:
        twice = [index for index, count in Counter(e.index for e in record.entries).items() if count > 1]
        if twice:
            yield f"{record.run.id}: items {twice} ended twice"
        claimed = record.run.claims.keys() & {entry.index for entry in record.entries}
        if claimed:
            yield f"{record.run.id}: items {sorted(claimed)} have ended and are claimed"


def attempts_are_within_budget(records: Iterable[Record]) -> Found:
    for record in records:
        over = [entry.index for entry in record.entries if entry.attempts > ITEM_ATTEMPTS]
        over += [index for index, claim in record.run.claims.items() if claim.attempts > ITEM_ATTEMPTS]
        if over:
            yield f"{record.run.id}: items {over}"
        if record.run.attempts > RUN_ATTEMPTS and record.run.next_retry_at:
            yield f"{record.run.id} is tried again after {record.run.attempts} attempts"


def a_lock_for_each_active_run(runs: Iterable[Run], locks: Mapping[RunType, str]) -> Found:
    """The lock rows are those of the active runs, exactly."""
    active = sorted((run.type.value, run.id) for run in runs if run.status.active)
    held = sorted((type_.value, run_id) for type_, run_id in locks.items())
    if active != held:
        yield f"active are {active}, locked are {held}"


# two looks


def progress_is_monotonic(before: Run, after: Run) -> Found:
    counters = ("completed", "failed", "skipped", "created", "deleted", "hops", "queued", "cursor", "cost", "seq")
    down = [name for name in counters if getattr(after, name) < getattr(before, name)]
    if down or after.lease.epoch < before.lease.epoch:
        yield f"{after.id}: {', '.join(down) or 'epoch'} went down"


def terminal_is_final(before: Run, after: Run) -> Found:
    if not before.status.active and after != before:
        yield f"{before.id} was {before.status} and has changed"


# the end


def every_item_has_ended(state: State) -> Found:
    for record in state.records:
        run = record.run
        if run.status.active:
            yield f"{run.id} is {run.status}"
        elif run.claims:
            yield f"{run.id} has ended with claims {sorted(run.claims)}"
        elif run.status is RunStatus.CANCELLED or run.given_up_unqueued:
            continue
        elif not run.ended == run.total == len(record.targets):
            yield f"{run.id}: {run.ended} ended of {run.total}, {len(record.targets)} in the manifest"
        skipped = sum(target.skipped for target in record.targets.values())
        if run.skipped != skipped:
            yield f"{run.id} counts {run.skipped} skipped, its manifest has {skipped}"


def a_status_says_what_became_of_the_items(state: State) -> Found:
    for record in state.records:
        run = record.run
        good = {
            RunStatus.SUCCEEDED: run.failed == 0,
            RunStatus.PARTIAL: run.failed > 0 and run.completed + run.skipped > 0,
            RunStatus.FAILED: run.failed > 0 or run.given_up_unqueued,
        }
        if not good.get(run.status, True):
            yield f"{run.id} is {run.status} with {run.completed} completed, {run.failed} failed"
        if run.status in (RunStatus.PARTIAL, RunStatus.FAILED) and not run.error:
            yield f"{run.id} is {run.status} without a reason"
        mute = [e.index for e in record.entries if e.status is ItemStatus.FAILED and not (e.error_code and e.error)]
        if mute:
            yield f"{run.id}: items {mute} have failed without a reason"


_MADE = {RunType.GENERATE_STORIES: Kind.STORY, RunType.GENERATE_SUBTASKS: Kind.SUBTASK}


def children_are_those_of_completed_items(state: State) -> Found:
    """Children of a target belong, complete, to the last item completing it.

    Epics belong to the project, so those of a run are counted together.
    """
    for kind in (Kind.STORY, Kind.SUBTASK):
        yield from _children_by_parent(state, kind)
    yield from _epics(state)


type Parent = tuple[int, ...]


def _children_by_parent(state: State, kind: Kind) -> Found:
    there: dict[Parent, Counter[int | None]] = {}
    for child in state.children:
        if child.kind is kind:
            there.setdefault(child.numbers[:-1], Counter())[child.run] += 1
    parents = {child.numbers for child in state.children}
    expected = {numbers: made for numbers, made in _made_below(state, kind).items() if numbers in parents}
    for numbers, made in expected.items():
        if (found := dict(there.get(numbers, {}))) != made:
            yield f"{kind.name} below {numbers}: there are {found} by run, counted are {made}"
    for numbers in there.keys() - expected.keys():
        yield f"{kind.name} below {numbers}: {dict(there[numbers])} by run, though no item for it has completed"


def _made_below(state: State, kind: Kind) -> dict[Parent, dict[int, int]]:
    """Count the children of each parent by run; the last completing run replaced earlier ones."""
    made: dict[Parent, dict[int, int]] = {}
    for record in sorted(state.records, key=lambda record: record.number):
        if _MADE.get(record.run.type) is kind:
            made |= {record.targets[i].numbers: {record.number: e.created} for i, e in record.completed().items()}
    return made


def _epics(state: State) -> Found:
    there = Counter(child.run for child in state.children if child.kind is Kind.EPIC)
    runs = [record for record in state.records if record.run.type is RunType.GENERATE_EPICS]
    for record in runs:
        later = [other for other in runs if other.number > record.number and other.run.deleted]
        made = sum(entry.created for entry in record.completed().values())
        count = there.pop(record.number, 0)
        if count != made and not (later and count == 0):
            yield f"{record.run.id}: {count} epics are there, {made} were counted"
    if strays := {run: count for run, count in there.items() if run is not None}:
        yield f"epics of runs that made none: {strays}"


def cards_are_analyzed_by_completed_items(state: State) -> Found:
    done: set[int] = set()
    for record in state.records:
        if record.run.type is RunType.ANALYZE_CARDS:
            done |= {record.targets[index].numbers[0] for index in record.completed()}
    if done & state.cards != state.analyzed:
        yield f"{sorted(state.analyzed - done)} analyzed without an item, {sorted(done - state.analyzed)} not analyzed"


def the_project_counts_what_it_has(state: State) -> Found:
    names = {Kind.EPIC: "epics", Kind.STORY: "stories", Kind.SUBTASK: "subtasks"}
    there = Counter(names[child.kind] for child in state.children)
    there["cards"] = len(state.cards)
    counted = {name: state.counts[name] for name in ("cards", *names.values())}
    if any(there[name] != count for name, count in counted.items()):
        yield f"counted are {counted}, there are {dict(there)}"


def nothing_is_left_over(state: State) -> Found:
    if state.attention:
        yield f"the schedule still looks at {sorted(state.attention)}"
    for record in state.records:
        loose = record.drafts - record.completed().keys()
        if loose:
            yield f"{record.run.id}: drafts of items {sorted(loose)}, which have not completed"


# the bill


def cost_equals_the_bill(records: Sequence[Record], bill: Bill) -> Found:
    """Counted usage is at most the bill, and equal to it if no worker was lost.

    A worker killed, frozen or cancelled between the provider's response and the commit leaves a charge unknown to us.
    """
    usage, cost = Usage(), 0
    for record in records:
        usage, cost = usage + record.run.usage, cost + record.run.cost
        of_items = sum(entry.cost for entry in record.entries)
        if of_items > record.run.cost:
            yield f"{record.run.id} costs {record.run.cost}, its items {of_items}"
    over = [name for name in _TOKENS if getattr(usage, name) > getattr(bill.usage, name)]
    if over or cost > bill.cost:
        yield f"counted {usage} and {cost}, billed {bill.usage} and {bill.cost}"
    differs = [name for name in _TOKENS if getattr(usage, name) != getattr(bill.usage, name)]
    if bill.certain and (differs or cost != bill.cost):
        yield f"no worker was lost, and yet counted {usage} and {cost}, billed {bill.usage} and {bill.cost}"


_TOKENS = ("input", "output", "cache_read", "cache_write")


# all of them by name

_OF_STATE: Sequence[Callable[[State], Found]] = (
    every_item_has_ended,
    a_status_says_what_became_of_the_items,
    children_are_those_of_completed_items,
    cards_are_analyzed_by_completed_items,
    the_project_counts_what_it_has,
    nothing_is_left_over,
)
_OF_RECORDS: Sequence[Callable[[Iterable[Record]], Found]] = (
    counters_equal_items,
    one_result_an_item,
    attempts_are_within_budget,
)
_OF_TWO: Sequence[Callable[[Run, Run], Found]] = (progress_is_monotonic, terminal_is_final)

NAMES = [
    *(predicate.__name__ for predicate in (*_OF_RECORDS, *_OF_TWO, a_lock_for_each_active_run, *_OF_STATE)),
    cost_equals_the_bill.__name__,
    "a_run_ends",
    "a_cancel_is_the_end",
]
"""Every invariant of a fault run; the last two are judged where the run is driven."""


def at_the_end(state: State) -> list[Violation]:
    found = [*_named(_OF_STATE, state), *_named(_OF_RECORDS, state.records)]
    return found + _locks([record.run for record in state.records], state.locks)


def at_a_moment(moment: Moment) -> list[Violation]:
    records = [Record(run, entries=moment.entries.get(run.id, ())) for run in moment.runs.values()]
    return [*_named(_OF_RECORDS, records), *_locks(moment.runs.values(), moment.locks)]


def between(before: Moment, after: Moment) -> list[Violation]:
    found = []
    for run_id, run in before.runs.items():
        if run_id not in after.runs:
            found.append(Violation("terminal_is_final", f"{run_id} is gone"))
            continue
        for predicate in _OF_TWO:
            found += [Violation(predicate.__name__, what) for what in predicate(run, after.runs[run_id])]
    return found


def of_the_bill(records: Sequence[Record], bill: Bill) -> list[Violation]:
    return [Violation(cost_equals_the_bill.__name__, what) for what in cost_equals_the_bill(records, bill)]


def _named[T](predicates: Iterable[Callable[[T], Found]], facts: T) -> list[Violation]:
    return [Violation(predicate.__name__, what) for predicate in predicates for what in predicate(facts)]


def _locks(runs: Iterable[Run], locks: Mapping[RunType, str]) -> list[Violation]:
    found = a_lock_for_each_active_run(runs, locks)
    return [Violation(a_lock_for_each_active_run.__name__, what) for what in found]
