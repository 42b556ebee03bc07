"""Land a task's changes on a shared branch: rebase, push, detect lost pushes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from groundwork.adapters.git import task_commits, tree_merge
from groundwork.adapters.git.clone import AnswerLost, Clone, HeadMoved
from groundwork.adapters.git.trees import update_tree
from groundwork.agent.changes import Changes
from groundwork.agent.commit_message import TASK, trailers
from groundwork.agent.repository import (
    BranchMoved,
    Landed,
    NotLanded,
    RepositoryRefused,
    RepositoryUnreachable,
    always,
)
from groundwork.plans.repositories import DEFAULT_BRANCH

IDENTITY = b"Groundwork <groundwork@users.noreply.invalid>"
MAX_ATTEMPTS = 60
"""Enough for forty concurrent tasks: one of them lands in each round."""

FIRST_COMMITS = 50
"""Commits searched first."""

MAX_FAULTS = 4
"""Consecutive faults of the server before a later invocation takes over."""

type Build = Callable[[bytes], tuple[bytes, list[Any]] | Landed]
"""Builds a new head and its objects on the branch's head, or returns an earlier landing."""


def head(clone: Clone, branch: str, start_from: str | None, make: bool) -> bytes:
    """See `Upstream.head`."""
    if sha := clone.fetch(branch, depth=1):
        return sha
    if start_from is None:
        raise RepositoryRefused(
            f"The branch {branch!r} is gone, with all commits of the plan: push it again, or restart the plan."
        )
    start = start_of(clone, start_from) or (_first_commit(clone, start_from) if make else None)
    if start is None:
        raise RepositoryRefused(f"The repository has no branch {start_from!r}, or the branch is empty.")
    if make:
        return _create(clone, branch, start, [])
    return start


def start_of(clone: Clone, start_from: str) -> bytes | None:
    """Return the head of the branch to start from.

    Without a branch of the assumed name, the server's own default branch counts.
    """
    if start := clone.fetch(start_from, depth=1):
        return start
    own = clone.default_branch() if start_from == DEFAULT_BRANCH else None
    return clone.fetch(own, depth=1) if own else None


def _first_commit(clone: Clone, branch: str) -> bytes | None:
    """Create the first commit of an empty repository. None for any other."""
    if not clone.is_empty():
        return None
    commit, objects = commit_of(None, None, "chore: first commit\n", [])
    clone.keep(objects)
    return _create(clone, branch, commit, objects)


def _create(clone: Clone, branch: str, start: bytes, objects: list[Any]) -> bytes:
    """Create a branch and return its head. Raises RepositoryRefused.

    Another task may have created it.
    """
    try:
        clone.push(branch, None, start, objects)
    except (HeadMoved, AnswerLost) as doubt:
        # another task has created it, or our own push has arrived after all
        if made := clone.fetch(branch, depth=1):
            return made
        if isinstance(doubt, HeadMoved) and str(doubt):
            raise RepositoryRefused(f"The server refused to create the branch {branch!r}: {doubt}.") from doubt
        raise RepositoryUnreachable(f"The branch {branch!r} could not be created.") from doubt
    return start


@dataclass(frozen=True, slots=True)
class TaskChange:
    """Changes to `base` to land, with their commit message.

    Attempts up to `since` belong to earlier rounds.
    """

    base: bytes
    changes: Changes
    text: str
    since: int = 0


def land(
    clone: Clone, branch: str, work: TaskChange, sleep: Callable[[float], None], going: Callable[[], bool] = always
) -> Landed:
    """See `Upstream.land`.

    Each round searches the branch first, so a push with a lost response is found and not repeated.
    """
    search = _LandedSearch(clone, branch, work)

    def build(now: bytes) -> tuple[bytes, list[Any]] | Landed:
        if landed := search.find(now):
            return landed
        commit, objects = _rebased(clone, work, now)
        # the last moment before the push: a stopped task must land nothing
        if not going():
            raise NotLanded
        return commit, objects

    return push_rebased(clone, branch, [work.base], build, sleep, 1 if clone.can_omit_files else None)


def prepare(clone: Clone, branch: str, work: TaskChange) -> tuple[bytes, bytes, list[Any]] | Landed:
    """Return the branch's head, and the commit on it with its objects; or an earlier landing."""
    now = clone.fetch(branch, [work.base], 1 if clone.can_omit_files else None)
    if now is None:
        raise RepositoryRefused(f"The branch {branch!r} is gone.")
    if landed := _LandedSearch(clone, branch, work).find(now):
        return landed
    commit, objects = _rebased(clone, work, now)
    clone.keep(objects)
    return now, commit, objects


def push(clone: Clone, branch: str, head: bytes, objects: list[Any]) -> Landed:
    """See `Upstream.push`. The commit is the last of `objects`."""
    commit = objects[-1]
    for _ in range(MAX_FAULTS):
        try:
            clone.push(branch, head, commit.id, objects)
            return task_commits.parse_landing(commit.id.decode(), branch, commit.message.decode())
        except AnswerLost as lost:
            raise RepositoryUnreachable(str(lost)) from lost
        except HeadMoved as moved:
            refusal = str(moved)
            if clone.fetch(branch, [head], depth=1) != head:
                raise BranchMoved(f"The branch {branch!r} has moved.") from moved
    raise RepositoryRefused(f"The server refused the push: {refusal or 'it gave no reason'}.")


def tree_of(clone: Clone, base: bytes, changes: Changes) -> bytes:
    """See `Upstream.tree_of`."""
    commit, objects = _rebased(clone, TaskChange(base, changes, ""), base)
    assert objects[-1].id == commit
    return bytes(objects[-1].tree)


def _rebased(clone: Clone, work: TaskChange, now: bytes) -> tuple[bytes, list[Any]]:
    """Build the change as a commit on `now`. Raises MergeConflict."""
    merged = tree_merge.merge_onto(clone.store, clone.store[work.base].tree, clone.store[now].tree, work.changes)
    root, trees = update_tree(clone.store, clone.store[now].tree, merged.updates)
    return commit_of(root, now, work.text, [*merged.blobs, *trees])


class _LandedSearch:
    """Searches commits added since the work began for the task's own.

    Only the head is fetched with its files if the server can omit them: someone may have merged years of another
    history into the branch.
    """

    def __init__(self, clone: Clone, branch: str, work: TaskChange) -> None:
        self._clone, self._branch, self._since = clone, branch, work.since
        self._task_id, self._seen = trailers(work.text)[TASK], {work.base}

    def find(self, now: bytes) -> Landed | None:
        found = self._find_among(task_commits.history(self._clone.store, now))
        # a head right above searched commits hides no others
        known = now in self._seen or self._seen.issuperset(self._clone.store[now].parents)
        if not found and not known and self._clone.can_omit_files:
            found = self._find_in_messages()
        self._seen.add(now)
        return found

    def _find_in_messages(self) -> Landed | None:
        """Search without files. A few commits usually reach one already searched."""
        for limit in (FIRST_COMMITS, task_commits.MAX_COMMITS):
            store, head = self._clone.messages(self._branch, limit)
            commits = list(task_commits.history(store, head)) if head else []
            found = self._find_among(iter(commits))
            if found or any(commit.id in self._seen for commit in commits):
                return found
        return None

    def _find_among(self, commits: Iterator[Any]) -> Landed | None:
        return task_commits.find_among(commits, self._branch, self._task_id, self._since)


def push_rebased(
    clone: Clone,
    branch: str,
    have: list[bytes],
    build: Build,
    sleep: Callable[[float], None],
    depth: int | None = None,
) -> Landed:
    """Build on the branch's head and push, until no other push comes first.

    The fetch covers commits newer than `have`, or `depth` commits.
    """
    deadline, retries = time.monotonic() + clone.bounds.seconds, _Retries()
    for round_ in range(MAX_ATTEMPTS):
        now: bytes | None = None
        try:
            now = clone.fetch(branch, have, depth)
            return _round(clone, branch, now, build)
        except HeadMoved as moved:
            retries.record_move(now, str(moved))
        except (AnswerLost, RepositoryUnreachable) as fault:
            retries.record_fault(fault)
        if time.monotonic() > deadline:
            break
        # the next fetch transfers only commits newer than this head
        have = [*have, now] if now and now not in have else have
        sleep(min(3.0, 0.1 * 2 ** min(round_, 5)))
    raise RepositoryUnreachable(f"The branch {branch!r} kept changing; push failed after {round_ + 1} attempts.")


def _round(clone: Clone, branch: str, now: bytes | None, build: Build) -> Landed:
    """Raises HeadMoved, AnswerLost."""
    if now is None:
        raise RepositoryRefused(f"The branch {branch!r} is gone.")
    result = build(now)
    if isinstance(result, Landed):
        return result
    new, made = result
    clone.push(branch, now, new, made)
    clone.keep(made)
    return task_commits.parse_landing(new.decode(), branch, made[-1].message.decode())


class _Retries:
    """Counts faults and refusals, and ends the retries."""

    def __init__(self) -> None:
        self._faults, self._refusals = 0, 0
        self._at: bytes | None = None

    def record_fault(self, fault: Exception) -> None:
        """Raises RepositoryUnreachable after several in a row."""
        self._faults += 1
        if self._faults >= MAX_FAULTS:
            raise RepositoryUnreachable(str(fault)) from fault

    def record_move(self, head: bytes | None, message: str) -> None:
        """Raises RepositoryRefused if the server keeps refusing an unchanged branch."""
        self._faults = 0
        # a moved head explains the refusal; an unchanged one does not
        self._refusals = self._refusals + 1 if message and head == self._at else 0
        self._at = head
        if self._refusals >= MAX_FAULTS:
            raise RepositoryRefused(f"The server refused the push: {message}.")


def commit_of(root: Any, parent: Any, text: str, objects: list[Any]) -> tuple[bytes, list[Any]]:
    """Return the id of a new commit, and its objects with the commit last."""
    from dulwich.objects import Commit, Tree

    commit = Commit()
    if root is None:
        empty = Tree()
        root, objects = empty.id, [*objects, empty]
    commit.tree, commit.parents = root, [parent] if parent else []
    commit.author = commit.committer = IDENTITY
    commit.author_time = commit.commit_time = int(time.time())
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = text.encode()
    return commit.id, [*objects, commit]
