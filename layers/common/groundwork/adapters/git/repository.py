"""A repository for one invocation: its clone, and all operations of a task on it."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groundwork.adapters.git import land as landing
from groundwork.adapters.git import patch_stack, task_commits, unified_diff
from groundwork.adapters.git import revert as reverting
from groundwork.adapters.git.checkout import check_out
from groundwork.adapters.git.clone import Bounds, Clone
from groundwork.adapters.git.transport import Unusable, login_for
from groundwork.agent.changes import Changes
from groundwork.agent.patches import Stack
from groundwork.agent.repository import (
    Checkout,
    Landed,
    Prepared,
    RepositoryRefused,
    RepositoryUnreachable,
    always,
)
from groundwork.plans.repositories import Repository


@contextmanager
def open_repository(
    repository: Repository,
    secret: Callable[[str], str],
    folder: Path,
    local: bool,
    bounds: Bounds | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator["GitUpstream"]:
    """Open the repository with a clone in `folder`: empty, and deleted by the caller.

    `secret` returns the text of a secret; `local` allows paths. Raises RepositoryUnreachable, RepositoryRefused.
    """
    try:
        login = login_for(repository, secret)
    except Unusable as why:
        raise (RepositoryRefused if why.lasting else RepositoryUnreachable)(str(why)) from None
    clone = Clone(repository, login, folder, bounds or Bounds(), local)
    try:
        yield GitUpstream(clone, lambda seconds: sleep(seconds * random.uniform(0.5, 1.5)))  # noqa: S311  # jitter
    finally:
        clone.close()


class GitUpstream:
    """Implements the port `groundwork.agent.repository.Upstream`."""

    def __init__(self, clone: Clone, sleep: Callable[[float], None]) -> None:
        self._clone, self._sleep = clone, sleep
        self._prepared: dict[str, list[Any]] = {}

    def head(self, branch: str, start_from: str | None, make: bool = True) -> str:
        return landing.head(self._clone, branch, start_from, make).decode()

    def checkout(self, commit: str, folder: Path) -> Checkout:
        self._clone.fetch_commit(commit.encode())
        return check_out(self._clone.store, commit.encode(), folder, self._clone.bounds)

    def find(self, branch: str, task_id: str, since: int = 0) -> Landed | None:
        return task_commits.find_on_branch(self._clone, branch, task_id, since)

    def land(
        self, branch: str, base: str, changes: Changes, text: str, since: int = 0, going: Callable[[], bool] = always
    ) -> Landed:
        self._clone.fetch_commit(base.encode())
        task = landing.TaskChange(base.encode(), changes, text, since)
        return landing.land(self._clone, branch, task, self._sleep, going)

    def prepare(self, branch: str, base: str, changes: Changes, text: str, since: int = 0) -> Prepared | Landed:
        self._clone.fetch_commit(base.encode())
        result = landing.prepare(self._clone, branch, landing.TaskChange(base.encode(), changes, text, since))
        if isinstance(result, Landed):
            return result
        head, commit, objects = result
        self._prepared[commit.decode()] = objects
        return Prepared(branch, head.decode(), commit.decode(), objects[-1].tree.decode())

    def push(self, prepared: Prepared) -> Landed:
        return landing.push(self._clone, prepared.branch, prepared.head.encode(), self._prepared[prepared.commit])

    def tree_of(self, base: str, changes: Changes) -> str:
        self._clone.fetch_commit(base.encode())
        return landing.tree_of(self._clone, base.encode(), changes).decode()

    def on_branch(self, branch: str, commit: str) -> str | None:
        return task_commits.on_branch(self._clone, branch, commit)

    def revert(self, branch: str, commits: Sequence[str]) -> tuple[Landed, ...]:
        return reverting.revert(self._clone, branch, [commit.encode() for commit in commits], self._sleep)

    def files_of(self, commit: str) -> tuple[str, ...]:
        self._clone.fetch_commit(commit.encode(), depth=2)
        return tuple(sorted({path for path, _ in reverting.differences(self._clone.store, commit.encode())}))

    def apply_stack(self, base: str, stack: Stack) -> str:
        return patch_stack.apply_stack(self._clone, base.encode(), stack).decode()

    def rebase(self, before: str, now: str, changes: Changes) -> Changes:
        self._clone.fetch_commit(before.encode())
        self._clone.fetch_commit(now.encode())
        return patch_stack.rebase(self._clone, before.encode(), now.encode(), changes)

    def patch(self, base: str, changes: Changes) -> str:
        self._clone.fetch_commit(base.encode())
        return unified_diff.unified_diff(self._clone.store, base.encode(), changes)
