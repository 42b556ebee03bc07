"""Reverts tasks in a git repository: the port `groundwork.execution.worker.Reverter`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from groundwork.agent.repository import CommitGone, MergeConflict, RepositoryRefused, RepositoryUnreachable, Upstream
from groundwork.errors import Transient
from groundwork.execution.patch_stacks import PatchStacks, PatchStore
from groundwork.execution.worker import CommitToRevert, CompletedTask, NotReverted
from groundwork.plans.repositories import Repository


@dataclass(frozen=True, slots=True)
class GitReverter:
    open_clone: Callable[[Repository, Path], AbstractContextManager[Upstream]]
    patches: PatchStore

    def revert_commits(self, repository: Repository, branch: str, commits: Sequence[CommitToRevert]) -> dict[str, str]:
        with self._clone(repository) as git:
            reverts = git.revert(branch, [commit.commit_sha for commit in commits])
        return {commit.task.id: landed.sha for commit, landed in zip(commits, reverts, strict=True)}

    def check_remaining_patches(self, repository: Repository, branch: str, remaining: Sequence[CompletedTask]) -> None:
        with self._clone(repository) as git:
            # a plan without commits writes nothing to the server, not even a branch
            base = git.head(branch, repository.default_branch, make=False)
            # applied only to find conflicts: the result is thrown away with the clone
            git.apply_stack(base, PatchStacks(self.patches).of_tasks(remaining))

    @contextmanager
    def _clone(self, repository: Repository) -> Iterator[Upstream]:
        """Raises Transient, NotReverted."""
        try:
            with (
                TemporaryDirectory(prefix="revert-") as folder,
                self.open_clone(repository, Path(folder) / "clone") as git,
            ):
                yield git
        except RepositoryUnreachable as fault:
            raise Transient(str(fault)) from fault
        except (RepositoryRefused, CommitGone, MergeConflict) as refused:
            raise NotReverted(str(refused)) from refused
