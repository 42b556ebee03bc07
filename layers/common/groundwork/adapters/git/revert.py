"""Revert commits of tasks: one revert commit each, in the given order, in one push."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from groundwork.adapters.git import land, task_commits, tree_merge
from groundwork.adapters.git.clone import Clone
from groundwork.adapters.git.trees import TreeEntry, update_tree
from groundwork.agent.commit_message import REVERTS, revert_message, trailers
from groundwork.agent.repository import Landed, MergeConflict, RepositoryRefused


def revert(clone: Clone, branch: str, commits: Sequence[bytes], sleep: Callable[[float], None]) -> tuple[Landed, ...]:
    """See `Upstream.revert`. Returns the existing revert of a commit reverted before."""
    head = _fetch_down_to(clone, branch, commits)
    done: dict[bytes, Landed] = {}

    def build(now: bytes) -> tuple[bytes, list[Any]] | Landed:
        # each round looks again: a push with a lost answer may have arrived
        done.clear()
        done.update(_reverts_of(clone, branch, now, commits))
        made: list[Any] = []
        for commit in commits:
            if commit not in done:
                now, objects = _revert_commit(clone, now, commit)
                clone.keep(objects)
                made += objects
                done[commit] = task_commits.parse_landing(now.decode(), branch, objects[-1].message.decode())
        return (now, made) if made else done[commits[-1]]

    if commits:
        land.push_rebased(clone, branch, [head] if head else [], build, sleep)
    return tuple(done[commit] for commit in commits)


def _fetch_down_to(clone: Clone, branch: str, commits: Sequence[bytes]) -> bytes | None:
    """Fetch files down to before the oldest commit; return the head. Raises RepositoryRefused."""
    store, head = clone.messages(branch, task_commits.MAX_COMMITS)
    order = [commit.id for commit in task_commits.history(store, head)] if head else []
    if missing := set(commits) - set(order):
        raise RepositoryRefused(f"The branch {branch!r} does not contain the commit {sorted(missing)[0].decode()}.")
    # as deep as the oldest commit can lie in this order, and its parent
    deepest = max((order.index(commit) for commit in commits), default=0)
    return clone.fetch(branch, depth=deepest + 2)


def _reverts_of(clone: Clone, branch: str, head: bytes, commits: Sequence[bytes]) -> dict[bytes, Landed]:
    found: dict[bytes, Landed] = {}
    for commit in task_commits.history(clone.store, head):
        text = commit.message.decode("utf-8", errors="replace")
        sha = trailers(text).get(REVERTS, "").encode()
        if sha in commits:
            found.setdefault(sha, task_commits.parse_landing(commit.id.decode(), branch, text, found=True))
    return found


def _revert_commit(clone: Clone, now: bytes, commit: bytes) -> tuple[bytes, list[Any]]:
    """Return a commit on `head` that reverts another one. Raises MergeConflict."""
    store, reverted = clone.store, clone.store[commit]
    text = reverted.message.decode("utf-8", errors="replace")
    old = dict(differences(store, commit))
    # contents too large to fetch, and submodules, must be restored by a person
    if unavailable := [path for path, entry in old.items() if entry and entry[1] not in store]:
        raise MergeConflict(unavailable)
    contents = {path: bytes(store[entry[1]].as_raw_string()) if entry else None for path, entry in old.items()}
    modes = {path: entry[0] for path, entry in old.items() if entry}
    merged = tree_merge.merge_onto(store, reverted.tree, store[now].tree, contents, modes)
    root, trees = update_tree(store, store[now].tree, merged.updates)
    landed = task_commits.parse_landing(commit.decode(), "", text)
    message = revert_message(landed.subject, landed.sha, landed.marks)
    return land.commit_of(root, now, message, [*merged.blobs, *trees])


def differences(store: Any, commit: bytes) -> Iterator[tuple[str, TreeEntry | None]]:
    """Yield each path a commit has changed, with its entry before the commit."""
    from dulwich.diff_tree import tree_changes

    after = store[commit]
    before = store[after.parents[0]].tree if after.parents else None
    for change in tree_changes(store, before, after.tree):
        old, new = change.old, change.new
        if new and new.path and not (old and old.path == new.path):
            yield new.path.decode("utf-8", errors="replace"), None
        if old and old.path:
            yield old.path.decode("utf-8", errors="replace"), (old.mode, old.sha)
