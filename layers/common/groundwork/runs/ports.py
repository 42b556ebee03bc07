"""Ports of the run engine: implemented by `groundwork.adapters.dynamodb`, and by fakes in tests."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from groundwork.backlog.model import Card, Epic, Story, Subtask
from groundwork.errors import GroundworkError
from groundwork.ids import Kind, Path
from groundwork.runs.model import JournalEntry, ManifestEntry, Run, RunType

type InThread = Callable[..., Awaitable[Any]]
"""Runs a blocking call off the event loop: asyncio.to_thread, or a simulator's own."""


type Invoker = Callable[[str], None]
"""Triggers process-next for a run id. Raises Transient."""


class Write(Protocol):
    """Rows that a commit writes beside the run's own. Each kind has a frozen dataclass in its context.

    The store turns each kind into transaction actions. A condition of theirs that fails is an ItemsConflict of `index`.
    """

    @property
    def index(self) -> int | None:
        """Index of the item that the write belongs to; None for writes of the run as a whole."""
        ...

    @property
    def actions(self) -> int:
        """Number of transaction actions."""
        ...

    @property
    def weight(self) -> int:
        """Size in bytes, roughly; 0 if it does not matter."""
        ...

    @property
    def made(self) -> int:
        """Number of artifacts created."""
        ...

    @property
    def deleted(self) -> int:
        """Number of artifacts deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Changes:
    """What one commit writes besides the run's row: journal entries, a page of the manifest, and writes of items."""

    entries: tuple[JournalEntry, ...] = ()
    manifest: tuple[ManifestEntry, ...] = ()
    writes: tuple[Write, ...] = ()

    @property
    def made(self) -> int:
        return sum(write.made for write in self.writes)

    @property
    def deleted(self) -> int:
        return sum(write.deleted for write in self.writes)

    @property
    def weight(self) -> int:
        return sum(write.weight for write in self.writes)

    @property
    def actions(self) -> int:
        """Number of transaction actions, without that of the run's row."""
        return sum(write.actions for write in self.writes) + bool(self.entries) + bool(self.manifest)

    def __add__(self, other: "Changes") -> "Changes":
        manifest = self.manifest + other.manifest
        return Changes(self.entries + other.entries, manifest, self.writes + other.writes)


class ItemsConflict(GroundworkError):
    """Rows of these items are not as they were when the run was queued; nothing was written."""

    def __init__(self, indexes: Sequence[int]) -> None:
        super().__init__(f"The backlog has changed under the items {sorted(set(indexes))}.")
        self.indexes = frozenset(indexes)


class AlreadyStarted(GroundworkError):
    """The same request with the same Idempotency-Key has started a run already."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a run's log; `at` in ms. The store gives it its sequence number."""

    at: int
    level: str
    message: str
    item: int | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The client's Idempotency-Key and a fingerprint of what it was sent with."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Parent:
    """A possible target of a run that makes children; `floor` is the highest number a deleted child had."""

    path: Path
    title: str
    floor: int = 0


class RunStore(Protocol):
    """Runs, their manifests, journals and logs. Every write of a run is conditional on its epoch and seq."""

    def start(self, run: Run, selection: Sequence[tuple[int, ...]], idempotency: Idempotency | None) -> None:
        """Writes the run, its lock and its idempotency record together.

        Raises RunAlreadyActive, IdempotencyKeyReused, NotFound (the project is gone), AlreadyStarted.
        """
        ...

    def find_by_key(self, project_id: str, idempotency: Idempotency) -> str | None:
        """The id of the run started with this key, or None. Raises IdempotencyKeyReused."""
        ...

    def next_number(self, project_id: str) -> int: ...

    def load(self, run_id: str) -> Run:
        """Strongly consistent. Raises NotFound."""
        ...

    def save(self, run: Run, before: Run, changes: Changes) -> None:
        """All or nothing. Raises LeaseLost if the row is not at `before`, ItemsConflict, Transient."""
        ...

    def finish(self, run: Run, before: Run, changes: Changes) -> None:
        """As save, and in the same transaction the lock goes and the project's counts take the run's in."""
        ...

    def manifest(self, run_id: str, start: int, stop: int) -> list[ManifestEntry]: ...
    def journal(self, run_id: str, after: int = 0) -> Iterator[JournalEntry]: ...
    def selection(self, run_id: str) -> list[tuple[int, ...]]: ...
    def append_log(self, run_id: str, lines: Sequence[LogLine]) -> None: ...
    def set_phase_detail(self, run_id: str, message: str) -> None:
        """Says in a run that is still QUEUED why it does not move."""
        ...

    def active_ids(self) -> list[str]:
        """Ids of all runs that have not ended, from the sparse index."""
        ...

    def due_for_retry(self, now: int) -> list[str]: ...
    def clear_retry(self, run_id: str) -> None:
        """Takes an ended run off the list of those due for a retry."""
        ...

    def runs_after(self, run_id: str) -> list[Run]:
        """The runs of its project that were started after it, oldest first."""
        ...

    def active_by_type(self, project_id: str) -> dict[RunType, str]:
        """The active run of each type, from the locks."""
        ...


class BacklogReader(Protocol):
    """What the run engine reads of a project; missing things are left out."""

    def cards(self, project_id: str, numbers: Sequence[int]) -> list[Card]: ...
    def epics(self, project_id: str, numbers: Sequence[int]) -> list[Epic]: ...
    def existing(self, paths: Sequence[Path]) -> list[Path]: ...
    def story_and_epic(self, story: Path) -> tuple[Story | None, Epic | None]: ...
    def subtasks(self, story: Path) -> list[Subtask]: ...
    def all_cards(self, project_id: str) -> Iterator[list[Card]]: ...
    def all_epics(self, project_id: str) -> list[Epic]: ...
    def parents(self, project_id: str, kind: Kind, epic: int | None) -> Iterator[list[Parent]]: ...
    def project_floor(self, project_id: str) -> int:
        """The highest number an epic of the project ever had that is gone. Raises NotFound."""
        ...

    def floor(self, parent: Path) -> int:
        """The highest number a child of this epic or story ever had that is gone; 0 where the parent is gone too."""
        ...

    def children(self, parents: Sequence[Path]) -> dict[tuple[int, ...], list[int]]:
        """The numbers of the children of these parents, which are in key order and next to each other."""
        ...
