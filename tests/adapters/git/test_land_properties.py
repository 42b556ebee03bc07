"""Random tasks land on one branch from old and new heads, with lost and competing pushes."""

import itertools
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import Blob
from dulwich.repo import Repo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.adapters.git import land
from groundwork.adapters.git.clone import AnswerLost, Bounds, Clone, HeadMoved
from groundwork.adapters.git.trees import FILE, entry_at, update_tree
from groundwork.agent.commit_message import TASK, Marks, task_message, trailers
from groundwork.agent.repository import Landed, MergeConflict, RepositoryUnreachable
from groundwork.plans.repositories import Repository
from tests.examples import examples

BRANCH = "work"
LINES = [b"%d\n" % number for number in range(6)]

TEXT = st.lists(st.sampled_from([*LINES, b"x\n", b"y\n"]), max_size=7).map(b"".join)
EDIT = st.one_of(st.none(), TEXT)
CHANGES = st.dictionaries(st.sampled_from(["a", "b", "d/c", "d/e", "d"]), EDIT, min_size=1, max_size=3)
PUSH = st.sampled_from(["well", "well", "lost before", "lost after", "refused", "another first"])


class Shaky(Clone):
    """A clone with scripted outcomes of its pushes."""

    script: Sequence[str] = ()

    def push(self, branch: str, expected: bytes | None, new: bytes, made: Sequence[Any]) -> None:
        fate, self.script = (self.script[0], self.script[1:]) if self.script else ("well", ())
        if fate == "lost before":
            raise AnswerLost("lost")
        if fate == "refused":
            raise HeadMoved
        if fate == "another first":
            assert expected
            commit, objects = land.commit_of(self.store[expected].tree, expected, "somebody else's\n", [])
            super().push(branch, expected, commit, objects)
        super().push(branch, expected, new, made)
        if fate == "lost after":
            raise AnswerLost("lost")


def _possible(changes: dict[str, bytes | None]) -> dict[str, bytes | None]:
    """Without paths used as both file and folder: no work tree could hold them."""
    if changes.get("d") is None:
        return changes
    return {path: None if path.startswith("d/") else content for path, content in changes.items()}


TASKS = st.lists(
    st.tuples(CHANGES.map(_possible), st.integers(0, 5), st.lists(PUSH, max_size=4)), min_size=1, max_size=6
)


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TASKS)
def test_the_branch_is_one_line_of_each_landed_task_once_and_nothing_else(
    tasks: list[tuple[dict[str, bytes | None], int, list[str]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        first = _served(Path(folder, "served"))
        counter = itertools.count()

        def clone(script: Sequence[str] = ()) -> Shaky:
            repository = Repository(id="r", name="App", url=str(Path(folder, "served")), created_at="")
            one = Shaky(repository, (None, None), Path(folder, f"clone-{next(counter)}"), Bounds(), local=True)
            stack.callback(one.close)
            one.script = script
            return one

        heads, landed = [first], dict[int, Landed]()
        for number, (changes, age, script) in enumerate(tasks):
            base = heads[-1 - age % len(heads)]
            if result := _land(clone(script), base, changes, number):
                landed[number] = result
                heads.append(result.sha.encode())
        _check(clone(), first, {number: tasks[number][0] for number in landed}, landed)


def _land(clone: Shaky, base: bytes, changes: dict[str, bytes | None], number: int) -> Landed | None:
    """Return None for a conflict."""
    text = task_message("feat: x", "", Marks("p", f"t{number}", 1))
    clone.fetch_commit(base)
    for _ in range(3):
        try:
            return land.land(clone, BRANCH, land.TaskChange(base, changes, text), lambda seconds: None)
        except MergeConflict:
            return None
        except RepositoryUnreachable:
            continue
    pytest.fail("the script has ended, and still it does not land")


def _served(folder: Path) -> bytes:
    with Repo.init_bare(str(folder), mkdir=True) as repo:
        entries = {}
        for path in ("a", "b", "d/c"):
            blob = Blob.from_string(b"".join(LINES))
            repo.object_store.add_object(blob)
            entries[path] = (FILE, blob.id)
        root, trees = update_tree(repo.object_store, None, entries)
        for tree in trees:
            repo.object_store.add_object(tree)
        commit = land.commit_of(root, b"0" * 40, "first\n", [])[1][-1]
        commit.parents = []
        repo.object_store.add_object(commit)
        repo.refs[f"refs/heads/{BRANCH}".encode()] = commit.id  # type: ignore[index]
        return bytes(commit.id)


def _check(clone: Clone, first: bytes, changes: dict[int, dict[str, bytes | None]], landed: dict[int, Landed]) -> None:
    head = clone.fetch(BRANCH)
    store, seen = clone.store, list[int]()
    while head != first:
        assert head
        commit = store[head]
        (parent,) = commit.parents
        task = trailers(commit.message.decode()).get(TASK)
        if task:
            seen.append(int(task[1:]))
            assert landed[seen[-1]].sha == head.decode()
            _check_commit(store, store[parent].tree, commit.tree, changes[seen[-1]])
        else:
            assert commit.tree == store[parent].tree
        head = parent
    assert sorted(seen) == sorted(landed)


def _check_commit(store: Any, before: bytes, after: bytes, changes: dict[str, bytes | None]) -> None:
    """The commit changes only its own paths, and deletes its deletions."""
    for path in ("a", "b", "d/c", "d/e", "d"):
        now = entry_at(store, after, path)
        if path not in changes and path != "d":
            gone_with_folder = path.startswith("d/") and changes.get("d") is not None
            assert now == entry_at(store, before, path) or gone_with_folder
        if path in changes and changes[path] is None:
            assert now is None or now[0] != FILE
