"""Responses of the API about plans under execution: types for OpenAPI and mypy."""

from typing import Literal, NotRequired, TypedDict

from groundwork.checks.model import Verified
from groundwork.execution.state import Cause, PassedOver, Rollback, Timing
from groundwork.plans.model import PhaseMode, PlanStatus, TaskStatus
from groundwork.runs.schemas import Tokens

PhaseStatus = Literal["PENDING", "RUNNING", "FAILED", "COMPLETED", "SKIPPED", "CANCELLED"]


class PlanControlled(TypedDict):
    """Plan after a command.

    `cause` and `reason` explain a pause or failure. `passedOver` is the last scheduled time skipped, with its reason.
    """

    planId: str
    status: PlanStatus
    cause: Cause | None
    reason: str | None
    execution: int
    schedule: Timing | None
    passedOver: PassedOver | None
    rollback: Rollback | None


class TaskControlled(TypedDict):
    id: str
    planId: str
    status: TaskStatus
    attempts: int
    commitSha: str | None
    errorMsg: str | None
    activity: str | None
    verified: Verified | None
    note: str | None
    planStatus: PlanStatus


class PhaseProgress(TypedDict):
    id: str
    title: str
    mode: PhaseMode
    status: PhaseStatus
    taskCounts: dict[str, int]
    tokens: Tokens
    costUsd: float


class TaskProgress(TypedDict):
    """`waitsFor`: tasks that must end before this one, earlier phases not included.

    `activity` says what is happening now. `verified` is the result of the check before the landing: `passed`, `failed`,
    `not_configured` (the repository has no checks), `not_run` (the system runs none), or null. `findings` tell about
    changes to tests and to what runs them; `reviewed` is the decision of the reviewer session.
    """

    id: str
    key: str
    title: str
    phaseId: str
    status: TaskStatus
    waitsFor: list[str]
    attempts: int
    commitSha: str | None
    revertSha: str | None
    errorMsg: str | None
    activity: str | None
    verified: Verified | None
    findings: list[str]
    reviewed: str | None
    note: str | None
    summary: str
    filesChanged: list[str]
    turns: int
    tokens: Tokens
    costUsd: float
    startedAt: str | None
    completedAt: str | None


class PlanEvent(TypedDict):
    """`what` is a new status of the plan or task, or the name of another event.

    `seq` is unique, and rises with time.
    """

    at: str
    seq: int
    what: str
    who: NotRequired[str]
    taskId: NotRequired[str]
    reason: NotRequired[str]


class PlanProgress(TypedDict):
    """`events` are the newest.

    `estimatedRemainingMs` is work along the critical path of the unfinished tasks.
    """

    planId: str
    status: PlanStatus
    cause: Cause | None
    reason: str | None
    version: int
    branch: str
    execution: int
    seq: int
    schedule: Timing | None
    passedOver: PassedOver | None
    rollback: Rollback | None
    phases: list[PhaseProgress]
    phaseCounts: dict[str, int]
    taskCounts: dict[str, int]
    totalTasks: int
    progress: int
    currentPhaseId: str | None
    tasks: list[TaskProgress]
    tokens: Tokens
    costUsd: float
    elapsedMs: int
    estimatedRemainingMs: int | None
    startedAt: str | None
    completedAt: str | None
    events: list[PlanEvent]
    pollAfterMs: int | None


class TaskPatchShown(TypedDict):
    """`patch` is a unified diff. `withdrawn`: a rollback removed it, and nothing builds on it."""

    taskId: str
    patch: str
    withdrawn: bool


class TurnUsage(TypedDict):
    input: NotRequired[int]
    output: NotRequired[int]
    cacheRead: NotRequired[int]
    cacheWrite: NotRequired[int]
    calls: NotRequired[int]
    costMicroUsd: NotRequired[int]


class LogLine(TypedDict):
    """One turn of a task's session."""

    at: str
    turn: int
    tools: list[str]
    files: list[str]
    message: str
    spent: TurnUsage
