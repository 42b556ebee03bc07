"""Attempts at tasks on a real git server: started, restored, landed, rejected, patched."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from groundwork.adapters.git.repository import GitUpstream, open_repository
from groundwork.agent import attempt
from groundwork.agent.attempt import CheckoutSpec, StartedSession
from groundwork.agent.repository import Landed, MergeConflict
from groundwork.agent.runner import run_session
from groundwork.agent.session import AttemptLimits, FailedAttempt, Session, TaskBrief
from groundwork.llm.mock.model import MockModel
from tests.adapters.git.server import TOKEN, GitServer, git, secret, serving_git
from tests.agent.world import MODEL, JobContext, brief

BRANCH = "groundwork/plk3v9x2m4q8"
FILES = {
    "README.md": "# Downloads\n\nFetches files.\n",
    "CHANGELOG.md": "# Changelog\n\n- First.\n",
    "src/app.py": '"""Downloads."""\n\n\ndef download(url: str) -> bytes:\n    return b""\n',
    "tests/test_app.py": "def test_nothing() -> None:\n    assert True\n",
}


class World:
    """A series of invocations, each with its own clone, folder and workspace."""

    def __init__(self, server: GitServer, folder: Path, stack: ExitStack) -> None:
        self.server, self._folder, self._stack, self._count = server, folder, stack, 0

    def upstream(self) -> GitUpstream:
        self._count += 1
        folder = self._folder / f"clone-{self._count}"
        return self._stack.enter_context(
            open_repository(self.server.repository, secret, folder, local=True, sleep=lambda seconds: None)
        )

    def place(self, **fields: Any) -> CheckoutSpec:
        self._count += 1
        return CheckoutSpec(BRANCH, "main", self._folder / f"work-{self._count}", **fields)

    def begun(self, task: TaskBrief, **fields: Any) -> StartedSession:
        begun = attempt.start_session(self.upstream(), task, AttemptLimits(), self.place(**fields))
        assert isinstance(begun, StartedSession)
        return begun

    async def done(self, task: TaskBrief, **fields: Any) -> Session:
        """Session of one attempt, run by the mock model."""
        begun = self.begun(task, **fields)
        desk = JobContext(MockModel(MODEL, latency_ms=0), begun.workspace)
        session = (await run_session(begun.session, desk.means(), desk.watch())).session
        assert session.ended
        assert session.ended.success
        return session


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with serving_git(tmp_path / "server", FILES) as served, ExitStack() as stack:
        yield World(served, tmp_path, stack)


async def test_the_mock_carries_a_task_to_one_commit_that_is_good_to_look_at(world: World) -> None:
    named = ("src/app.py", "tests/test_app.py", "CHANGELOG.md", "docs/resume.md")
    session = await world.done(brief(files=named))
    landed = attempt.land(world.upstream(), session, BRANCH)
    server = world.server
    assert server.git("rev-parse", BRANCH) == landed.sha
    assert server.log(BRANCH) == ["feat: resume broken downloads", "first"]
    assert set(server.git("show", "--name-only", "--format=", BRANCH).split()) == set(named)
    for path in ("src/app.py", "tests/test_app.py"):
        assert server.show(BRANCH, path).startswith(FILES[path].rstrip())
        compile(server.show(BRANCH, path), path, "exec")
    assert "Downloads can be resumed." in server.show(BRANCH, "docs/resume.md")


async def test_the_same_task_on_the_same_commit_gives_the_same_change(world: World) -> None:
    first, second = await world.done(brief()), await world.done(brief())
    assert first.changes == second.changes


async def test_a_landed_task_is_not_begun_again(world: World) -> None:
    session = await world.done(brief())
    landed = attempt.land(world.upstream(), session, BRANCH)
    again = attempt.start_session(world.upstream(), brief(attempt=2), AttemptLimits(), world.place())
    assert isinstance(again, Landed)
    assert (again.sha, again.found, again.marks.attempt) == (landed.sha, True, 1)


async def test_a_conflict_sends_the_task_back_and_the_next_attempt_lands_on_the_new_head(world: World) -> None:
    first, second = await world.done(brief(1)), await world.done(brief(2, key="other"))
    attempt.land(world.upstream(), first, BRANCH)
    with pytest.raises(MergeConflict) as conflict:
        attempt.land(world.upstream(), second, BRANCH)
    assert conflict.value.paths == ("src/app.py",)
    earlier = (FailedAttempt(attempt=1, reason=str(conflict.value)),)
    retried = await world.done(brief(2, key="other", attempt=2, earlier=earlier))
    told = str(retried.messages[0].content[0]["text"])
    assert "The branch has changed and conflicts in src/app.py." in told
    landed = attempt.land(world.upstream(), retried, BRANCH)
    assert landed.marks.attempt == 2
    assert len(world.server.log(BRANCH)) == 3
    assert {"def resume_1(", "def other("} <= {
        line.split("(")[0] + "(" for line in world.server.show(BRANCH, "src/app.py").splitlines()
    }


@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_a_session_goes_on_in_another_process_while_the_branch_moves(world: World, turns: int) -> None:
    begun = world.begun(brief(files=("src/app.py", "docs/new.md")))
    desk = JobContext(MockModel(MODEL, latency_ms=0), begun.workspace)
    await run_session(begun.session, desk.means(), desk.watch())
    kept = Session.model_validate_json(desk.kept[turns - 1].model_dump_json(by_alias=True))
    world.server.commit(BRANCH, {"README.md": "somebody else's\n"})
    # the base is no longer the head of any branch: the server returns it by its id
    upstream = world.upstream()
    workspace = attempt.restore_workspace(upstream, kept, world.place().folder)
    other = JobContext(MockModel(MODEL, latency_ms=0), workspace)
    carried = await run_session(kept, other.means(), other.watch())
    assert carried.session.changes == desk.kept[-1].changes
    landed = attempt.land(upstream, carried.session, BRANCH)
    assert world.server.log(BRANCH)[:2] == ["feat: resume broken downloads", "somebody else's"]
    assert landed.sha == attempt.land(world.upstream(), carried.session, BRANCH).sha


async def test_without_commits_the_change_is_a_patch_and_the_server_is_not_written_to(
    world: World, tmp_path: Path
) -> None:
    session = await world.done(brief(files=("src/app.py", "docs/new.md")), commits=False)
    patch = attempt.make_patch(world.upstream(), session)
    assert not any("receive-pack" in request for request in world.server.requests)
    work = tmp_path / "person"
    git(tmp_path, "clone", "-q", str(world.server.folder), str(work))
    git(work, "apply", "--index", "-", stdin=patch.text.encode())
    assert git(work, "status", "--short").splitlines() == ["A  docs/new.md", "M  src/app.py"]


async def test_no_credential_is_in_what_is_kept_or_on_disk(world: World, tmp_path: Path) -> None:
    session = await world.done(brief())
    attempt.land(world.upstream(), session, BRANCH)
    assert TOKEN not in session.model_dump_json()
    ours = _contents(tmp_path)
    assert any("clone-1" in path.parts for path in ours)
    assert not [path for path, content in ours.items() if TOKEN.encode() in content]
    assert not [path for path in ours if ".git" in path.parts]


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "server" not in path.parts}


async def test_a_local_repository_is_worked_on_by_its_path(world: World) -> None:
    world.server.url = str(world.server.folder)
    session = await world.done(brief())
    landed = attempt.land(world.upstream(), session, BRANCH)
    assert world.server.git("rev-parse", BRANCH) == landed.sha
    again = attempt.start_session(world.upstream(), brief(attempt=2), AttemptLimits(), world.place())
    assert isinstance(again, Landed)
