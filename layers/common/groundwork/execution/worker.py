"""Port for running a task: assignment, context and outcome of a worker.

A worker may die at any moment. It saves the attempt's progress itself, by plan id, task id and attempt number, and
continues from there when called again. A commit of this task on the branch with a number above `attempts_before_round`
belongs to this attempt or an earlier one of the round, and is never made twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from groundwork.checks.model import CheckSettings, Verified
from groundwork.errors import GroundworkError
from groundwork.execution.state import Attempt, TaskUsage
from groundwork.plans.model import ModelEffort, Plan, Task
from groundwork.plans.repositories import Repository


@dataclass(frozen=True, slots=True)
class DependencyResult:
    """Result of a task this one depends on."""

    task: Task
    summary: str
    files: tuple[str, ...]
    commit_sha: str | None


@dataclass(frozen=True, slots=True)
class CompletedTask:
    """Completed task in the same repository: its changes are in the base of the new task.

    `commit_sha` is None in a plan without commits; then the attempt's patch holds the change. `changed` is False if no
    session changed a file, for example after a user completed the task: then the change may be anywhere. `tests` is the
    number of tests that its check ran, as far as its log says.
    """

    task: Task
    attempt: int
    commit_sha: str | None
    changed: bool
    tests: int | None = None

    @property
    def is_patch(self) -> bool:
        """True if the change is stored as a patch, not as a commit."""
        return self.changed and not self.commit_sha


async def no_completed_tasks() -> tuple[CompletedTask, ...]:
    return ()


async def at_once() -> int:
    return 0


async def no_activity(text: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at a task.

    `branch` is the plan's work branch, with the same name in all repositories.

    `attempt` is never reused for this task. Attempts up to `attempts_before_round`, and their commits, precede a
    restart or rollback. `failed` explains earlier attempts. `stagger_s` is the upper limit of a random delay before the
    first model call. `checks` are the repository's settings at the plan's start, None without checks; `tests_before` is
    the number of tests run on the default branch then. `epoch` is the claim. `review`: the change needs a reviewer in
    any case. `max_cost_micro_usd` limits the attempt. `model` and `model_effort` are None for the usual ones.
    """

    plan: Plan
    task: Task
    attempt: int
    attempts_before_round: int
    branch: str
    repository: Repository
    failed: tuple[Attempt, ...] = ()
    dependencies: tuple[DependencyResult, ...] = ()
    stagger_s: float = 0.0
    checks: CheckSettings | None = None
    tests_before: int | None = None
    epoch: int = 0
    review: bool = False
    max_cost_micro_usd: int | None = None
    model: str | None = None
    model_effort: ModelEffort | None = None


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One turn of a session: usage, cost and files changed so far.

    `continued`: the rest of a turn that waited for a command; its first part was reported before.
    """

    number: int
    tools: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    message: str = ""
    usage: TaskUsage = TaskUsage()
    continued: bool = False

    def as_json(self) -> dict[str, Any]:
        said = {"turn": self.number, "tools": list(self.tools), "files": list(self.files), "message": self.message}
        return said | {"spent": self.usage.stored(exclude_defaults=True)}


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Callbacks and limits of a running worker.

    `left_ms` returns the time left in the invocation. `stop` is set within seconds after a cancel or after another
    worker's claim; then the worker ends with Suspended, and nothing it does counts. `claim_is_valid` is checked once
    more before a push. `report_turn` counts a turn's tokens. `completed_tasks` lists completed tasks in order of
    completion. `report_activity` takes a line for users; it is cheap, and may be lost. `landing_turn` queues the
    task for its landing, and counts the tasks before it.
    """

    left_ms: Callable[[], int]
    stop: asyncio.Event
    claim_is_valid: Callable[[], Awaitable[bool]]
    report_turn: Callable[[TurnReport], Awaitable[None]]
    completed_tasks: Callable[[], Awaitable[tuple[CompletedTask, ...]]] = no_completed_tasks
    report_activity: Callable[[str], Awaitable[None]] = no_activity
    landing_turn: Callable[[], Awaitable[int]] = at_once


@dataclass(frozen=True, slots=True)
class Completed:
    """Success. `commit_sha` is None for a patch, or if the task asked for no change.

    `based_on` lists tasks under a patch. If others have completed meanwhile, the patch must be rebased before it lands.
    `verified` is the result of the landing's check, `tests` the number of tests it ran. `findings` tell users about
    changes to the tests, `reviewed` the reviewer's reason.
    """

    commit_sha: str | None
    summary: str = ""
    files: tuple[str, ...] = ()
    based_on: tuple[CompletedTask, ...] | None = None
    verified: Verified | None = None
    tests: int | None = None
    findings: tuple[str, ...] = ()
    reviewed: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Failed attempt. `reason` is shown to users and to the next attempt.

    `final`: retries cannot help, so the task fails at once. `keep_changes`: the next attempt starts with this one's
    change. `conflict`: other tasks were faster, so the attempt is given back. `could_not_run`: the commands of its
    check failed to set up or to end; the attempt is given back, and at the bound the plan pauses. `verified` is FAILED
    after a failed check.
    """

    reason: str
    final: bool = False
    keep_changes: bool = False
    conflict: bool = False
    could_not_run: bool = False
    verified: Verified | None = None


@dataclass(frozen=True, slots=True)
class Suspended:
    """Unfinished: the next invocation continues the same attempt."""


@dataclass(frozen=True, slots=True)
class TransientFailure:
    """External fault, such as a rate limit or the network; uses up no attempt.

    `wait_s` 0: default backoff.
    """

    reason: str
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Unfinished: the next invocation comes after `wait_s` seconds.

    A command or a free sandbox is awaited outside of Lambda.
    """

    wait_s: float
    activity: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """External trouble that no time mends.

    The plan pauses with the reason, and no attempt is used up.
    """

    reason: str


TaskOutcome = Completed | Failed | Suspended | TransientFailure | Waiting | Blocked


class TaskWorker(Protocol):
    """Runs one attempt for one invocation. Transient counts as TransientFailure."""

    async def run_task(self, assignment: Assignment, context: WorkerContext) -> TaskOutcome: ...

    def release(self, plan_id: str, task_id: str, attempt: int, epoch: int) -> None:
        """Close what an attempt has open outside of this process. Safe to repeat. Raises Transient."""
        ...


@dataclass(frozen=True, slots=True)
class CommitToRevert:
    """Commit of a task to revert."""

    task: Task
    commit_sha: str
    attempt: int


class NotReverted(GroundworkError):
    """Later changes conflict with this revert."""


class Reverter(Protocol):
    """Reverts tasks in one repository. Raises NotReverted, Transient."""

    def revert_commits(self, repository: Repository, branch: str, commits: Sequence[CommitToRevert]) -> dict[str, str]:
        """Revert commits on a plan's branch in this order, all or none.

        Returns SHAs of the reverts by task id.

        Safe to repeat: existing reverts are found again.
        """
        ...

    def check_remaining_patches(self, repository: Repository, branch: str, remaining: Sequence[CompletedTask]) -> None:
        """Check that the remaining patches apply without the withdrawn ones. Raises NotReverted."""
        ...
