"""Records of jobs: their course over several invocations, and the results of their commands."""

from typing import Annotated, Any, Protocol, Self

from groundwork.checks.model import CommandResult
from groundwork.checks.ports import CheckJob, Owner
from groundwork.sandbox.verdict import Verdict
from groundwork.values import Stored, stored_as


class CheckRecord(Stored):
    """Progress of a job.

    `position` is the current command, counted from the first command of set-up. `tries` counts its earlier runs.
    `ready`: the tree is in the sandbox as it was sent. `lost` counts sandboxes lost during the job, `refused` those
    that did not take the tree or a kept set-up. Times are in milliseconds.
    """

    job_id: Annotated[str, stored_as("job")]
    tree: Annotated[str, stored_as("tree")]
    commit: Annotated[str, stored_as("commit")]
    started_at: Annotated[int, stored_as("startedAt")]
    ended_at: Annotated[int | None, stored_as("endedAt")] = None
    generation: Annotated[int, stored_as("generation")] = 0
    position: Annotated[int, stored_as("position")] = 0
    tries: Annotated[int, stored_as("tries")] = 0
    ready: Annotated[bool, stored_as("ready")] = False
    lost: Annotated[int, stored_as("lost")] = 0
    refused: Annotated[int, stored_as("refused")] = 0
    verdict: Annotated[Verdict | None, stored_as("verdict")] = None

    @classmethod
    def of(cls, job: CheckJob, now_ms: int) -> "CheckRecord":
        return cls(job_id=job.id, tree=job.tree_sha, commit=job.commit, started_at=now_ms)

    def changed(self, **fields: Any) -> Self:
        return self.model_copy(update=fields)

    def in_sandbox(self, generation: int) -> Self:
        """Begin again in a new sandbox."""
        return self.changed(generation=generation, position=0, tries=0, ready=False)


class StoredResult(Stored):
    """Result of the command at `position`, after `tries` runs."""

    position: Annotated[int, stored_as("position")]
    tries: Annotated[int, stored_as("tries")]
    result: Annotated[CommandResult, stored_as("result")]


class CheckRecords(Protocol):
    """Store of records and results. Every method raises Transient."""

    def load(self, owner: Owner, job_id: str) -> CheckRecord | None: ...

    def of_owner(self, owner: Owner) -> list[CheckRecord]: ...

    def results(self, owner: Owner, job_id: str) -> list[StoredResult]:
        """Return the results by position."""
        ...

    def save(self, owner: Owner, record: CheckRecord, result: StoredResult | None = None) -> None:
        """Write the record with a new result under the owner's claim. Raises ClaimLost."""
        ...

    def forget_results(self, owner: Owner, job_id: str) -> None:
        """Delete the results of a lost sandbox."""
        ...
