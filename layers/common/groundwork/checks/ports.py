"""Port to run checks, for sessions, landings and baselines alike."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from groundwork.checks.model import CheckSettings, CommandResult
from groundwork.checks.prices import RunningBill
from groundwork.sandbox.model import ChangedFiles, LogPage, Tree
from groundwork.sandbox.verdict import Verdict


class OwnerKind(StrEnum):
    """Kinds of owners; the value is part of stored keys."""

    TASK = "task"
    LANDING = "landing"
    BASELINE = "baseline"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Owner:
    """Owner of at most one sandbox: a task's attempt, a landing, a baseline or a rollback.

    `epoch` is the claim of the caller: the condition of every write, not part of the identity. `number` is the attempt,
    also for a landing; a landing has a sandbox of its own. A baseline has the repository's id in place of plan and
    task, and a number of its own. A rollback has its own number and its last reverted task, which is billed.
    """

    kind: OwnerKind
    plan_id: str
    task_id: str
    number: int
    epoch: int = 0

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.task_id}:{self.number}"


@dataclass(frozen=True, slots=True)
class CheckJob:
    """Commands on one tree.

    `id` is unique within the owner: a repeated job with the same id continues, and starts no command twice. `tree_sha`
    and `commit` are git's ids, told with the results. `tree` may be a function, called only when the files are needed.
    Set-up runs before the first command of a sandbox; a command equal to one of the set-up has its network access.
    `clean` removes products of earlier commands first. `keep_setup`: only for the default branch's head. `rerun`: run a
    failed command once more, to find flaky ones.
    """

    id: str
    owner: Owner
    repository_id: str
    settings: CheckSettings
    tree: Tree | Callable[[], Tree]
    tree_sha: str
    commit: str
    commands: tuple[str, ...]
    clean: bool = True
    keep_setup: bool = False
    rerun: bool = True


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """State of a job. `verdict` is None while it runs; then call again after `wait_s` seconds.

    `results` has a running command at its end, and nothing while the job waits for a sandbox. `activity` is a line for
    users, such as "Running pytest -q (40 s)". `bill` is that of the owner's open sandbox.
    """

    results: tuple[CommandResult, ...] = ()
    verdict: Verdict | None = None
    wait_s: float = 0.0
    activity: str = ""
    bill: RunningBill | None = None


class CheckRunner(Protocol):
    """Runs jobs in the owner's sandbox, over any number of invocations.

    Every method raises Transient; all but `close` raise ClaimLost if the owner's epoch is no longer valid, and
    SandboxUnavailable if a person must act.
    """

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        """Advance the job for up to `seconds()`: slot, sandbox, set-up, tree, commands."""
        ...

    def log(self, owner: Owner, job_id: str, position: int, offset: int) -> LogPage:
        """Return a page of a command's log from the sandbox. Raises SandboxLost.

        `position` counts the results of the job's progress.
        """
        ...

    def changes(self, owner: Owner) -> ChangedFiles:
        """List files changed by commands since the tree was put. Raises SandboxLost."""
        ...

    def close(self, owner: Owner) -> None:
        """Close the owner's sandbox, bill its seconds and free its slot. Safe to repeat."""
        ...
