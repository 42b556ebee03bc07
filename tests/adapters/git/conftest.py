"""A git server with a small repository, opened by one process after another."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from groundwork.adapters.git.repository import GitUpstream, open_repository
from groundwork.agent.commit_message import Marks, task_message
from tests.adapters.git.server import GitServer, secret, serving_git

PLAN = "plk3v9x2m4q8"
BRANCH = f"groundwork/{PLAN}"
FILES = {"README.md": "# App\n", "src/app.py": "one\ntwo\nthree\nfour\nfive\nsix\nseven\n", "bin/run": "#!/bin/sh\n"}

type Open = Callable[[], GitUpstream]


def text_of(number: int = 1, attempt: int = 1) -> str:
    return task_message(f"feat: task {number}", "What it does.", Marks(PLAN, f"{PLAN}-T{number}", attempt))


def briefly(seconds: float) -> None:
    """Wait a scaled-down time: without any wait all retries would come at the same moment."""
    time.sleep(seconds / 20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serving_git(tmp_path / "server", FILES) as served:
        yield served


@pytest.fixture
def open_(server: GitServer, tmp_path: Path) -> Iterator[Open]:
    """Open the repository again, as another process would."""
    with ExitStack() as stack:
        count = iter(range(1_000))

        def open_one() -> GitUpstream:
            folder = tmp_path / f"clone-{next(count)}"
            upstream = open_repository(server.repository, secret, folder, local=True, sleep=briefly)
            return stack.enter_context(upstream)

        yield open_one
