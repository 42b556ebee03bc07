"""Baseline: the checks of a repository on the head of its default branch."""

from enum import StrEnum
from typing import Annotated, Any, Protocol, Self

from groundwork.checks.model import CheckSettings
from groundwork.checks.ports import Owner, OwnerKind
from groundwork.checks.suggest import SuggestedCommands
from groundwork.sandbox.verdict import Verdict
from groundwork.values import Stored, stored_as


class BaselineStatus(StrEnum):
    """Status of a baseline; the last three as those of a verdict."""

    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could_not_run"

    @property
    def ended(self) -> bool:
        return self not in (BaselineStatus.QUEUED, BaselineStatus.RUNNING)

    @classmethod
    def of(cls, verdict: Verdict) -> "BaselineStatus":
        return cls(verdict.value)


class Baseline(Stored):
    """The last baseline of a repository.

    `number` counts them, `epoch` the claims of all of them; `first_epoch` is the epoch before the first claim of this
    one. `settings` are those at the request. `reason` explains why it could not run, `activity` what it does. `tests`
    is the number of tests run, None if no log has a known summary. Times are in milliseconds.
    """

    repository_id: Annotated[str, stored_as("repositoryId")]
    number: Annotated[int, stored_as("number")] = 1
    status: Annotated[BaselineStatus, stored_as("status")] = BaselineStatus.QUEUED
    epoch: Annotated[int, stored_as("epoch")] = 0
    first_epoch: Annotated[int, stored_as("firstEpoch")] = 0
    settings: Annotated[CheckSettings | None, stored_as("settings")] = None
    requested_at: Annotated[int, stored_as("requestedAt")]
    ended_at: Annotated[int | None, stored_as("endedAt")] = None
    commit: Annotated[str | None, stored_as("commit")] = None
    tree: Annotated[str, stored_as("tree")] = ""
    suggested: Annotated[SuggestedCommands, stored_as("suggested")] = SuggestedCommands()
    tests: Annotated[int | None, stored_as("tests")] = None
    reason: Annotated[str | None, stored_as("reason")] = None
    activity: Annotated[str, stored_as("activity")] = ""

    @property
    def owner(self) -> Owner:
        return Owner(OwnerKind.BASELINE, self.repository_id, self.repository_id, self.number, self.epoch)

    @property
    def claims(self) -> int:
        """Number of claims of this baseline."""
        return self.epoch - self.first_epoch

    def changed(self, **fields: Any) -> Self:
        return self.model_copy(update=fields)


class Baselines(Protocol):
    """Store of baselines, one a repository. Every method raises Transient."""

    def get(self, repository_id: str) -> Baseline | None: ...

    def request(self, repository_id: str, settings: CheckSettings | None, now_ms: int) -> tuple[Baseline, bool]:
        """Queue the next baseline. False with an unfinished one of the same settings."""
        ...

    def claim(self, repository_id: str, now_ms: int, until_ms: int) -> Baseline | None:
        """Claim an unfinished baseline without a valid lease, with the next epoch."""
        ...

    def save(self, baseline: Baseline, until_ms: int) -> None:
        """Write under the claim. An ended status ends the claim. Raises ClaimLost."""
        ...

    def unfinished(self) -> list[str]:
        """List repositories with an unfinished baseline."""
        ...
