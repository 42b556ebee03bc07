"""Run types: the interface between the run engine and the work of a run.

A run type is one subclass of `RunHandler` in `groundwork.generation.handlers` and one line in
`groundwork.generation.registry`. The engine knows nothing else about a type.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from groundwork.backlog.model import Counts
from groundwork.errors import GroundworkError
from groundwork.ids import Kind
from groundwork.llm.port import Model, Reply
from groundwork.runs.model import CardCoverage, ErrorCode, ManifestEntry, Run, RunType
from groundwork.runs.ports import BacklogReader, InThread, RunStore, Write

type Spend = Callable[[Reply], None]
"""Records the usage of a reply.

Every reply must be recorded before anything else is done with it.
"""


class ItemFailed(GroundworkError):
    """The item cannot be completed."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class QueueingStopped(GroundworkError):
    """The hop's time is up, or its lease is lost: the next hop continues to queue."""


def no_writes(entry: ManifestEntry) -> Sequence[Write]:
    return ()


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """Result of a successful item.

    `writes` derives the rows from the manifest entry. If a commit conflicts with a change of the backlog, the entry is
    refreshed and the rows are derived again; an outcome with `rebasable` False fails instead.
    """

    entry: ManifestEntry
    writes: Callable[[ManifestEntry], Sequence[Write]] = no_writes
    coverage: CardCoverage | None = None
    rebasable: bool = True

    def derive_writes(self) -> tuple[Write, ...]:
        return tuple(self.writes(self.entry))

    def rebase(self, entry: ManifestEntry | None) -> "ItemOutcome | ItemFailed":
        """Return the outcome for the refreshed entry; None: the target was deleted."""
        if entry is None:
            return ItemFailed(ErrorCode.TARGET_GONE, "The target was deleted during the run.")
        if not self.rebasable:
            return ItemFailed(ErrorCode.TARGET_CHANGED, "The target was changed during the run.")
        return replace(self, entry=entry)


type Results = dict[int, ItemOutcome | ItemFailed]
"""Results by item index."""


@dataclass(slots=True)
class JobContext:
    """Dependencies of `RunHandler.process` within one hop."""

    run: Run
    project_id: str
    backlog: BacklogReader
    store: RunStore
    model: Model
    io: InThread
    now_ms: Callable[[], int]
    themes: dict[str, None] = field(default_factory=dict)
    """Themes assigned in this hop, in order of appearance."""
    cache: dict[str, Any] = field(default_factory=dict)
    """What a handler keeps from one call of `process` to the next of this hop."""


@dataclass(frozen=True, slots=True)
class RunScope:
    """A run with the stores behind its manifest.

    `chosen` limits the run to these targets; None: all. A handler whose `entries` take long asks `may_continue` now and
    then, and raises QueueingStopped at a False.
    """

    run: Run
    project_id: str
    backlog: BacklogReader
    store: RunStore
    chosen: frozenset[tuple[int, ...]] | None = None
    may_continue: Callable[[], bool] = lambda: True

    def includes(self, numbers: tuple[int, ...]) -> bool:
        return self.chosen is None or numbers in self.chosen


@dataclass(frozen=True, slots=True)
class StartScope:
    """Input of `RunHandler.count_items`.

    The request, resolved to numbers, and the project's exact counts.
    """

    project_id: str
    counts: Counts
    backlog: BacklogReader
    epic: int | None = None
    selection: Sequence[tuple[int, ...]] = ()


class RunHandler(ABC):
    """One run type. Handlers hold no state of a run, so one instance serves all runs."""

    type: ClassVar[RunType]
    activity: ClassVar[str]
    """Progress text while items are processed, such as "Writing stories"."""

    owner: ClassVar[Kind] = Kind.PROJECT
    """Kind of the run's owner: a project or a plan."""

    target: ClassVar[Kind | None] = None
    """Kind of the items' targets; None for batches and parts: they have no id."""

    selects: ClassVar[Kind | None] = None
    """Kind of the objects named by `itemIds` of a start request.

    None: the type takes no selection.
    """

    within_epic: ClassVar[bool] = False
    """True if `epicId` of a start request may limit the run to one epic."""

    lock: ClassVar[str | None] = None
    """Name of the lock of an active run; None: the type's own name."""

    builds_on: ClassVar[tuple[RunType, ...]] = ()
    """Types whose output this type reads.

    A run that replaces existing output excludes active runs that build on it.
    """

    uses: ClassVar[frozenset[Kind]] = frozenset()
    """Kinds that users may not delete while such a run is active."""

    counts: ClassVar[str | None] = None
    """Field of the project's counts for the created artifacts."""

    batch_size: ClassVar[int] = 1
    """Maximum number of items in one call of `process`."""

    calls_model: ClassVar[bool] = True
    """False: items need no model. They run one call of `process` after the other, in order."""

    call_seconds: ClassVar[int] = 0
    """Assumed duration of a model call, for estimates."""

    retried_by_schedule: ClassVar[bool] = True
    error_of_items: ClassVar[bool] = False
    """True if an item's error is shown as the run's error."""

    start_refusal: ClassVar[str | None] = None
    """Reason not to start this type by POST .../runs; None: it may."""

    retry_refusal: ClassVar[str | None] = None
    """Reason not to retry a run of this type; None: it may be retried."""

    @property
    def lock_name(self) -> str:
        return self.lock or self.type.value

    def count_items(self, scope: StartScope) -> int:
        """Return the number of items of a new run, skipped ones included.

        Never called for a type with a `start_refusal`: such a type needs none.
        """
        raise NotImplementedError

    @abstractmethod
    def entries(self, scope: RunScope) -> Iterator[ManifestEntry]:
        """Yield the manifest entries after the first `scope.run.queued` ones, in order.

        The caller numbers them. Raises ItemFailed if the run cannot be carried out at all, QueueingStopped.
        """

    def refresh(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> Iterator[ManifestEntry]:
        """Yield these entries of an earlier run as the backlog is now.

        Never called for a type with a `retry_refusal`: such a type needs none.
        """
        raise NotImplementedError

    def entries_after_retried(self, scope: RunScope, failed: Sequence[int]) -> Iterator[ManifestEntry]:
        """Yield further entries of a retry. `failed`: indexes of the earlier run's failed items."""
        return iter(())

    def current(self, scope: RunScope, entry: ManifestEntry) -> ManifestEntry | None:
        """Return the entry as the backlog is now, after a conflict; None if its target is gone."""
        return None

    def retried_total(self, earlier: Run) -> int:
        """Return the number of items of a retry of `earlier`."""
        return earlier.failed

    @abstractmethod
    async def process(self, context: JobContext, entries: Sequence[ManifestEntry], spend: Spend) -> Results:
        """Process up to `batch_size` entries. Writes nothing: the outcomes name the writes.

        Raises AnswerRejected, ModelError or ItemFailed if all of the items failed alike.
        """

    def closing_writes(self, run: Run) -> Sequence[Write]:
        """Return the writes to add to the run's last transaction."""
        return ()

    def estimate_calls(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> list[tuple[int, int]]:
        """Return the (input, output) tokens of each call for these entries."""
        return []


class RunHandlers:
    """The registered run types, in order of registration."""

    def __init__(self, handlers: Iterable[RunHandler]) -> None:
        self._by_type = {handler.type: handler for handler in handlers}

    def __getitem__(self, type_: RunType) -> RunHandler:
        return self._by_type[type_]

    def __iter__(self) -> Iterator[RunHandler]:
        return iter(self._by_type.values())

    def building_on(self, type_: RunType) -> tuple[RunHandler, ...]:
        """Return the handlers of the types with this one among their `builds_on`."""
        return tuple(handler for handler in self if type_ in handler.builds_on)

    def using(self, kind: Kind) -> tuple[RunHandler, ...]:
        """Return the handlers of the types with this kind among their `uses`."""
        # the deletion of a project takes the input of every run in it
        if kind is Kind.PROJECT:
            return tuple(handler for handler in self if handler.owner is Kind.PROJECT)
        return tuple(handler for handler in self if kind in handler.uses)
