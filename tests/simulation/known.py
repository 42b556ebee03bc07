"""What the rows have said so far, looked at from outside the code under test: what invariants are judged on."""

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
"""What one request has changed: before and after."""

CHILD_OF = {
    RunType.GENERATE_EPICS: Kind.EPIC,
    RunType.GENERATE_STORIES: Kind.STORY,
    RunType.GENERATE_SUBTASKS: Kind.SUBTASK,
}


def reads(type_: RunType) -> tuple[RunType, ...]:
    """The types whose results a run of this type reads: all before it in the pipeline."""
    return PIPELINE[: PIPELINE.index(type_)]


_PARENT_OF = {Kind.STORY: Kind.EPIC, Kind.SUBTASK: Kind.STORY}


class Violation(AssertionError):
    """An invariant does not hold."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


def demand(holds: bool, name: str, what: str) -> None:
    if not holds:
        raise Violation(name, what)


@dataclass(slots=True)
class Known:
    """What the rows have said of one run so far.

    `born_at`, `ended_at` (ms): when its row came and when it ended; `acknowledged_at` (s): when a client was told that
    it is cancelled; `marks`: how far it had come each time a hop took it; `took`: which hop of it a sandbox is.
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
    """All that has been seen. `born`: when (ms) each row of the backlog came; `analyzed`: since when (ms) a card has an
    analysis; `patched`: cards whose text has been changed; `linked`: numbers of cards that were ever in an epic."""

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
    """Somebody has deleted something by hand that had children."""
    deleted: bool = False
    """The project is."""

    def note(self, rows: Rows) -> None:
        """Takes in what one request has changed of the backlog."""
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
        """As it is now."""
        return self.cloud.database.row(("backlog", path.project_id, sort_key(path)))

    def below(self, kind: Kind, parent: Path) -> set[Key]:
        """The rows of a kind that are there now below a parent."""
        return set(self.cloud.database.below("backlog", parent.project_id, prefix(kind, parent)))

    def children(self, known: Known, target: ManifestEntry) -> set[Key]:
        """What is there now below the target of a run that makes stories or subtasks."""
        kind = CHILD_OF[known.run.type]
        return self.below(kind, Path(_PARENT_OF[kind], project_of(known.run), target.numbers))

    def older(self, keys: set[Key], than_ms: int) -> set[Key]:
        return {key for key in keys if self.born.get(key, than_ms + 1) <= than_ms}

    def predecessors(self, known: Known) -> Iterator[Known]:
        """The run, the one it is a retry of, and so on."""
        while known:
            yield known
            if not known.run.retry_of or known.run.retry_of not in self.runs:
                return
            known = self.runs[known.run.retry_of]

    def as_first_asked(self, known: Known) -> Known:
        """The run whose request this one carries out: a retry of one that never got to its items does all of it."""
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
    """The run that has made an epic, a story or a subtask; empty where a person has."""
    return f"{key[1]}-R{row['run']['N']}" if "run" in row else ""


def cards_of(epic: Item) -> Sequence[int]:
    """The numbers of the cards an epic's row names."""
    return json.loads(epic["cards"]["S"]) if "cards" in epic else ()


def analysis_of(card: Item) -> dict[str, Any] | None:
    return json.loads(card["analysis"]["S"]) if "analysis" in card else None
