"""Port for the git repository of a task, and its faults. Implemented by `adapters.git`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from groundwork.agent.changes import Changes
from groundwork.agent.commit_message import Marks
from groundwork.agent.patches import Stack
from groundwork.errors import GroundworkError
from groundwork.sandbox.model import Tree


class RepositoryFault(GroundworkError):
    """The repository operation failed."""


class RepositoryUnreachable(RepositoryFault):
    """The repository's server is unreachable or failed.

    A retry may help, and no attempt is used up.
    """


class RepositoryRefused(RepositoryFault):
    """The repository's server refused this, or a limit was exceeded.

    Retries cannot help: a user must act.
    """


class CommitGone(RepositoryFault):
    """The base commit of this work no longer exists. The attempt must start again."""


class NotLanded(RepositoryFault):
    """The work was stopped, or another worker took it over, before the push."""


class BranchMoved(RepositoryFault):
    """The branch is no longer at the commit that the change was prepared on."""


class MergeConflict(RepositoryFault):
    """The branch has changed, and its changes conflict with this one."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(sorted(paths))
        more = f" and {len(self.paths) - 5} more" if len(self.paths) > 5 else ""
        super().__init__(f"The branch has changed and conflicts in {', '.join(self.paths[:5])}{more}.")


class PatchConflict(RepositoryRefused):
    """Patches of tasks completed at the same moment conflict. A user must act."""

    def __init__(self, task_id: str, paths: Sequence[str]) -> None:
        self.task_id, where = task_id, ", ".join(paths[:5])
        super().__init__(f"The patch of the task {task_id} conflicts with earlier patches in {where}.")


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Checkout:
    """Files of a commit in a folder.

    `links` maps symbolic links to their targets; none of them is on disk. `left_out` maps paths to the reason why they
    are not checked out. The commit keeps both unchanged. `executable` lists programs: on disk they are plain files.
    `tree_sha` is git's id of the tree.
    """

    folder: Path
    commit: str
    files: int
    bytes: int
    links: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    executable: frozenset[str] = frozenset()
    tree_sha: str = ""

    @property
    def tree(self) -> Tree:
        """Return the files for a sandbox."""
        return Tree(self.folder, self.links, self.executable)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Local commit of a change on `head`, the branch's newest commit; not pushed yet."""

    branch: str
    head: str
    commit: str
    tree: str


@dataclass(frozen=True, slots=True)
class Landed:
    """Commit on the branch.

    `found`: it existed before, because the response to its push was lost. `checks` is the trailer about its check.
    """

    sha: str
    branch: str
    marks: Marks
    subject: str
    found: bool = False
    checks: str = ""


class Upstream(Protocol):
    """Clone of one repository for one invocation.

    Every method raises RepositoryUnreachable, RepositoryRefused.
    """

    def head(self, branch: str, start_from: str | None, make: bool = True) -> str:
        """Fetch the branch and return its newest commit.

        A missing branch starts from `start_from`, and is created on the server if `make`. Raises RepositoryRefused if
        there is no branch to start from.
        """
        ...

    def checkout(self, commit: str, folder: Path) -> Checkout:
        """Check out a commit into an empty folder, fetched if necessary. Raises CommitGone."""
        ...

    def find(self, branch: str, task_id: str, since: int = 0) -> Landed | None:
        """Find the task's commit on the branch, not reverted, of an attempt after `since`."""
        ...

    def land(
        self, branch: str, base: str, changes: Changes, text: str, since: int = 0, going: Callable[[], bool] = always
    ) -> Landed:
        """Make one commit from the changes to `base`, on the branch's current head.

        `text` is the commit's message with its trailers. An existing commit is returned, not made again; attempts up to
        `since` belong to earlier rounds. `going` is called before each push, because pushes may be repeated for long.
        Raises MergeConflict, CommitGone, NotLanded.
        """
        ...

    def prepare(self, branch: str, base: str, changes: Changes, text: str, since: int = 0) -> Prepared | Landed:
        """Rebase the changes to `base` onto the branch's head, in a local commit.

        An existing commit of the task is returned instead, as by `land`. Raises MergeConflict, CommitGone.
        """
        ...

    def push(self, prepared: Prepared) -> Landed:
        """Push a commit prepared by this clone, if the branch is still at its head.

        Raises BranchMoved. After RepositoryUnreachable the outcome is unknown: `prepare` finds the commit if it landed.
        """
        ...

    def tree_of(self, base: str, changes: Changes) -> str:
        """Return git's id of the tree of a commit with changes. Raises CommitGone."""
        ...

    def on_branch(self, branch: str, commit: str) -> str | None:
        """Return the full id of an abbreviated commit on the branch; None if missing or ambiguous."""
        ...

    def revert(self, branch: str, commits: Sequence[str]) -> tuple[Landed, ...]:
        """Revert the commits in the given order, one commit each, all or none. Raises MergeConflict."""
        ...

    def files_of(self, commit: str) -> tuple[str, ...]:
        """Return the changed paths of a commit, sorted. Raises CommitGone."""
        ...

    def apply_stack(self, base: str, stack: Stack) -> str:
        """Apply patches to `base` in a local commit, usable in its place.

        `base` itself without patches.

        Raises PatchConflict, CommitGone.
        """
        ...

    def rebase(self, before: str, now: str, changes: Changes) -> Changes:
        """Rebase changes from one local commit onto another. Raises MergeConflict."""
        ...

    def patch(self, base: str, changes: Changes) -> str:
        """Return the changes as a unified diff. Raises CommitGone."""
        ...
