"""Port for the git repository of a task, filled by `groundwork.adapters.git`, and its faults."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from groundwork.agent.changes import Changes
from groundwork.agent.commit_message import Marks
from groundwork.agent.patches import Stack
from groundwork.errors import GroundworkError


class RepositoryFault(GroundworkError):
    """The repository could not be worked with."""


class RepositoryUnreachable(RepositoryFault):
    """The repository's server failed or could not be reached; trying again may help, and no attempt is used up."""


class RepositoryRefused(RepositoryFault):
    """The repository's server refuses this, or it passes a limit; trying again cannot help, a person has to."""


class CommitGone(RepositoryFault):
    """The commit that this work began on is not to be had any more; the attempt has to begin anew."""


class NotLanded(RepositoryFault):
    """The work was stopped, or taken over by another worker, before its commit was pushed."""


class MergeConflict(RepositoryFault):
    """The branch has moved on, and what it holds now does not go together with this change."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(sorted(paths))
        more = f" and {len(self.paths) - 5} more" if len(self.paths) > 5 else ""
        super().__init__(f"The branch has moved on, with other changes in {', '.join(self.paths[:5])}{more}.")


class PatchConflict(RepositoryRefused):
    """Patches of tasks that ended at the same moment cannot be put together: a person has to."""

    def __init__(self, task_id: str, paths: Sequence[str]) -> None:
        self.task_id, where = task_id, ", ".join(paths[:5])
        super().__init__(f"The patch of the task {task_id} does not go together with those before it, in {where}.")


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit's files in a folder. `links` are symbolic links and where they lead: none of them is on disk.

    `left_out` are paths with the reason why they are not there; the commit keeps them as they are.
    """

    folder: Path
    commit: str
    files: int
    bytes: int
    links: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Landed:
    """A commit on the branch. `found` if it was there already: pushed before, and the answer to that was lost."""

    sha: str
    branch: str
    marks: Marks
    subject: str
    found: bool = False


class Upstream(Protocol):
    """One repository's clone for one invocation. Raises RepositoryUnreachable or RepositoryRefused throughout."""

    def head(self, branch: str, start_from: str | None, make: bool = True) -> str:
        """The branch's newest commit, fetched. Where it is missing, that of `start_from`, and the branch is made
        on the server if `make` says so; RepositoryRefused where there is none to start from."""
        ...

    def checkout(self, commit: str, folder: Path) -> Checkout:
        """The files of a commit that was fetched, or is fetched now, in an empty folder. Raises CommitGone."""
        ...

    def find(self, branch: str, task_id: str, since: int = 0) -> Landed | None:
        """The task's commit, if the branch holds one that has not been reverted, of an attempt after `since`."""
        ...

    def land(
        self, branch: str, base: str, changes: Changes, text: str, since: int = 0, going: Callable[[], bool] = always
    ) -> Landed:
        """One commit with the changes to `base`, on the branch's head wherever that has moved.

        `text` is the commit's message with its trailers. A commit that is there already is given back, not made again;
        attempts up to `since` are another round's. `going` is asked before each push, for it may be long before one
        succeeds. Raises MergeConflict, CommitGone, NotLanded.
        """
        ...

    def revert(self, branch: str, commits: Sequence[str]) -> tuple[Landed, ...]:
        """Takes back the commits, in the order given, by a commit each, all at once or none. Raises MergeConflict."""
        ...

    def files_of(self, commit: str) -> tuple[str, ...]:
        """The paths that a commit has changed, sorted. Raises CommitGone."""
        ...

    def apply_stack(self, base: str, stack: Stack) -> str:
        """A commit with the patches on `base`, that can be used in place of it: it is in this clone alone, and `base`
        itself where there are none. Raises PatchesApart, CommitGone."""
        ...

    def rebase(self, before: str, now: str, changes: Changes) -> Changes:
        """The changes to one commit as changes to another, both of them in this clone. Raises MergeConflict."""
        ...

    def patch(self, base: str, changes: Changes) -> str:
        """The changes as a unified diff. Raises CommitGone."""
        ...
