"""Ports of the run engine, implemented by `groundwork.adapters.dynamodb` and by fakes."""

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
    """Rows written by a commit beside the run's own.

    Each kind is a frozen dataclass in its context.

    The store turns each kind into transaction actions. A failed condition raises ItemsConflict with `index`.
    """

    @property
    def index(self) -> int | None:
        """Index of the item the write belongs to; None for writes of the run as a whole."""
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
    """Content of one commit beside the run's row.

    Journal entries, a manifest page, and writes of items.
    """

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
        """Number of transaction actions, the run's row not counted."""
        # all entries of a commit are one row, and so is a manifest page
        return sum(write.actions for write in self.writes) + bool(self.entries) + bool(self.manifest)

    def __add__(self, other: "Changes") -> "Changes":
        manifest = self.manifest + other.manifest
        return Changes(self.entries + other.entries, manifest, self.writes + other.writes)


class ItemsConflict(GroundworkError):
    """Rows of these items have changed since the run was queued; nothing was written."""

    def __init__(self, indexes: Sequence[int]) -> None:
        super().__init__(f"The backlog has changed under the items {sorted(set(indexes))}.")
        self.indexes = frozenset(indexes)


class AlreadyStarted(GroundworkError):
    """A run was started by the same request with the same Idempotency-Key."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id


@dataclass(frozen=True, slots=True)
class RunLogLine:
    """One line of a run's log; `at` in ms. The store gives it its sequence number."""

    at: int
    level: str
    message: str
    item: int | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The client's Idempotency-Key and a fingerprint of its request."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Parent:
    """A possible parent of new children; `floor` is the highest number of a deleted child."""

    path: Path
    title: str
    floor: int = 0


class RunStore(Protocol):
    """Runs, their manifests, journals and logs.

    Writes of a run are conditional on its epoch and seq.
    """

    def start(
        self,
        run: Run,
        selection: Sequence[tuple[int, ...]],
        idempotency: Idempotency | None,
        writes: Sequence[Write] = (),
    ) -> None:
        """Write the run, its lock, its idempotency record and `writes` together.

        Raises RunAlreadyActive, IdempotencyKeyReused, NotFound (the project is gone), AlreadyStarted.
        """
        ...

    def find_by_key(self, project_id: str, idempotency: Idempotency) -> str | None:
        """Return the id of the run started with this key, or None. Raises IdempotencyKeyReused."""
        ...

    def next_number(self, project_id: str) -> int: ...

    def load(self, run_id: str) -> Run:
        """Strongly consistent. Raises NotFound."""
        ...

    def save(self, run: Run, before: Run, changes: Changes) -> None:
        """All or nothing. Raises LeaseLost if the row is not at `before`, ItemsConflict, Transient."""
        ...

    def finish(self, run: Run, before: Run, changes: Changes) -> None:
        """As `save`; the same transaction also releases the lock and updates the project's counts."""
        ...

    def manifest(self, run_id: str, start: int, stop: int) -> list[ManifestEntry]: ...
    def journal(self, run_id: str, after: int = 0) -> Iterator[JournalEntry]: ...
    def selection(self, run_id: str) -> list[tuple[int, ...]]: ...
    def append_log(self, run_id: str, lines: Sequence[RunLogLine]) -> None: ...
    def set_phase_detail(self, run_id: str, message: str) -> None:
        """Record the reason for a delay in a run that is still QUEUED."""
        ...

    def active_ids(self) -> list[str]:
        """Return the ids of all active runs, from the sparse index."""
        ...

    def due_for_retry(self, now: int) -> list[str]: ...
    def clear_retry(self, run_id: str) -> None:
        """Remove an ended run from those due for a retry."""
        ...

    def runs_after(self, run_id: str) -> list[Run]:
        """Return the later runs of its project, oldest first."""
        ...

    def active_by_type(self, project_id: str) -> dict[RunType, str]:
        """Return the id of the active run of each type, from the locks."""
        ...


class BacklogReader(Protocol):
    """Reads of a project's backlog. Missing objects are left out of the results."""

    def cards(self, project_id: str, numbers: Sequence[int]) -> list[Card]: ...
    def epics(self, project_id: str, numbers: Sequence[int]) -> list[Epic]: ...
    def existing(self, paths: Sequence[Path]) -> list[Path]: ...
    def story_and_epic(self, story: Path) -> tuple[Story | None, Epic | None]: ...
    def subtasks(self, story: Path) -> list[Subtask]: ...
    def all_cards(self, project_id: str) -> Iterator[list[Card]]: ...
    def all_epics(self, project_id: str) -> list[Epic]: ...
    def parents(self, project_id: str, kind: Kind, epic: int | None) -> Iterator[list[Parent]]: ...
    def project_floor(self, project_id: str) -> int:
        """Return the highest number of a deleted epic. Raises NotFound."""
        ...

    def floor(self, parent: Path) -> int:
        """Return the highest number of a deleted child of this epic or story.

        0 if the parent is gone too.
        """
        ...

    def children(self, parents: Sequence[Path]) -> dict[tuple[int, ...], list[int]]:
        """Return the children's numbers by parent. The parents must be in key order and adjacent."""
        ...
