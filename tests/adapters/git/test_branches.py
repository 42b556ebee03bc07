"""Branches that are missing, cannot be made, or have other names than expected."""

from pathlib import Path

import pytest

from groundwork.adapters.git.repository import open_repository
from groundwork.agent.repository import Prepared, RepositoryRefused, RepositoryUnreachable
from groundwork.errors import NotFound, Transient
from tests.adapters.git.conftest import BRANCH, Open, text_of
from tests.adapters.git.server import GitServer, git


@pytest.fixture(params=["http", "local"])
def place(request: pytest.FixtureRequest, server: GitServer) -> GitServer:
    if request.param == "local":
        server.url = str(server.folder)
    return server


def test_a_branch_in_the_way_of_the_plans_branch_is_named(place: GitServer, open_: Open) -> None:
    place.git("branch", "groundwork", "main")
    with pytest.raises(RepositoryRefused, match=f"'{BRANCH}' cannot be created beside the branch 'groundwork'"):
        open_().head(BRANCH, "main")


def test_a_server_that_refuses_to_create_the_branch_is_quoted(server: GitServer, open_: Open) -> None:
    server.hook("update", f'test "$1" != refs/heads/{BRANCH}')
    with pytest.raises(RepositoryRefused, match="hook declined"):
        open_().head(BRANCH, "main")


def test_an_empty_repository_gets_a_first_commit(place: GitServer, open_: Open) -> None:
    place.git("update-ref", "-d", "refs/heads/main")
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    upstream.land(BRANCH, base, {"src/app.py": b"new\n"}, text_of())
    assert place.log(BRANCH) == ["feat: task 1", "chore: first commit"]
    assert place.git("rev-parse", "main") == base
    assert place.paths("main") == set()
    place.git("fsck", "--strict")


def test_two_tasks_at_once_make_one_first_commit(place: GitServer, open_: Open) -> None:
    place.git("update-ref", "-d", "refs/heads/main")
    assert open_().head(BRANCH, "main") == open_().head(BRANCH, "main")
    assert place.log("main") == ["chore: first commit"]


def test_the_servers_own_default_branch_stands_in_for_an_assumed_main(place: GitServer, open_: Open) -> None:
    head = place.git("rev-parse", "main")
    place.git("branch", "-m", "main", "master")
    place.git("symbolic-ref", "HEAD", "refs/heads/master")
    assert open_().head(BRANCH, "main") == head
    with pytest.raises(RepositoryRefused, match="no branch 'develop'"):
        open_().head("other", "develop")


def test_executable_files_are_told_apart(server: GitServer, tmp_path: Path, open_: Open) -> None:
    work = tmp_path / "person"
    git(tmp_path, "clone", "-q", str(server.folder), str(work))
    git(work, "update-index", "--chmod=+x", "bin/run")
    git(work, "commit", "-q", "-m", "make it executable")
    git(work, "push", "-q", "origin", "main")
    upstream = open_()
    found = upstream.checkout(upstream.head("main", "main"), tmp_path / "files")
    assert found.executable == {"bin/run"}


@pytest.mark.parametrize(("fault", "kind"), [(NotFound, RepositoryRefused), (Transient, RepositoryUnreachable)])
def test_a_secret_that_does_not_exist_is_for_a_person(
    server: GitServer, tmp_path: Path, fault: type[Exception], kind: type[Exception]
) -> None:
    def missing(name: str) -> str:
        raise fault

    with (
        pytest.raises(kind, match="The secret groundwork/app of the repository 'App'"),
        open_repository(server.repository, missing, tmp_path / "clone", local=True),
    ):
        raise AssertionError("opened without its secret")


def test_a_push_that_the_server_refuses_is_for_a_person_with_its_words(server: GitServer, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    prepared = upstream.prepare(BRANCH, base, {"x": b"x"}, text_of())
    server.hook("pre-receive", "echo 'sign your commits' >&2; exit 1")
    assert isinstance(prepared, Prepared)
    with pytest.raises(RepositoryRefused, match="hook declined"):
        upstream.push(prepared)


@pytest.mark.parametrize("fault", ["after", "half"])
def test_a_push_whose_answer_is_lost_is_found_by_the_next_preparation(
    server: GitServer, open_: Open, fault: str
) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    prepared = upstream.prepare(BRANCH, base, {"x": b"x"}, text_of())
    assert isinstance(prepared, Prepared)
    server.faults["push"] = [fault]
    with pytest.raises(RepositoryUnreachable):
        upstream.push(prepared)
    found = open_().prepare(BRANCH, base, {"x": b"x"}, text_of())
    assert getattr(found, "sha", "") == prepared.commit
    assert server.log(BRANCH) == ["feat: task 1", "first"]
