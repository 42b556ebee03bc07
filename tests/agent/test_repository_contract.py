"""Contract of a task's repository: the fake, a git server over HTTP, and a local repository."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from groundwork.adapters.git.repository import open_repository
from groundwork.agent.changes import Changes, as_json
from groundwork.agent.commit_message import Marks, task_message
from groundwork.agent.patches import Patch, PatchRef, Stack
from groundwork.agent.repository import (
    BranchMoved,
    CommitGone,
    Landed,
    MergeConflict,
    NotLanded,
    PatchConflict,
    Prepared,
    RepositoryRefused,
    Upstream,
)
from tests.adapters.git.conftest import briefly
from tests.adapters.git.server import secret, serving_git
from tests.fakes.upstream import FakeServer, FakeUpstream

BRANCH = "groundwork/plan"
FILES = {"a.txt": "one\ntwo\nthree\nfour\n", "d/b.txt": "b\n"}

type Open = Callable[[], Upstream]


@pytest.fixture(params=["fake", "http", "local"])
def open_(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    if request.param == "fake":
        shared = FakeServer.of(FILES)
        yield lambda: FakeUpstream(shared)
        return
    with serving_git(tmp_path / "server", FILES) as server, ExitStack() as stack:
        if request.param == "local":
            server.url = str(server.folder)
        folders = (tmp_path / f"clone-{number}" for number in range(100))

        def open_one() -> Upstream:
            return stack.enter_context(
                open_repository(server.repository, secret, next(folders), local=True, sleep=briefly)
            )

        yield open_one


def text(number: int = 1, attempt: int = 1) -> str:
    return task_message(f"feat: {number}", "", Marks("plan", f"t{number}", attempt))


def contents(upstream: Upstream, commit: str, folder: Path) -> dict[str, str]:
    upstream.checkout(commit, folder)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_missing_branch_begins_where_it_is_told_and_is_made_only_if_asked(open_: Open) -> None:
    start = open_().head("main", "main")
    assert open_().head(BRANCH, "main", make=False) == start
    with pytest.raises(RepositoryRefused):
        open_().land(BRANCH, start, {"x": b"x"}, text())
    assert open_().head(BRANCH, "main") == start
    assert open_().head(BRANCH, "nothing") == start
    with pytest.raises(RepositoryRefused):
        open_().head("other", "nothing")


def test_a_change_lands_and_is_what_the_next_checkout_has(open_: Open, tmp_path: Path) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    landed = upstream.land(BRANCH, base, {"new/c.txt": b"c\n", "d/b.txt": None}, text())
    assert landed == Landed(landed.sha, BRANCH, Marks("plan", "t1", 1), "feat: 1")
    assert open_().head(BRANCH, "main") == landed.sha
    assert contents(open_(), landed.sha, tmp_path / "work") == {"a.txt": FILES["a.txt"], "new/c.txt": "c\n"}
    assert contents(open_(), base, tmp_path / "before") == FILES
    assert open_().files_of(landed.sha) == ("d/b.txt", "new/c.txt")


def test_a_task_lands_once_and_is_found(open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    assert upstream.find(BRANCH, "t1") is None
    landed = upstream.land(BRANCH, base, {"x": b"x"}, text())
    upstream.land(BRANCH, base, {"y": b"y"}, text(2))
    again = open_().land(BRANCH, base, {"x": b"another"}, text())
    assert (again.sha, again.found) == (landed.sha, True)
    found = open_().find(BRANCH, "t1")
    assert found
    assert (found.sha, found.marks) == (landed.sha, landed.marks)


def test_a_commit_of_an_earlier_round_below_the_branch_is_not_the_tasks(open_: Open) -> None:
    # the plan was merged into its start branch, and starts again
    first = open_().land("main", open_().head("main", "main"), {"x": b"1"}, text())
    base = open_().head(BRANCH, "main")
    assert open_().find(BRANCH, "t1", since=1) is None
    again = open_().land(BRANCH, base, {"x": b"2"}, text(attempt=2), since=1)
    assert (again.sha != first.sha, again.found) == (True, False)
    assert open_().find(BRANCH, "t1", since=1) == replace(again, found=True)


def test_work_that_was_stopped_is_not_pushed_and_what_was_pushed_is_found_all_the_same(open_: Open) -> None:
    base = open_().head(BRANCH, "main")
    with pytest.raises(NotLanded):
        open_().land(BRANCH, base, {"x": b"x"}, text(), going=lambda: False)
    assert open_().head(BRANCH, "main") == base
    landed = open_().land(BRANCH, base, {"x": b"x"}, text())
    assert open_().land(BRANCH, base, {"x": b"x"}, text(), going=lambda: False).sha == landed.sha


def test_changes_to_the_same_base_are_put_together_or_conflict(open_: Open, tmp_path: Path) -> None:
    base = open_().head(BRANCH, "main")
    open_().land(BRANCH, base, {"a.txt": b"1\ntwo\nthree\nfour\n"}, text(1))
    second = open_().land(BRANCH, base, {"a.txt": b"one\ntwo\nthree\n4\n"}, text(2))
    assert contents(open_(), second.sha, tmp_path / "work")["a.txt"] == "1\ntwo\nthree\n4\n"
    with pytest.raises(MergeConflict) as conflict:
        open_().land(BRANCH, base, {"a.txt": b"eins\ntwo\nthree\nfour\n", "fine": b"x"}, text(3))
    assert conflict.value.paths == ("a.txt",)
    assert open_().head(BRANCH, "main") == second.sha


def test_commits_are_taken_back_and_a_task_can_land_again(open_: Open, tmp_path: Path) -> None:
    base = open_().head(BRANCH, "main")
    first = open_().land(BRANCH, base, {"x": b"1"}, text(1))
    second = open_().land(BRANCH, first.sha, {"x": b"2", "d/b.txt": None}, text(2))
    with pytest.raises(MergeConflict):
        open_().revert(BRANCH, [first.sha])
    reverts = open_().revert(BRANCH, [second.sha, first.sha])
    assert [one.subject for one in reverts] == ["revert: feat: 2", "revert: feat: 1"]
    assert contents(open_(), open_().head(BRANCH, "main"), tmp_path / "work") == FILES
    assert open_().find(BRANCH, "t1") is None
    assert [one.found for one in open_().revert(BRANCH, [second.sha])] == [True]
    again = open_().land(BRANCH, reverts[-1].sha, {"x": b"3"}, text(1))
    assert not again.found
    with pytest.raises(RepositoryRefused):
        open_().revert(BRANCH, ["1" * 40])


def patch(number: int, base: str, changes: Changes, *under: PatchRef) -> Patch:
    return Patch(task_id=f"t{number}", attempt=1, base=base, base_patches=under, changes=as_json(changes), text="")


def stack_of(*patches: Patch) -> Stack:
    by_name = {PatchRef(task_id=one.task_id, attempt=one.attempt): one for one in patches}
    return Stack(tuple(by_name), by_name)


def test_patches_lie_on_a_commit_each_on_what_it_was_built_on(open_: Open, tmp_path: Path) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main", make=False)
    assert upstream.apply_stack(base, Stack()) == base
    first = patch(1, base, {"a.txt": b"1\ntwo\nthree\nfour\n", "d/b.txt": None})
    # two at the same time on the first patch, in other lines of the same file
    second = patch(2, base, {"a.txt": b"1\ntwo\nthree\n4\n", "new": b"n"}, PatchRef(task_id="t1", attempt=1))
    third = patch(3, base, {"a.txt": b"1\ntwo, too\nthree\nfour\n"}, PatchRef(task_id="t1", attempt=1))
    stack = stack_of(first, second, third)
    assert contents(upstream, upstream.apply_stack(base, stack), tmp_path / "work") == {
        "a.txt": "1\ntwo, too\nthree\n4\n",
        "new": "n",
    }
    # the same in another process without earlier fetches
    other = open_()
    assert contents(other, other.apply_stack(base, stack), tmp_path / "again")["new"] == "n"
    assert open_().head(BRANCH, "main", make=False) == base


def test_patches_that_took_away_all_files_leave_none(open_: Open, tmp_path: Path) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main", make=False)
    ground = upstream.apply_stack(base, stack_of(patch(1, base, {"a.txt": None, "d/b.txt": None})))
    assert contents(upstream, ground, tmp_path / "work") == {}
    assert upstream.rebase(base, ground, {"c": b"c"}) == {"c": b"c"}


def test_patches_that_do_not_go_together_are_for_a_person(open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main", make=False)
    apart = stack_of(patch(1, base, {"a.txt": b"1\n"}), patch(2, base, {"a.txt": b"2\n"}))
    with pytest.raises(PatchConflict, match=r"task t2 .* in a.txt"):
        upstream.apply_stack(base, apart)
    gone = stack_of(patch(1, "1" * 40, {"a.txt": b"1\n"}))
    with pytest.raises(CommitGone):
        upstream.apply_stack(base, gone)


def test_a_change_is_moved_to_other_ground_or_conflicts(open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main", make=False)
    now = upstream.apply_stack(base, stack_of(patch(1, base, {"a.txt": b"1\ntwo\nthree\nfour\n"})))
    mine: Changes = {"a.txt": b"one\ntwo\nthree\n4\n", "d/b.txt": None, "new": b"n"}
    assert upstream.rebase(base, now, mine) == {"a.txt": b"1\ntwo\nthree\n4\n", "d/b.txt": None, "new": b"n"}
    with pytest.raises(MergeConflict):
        upstream.rebase(base, now, {"a.txt": b"eins\ntwo\nthree\nfour\n"})


def test_a_branch_that_must_be_there_is_not_made(open_: Open) -> None:
    with pytest.raises(RepositoryRefused, match="is gone"):
        open_().head(BRANCH, None)
    start = open_().head(BRANCH, "main")
    assert open_().head(BRANCH, None) == start


def test_a_commit_that_is_nowhere_is_gone(open_: Open, tmp_path: Path) -> None:
    upstream = open_()
    upstream.head(BRANCH, "main")
    for use in (
        lambda: upstream.checkout("1" * 40, tmp_path / "work"),
        lambda: upstream.land(BRANCH, "1" * 40, {"x": b"x"}, text()),
        lambda: upstream.patch("1" * 40, {"x": b"x"}),
        lambda: upstream.files_of("1" * 40),
    ):
        with pytest.raises(CommitGone):
            use()


def test_a_patch_names_what_changes(open_: Open) -> None:
    upstream = open_()
    patch = upstream.patch(upstream.head(BRANCH, "main", make=False), {"a.txt": b"one\n", "new": b"x\n"})
    assert [line for line in patch.splitlines() if line.startswith("diff")] == [
        "diff --git a/a.txt b/a.txt",
        "diff --git a/new b/new",
    ]


def prepared(upstream: Upstream, base: str, changes: Changes, number: int = 1) -> Prepared:
    result = upstream.prepare(BRANCH, base, changes, text(number))
    assert isinstance(result, Prepared)
    return result


def test_a_prepared_change_is_nowhere_but_here_until_it_is_pushed(open_: Open, tmp_path: Path) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    ready = prepared(upstream, base, {"x": b"x"})
    assert (ready.branch, ready.head) == (BRANCH, base)
    assert open_().head(BRANCH, "main") == base
    assert contents(upstream, ready.commit, tmp_path / "work") == {**FILES, "x": "x"}
    landed = upstream.push(ready)
    assert landed == Landed(ready.commit, BRANCH, Marks("plan", "t1", 1), "feat: 1")
    assert open_().head(BRANCH, "main") == landed.sha
    assert open_().tree_of(landed.sha, {}) == ready.tree
    assert open_().tree_of(base, {"x": b"x"}) == ready.tree


def test_a_prepared_change_is_not_pushed_onto_a_branch_that_has_moved(open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    first, second = prepared(upstream, base, {"x": b"x"}), prepared(open_(), base, {"y": b"y"}, 2)
    upstream.push(first)
    other = open_()
    with pytest.raises(BranchMoved):
        other.push(prepared_again(other, base, second))
    again = prepared(other, base, {"y": b"y"}, 2)
    assert (again.head, again.tree != second.tree) == (first.commit, True)
    other.push(again)
    assert open_().head(BRANCH, "main") == again.commit


def prepared_again(upstream: Upstream, base: str, earlier: Prepared) -> Prepared:
    """Prepare the second change as before the first push: on the old head."""
    return replace(prepared(upstream, base, {"y": b"y"}, 2), head=earlier.head)


def test_the_same_change_on_the_same_head_is_the_same_tree_in_every_process(open_: Open) -> None:
    base = open_().head(BRANCH, "main")
    assert prepared(open_(), base, {"x": b"x"}).tree == prepared(open_(), base, {"x": b"x"}).tree


def test_a_change_that_has_landed_is_found_instead_of_prepared(open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    landed = upstream.push(prepared(upstream, base, {"x": b"x"}))
    again = open_().prepare(BRANCH, base, {"x": b"another"}, text())
    assert again == replace(landed, found=True)


def test_a_prepared_change_that_conflicts_says_where(open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    upstream.land(BRANCH, base, {"d/b.txt": b"theirs\n"}, text(2))
    with pytest.raises(MergeConflict) as conflict:
        open_().prepare(BRANCH, base, {"d/b.txt": b"ours\n"}, text())
    assert conflict.value.paths == ("d/b.txt",)


def test_a_branch_that_cannot_be_created_beside_another_is_refused_with_both_names(open_: Open) -> None:
    upstream = open_()
    upstream.head("taken", "main")
    with pytest.raises(RepositoryRefused, match=r"'taken/plan'.*'taken'"):
        open_().head("taken/plan", "main")


def test_a_commit_of_the_branch_is_found_by_its_beginning(open_: Open) -> None:
    upstream = open_()
    landed = upstream.land(BRANCH, upstream.head(BRANCH, "main"), {"x": b"x"}, text())
    assert open_().on_branch(BRANCH, landed.sha[:12]) == landed.sha
    assert open_().on_branch("main", landed.sha) is None
    assert open_().on_branch(BRANCH, "deadbeef1234") is None
    assert open_().on_branch("no-such-branch", landed.sha) is None
