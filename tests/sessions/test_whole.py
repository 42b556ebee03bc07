"""From a task to a commit on a real git server, with the mock as the model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.ai.mock import MockModel
from groundwork.git.upstream import opened
from groundwork.sessions import attempting
from groundwork.sessions.attempting import Begun, Place
from groundwork.sessions.carrying_out import carry_on
from groundwork.sessions.session import Limits
from groundwork.sessions.upstream import Landed
from tests.git.server import GitServer, secret, serving_git
from tests.sessions.world import MODEL, Desk, brief

BRANCH = "groundwork/plk3v9x2m4q8"
FILES = {
    "README.md": "# Downloads\n\nFetches files.\n",
    "CHANGELOG.md": "# Changelog\n\n- First.\n",
    "src/app.py": '"""Downloads."""\n\n\ndef download(url: str) -> bytes:\n    return b""\n',
    "tests/test_app.py": "def test_nothing() -> None:\n    assert True\n",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serving_git(tmp_path / "server", FILES) as served:
        yield served


async def test_the_mock_carries_a_task_to_a_commit(server: GitServer, tmp_path: Path) -> None:
    named = ("src/app.py", "tests/test_app.py", "CHANGELOG.md", "docs/resume.md")
    with opened(server.repository, secret, tmp_path / "clone", local=False) as upstream:
        place = Place(BRANCH, "main", tmp_path / "work")
        begun = attempting.begin(upstream, brief(files=named), Limits(), place)
        assert isinstance(begun, Begun)
        desk = Desk(MockModel(MODEL, latency_ms=0), begun.workspace)
        carried = await carry_on(begun.session, desk.means(), desk.watch())
        print("\n".join(desk.log))
        assert carried.session.ended
        assert carried.session.ended.success, carried.session.ended
        landed = attempting.land(upstream, carried.session, BRANCH)
        print(server.git("show", "--stat", "-p", BRANCH))
    assert isinstance(landed, Landed)
    assert server.git("rev-parse", BRANCH) == landed.sha
    assert server.paths(BRANCH) == {*FILES, "docs/resume.md"}
