"""Port to run checks, for sessions, landings and baselines alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from groundwork.checks.model import CheckSettings, CommandResult
from groundwork.sandbox.model import Changes, LogPage, Tree
from groundwork.sandbox.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Owner:
    """Owner of at most one sandbox: a task's attempt, a landing or a baseline.

    `epoch` is the claim of the caller: the condition of every write, not part of the identity. A baseline has the
    repository's id in place of plan and task.
    """

    kind: str
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
    and `commit` are git's ids, told with the results. Set-up runs before the first command of a sandbox. `clean`
    removes products of earlier commands first. `keep_setup`: only for the default branch's head.
    """

    id: str
    owner: Owner
    repository_id: str
    settings: CheckSettings
    tree: Tree
    tree_sha: str
    commit: str
    commands: tuple[str, ...]
    clean: bool = True
    keep_setup: bool = False


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """State of a job. `verdict` is None while it runs; then call again after `wait_s` seconds.

    `activity` is a line for users, such as "Waits for a free sandbox" or "Runs pytest -q (40 s)".
    """

    results: tuple[CommandResult, ...] = ()
    verdict: Verdict | None = None
    wait_s: float = 0.0
    activity: str = ""


class CheckRunner(Protocol):
    """Runs jobs in the owner's sandbox, over any number of invocations.

    Every method raises Transient; all but `close` raise ClaimLost if the owner's epoch is no longer valid, and
    SandboxUnavailable if a person must act.
    """

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        """Advance the job for up to `seconds()`: slot, sandbox, set-up, tree, commands."""
        ...

    def log(self, owner: Owner, job_id: str, position: int, offset: int) -> LogPage:
        """Return a page of the log of a job's command, from the sandbox. Raises SandboxLost."""
        ...

    def changes(self, owner: Owner) -> Changes:
        """List files changed by commands since the tree was put."""
        ...

    def close(self, owner: Owner) -> None:
        """Close the owner's sandbox, bill its seconds and free its slot. Safe to repeat."""
        ...
