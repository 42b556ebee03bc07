"""Commits of tasks taken back: one revert commit each, in the order given, pushed together."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from groundwork.adapters.git import land, task_commits, tree_merge
from groundwork.adapters.git.clone import Clone
from groundwork.adapters.git.trees import TreeEntry, rebuilt
from groundwork.agent.commit_message import REVERTS, revert_message, trailers
from groundwork.agent.repository import Landed, MergeConflict, RepositoryRefused
from groundwork.errors import GroundworkError


class _Done(GroundworkError):
    """All of it has been taken back already."""


def revert(clone: Clone, branch: str, commits: Sequence[bytes], sleep: Callable[[float], None]) -> tuple[Landed, ...]:
    """See the port. A commit that is reverted on the branch already is left alone, and that revert given back."""
    head = _fetch_down_to(clone, branch, commits)
    done: dict[bytes, Landed] = {}

    def build(now: bytes) -> tuple[bytes, list[Any]] | Landed:
        done.clear()
        done.update(_reverts_of(clone, branch, now, commits))
        made: list[Any] = []
        for commit in commits:
            if commit not in done:
                now, objects = _taken_back(clone, now, commit)
                clone.keep(objects)
                made += objects
                done[commit] = task_commits.landed(now.decode(), branch, objects[-1].message.decode())
        return (now, made) if made else done[commits[-1]]

    if commits:
        land.pushed(clone, branch, [head] if head else [], build, sleep)
    return tuple(done[commit] for commit in commits)


def _fetch_down_to(clone: Clone, branch: str, commits: Sequence[bytes]) -> bytes | None:
    """The branch's files down to before the oldest of the commits, and its head. Raises RepositoryRefused."""
    store, head = clone.messages(branch, task_commits.MAX_COMMITS)
    order = [commit.id for commit in task_commits.history(store, head)] if head else []
    if gone := set(commits) - set(order):
        raise RepositoryRefused(f"The branch {branch!r} does not hold the commit {sorted(gone)[0].decode()}.")
    # as far down as the oldest in this order lies at most, and its parent
    deepest = max((order.index(commit) for commit in commits), default=0)
    return clone.fetch(branch, depth=deepest + 2)


def _reverts_of(clone: Clone, branch: str, head: bytes, commits: Sequence[bytes]) -> dict[bytes, Landed]:
    found: dict[bytes, Landed] = {}
    for commit in task_commits.history(clone.store, head):
        text = commit.message.decode("utf-8", errors="replace")
        sha = trailers(text).get(REVERTS, "").encode()
        if sha in commits:
            found.setdefault(sha, task_commits.landed(commit.id.decode(), branch, text, found=True))
    return found


def _taken_back(clone: Clone, now: bytes, commit: bytes) -> tuple[bytes, list[Any]]:
    """A commit on `now` that undoes the other. Raises MergeConflict."""
    store, taken = clone.store, clone.store[commit]
    text = taken.message.decode("utf-8", errors="replace")
    old = dict(differences(store, commit))
    # contents too large to be fetched, and other repositories, are for a person to put back
    if unknown := [path for path, entry in old.items() if entry and entry[1] not in store]:
        raise MergeConflict(unknown)
    contents = {path: bytes(store[entry[1]].as_raw_string()) if entry else None for path, entry in old.items()}
    modes = {path: entry[0] for path, entry in old.items() if entry}
    merged = tree_merge.on_head(store, taken.tree, store[now].tree, contents, modes)
    root, trees = rebuilt(store, store[now].tree, merged.updates)
    landed = task_commits.landed(commit.decode(), "", text)
    message = revert_message(landed.subject, landed.sha, landed.marks)
    return land.commit_of(root, now, message, [*merged.blobs, *trees])


def differences(store: Any, commit: bytes) -> Iterator[tuple[str, TreeEntry | None]]:
    """Each path that a commit has changed, and what was there before it."""
    from dulwich.diff_tree import tree_changes

    after = store[commit]
    before = store[after.parents[0]].tree if after.parents else None
    for change in tree_changes(store, before, after.tree):
        old, new = change.old, change.new
        if new and new.path and not (old and old.path == new.path):
            yield new.path.decode("utf-8", errors="replace"), None
        if old and old.path:
            yield old.path.decode("utf-8", errors="replace"), (old.mode, old.sha)
