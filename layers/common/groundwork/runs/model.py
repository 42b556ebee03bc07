"""The run: one job over many items, with its manifest, claims, journal and counters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from groundwork.backlog.model import BY_MOCK, Mode
from groundwork.llm.port import Usage
from groundwork.values import Stored, stored_as

ITEM_ATTEMPTS = 3
"""Attempts at an item within one run, counted by its claim."""

# process_next switches off Lambda's own loop detection, so these limits must end a loop
MAX_HOPS = 1_000
MAX_STALLED_HOPS = 5
"""Consecutive hops without progress before a run is given up."""


class RunType(StrEnum):
    """Public names of the run types, in order of the pipeline.

    A new type adds its name here: the API's schema lists them. The engine finds all else in its `RunHandler`.
    CONTRIBUTING, "Add a run type", names every file.
    """

    ANALYZE_CARDS = "ANALYZE_CARDS"
    GENERATE_EPICS = "GENERATE_EPICS"
    GENERATE_STORIES = "GENERATE_STORIES"
    GENERATE_SUBTASKS = "GENERATE_SUBTASKS"
    GENERATE_PLAN = "GENERATE_PLAN"
    REVIEW_PLAN = "REVIEW_PLAN"
    IMPORT_CARDS = "IMPORT_CARDS"


class RunStatus(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def active(self) -> bool:
        return self in (RunStatus.QUEUED, RunStatus.RUNNING)


class RunPhase(StrEnum):
    """Activity of a run, for people; `phase_detail` is a sentence about it."""

    WAITING = "WAITING"
    QUEUEING = "QUEUEING"
    GENERATING = "GENERATING"
    MERGING = "MERGING"
    DONE = "DONE"


class ItemStatus(StrEnum):
    PENDING = "PENDING"
    GENERATING = "GENERATING"
    SAVING = "SAVING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"

    @property
    def ended(self) -> bool:
        return self in (ItemStatus.COMPLETED, ItemStatus.FAILED, ItemStatus.SKIPPED)


class ErrorCode(StrEnum):
    """Cause of the failure of an item or of a whole run."""

    ANSWER_INVALID = "ANSWER_INVALID"
    ANSWER_TRUNCATED = "ANSWER_TRUNCATED"
    ANSWER_REFUSED = "ANSWER_REFUSED"
    MODEL_UNAVAILABLE = "MODEL_UNAVAILABLE"
    MODEL_MISCONFIGURED = "MODEL_MISCONFIGURED"
    TIMED_OUT = "TIMED_OUT"
    WORKER_LOST = "WORKER_LOST"
    TARGET_GONE = "TARGET_GONE"
    TARGET_CHANGED = "TARGET_CHANGED"
    TOO_LARGE = "TOO_LARGE"
    REPOSITORY_UNAVAILABLE = "REPOSITORY_UNAVAILABLE"
    FILE_INVALID = "FILE_INVALID"
    FILE_CHANGED = "FILE_CHANGED"
    COST_LIMIT = "COST_LIMIT"
    HOP_LIMIT = "HOP_LIMIT"
    NO_PROGRESS = "NO_PROGRESS"
    INTERNAL = "INTERNAL"

    @property
    def retryable(self) -> bool:
        """True if the schedule retries a run with such a failure, all failed items included.

        Users always may.
        """
        return self in _RETRYABLE

    @property
    def stops(self) -> bool:
        """True if the cause ends a whole run and fails all items left."""
        return self in _STOPPING

    @property
    def of_input(self) -> bool:
        """True if the user's own file is the cause: no operator needs to look."""
        return self in _OF_INPUT


_OF_INPUT = {ErrorCode.FILE_INVALID, ErrorCode.FILE_CHANGED}

_STOPPING = {
    ErrorCode.COST_LIMIT,
    ErrorCode.HOP_LIMIT,
    ErrorCode.MODEL_MISCONFIGURED,
    ErrorCode.NO_PROGRESS,
    *_OF_INPUT,
}

# without ANSWER_REFUSED: the same material is refused again, and billed each time
_RETRYABLE = {
    ErrorCode.ANSWER_INVALID,
    ErrorCode.ANSWER_TRUNCATED,
    ErrorCode.MODEL_UNAVAILABLE,
    ErrorCode.TARGET_CHANGED,
    ErrorCode.TIMED_OUT,
    ErrorCode.WORKER_LOST,
    # unlike the other limits it may come from an outage, and an outage passes
    ErrorCode.NO_PROGRESS,
    ErrorCode.REPOSITORY_UNAVAILABLE,
}


class RunOptions(Stored):
    """Options of a run, `options` in the API."""

    mode: Annotated[Mode, stored_as("mode")] = Mode.STANDARD
    existing_behavior: Annotated[Literal["skip", "replace"], stored_as("existingBehavior")] = "skip"
    pacing: Annotated[Literal["safe", "normal", "fast"], stored_as("pacing")] = "normal"
    max_cost_usd: Annotated[
        Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] | None, stored_as("maxCostUsd")
    ] = None
    model: Annotated[Annotated[str, Field(min_length=1, max_length=120)] | None, stored_as("model")] = None

    @property
    def replaces(self) -> bool:
        return self.existing_behavior == "replace"


@dataclass(frozen=True, slots=True)
class Claim:
    """An item that was started and has not ended.

    `started_at` is 0 while the item waits for its next attempt; `lost`: a worker vanished during an attempt; `saving`:
    its result waits for a commit. `usage` and `cost` are those of earlier attempts.
    """

    attempts: int
    started_at: int = 0
    lost: bool = False
    saving: bool = False
    usage: Usage = Usage()
    cost: int = 0

    @property
    def active(self) -> bool:
        return self.started_at > 0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write a run. `epoch` rises with every new holder; `until` is a time in ms.

    Without an owner, `until` is the time by which the next hop should have taken it.
    """

    epoch: int = 0
    owner: str | None = None
    until: int = 0

    def expired(self, now: int) -> bool:
        return self.until < now

    def free(self, now: int) -> bool:
        return self.owner is None or self.expired(now)


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One line of the manifest: the target of an item, as it was when the run was queued.

    `numbers` is the target's path below its project (a story E3-S2 is (3, 2)); for a batch of cards, (batch number,).
    `replaced` are the numbers of its children to delete, `first_number` is the first free number for new ones.
    For a part of a file, `numbers` are those of `groundwork.generation.handlers.import_cards`.
    `card_numbers` are the cards of a batch. `merge_of_run` is set for a merge: the run with the drafts to merge.
    """

    index: int
    numbers: tuple[int, ...]
    title: str
    skipped: bool = False
    first_number: int = 1
    replaced: tuple[int, ...] = ()
    card_numbers: tuple[int, ...] = ()
    merge_of_run: str | None = None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal: the end of an item, written with the commit of its result."""

    index: int
    status: ItemStatus
    attempts: int = 1
    created: int = 0
    deleted: int = 0
    usage: Usage = Usage()
    cost: int = 0
    started_at: int = 0
    completed_at: int = 0
    error_code: ErrorCode | None = None
    error: str | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class CardCoverage:
    """Number of cards with a bug or a wish (`actionable`), and of those covered by an epic."""

    actionable: int
    covered: int

    @property
    def uncovered(self) -> int:
        return self.actionable - self.covered


@dataclass(frozen=True, slots=True)
class Run:
    """One row: all that progress shows and all that a new worker needs to continue.

    Items with an index below `cursor` were claimed; those of them not ended yet are in `claims`. So the pair determines
    the remaining work without a read of any item. Costs are in millionths of a US dollar, times in ms.
    """

    id: str
    type: RunType
    created_at: int
    options: RunOptions = RunOptions()
    ai: str = "mock"
    model: str = ""
    status: RunStatus = RunStatus.QUEUED
    phase: RunPhase = RunPhase.WAITING
    phase_detail: str = ""
    total: int = 0
    queued: int = 0
    cursor: int = 0
    completed: int = 0
    failed: int = 0
    skipped: int = 0
    retryable: int = 0
    created: int = 0
    deleted: int = 0
    # in this row and not in rows of their own: a claim then costs no request
    claims: Mapping[int, Claim] = field(default_factory=dict)
    usage: Usage = Usage()
    cost: int = 0
    hops: int = 0
    stalled_hops: int = 0
    ended_before_hop: int = 0
    attempts: int = 1
    retry_of: str | None = None
    next_retry_at: int | None = None
    epic: int | None = None
    selected: bool = False
    error: str | None = None
    seq: int = 0
    lease: Lease = Lease()
    started_at: int | None = None
    heartbeat_at: int | None = None
    completed_at: int | None = None
    average_ms: int = 0
    slowest_ms: int = 0
    concurrency: int = 1
    coverage: CardCoverage | None = None

    @property
    def made_by(self) -> str:
        """Return the origin of the run's results: mock, or the model's id."""
        # the mock goes by the id of a real model, for its prices
        return BY_MOCK if self.ai == BY_MOCK else self.model

    @property
    def ended(self) -> int:
        return self.completed + self.failed + self.skipped

    @property
    def active_items(self) -> int:
        return sum(1 for claim in self.claims.values() if claim.active)

    @property
    def pending(self) -> int:
        return self.total - self.ended - self.active_items

    @property
    def progress_mark(self) -> int:
        """Measure of progress: rises with every item queued or ended."""
        return self.queued + self.ended

    @property
    def queued_all(self) -> bool:
        """True once the manifest is complete.

        No item starts before; a run ended before keeps its phase.
        """
        return self.phase not in (RunPhase.WAITING, RunPhase.QUEUEING)

    @property
    def given_up_unqueued(self) -> bool:
        return self.status is RunStatus.FAILED and not self.queued_all

    def with_entries(self, entries: Iterable[JournalEntry]) -> "Run":
        """Return the run after these items ended, with its counters and claims updated."""
        run = self
        for entry in entries:
            run = run._with_entry(entry)
        return run

    def _with_entry(self, entry: JournalEntry) -> "Run":
        claims = {index: claim for index, claim in self.claims.items() if index != entry.index}
        retryable = entry.error_code is not None and entry.error_code.retryable
        return replace(
            self,
            claims=claims,
            completed=self.completed + (entry.status is ItemStatus.COMPLETED),
            failed=self.failed + (entry.status is ItemStatus.FAILED),
            skipped=self.skipped + (entry.status is ItemStatus.SKIPPED),
            retryable=self.retryable + (entry.status is ItemStatus.FAILED and retryable),
            created=self.created + entry.created,
            deleted=self.deleted + entry.deleted,
        )
