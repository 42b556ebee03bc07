"""The port of `groundwork.agent.repository` in memory; a contract suite holds it to git."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundwork.adapters.git import line_merge
from groundwork.agent.changes import Changes, from_json
from groundwork.agent.commit_message import ATTEMPT, CHECKS, PLAN, REVERTS, TASK, Marks, revert_message, trailers
from groundwork.agent.patches import Stack
from groundwork.agent.repository import (
    BranchMoved,
    Checkout,
    CommitGone,
    Landed,
    MergeConflict,
    NotLanded,
    PatchConflict,
    Prepared,
    RepositoryFault,
    RepositoryRefused,
    always,
)

type Tree = dict[str, bytes]


@dataclass(frozen=True)
class FakeCommit:
    sha: str
    parent: str | None
    tree: Tree
    text: str


@dataclass
class FakeServer:
    """State shared by all clones; each of `faults` is raised by one of the next calls."""

    branches: dict[str, str] = field(default_factory=dict)
    default_branch: str = "main"
    commits: dict[str, FakeCommit] = field(default_factory=dict)
    faults: list[RepositoryFault] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def of(cls, files: Mapping[str, str]) -> "FakeServer":
        server = cls()
        server.commit("main", None, {path: text.encode() for path, text in files.items()}, "first\n")
        return server

    @classmethod
    def recorded(cls, branches: Mapping[str, str], commits: Sequence[Mapping[str, Any]]) -> "FakeServer":
        """Load a test's dump: `sha`, `parent`, `text` and files of each commit, in order."""
        server = cls(branches=dict(branches))
        for one in commits:
            tree = {path: text.encode() for path, text in one["tree"].items()}
            server.commits[one["sha"]] = FakeCommit(one["sha"], one["parent"], tree, one["text"])
        return server

    def commit(self, branch: str, parent: str | None, tree: Tree, text: str) -> FakeCommit:
        sha = hashlib.sha1(f"{len(self.commits)} {text}".encode()).hexdigest()
        self.commits[sha] = FakeCommit(sha, parent, tree, text)
        self.branches[branch] = sha
        return self.commits[sha]

    def history(self, branch: str) -> list[FakeCommit]:
        """Newest first."""
        found, sha = [], self.branches.get(branch)
        while sha:
            found.append(self.commits[sha])
            sha = found[-1].parent
        return found


class FakeUpstream:
    """One clone of it."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def head(self, branch: str, start_from: str | None, make: bool = True) -> str:
        with self._server.lock:
            self._fail()
            if head := self._server.branches.get(branch):
                return head
            if start_from is None:
                raise RepositoryRefused(f"The branch {branch!r} is gone.")
            _check_name_free(branch, self._server.branches)
            if not self._server.commits and make:
                self._server.commit(start_from, None, {}, "chore: first commit\n")
            if start_from == "main" and start_from not in self._server.branches:
                start_from = self._server.default_branch
            if start_from not in self._server.branches:
                raise RepositoryRefused(f"The repository has no branch {start_from!r}, or the branch is empty.")
            start = self._server.branches[start_from]
            if make:
                self._server.branches[branch] = start
            return start

    def checkout(self, commit: str, folder: Path) -> Checkout:
        tree = self._commit(commit).tree
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in tree.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return Checkout(folder, commit, len(tree), sum(map(len, tree.values())), tree_sha=tree_id(tree))

    def find(self, branch: str, task_id: str, since: int = 0) -> Landed | None:
        self._fail()
        reverted: set[str] = set()
        for commit in self._server.history(branch):
            marks = trailers(commit.text)
            reverted.add(marks.get(REVERTS, ""))
            if marks.get(TASK) == task_id and commit.sha not in reverted and int(marks[ATTEMPT]) > since:
                return _landed(commit, branch, found=True)
        return None

    def land(
        self, branch: str, base: str, changes: Changes, text: str, since: int = 0, going: Callable[[], bool] = always
    ) -> Landed:
        with self._server.lock:
            self._fail()
            if found := self.find(branch, trailers(text)[TASK], since):
                return found
            if not going():
                raise NotLanded
            return _landed(self._put(branch, self._commit(base).tree, changes, text), branch)

    def prepare(self, branch: str, base: str, changes: Changes, text: str, since: int = 0) -> Prepared | Landed:
        with self._server.lock:
            self._fail()
            if branch not in self._server.branches:
                raise RepositoryRefused(f"The branch {branch!r} is gone.")
            if found := self.find(branch, trailers(text)[TASK], since):
                return found
            head = self._server.branches[branch]
            tree = _merged(self._commit(head).tree, self._commit(base).tree, changes)
            sha = hashlib.sha1(f"{head} {tree_id(tree)} {text}".encode()).hexdigest()
            self._server.commits[sha] = FakeCommit(sha, head, tree, text)
            return Prepared(branch, head, sha, tree_id(tree))

    def push(self, prepared: Prepared) -> Landed:
        with self._server.lock:
            self._fail()
            if self._server.branches.get(prepared.branch) != prepared.head:
                raise BranchMoved
            self._server.branches[prepared.branch] = prepared.commit
            return _landed(self._server.commits[prepared.commit], prepared.branch)

    def tree_of(self, base: str, changes: Changes) -> str:
        tree = self._commit(base).tree
        return tree_id(_merged(tree, tree, changes))

    def on_branch(self, branch: str, commit: str) -> str | None:
        self._fail()
        found = [one.sha for one in self._server.history(branch) if one.sha.startswith(commit)]
        return found[0] if len(found) == 1 else None

    def revert(self, branch: str, commits: Sequence[str]) -> tuple[Landed, ...]:
        with self._server.lock:
            self._fail()
            before = self._server.branches.get(branch)
            try:
                return tuple(self._reverted(branch, sha) for sha in commits)
            except MergeConflict:
                self._server.branches[branch] = before or ""
                raise

    def files_of(self, commit: str) -> tuple[str, ...]:
        return tuple(sorted(_changed(self._parent(commit).tree, self._commit(commit).tree)))

    def apply_stack(self, base: str, stack: Stack) -> str:
        if not stack.order:
            return base
        tree = dict(self._commit(base).tree)
        for under in stack.order:
            patch = stack.patches[under]
            ground = self._commit(self.apply_stack(patch.base, Stack(patch.base_patches, stack.patches))).tree
            try:
                tree = _merged(tree, ground, from_json(patch.changes))
            except MergeConflict as conflict:
                raise PatchConflict(under.task_id, conflict.paths) from conflict
        sha = hashlib.sha1(repr((base, stack.order)).encode()).hexdigest()
        self._server.commits[sha] = FakeCommit(sha, base, tree, "patches")
        return sha

    def rebase(self, before: str, now: str, changes: Changes) -> Changes:
        there = self._commit(now).tree
        tree = _merged(there, self._commit(before).tree, changes)
        return {path: tree.get(path) for path in _changed(there, tree)}

    def patch(self, base: str, changes: Changes) -> str:
        self._commit(base)
        return "".join(f"diff --git a/{path} b/{path}\n" for path in sorted(changes))

    def _fail(self) -> None:
        if self._server.faults:
            raise self._server.faults.pop(0)

    def _commit(self, sha: str) -> FakeCommit:
        self._fail()
        if sha not in self._server.commits:
            raise CommitGone
        return self._server.commits[sha]

    def _parent(self, sha: str) -> FakeCommit:
        parent = self._commit(sha).parent
        return self._commit(parent) if parent else FakeCommit("", None, {}, "")

    def _put(self, branch: str, base: Tree, changes: Changes, text: str) -> FakeCommit:
        if branch not in self._server.branches:
            raise RepositoryRefused(f"The branch {branch!r} is gone.")
        head = self._commit(self._server.branches[branch])
        return self._server.commit(branch, head.sha, _merged(head.tree, base, changes), text)

    def _reverted(self, branch: str, sha: str) -> Landed:
        history = self._server.history(branch)
        if sha not in {commit.sha for commit in history}:
            raise RepositoryRefused(f"The branch {branch!r} does not hold the commit {sha}.")
        for commit in history:
            if trailers(commit.text).get(REVERTS) == sha:
                return _landed(commit, branch, found=True)
        taken, old = self._commit(sha), self._parent(sha).tree
        undone = {path: old.get(path) for path in _changed(old, taken.tree)}
        landed = _landed(taken, branch)
        text = revert_message(landed.subject, sha, landed.marks)
        return _landed(self._put(branch, taken.tree, undone, text), branch)


def tree_id(tree: Tree) -> str:
    return hashlib.sha1(repr(sorted(tree.items())).encode()).hexdigest()


def _check_name_free(branch: str, branches: Mapping[str, str]) -> None:
    """Raises RepositoryRefused, as git cannot have both `a` and `a/b`."""
    for other in branches:
        if branch.startswith(f"{other}/") or other.startswith(f"{branch}/"):
            raise RepositoryRefused(f"The branch {branch!r} cannot be created beside the branch {other!r}.")


def _merged(head: Tree, base: Tree, changes: Changes) -> Tree:
    """Raises MergeConflict."""
    tree, conflicts = dict(head), []
    for path, content in changes.items():
        try:
            _merge(tree, base.get(path), path, content)
        except MergeConflict:
            conflicts.append(path)
    if conflicts:
        raise MergeConflict(conflicts)
    return tree


def _merge(tree: Tree, before: bytes | None, path: str, content: bytes | None) -> None:
    now = tree.get(path)
    if now not in (before, content):
        texts = (before or b"", content or b"", now or b"")
        both = None if None in (now, before, content) else line_merge.merge(*texts, line_merge.keeps_both(path))
        if both is None:
            raise MergeConflict([path])
        content = both
    if content is None:
        tree.pop(path, None)
    else:
        tree[path] = content


def _changed(old: Tree, new: Tree) -> set[str]:
    return {path for path in {*old, *new} if old.get(path) != new.get(path)}


def _landed(commit: FakeCommit, branch: str, found: bool = False) -> Landed:
    known = trailers(commit.text)
    marks = Marks(known.get(PLAN, ""), known.get(TASK, ""), int(known.get(ATTEMPT, "0")))
    return Landed(commit.sha, branch, marks, commit.text.split("\n", 1)[0], found, known.get(CHECKS, ""))
