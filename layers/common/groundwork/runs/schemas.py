"""JSON schemas of the API's answers about runs, for mypy and OpenAPI."""

from typing import Literal, TypedDict

from groundwork.backlog.model import Mode
from groundwork.runs.model import ErrorCode, ItemStatus, RunPhase, RunStatus, RunType


class ListPage[T](TypedDict):
    """Page of a list. `nextToken` requests the next one and is null at the end."""

    items: list[T]
    nextToken: str | None


class Health(TypedDict):
    status: str


class Tokens(TypedDict):
    input: int
    output: int
    cacheRead: int
    cacheWrite: int


class OptionsUsed(TypedDict):
    """A run's options with the model that is used."""

    mode: Mode
    existingBehavior: Literal["skip", "replace"]
    pacing: Literal["safe", "normal", "fast"]
    maxCostUsd: float | None
    model: str


class CoverageCounts(TypedDict):
    """Numbers of cards with a bug or a wish: all, those covered by an epic, and the rest."""

    stated: int
    covered: int
    rest: int


class Coverage(CoverageCounts):
    restCardIds: list[str]


class RunItem(TypedDict):
    id: str
    targetId: str | None
    code: str
    title: str
    status: ItemStatus
    created: int
    deleted: int
    tokens: Tokens
    costUsd: float
    durationMs: int | None
    attempts: int
    errorCode: ErrorCode | None
    errorMsg: str | None
    startedAt: str | None
    completedAt: str | None
    seq: int


class Progress(TypedDict):
    """How a run stands, of a project or of a plan.

    pendingItems + activeItems + completedItems + failedItems + skippedItems = totalItems.
    """

    runId: str
    projectId: str | None
    planId: str | None
    type: RunType
    status: RunStatus
    phase: RunPhase
    phaseDetail: str
    stale: bool
    totalItems: int
    pendingItems: int
    activeItems: int
    completedItems: int
    failedItems: int
    skippedItems: int
    artifactsCreated: int
    artifactsDeleted: int
    progress: int
    tokens: Tokens
    costUsd: float
    elapsedMs: int
    estimatedRemainingMs: int | None
    hops: int
    attempts: int
    retryOf: str | None
    nextRetryAt: str | None
    errorMessage: str | None
    options: OptionsUsed
    ai: str
    model: str
    coverage: CoverageCounts | None
    seq: int
    createdAt: str
    startedAt: str | None
    heartbeatAt: str | None
    completedAt: str | None
    pollAfterMs: int


class ProgressWithItems(Progress, total=False):
    """With `items=true` all of them, with `since` those that have changed."""

    items: list[RunItem]


class RunLog(TypedDict):
    at: str
    level: str
    message: str
    itemId: str | None
    seq: int


class RunStarted(TypedDict):
    runId: str
    type: RunType
    status: RunStatus
    totalItems: int


class RunRetried(RunStarted):
    retryOf: str


class RunEstimate(TypedDict):
    """Rough: `items` are those that would not be skipped."""

    items: int
    calls: int
    inputTokens: int
    outputTokens: int
    costUsd: float
    seconds: int
