"""Takes back commits on a repository's branch: the port `groundwork.executing.work.Reverter`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from groundwork.errors import Transient
from groundwork.executing.work import NotReverted, Taken
from groundwork.plans.repositories import Repository
from groundwork.sessions.upstream import CommitGone, MergeConflict, RepositoryRefused, RepositoryUnreachable, Upstream


@dataclass(frozen=True, slots=True)
class GitReverter:
    opened: Callable[[Repository, Path], AbstractContextManager[Upstream]]

    def take_back(self, repository: Repository, branch: str, taken: Sequence[Taken]) -> dict[str, str]:
        commits = [one.commit_sha for one in taken]
        try:
            with TemporaryDirectory(prefix="revert-") as folder, self.opened(repository, Path(folder) / "clone") as git:
                reverts = git.revert(branch, commits)
        except RepositoryUnreachable as fault:
            raise Transient(str(fault)) from fault
        except (RepositoryRefused, CommitGone, MergeConflict) as refused:
            raise NotReverted(str(refused)) from refused
        return {one.task.id: landed.sha for one, landed in zip(taken, reverts, strict=True)}
