"""The port through which a task is carried out: what is asked of a worker, how it is watched, and what it comes to.

A worker may be gone at any moment. What an attempt has come to so far it keeps itself, under the plan's id, the task's
and the attempt's number; asked again for the same attempt, it goes on from there. A commit that it finds on the branch
with a number greater than `since` for this task is this attempt's or one before it in the same round: it is never made
twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from groundwork.errors import GroundworkError
from groundwork.execution.state import Attempt, TaskUsage
from groundwork.plans.model import Plan, Task
from groundwork.plans.repositories import Repository


@dataclass(frozen=True, slots=True)
class DependencyResult:
    """A task that this one depends on, and what was done there."""

    task: Task
    summary: str
    files: tuple[str, ...]
    commit_sha: str | None


@dataclass(frozen=True, slots=True)
class CompletedTask:
    """A task of the plan that is done, in the same repository: its work is under what begins now.

    `commit_sha` is None where the plan makes no commits; then the attempt's patch is what there is of it. `changed` is
    False where no session has changed a file for it, as where a person has done it: it may be anywhere.
    """

    task: Task
    attempt: int
    commit_sha: str | None
    changed: bool

    @property
    def is_patch(self) -> bool:
        """Whether it is a patch, and not a commit or nothing at all."""
        return self.changed and not self.commit_sha


async def no_completed_tasks() -> tuple[CompletedTask, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at a task. `branch` is the plan's work branch in `repository`, the same in all of its repositories.

    `attempt` is never used again for this task; attempts up to `since` belong to what was done before the plan was
    begun anew (or was taken back), and so do their commits. `failed` says why earlier attempts came to nothing.
    `spread_s` is how long its first call to the model may be put off: not all that begin together ask in one second.
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


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One turn of a session, for those who watch: what it used, what it cost, what has changed so far."""

    number: int
    tools: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    message: str = ""
    usage: TaskUsage = TaskUsage()

    def as_json(self) -> dict[str, Any]:
        said = {"turn": self.number, "tools": list(self.tools), "files": list(self.files), "message": self.message}
        return said | {"spent": self.usage.stored(exclude_defaults=True)}


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What a worker asks and tells while it works.

    `left_ms`: what is left of the invocation. `stop` is set within seconds of a cancel, or when another worker has
    taken the task: then nothing that it does counts any more, and it ends with Held. `condition_met` is asked once more before
    a commit is pushed, and answers for this moment. `turn` is told after each turn: its tokens count from then on.
    `below` tells what is done by now, in the order in which it was.
    """

    left_ms: Callable[[], int]
    stop: asyncio.Event
    claim_is_valid: Callable[[], Awaitable[bool]]
    turn: Callable[[TurnReport], Awaitable[None]]
    completed_tasks: Callable[[], Awaitable[tuple[CompletedTask, ...]]] = no_completed_tasks


@dataclass(frozen=True, slots=True)
class Completed:
    """It has succeeded. `commit_sha` is None where the plan keeps changes as patches or none was asked for.

    `on` is what a patch was put on: where others have ended since then, it has not landed, and is put on theirs first.
    """

    commit_sha: str | None
    summary: str = ""
    files: tuple[str, ...] = ()
    based_on: tuple[CompletedTask, ...] | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt has come to nothing: `reason` is told to the next, and to the people.

    `final`: no other attempt can help; a person is asked at once.
    """

    reason: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Suspended:
    """Not at its end: the next invocation goes on with the same attempt."""


@dataclass(frozen=True, slots=True)
class TransientFailure:
    """Somebody else's fault, which uses up no attempt: rate limits, network. `wait_s` 0 leaves the wait to us."""

    reason: str
    wait_s: float = 0.0


TaskOutcome = Completed | Failed | Suspended | TransientFailure


class TaskWorker(Protocol):
    """Carries out one attempt as far as one invocation goes. Raises Transient, which counts as Troubled."""

    async def run_task(self, assignment: Assignment, context: WorkerContext) -> TaskOutcome: ...


@dataclass(frozen=True, slots=True)
class CommitToRevert:
    """A task's commit that is to be taken back."""

    task: Task
    commit_sha: str
    attempt: int


class NotReverted(GroundworkError):
    """This cannot be taken back: what came after it does not go together with that."""


class Reverter(Protocol):
    """Takes back what tasks have done in one repository. Raises NotReverted, Transient."""

    def revert_commits(self, repository: Repository, branch: str, taken: Sequence[CommitToRevert]) -> dict[str, str]:
        """Commits, by revert commits on a plan's branch: in this order, all of them or none.

        Answers the reverts' SHAs by task id; those made before are found again.
        """
        ...

    def check_remaining_patches(self, repository: Repository, branch: str, left: Sequence[CompletedTask]) -> None:
        """Whether the patches that are left do, without those that are to be withdrawn: else NotReverted."""
        ...
