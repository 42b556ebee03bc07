"""Reverts of tasks by revert commits."""

import pytest

from groundwork.agent.repository import Landed, MergeConflict, RepositoryRefused
from tests.adapters.git.conftest import BRANCH, FILES, PLAN, Open, text_of
from tests.adapters.git.server import GitServer


def _land(open_: Open, *changes: dict[str, bytes | None]) -> list[str]:
    upstream, landed = open_(), list[Landed]()
    base = upstream.head(BRANCH, "main")
    for number, change in enumerate(changes, 1):
        landed.append(upstream.land(BRANCH, upstream.head(BRANCH, "main") if landed else base, change, text_of(number)))
    return [one.sha for one in landed]


def test_tasks_are_taken_back_in_the_order_given_and_nothing_else_is(server: GitServer, open_: Open) -> None:
    first, second, third = _land(
        open_, {"a.txt": b"one\n"}, {"a.txt": b"one\ntwo\n", "bin/run": None}, {"b.txt": b"kept\n"}
    )
    reverted = open_().revert(BRANCH, [second, first])
    assert server.log(BRANCH)[:3] == ["revert: feat: task 1", "revert: feat: task 2", "feat: task 3"]
    assert server.paths(BRANCH) == {*FILES, "b.txt"}
    assert [one.sha for one in reverted] == server.log(BRANCH, "%H")[1::-1]
    assert server.git("log", "-1", "--format=%(trailers:only,unfold)", BRANCH).splitlines() == [
        f"Plan-Id: {PLAN}",
        f"Reverts-Task: {PLAN}-T1",
        f"Reverts-Commit: {first}",
    ]
    assert server.git("rev-parse", f"{BRANCH}~2") == third
    assert server.git("ls-tree", BRANCH, "bin/run").startswith("100644")  # unchanged except for its first line


def test_a_reverted_task_is_not_found_and_can_land_again(server: GitServer, open_: Open) -> None:
    (sha,) = _land(open_, {"a.txt": b"one\n"})
    open_().revert(BRANCH, [sha])
    upstream = open_()
    assert upstream.find(BRANCH, f"{PLAN}-T1") is None
    again = upstream.land(BRANCH, upstream.head(BRANCH, "main"), {"a.txt": b"better\n"}, text_of(1, attempt=2))
    assert not again.found
    assert server.show(BRANCH, "a.txt") == "better"
    found = open_().find(BRANCH, f"{PLAN}-T1")
    assert found
    assert found.sha == again.sha


def test_a_revert_that_conflicts_takes_back_nothing(server: GitServer, open_: Open) -> None:
    first, second = _land(open_, {"a.txt": b"one\n"}, {"b.txt": b"two\n"})
    head = server.commit(BRANCH, {"a.txt": "a person's\n"})
    with pytest.raises(MergeConflict, match=r"a\.txt"):
        open_().revert(BRANCH, [second, first])
    assert server.git("rev-parse", BRANCH) == head


@pytest.mark.parametrize("fault", ["after", "half", "before", "cut"])
def test_a_revert_whose_answer_was_lost_is_not_made_twice(server: GitServer, open_: Open, fault: str) -> None:
    first, second = _land(open_, {"a.txt": b"one\n"}, {"b.txt": b"two\n"})
    server.faults["push"] = [fault]
    reverted = open_().revert(BRANCH, [second, first])
    assert [one.sha for one in reverted] == server.log(BRANCH, "%H")[1::-1]
    assert len(server.log(BRANCH)) == 5
    assert open_().revert(BRANCH, [second, first])[1].sha == server.git("rev-parse", BRANCH)
    assert len(server.log(BRANCH)) == 5


def test_what_was_reverted_before_is_left_alone_when_more_is_taken_back(server: GitServer, open_: Open) -> None:
    first, second = _land(open_, {"a.txt": b"one\n"}, {"b.txt": b"two\n"})
    open_().revert(BRANCH, [second])
    open_().revert(BRANCH, [second, first])
    assert server.log(BRANCH)[:2] == ["revert: feat: task 1", "revert: feat: task 2"]
    assert len(server.log(BRANCH)) == 5


def test_a_commit_that_the_branch_does_not_hold_is_refused(server: GitServer, open_: Open) -> None:
    _land(open_, {"a.txt": b"one\n"})
    with pytest.raises(RepositoryRefused, match="does not contain"):
        open_().revert(BRANCH, ["1" * 40])


def test_the_files_of_a_commit_are_told(server: GitServer, open_: Open) -> None:
    first, second = _land(open_, {"a.txt": b"one\n"}, {"a.txt": b"two\n", "bin/run": None, "b/c.txt": b"x"})
    fresh = open_()
    assert fresh.files_of(second) == ("a.txt", "b/c.txt", "bin/run")
    assert fresh.files_of(first) == ("a.txt",)
    assert fresh.files_of(server.git("rev-parse", "main")) == tuple(sorted(FILES))


def test_a_revert_puts_back_the_mode_of_a_file(server: GitServer, open_: Open) -> None:
    (first,) = _land(open_, {"run.sh": b"#!/bin/sh\n"})
    second = open_().land(BRANCH, first, {"run.sh": None}, text_of(2)).sha
    open_().revert(BRANCH, [second])
    assert server.git("ls-tree", BRANCH, "run.sh").startswith("100755")
