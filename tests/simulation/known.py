"""Observed state: the rows written so far, seen from outside the code under test."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.adapters.dynamodb.backlog_rows import path_at, prefix, sort_key
from groundwork.adapters.dynamodb.run_rows import RunRow, run_of
from groundwork.ids import Kind, Path
from groundwork.runs.model import ItemStatus, JournalEntry, ManifestEntry, Run, RunType
from tests.runs.world import PIPELINE
from tests.simulation.cloud import Cloud, Sandbox
from tests.simulation.dynamodb import Key
from tests.simulation.expressions import Item
from tests.simulation.provider import Provider

type Rows = dict[Key, tuple[Item | None, Item | None]]
"""Rows changed by one request: before and after."""

CHILD_OF = {
    RunType.GENERATE_EPICS: Kind.EPIC,
    RunType.GENERATE_STORIES: Kind.STORY,
    RunType.GENERATE_SUBTASKS: Kind.SUBTASK,
}


def reads(type_: RunType) -> tuple[RunType, ...]:
    """Return the types with results read by a run of this type: all before it in the pipeline."""
    return PIPELINE[: PIPELINE.index(type_)]


_PARENT_OF = {Kind.STORY: Kind.EPIC, Kind.SUBTASK: Kind.STORY}


class Violation(AssertionError):
    """An invariant is violated."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


def demand(holds: bool, name: str, what: str) -> None:
    if not holds:
        raise Violation(name, what)


@dataclass(slots=True)
class Known:
    """Observed state of one run.

    `born_at`, `ended_at` (ms): times of its first row and of its end; `acknowledged_at` (s): time of the answer to its
    cancel; `marks`: its progress at the start of each hop; `took`: number of the hop, by sandbox.
    """

    run: Run
    born_at: int = 0
    holders: list[Sandbox] = field(default_factory=list)
    took: dict[int, int] = field(default_factory=dict)
    marks: list[int] = field(default_factory=list)
    entries: dict[int, JournalEntry] = field(default_factory=dict)
    targets: dict[int, ManifestEntry] = field(default_factory=dict)
    numbers: set[tuple[int, ...]] = field(default_factory=set)
    selection: frozenset[tuple[int, ...]] = frozenset()
    made: set[Key] = field(default_factory=set)
    removed: set[Key] = field(default_factory=set)
    suspects: set[int] = field(default_factory=set)
    acknowledged_at: float | None = None
    ended_at: int | None = None
    releases: int = 0
    spent_before: Run | None = None

    @property
    def holder(self) -> Sandbox | None:
        return self.holders[-1] if self.holders else None

    @property
    def failed(self) -> list[JournalEntry]:
        return [entry for entry in self.entries.values() if entry.status is ItemStatus.FAILED]


@dataclass(slots=True)
class Seen:
    """Observed state of everything.

    `born`: time (ms) of each row of the backlog; `analyzed`: time (ms) since a card has an analysis; `patched`: cards
    with a changed text; `linked`: numbers of cards ever in an epic.
    """

    cloud: Cloud
    provider: Provider
    runs: dict[str, Known] = field(default_factory=dict)
    born: dict[Key, int] = field(default_factory=dict)
    gone: set[Key] = field(default_factory=set)
    parents_ever: set[str] = field(default_factory=set)
    analyzed: dict[Key, int] = field(default_factory=dict)
    patched: set[int] = field(default_factory=set)
    linked: set[int] = field(default_factory=set)
    pruned: bool = False
    """A user has deleted an object with children."""
    deleted: bool = False
    """The project is deleted."""

    def note(self, rows: Rows) -> None:
        """Record the backlog's changes by one request."""
        now = self.cloud.true_ms()
        for key, (before, after) in rows.items():
            if key[0] != "backlog" or key[2][:2] not in ("C#", "E#", "S#", "T#"):
                continue
            if before is None:
                self.born[key] = now
                self.parents_ever.add(key[2].rpartition("#")[0])
            if after is None:
                self.gone.add(key)
            elif is_a(key, "C#"):
                self._card(key, before, after, now)
            elif is_a(key, "E#"):
                self.linked.update(cards_of(after))

    def _card(self, key: Key, before: Item | None, after: Item, now: int) -> None:
        if before and before["text"] != after["text"]:
            self.patched.add(path_of(key).number)
        if "analysis" not in after:
            self.analyzed.pop(key, None)
        elif before is None or before.get("analysis") != after["analysis"]:
            self.analyzed[key] = now

    def row(self, path: Path) -> Item | None:
        """Return the present row."""
        return self.cloud.database.row(("backlog", path.project_id, sort_key(path)))

    def below(self, kind: Kind, parent: Path) -> set[Key]:
        """Return the present rows of a kind below a parent."""
        return set(self.cloud.database.below("backlog", parent.project_id, prefix(kind, parent)))

    def children(self, known: Known, target: ManifestEntry) -> set[Key]:
        """Return the present children of a target of a stories or subtasks run."""
        kind = CHILD_OF[known.run.type]
        return self.below(kind, Path(_PARENT_OF[kind], project_of(known.run), target.numbers))

    def older(self, keys: set[Key], than_ms: int) -> set[Key]:
        return {key for key in keys if self.born.get(key, than_ms + 1) <= than_ms}

    def predecessors(self, known: Known) -> Iterator[Known]:
        """Yield the run, the run it retries, and so on."""
        while known:
            yield known
            if not known.run.retry_of or known.run.retry_of not in self.runs:
                return
            known = self.runs[known.run.retry_of]

    def as_first_asked(self, known: Known) -> Known:
        """Return the run with the original request: the retry of an unqueued run does all of it."""
        while known.run.retry_of and self.runs[known.run.retry_of].run.given_up_unqueued:
            known = self.runs[known.run.retry_of]
        return known


def is_a(key: Key, start: str) -> bool:
    return key[2].startswith(start)


def is_child(key: Key) -> bool:
    return key[2][:2] in ("E#", "S#", "T#")


def path_of(key: Key) -> Path:
    return path_at(key[1], key[2])


def project_of(run: Run) -> str:
    return run.id.rpartition("-")[0]


def read_run(item: Item) -> Run:
    return run_of(RunRow.from_raw_data(dict(item)))


def maker_of(key: Key, row: Item) -> str:
    """Return the run with this artifact as its result; empty for one made by a user."""
    return f"{key[1]}-R{row['run']['N']}" if "run" in row else ""


def mark_of(run: Run) -> str:
    """Return the mark of a run's results, derived apart from the code under test."""
    return "mock" if run.ai == "mock" else run.model


def cards_of(epic: Item) -> Sequence[int]:
    """Return the numbers of an epic's cards."""
    return json.loads(epic["cards"]["S"]) if "cards" in epic else ()


def analysis_of(card: Item) -> dict[str, Any] | None:
    return json.loads(card["analysis"]["S"]) if "analysis" in card else None
