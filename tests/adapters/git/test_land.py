"""Land changes on a real git server: one commit, even if the branch moves or a push is lost."""

import logging
import os
import re
import shutil
import threading
from pathlib import Path

import pytest

from groundwork.adapters.git.clone import Bounds
from groundwork.adapters.git.repository import open_repository
from groundwork.agent.commit_message import Marks, task_message
from groundwork.agent.repository import (
    CommitGone,
    Landed,
    MergeConflict,
    NotLanded,
    RepositoryRefused,
    RepositoryUnreachable,
)
from tests.adapters.git.conftest import BRANCH, FILES, Open, text_of
from tests.adapters.git.server import EXPECTED, TOKEN, USER, GitServer, git, secret

APP = FILES["src/app.py"]


def test_a_change_becomes_one_commit_on_the_plans_branch(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    landed = upstream.land(BRANCH, base, {"src/new.py": b"new\n", "bin/run": None}, text_of())
    assert server.git("rev-parse", BRANCH) == landed.sha
    assert server.git("rev-parse", f"{BRANCH}^") == base == server.git("rev-parse", "main")
    assert server.paths(BRANCH) == {"README.md", "src/app.py", "src/new.py"}
    assert server.git("log", "-1", "--format=%(trailers:only,unfold)", BRANCH).splitlines() == [
        "Plan-Id: plk3v9x2m4q8",
        "Task-Id: plk3v9x2m4q8-T1",
        "Attempt: 1",
    ]
    assert server.git("fsck", "--strict", "--no-dangling") == ""


def test_a_branch_that_has_moved_is_rebased_onto(server: GitServer, open_: Open) -> None:
    first, second = open_(), open_()
    base = first.head(BRANCH, "main")
    assert second.head(BRANCH, "main") == base
    first.land(BRANCH, base, {"a.txt": b"a\n", "src/app.py": APP.replace("one", "ONE").encode()}, text_of(1))
    second.land(BRANCH, base, {"b.txt": b"b\n", "src/app.py": APP.replace("seven", "SEVEN").encode()}, text_of(2))
    assert server.log(BRANCH) == ["feat: task 2", "feat: task 1", "first"]
    assert server.paths(BRANCH) == {*FILES, "a.txt", "b.txt"}
    assert server.show(BRANCH, "src/app.py") == "ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"src/app.py": APP.replace("two", "2")}, {"src/app.py": APP.replace("two", "zwei").encode()}),
        ({"src/app.py": None}, {"src/app.py": APP.replace("two", "zwei").encode()}),
        ({"src/app.py": APP.replace("two", "2")}, {"src/app.py": None}),
        ({"new.txt": "theirs\n"}, {"new.txt": b"ours\n"}),
        ({"new.txt": "a file\n"}, {"new.txt/inner": b"in a folder of its name\n"}),
        ({"new/inner": "in a folder\n"}, {"new": b"a file of its name\n"}),
        ({"src/app.py": "\0binary"}, {"src/app.py": APP.replace("seven", "7").encode()}),
    ],
)
def test_what_does_not_go_together_is_a_conflict_and_lands_nothing(
    server: GitServer, open_: Open, theirs: dict[str, str | None], ours: dict[str, bytes | None]
) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    theirs_sha = server.commit(BRANCH, theirs)
    with pytest.raises(MergeConflict) as conflict:
        upstream.land(BRANCH, base, {"fine.txt": b"fine\n", **ours}, text_of())
    assert conflict.value.paths == tuple(ours)
    assert server.git("rev-parse", BRANCH) == theirs_sha


def test_the_same_change_made_by_another_is_no_conflict(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    server.commit(BRANCH, {"new.txt": "same\n", "bin/run": None, "src/app.py": "same\n"})
    upstream.land(BRANCH, base, {"new.txt": b"same\n", "bin/run": None, "src/app.py": b"same\n"}, text_of())
    assert server.log(BRANCH)[0] == "feat: task 1"
    assert server.paths(BRANCH) == {"README.md", "src/app.py", "new.txt"}


@pytest.mark.parametrize(
    "change",
    [
        {"src/app.py": None, "src": b"a file now\n"},
        {"README.md": None, "README.md/inner": b"a folder now\n"},
        {"README.md": None, "src/app.py": None, "bin/run": None},
    ],
)
def test_a_file_and_a_folder_may_change_places_and_all_files_may_go(
    server: GitServer, open_: Open, change: dict[str, bytes | None]
) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    upstream.land(BRANCH, base, change, text_of())
    now = {path for path, content in change.items() if content is not None}
    assert server.paths(BRANCH) == (set(FILES) - set(change)) | now
    server.git("fsck", "--strict")


def test_a_head_that_moves_between_the_look_and_the_push_is_not_overwritten(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    numbers = iter(range(3))

    def another() -> None:
        for number in numbers:
            server.commit(BRANCH, {f"theirs-{number}.txt": "x\n"})
            return

    server.before_push.append(another)
    upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    assert server.paths(BRANCH) == {*FILES, "ours.txt", "theirs-0.txt", "theirs-1.txt", "theirs-2.txt"}
    assert len(server.log(BRANCH)) == 5


@pytest.mark.parametrize("fault", ["status", "before", "cut", "after", "half"])
@pytest.mark.parametrize("service", ["push", "fetch", "look"])
def test_a_server_that_fails_in_the_middle_gets_the_commit_once(
    server: GitServer, open_: Open, fault: str, service: str
) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    server.faults[service] = [fault]
    landed = upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    assert server.log(BRANCH) == ["feat: task 1", "first"]
    assert server.git("rev-parse", BRANCH) == landed.sha
    # both pushes were executed, only their responses were lost
    assert landed.found == (service == "push" and fault in ("after", "half"))


def test_a_commit_whose_answer_was_lost_is_found_below_those_of_others(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    server.faults["push"] = ["after"]
    server.after_push.append(lambda: [server.commit(BRANCH, {f"theirs-{n}.txt": "x\n"}) for n in range(3)])
    landed = upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    assert landed.found
    assert server.log(BRANCH, "%H")[3] == landed.sha
    assert server.log(BRANCH).count("feat: task 1") == 1


def test_a_server_that_stays_away_is_unreachable_and_a_later_try_lands_it_once(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    server.faults["push"] = ["after"]
    changes = {"ours.txt": b"ours\n"}
    server.before_push.append(lambda: server.faults.update({"look": ["status"] * 10}))
    with pytest.raises(RepositoryUnreachable) as fault:
        upstream.land(BRANCH, base, changes, text_of())
    assert TOKEN not in str(fault.value)
    server.faults.clear()
    again = open_().land(BRANCH, base, changes, text_of())
    assert again.found
    assert server.log(BRANCH) == ["feat: task 1", "first"]


def test_an_attempt_that_has_landed_is_found_by_the_next_process(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    assert upstream.find(BRANCH, "plk3v9x2m4q8-T1") is None
    landed = upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of(1, attempt=2))
    for number in range(3):
        server.commit(BRANCH, {f"theirs-{number}.txt": "x\n"})
    found = open_().find(BRANCH, "plk3v9x2m4q8-T1")
    assert found == Landed(landed.sha, BRANCH, Marks("plk3v9x2m4q8", "plk3v9x2m4q8-T1", 2), "feat: task 1", True)
    assert open_().find(BRANCH, "plk3v9x2m4q8-T2") is None
    assert open_().find("no-such-branch", "plk3v9x2m4q8-T1") is None


def test_a_server_that_cannot_leave_out_files_is_searched_all_the_same(server: GitServer, open_: Open) -> None:
    server.git("config", "uploadpack.allowFilter", "false")
    upstream = open_()
    landed = upstream.land(BRANCH, upstream.head(BRANCH, "main"), {"ours.txt": b"ours\n"}, text_of())
    found = open_().find(BRANCH, "plk3v9x2m4q8-T1")
    assert found
    assert found.sha == landed.sha


def _merge_another_history(server: GitServer, folder: Path, commits: int) -> None:
    """Merge this number of commits, of a megabyte each, into the plan's branch."""
    work = folder / "person"
    git(folder, "clone", "-q", str(server.folder), str(work))
    git(work, "checkout", "-q", "--orphan", "another")
    git(work, "rm", "-q", "-rf", ".")
    for number in range(commits):
        (work / "big.bin").write_bytes(os.urandom(2**20))
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", f"another {number}")
    git(work, "checkout", "-q", "-B", "mine", f"origin/{BRANCH}")
    git(work, "merge", "-q", "--allow-unrelated-histories", "-m", "merged", "another")
    git(work, "push", "-q", "origin", f"HEAD:{BRANCH}")


def _fetched(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.pack"))


def test_of_a_long_history_that_was_merged_meanwhile_only_the_files_of_the_head_are_fetched(
    server: GitServer, tmp_path: Path, open_: Open
) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    _merge_another_history(server, tmp_path, commits=8)
    before = _fetched(tmp_path / "clone-0")
    landed = upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    assert _fetched(tmp_path / "clone-0") - before < 1.5 * 2**20
    assert {"big.bin", "ours.txt", "src/app.py"} <= server.paths(BRANCH)
    # an earlier landing below all of these is still found
    server.commit(BRANCH, {"more.txt": "x\n"})
    assert open_().land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of()).sha == landed.sha
    server.git("fsck", "--strict")


def test_a_branch_that_was_set_back_keeps_what_it_was_set_back_to(
    server: GitServer, tmp_path: Path, open_: Open
) -> None:
    for number in range(4):
        server.commit("main", {f"{number}.txt": "x\n", "big.bin": "x" * number})
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    server.git("update-ref", f"refs/heads/{BRANCH}", f"{base}~2")
    upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    assert server.paths(BRANCH) == {*FILES, "0.txt", "1.txt", "big.bin", "ours.txt"}
    server.git("fsck", "--strict")


def test_a_commit_below_many_others_is_found_where_commits_come_without_files(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    landed = open_().land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    tree = server.git("rev-parse", f"{BRANCH}^{{tree}}")
    head = landed.sha
    for number in range(60):
        head = server.git("commit-tree", tree, "-p", head, "-m", f"empty {number}")
    server.git("update-ref", f"refs/heads/{BRANCH}", head)
    assert upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of()).sha == landed.sha
    assert server.git("rev-parse", BRANCH) == head


def test_a_body_cannot_pass_for_another_tasks_trailers(server: GitServer, open_: Open) -> None:
    upstream = open_()
    faked = task_message("feat: x\n\nTask-Id: plk3v9x2m4q8-T7", "Body\n\nTask-Id: plk3v9x2m4q8-T8", Marks("p", "t", 1))
    upstream.land(BRANCH, upstream.head(BRANCH, "main"), {"a": b"a"}, faked)
    for task in ("plk3v9x2m4q8-T7", "plk3v9x2m4q8-T8"):
        assert upstream.find(BRANCH, task) is None
    assert upstream.find(BRANCH, "t")


def test_a_stop_is_heeded_though_the_first_push_was_lost(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    server.faults["push"] = ["before"]

    def pushes() -> int:
        return len([one for one in server.requests if one.startswith("POST") and "receive-pack" in one])

    before = pushes()
    with pytest.raises(NotLanded):
        upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of(), going=lambda: pushes() == before)
    assert (pushes(), server.log(BRANCH)) == (before + 1, ["first"])


def test_a_push_that_the_server_refuses_is_for_a_person(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    server.hook("pre-receive", "echo 'no pushes today' >&2; exit 1")
    with pytest.raises(RepositoryRefused, match="hook declined") as refused:
        upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    assert TOKEN not in str(refused.value)
    assert server.log(BRANCH) == ["first"]


def test_a_plans_branch_is_made_once_by_whoever_comes_first(server: GitServer, open_: Open) -> None:
    heads: list[str] = []
    workers = [threading.Thread(target=lambda: heads.append(open_().head(BRANCH, "main"))) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert heads == [server.git("rev-parse", "main")] * 8


@pytest.mark.parametrize("fault", ["status", "before", "cut", "after", "half"])
def test_a_branch_whose_making_was_in_doubt_is_there_or_made_later(server: GitServer, open_: Open, fault: str) -> None:
    server.faults["push"] = [fault]
    try:
        head = open_().head(BRANCH, "main")
    except RepositoryUnreachable:
        head = open_().head(BRANCH, "main")
    assert head == server.git("rev-parse", BRANCH)


def test_a_change_kept_as_a_patch_writes_nothing_to_the_server(server: GitServer, open_: Open) -> None:
    upstream = open_()
    head = upstream.head(BRANCH, "main", make=False)
    assert head == server.git("rev-parse", "main")
    upstream.patch(head, {"new.txt": b"new\n"})
    assert server.git("branch", "--format=%(refname:short)") == "main"
    assert not any("receive-pack" in request for request in server.requests)


def test_a_repository_without_the_branch_to_start_from_is_refused(open_: Open) -> None:
    with pytest.raises(RepositoryRefused, match="no branch 'trunk'"):
        open_().head(BRANCH, "trunk")


@pytest.mark.parametrize(
    "name", ["../../config", "a..b", "a b", "a~1", "x.lock", "", "a\nb", "a/.hidden", "a//b", "@{1}"]
)
def test_what_cannot_be_a_branch_is_refused_before_anything_is_sent(server: GitServer, open_: Open, name: str) -> None:
    with pytest.raises(RepositoryRefused, match="not a valid branch name"):
        open_().head(name, "main")
    assert server.requests == []


def test_a_branch_that_was_deleted_meanwhile_is_not_made_again(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    server.git("branch", "-D", BRANCH)
    with pytest.raises(RepositoryRefused, match="is gone"):
        upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())


def test_a_push_refused_in_words_nobody_knows_is_given_up_when_the_branch_has_not_moved(
    server: GitServer, open_: Open
) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    # like a server refusing workflow files from this token: git reports `failed to update ref`
    (server.folder / f"refs/heads/{BRANCH}.lock").touch()
    with pytest.raises(RepositoryRefused, match="refused the push: failed to update ref"):
        upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    (server.folder / f"refs/heads/{BRANCH}.lock").unlink()
    upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    assert server.log(BRANCH) == ["feat: task 1", "first"]


def test_a_commit_that_is_not_to_be_had_any_more_is_told_from_a_server_that_fails(
    server: GitServer, tmp_path: Path, open_: Open
) -> None:
    with pytest.raises(CommitGone):
        open_().checkout("1" * 40, tmp_path / "work")
    server.faults = {"fetch": ["before"] * 20}
    with pytest.raises(RepositoryUnreachable):
        open_().checkout("1" * 40, tmp_path / "work")
    server.faults = {"fetch": ["before"]}
    head = server.git("rev-parse", "main")
    assert open_().checkout(head, tmp_path / "work").files == len(FILES)


@pytest.mark.parametrize(
    ("bounds", "error", "said"),
    [
        (Bounds(fetch_bytes=500), RepositoryRefused, "more than 0 MB"),
        (Bounds(unpacked=(100, 100)), RepositoryRefused, "larger than 0 MB unpacked"),
        (Bounds(seconds=0.0), RepositoryUnreachable, "longer than 0 seconds"),
    ],
)
def test_a_repository_beyond_its_bounds_is_not_fetched(
    server: GitServer, tmp_path: Path, bounds: Bounds, error: type[Exception], said: str
) -> None:
    with (
        pytest.raises(error, match=said),
        open_repository(server.repository, secret, tmp_path / "clone", local=False, bounds=bounds) as upstream,
    ):
        upstream.head(BRANCH, "main")
    assert not [path for path in (tmp_path / "clone").rglob("*") if path.suffix == ".pack"]


def test_credentials_are_in_no_log_however_much_is_logged(
    server: GitServer, open_: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    server.faults["push"] = ["status", "after"]
    upstream.land(BRANCH, base, {"ours.txt": b"ours\n"}, text_of())
    assert "git-receive-pack" in caplog.text
    assert TOKEN not in caplog.text
    assert EXPECTED.removeprefix("Basic ") not in caplog.text


def test_a_fault_of_a_kind_nobody_foresaw_leaves_its_kind_and_place_and_not_its_message(
    server: GitServer, open_: Open, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object, **named: object) -> None:
        raise ZeroDivisionError(f"at http://{USER}:{TOKEN}@127.0.0.1/") from ValueError(TOKEN)

    upstream = open_()
    monkeypatch.setattr("dulwich.client.HttpGitClient.fetch_pack", broken)
    with pytest.raises(RepositoryUnreachable, match="ZeroDivisionError"):
        upstream.head(BRANCH, "main")
    assert "ZeroDivisionError from ValueError" in caplog.text
    assert re.search(r"test_land.py:\d+ broken < clone.py:\d+ _fetch", caplog.text)
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("over", ["http", "path"])
def test_a_repository_that_names_commits_by_sha256_is_for_a_person(
    server: GitServer, tmp_path: Path, open_: Open, over: str
) -> None:
    shutil.rmtree(server.folder)
    server.folder.mkdir()
    server.git("init", "-q", "--bare", "-b", "main", "--object-format=sha256")
    work = tmp_path / "work"
    git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256", str(work))
    git(work, "commit", "-q", "--allow-empty", "-m", "first")
    git(work, "push", "-q", str(server.folder), "main")
    server.url = server.url if over == "http" else str(server.folder)
    with pytest.raises(RepositoryRefused, match="SHA-256"):
        open_().head(BRANCH, "main")


@pytest.mark.parametrize(
    ("login", "said"),
    [("robot:wrong-token", "requires credentials"), ("", "holds no credentials"), ("{}", "holds no credentials")],
)
def test_credentials_that_do_not_do_are_for_a_person_and_never_told(
    server: GitServer, tmp_path: Path, login: str, said: str
) -> None:
    with (
        pytest.raises(RepositoryRefused, match=said) as refused,
        open_repository(server.repository, lambda name: login, tmp_path / "clone", local=False) as upstream,
    ):
        upstream.head(BRANCH, "main")
    assert "wrong-token" not in str(refused.value)


def test_a_path_is_not_worked_on_where_the_system_is_not_local(server: GitServer, tmp_path: Path) -> None:
    server.url = str(server.folder)
    with (
        pytest.raises(RepositoryRefused, match="Only a local system"),
        open_repository(server.repository, secret, tmp_path / "clone", local=False),
    ):
        pass


def test_a_branch_that_a_person_has_checked_out_is_left_alone(server: GitServer, tmp_path: Path, open_: Open) -> None:
    work = tmp_path / "person"
    git(tmp_path, "clone", "-q", str(server.folder), str(work))
    server.url = str(work)
    upstream = open_()
    base = upstream.head("main", "main")
    with pytest.raises(RepositoryRefused, match="is checked out"):
        upstream.land("main", base, {"ours.txt": b"ours\n"}, text_of())
    upstream.land(BRANCH, upstream.head(BRANCH, "main"), {"ours.txt": b"ours\n"}, text_of())
    assert git(work, "log", "--format=%s", BRANCH).splitlines() == ["feat: task 1", "first"]
    assert git(work, "status", "--short") == ""
