"""Surveys of repositories: layout and README within limits, and no secret in any message."""

from pathlib import Path

import pytest

from groundwork.adapters.git import local_path, parse_credentials, surveyor
from groundwork.errors import Transient
from groundwork.plans.repo_survey import RepositoryUnavailable, Survey, cache_surveys
from groundwork.plans.repositories import Repository
from tests.plans.git_server import Application, answering, endless, git_server, serving
from tests.plans.world import FILES, make_repository, no_secret

TOKEN = "a-token-nobody-may-see"


def repository(url: str, **fields: str) -> Repository:
    known = {"id": "rek3v9x2m4q8", "name": "App", "url": url, "created_at": "2026-01-01T00:00:00.000Z"}
    return Repository(**known | fields)


def test_a_local_repository_is_read_by_its_path(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "app")
    for url in (str(folder), f"file://{folder}"):
        survey = surveyor(no_secret, local=True)(repository(url))
        assert set(survey.paths) == set(FILES)
        assert (survey.branch, survey.readme_path) == ("main", "README.md")
        assert survey.readme.startswith("# Downloads")
        assert len(survey.commit) == 40


def test_a_path_is_not_read_where_the_system_is_not_local(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "app")
    with pytest.raises(RepositoryUnavailable, match="Only a local system"):
        surveyor(no_secret, local=False)(repository(str(folder)))


def test_a_server_is_asked_for_one_branch_as_it_stands_now(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "app", branch="trunk")
    with git_server(folder) as (url, seen):
        survey = surveyor(no_secret, local=False)(repository(url, default_branch="trunk"))
    assert set(survey.paths) == set(FILES)
    assert survey.readme.startswith("# Downloads")
    assert set(seen) == {""}


def test_a_servers_repository_is_read_with_the_credentials_of_its_secret(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "app")
    named = {"groundwork/app": f"robot:{TOKEN}"}
    with git_server(folder, "robot", TOKEN) as (url, seen):
        survey = surveyor(named.__getitem__, local=False)(repository(url, credentials_secret="groundwork/app"))
    assert set(survey.paths) == set(FILES)
    assert len(set(seen)) == 1


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (f"robot:{TOKEN}x", "rejects the ones given"),
        ('{"username": "robot"}', "holds no credentials"),
        ("", "holds no credentials"),
    ],
)
def test_credentials_that_do_not_help_are_not_told(tmp_path: Path, secret: str, said: str) -> None:
    folder = make_repository(tmp_path / "app")
    with git_server(folder, "robot", TOKEN) as (url, _), pytest.raises(RepositoryUnavailable, match=said) as refused:
        surveyor(lambda name: secret, local=False)(repository(url, credentials_secret="groundwork/app"))
    assert TOKEN not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_secret_that_cannot_be_read_is_said_to_be_one() -> None:
    def missing(name: str) -> str:
        raise Transient("Secrets Manager: ResourceNotFoundException")

    with pytest.raises(RepositoryUnavailable, match="secret groundwork/app of the repository 'App' cannot be read"):
        surveyor(missing, local=False)(repository("https://git.example/app", credentials_secret="groundwork/app"))


@pytest.mark.parametrize(
    ("application", "said"),
    [
        (answering("404 Not Found"), "no git repository"),
        (answering("500 Oops"), "status 500"),
        (answering("200 OK", b"<html>", Content_Type="text/html"), "does not speak the git protocol"),
        (answering("302 Found", Location="http://127.0.0.2:9/info/refs"), "could not be read"),
        (endless(), "more than 1 MB"),
        (endless(0.05, b"x"), "longer than 1 seconds"),
    ],
    ids=["missing", "broken", "no git", "elsewhere", "endless", "slow"],
)
def test_a_server_that_misbehaves_is_left_in_time(application: Application, said: str) -> None:
    survey = surveyor(no_secret, False, max_bytes=2**20, max_seconds=1.0)
    with serving(application) as url, pytest.raises(RepositoryUnavailable, match=said):
        survey(repository(f"{url}/team/app"))


def test_nobody_there_is_said_so() -> None:
    with pytest.raises(RepositoryUnavailable, match="cannot be reached"):
        surveyor(no_secret, local=False)(repository("http://127.0.0.1:9/app"))


def test_a_branch_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "app")
    with pytest.raises(RepositoryUnavailable, match="no branch 'release'"):
        surveyor(no_secret, local=True)(repository(str(folder), default_branch="release"))


@pytest.mark.parametrize(
    ("text", "user", "password"),
    [
        ("abc", "x-access-token", "abc"),
        (" me:abc:d\n", "me", "abc:d"),
        ('{"username": "me", "password": "abc"}', "me", "abc"),
        ('{"token": "abc"}', "x-access-token", "abc"),
    ],
)
def test_a_secret_may_be_written_in_the_usual_ways(text: str, user: str, password: str) -> None:
    assert parse_credentials(text) == (user, password)


def test_only_paths_are_paths() -> None:
    assert local_path("https://git.example/app") is None
    assert local_path("/srv/app") == Path("/srv/app")
    assert local_path("file:///srv/my%20app") == Path("/srv/my app")


def test_a_repository_is_read_once_and_a_failure_is_not_kept() -> None:
    asked: list[str] = []

    def survey(of: Repository) -> Survey:
        asked.append(of.id)
        if len(asked) == 1:
            raise RepositoryUnavailable
        return Survey("main", "0" * 40, (), "", None)

    one = cache_surveys(survey)
    with pytest.raises(RepositoryUnavailable):
        one(repository("/a"))
    assert one(repository("/a")) is one(repository("/a"))
    assert len(asked) == 2
