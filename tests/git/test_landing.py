"""A task's changes on a branch of a real git server: one commit, wherever the branch has moved, whatever gets lost."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from groundwork.git.upstream import GitUpstream, opened
from groundwork.sessions.commits import Marks, message
from tests.git.server import GitServer, secret, serving_git

BRANCH = "groundwork/plk3v9x2m4q8"
FILES = {"README.md": "# App\n", "src/app.py": "one\ntwo\nthree\nfour\nfive\n", "bin/run": "#!/bin/sh\n"}

type Open = Callable[[], GitUpstream]


def text_of(number: int = 1, attempt: int = 1) -> str:
    return message(f"feat: task {number}", "What it does.", Marks("plk3v9x2m4q8", f"plk3v9x2m4q8-T{number}", attempt))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serving_git(tmp_path / "server", FILES) as served:
        yield served


@pytest.fixture
def open_(server: GitServer, tmp_path: Path) -> Iterator[Open]:
    """Opens the repository anew, as another process would."""
    with ExitStack() as stack:
        count = iter(range(1_000))

        def open_one() -> GitUpstream:
            folder = tmp_path / f"clone-{next(count)}"
            return stack.enter_context(
                opened(server.repository, secret, folder, local=False, sleep=lambda seconds: None)
            )

        yield open_one


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
