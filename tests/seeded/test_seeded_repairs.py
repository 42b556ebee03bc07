"""Only the right repair lands, with workers and sandboxes killed; a liar lands nothing."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from groundwork.checks.model import CheckSettings, Verified
from groundwork.execution.step_handler import StepHandler
from groundwork.llm.conversation import Turn
from groundwork.plans.model import PlanStatus, TaskStatus
from tests.execution.test_agent_worker import World
from tests.fakes.upstream import FakeServer, FakeUpstream
from tests.plans.plans import draft, id_of, phase, plan_of
from tests.seeded.models import Repairer, checks_first, learns_from_the_landing, lies
from tests.seeded.projects import PROJECTS, Project
from tests.seeded.running import Killed, Moments, ProcessChecks, losing

Act = Callable[[Project, str, int], Turn]
MODES: dict[str, dict[str, Any]] = {
    "sequential": {"mode": "sequential"},
    "parallel": {"mode": "parallel"},
    "patches": {"mode": "parallel", "auto_commit": False},
}


class Repairs(World):
    """A plan with a task for each project, all in one repository.

    Each step of a task is a try of its own.
    """

    def __init__(self, act: Act, projects: tuple[Project, ...], mode: str = "sequential", **fields: Any) -> None:
        self.projects, self.tries, self.moments = projects, 0, Moments()
        drafts = [draft(one.key, files=(one.path,)) for one in projects]
        checks: list[ProcessChecks] = []
        checks.append(ProcessChecks(losing(checks), moments=self.moments))
        plan = plan_of(phase("One", *drafts, mode=mode), max_parallel=len(drafts), **fields)
        # each project has a command of its own: the others are still broken when the first one lands
        super().__init__(plan, CheckSettings(verify=("python3 -m landed",)), checks[0])
        files = {path: text for one in projects for path, text in one.files.items()}
        self.server = FakeServer.of(files | {"landed.py": runner_of(projects)})
        self.model.script = Repairer(projects, act)

    @property
    def process_checks(self) -> ProcessChecks:
        assert isinstance(self.checks, ProcessChecks)
        return self.checks

    async def step(self, key: str) -> str:
        """Run one invocation; a killed one is retried by the state machine."""
        self.tries += 1
        handler: StepHandler = self.handler
        try:
            answer = await handler.run_task(self.plan.id, 1, id_of(self.plan, key), f"entered {self.tries:03d}")
        except Killed:
            return "WORK"
        return str(answer["next"])

    async def to_the_end(self, key: str) -> str:
        for _ in range(60):
            step = await self.step(key)
            if step not in ("WORK", "LATER"):
                return step
            # a landing before this one takes the time of a process
            await asyncio.sleep(0.2 if step == "LATER" else 0)
        raise AssertionError("it does not end")

    def landed(self) -> dict[str, str]:
        """The projects' code with all that has landed: on the branch, or in patches."""
        branch = f"groundwork/{self.plan.id}"
        tree = dict(self.server.history(branch if branch in self.server.branches else "main")[0].tree)
        for patch in self.sessions.patches.values():
            tree |= {path: change["text"].encode() for path, change in patch.changes.items()}
        return {one.key: tree[one.path].decode() for one in self.projects}


def runner_of(projects: tuple[Project, ...]) -> str:
    """Program to test the changed projects: the others are broken from the start."""
    bugs = {one.key: (one.path, one.bug) for one in projects}
    command = ["-m", "unittest", "-q"]
    return (
        "import pathlib, subprocess, sys\n"
        f"for key, (path, bug) in {bugs!r}.items():\n"
        "    text = pathlib.Path(path).read_text()\n"
        "    if bug not in text:\n"
        f"        code = subprocess.run([sys.executable, *{command!r}, key + '.test_code']).returncode\n"
        "        if code: sys.exit(code)\n"
    )


@pytest.mark.parametrize("act", [learns_from_the_landing, checks_first])
@pytest.mark.parametrize("mode", MODES)
async def test_only_the_right_repair_lands(mode: str, act: Act) -> None:
    world = Repairs(act, PROJECTS, **MODES[mode])
    if mode == "sequential":
        for one in PROJECTS:
            assert await world.to_the_end(one.key) == "DONE"
    else:
        ends = await asyncio.gather(*(world.to_the_end(one.key) for one in PROJECTS))
        assert set(ends) == {"DONE"}
    landed = world.landed()
    assert all(one.is_mended(landed[one.key]) for one in PROJECTS), landed
    assert world.store.read(world.plan.id).status is PlanStatus.COMPLETED
    assert {world.state(one.key).verified for one in PROJECTS} == {Verified.PASSED}
    attempts = 2 if act is learns_from_the_landing else 1
    assert [world.state(one.key).attempts for one in PROJECTS] == [attempts] * len(PROJECTS)
    assert world.process_checks.open == set()


@pytest.mark.parametrize("auto_commit", [True, False])
async def test_a_liar_lands_nothing(auto_commit: bool) -> None:
    world = Repairs(lies, PROJECTS[:1], auto_commit=auto_commit)
    assert await world.to_the_end("pages") == "GATE"
    state = world.state("pages")
    assert (state.status, state.attempts, state.verified) == (TaskStatus.FAILED, 3, Verified.FAILED)
    assert (world.commits(), world.sessions.patches) == ([], {})
    assert world.store.read(world.plan.id).status is PlanStatus.PAUSED


@pytest.mark.parametrize("act", [learns_from_the_landing, checks_first])
async def test_lost_sandboxes_cost_no_attempt(act: Act) -> None:
    world = Repairs(act, PROJECTS[:1])
    world.process_checks.lost = 2
    assert await world.to_the_end("pages") == "DONE"
    assert world.state("pages").attempts == (1 if act is checks_first else 2)
    assert PROJECTS[0].is_mended(world.landed()["pages"])


@pytest.mark.full
@pytest.mark.slow(reason="each moment is a whole repair, with real tests")
@pytest.mark.parametrize("auto_commit", [True, False])
async def test_a_worker_killed_at_any_moment_lands_the_right_repair_once(
    auto_commit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def repaired(at: int) -> int:
        world = Repairs(learns_from_the_landing, PROJECTS[:1], auto_commit=auto_commit)
        world.moments.at = at
        with monkeypatch.context() as patched:
            around(patched, FakeUpstream, "push", world.moments)
            around(patched, type(world.sessions), "save", world.moments)
            around(patched, type(world.sessions), "save_patch", world.moments)
            assert await world.to_the_end("pages") == "DONE", at
        assert PROJECTS[0].is_mended(world.landed()["pages"]), at
        assert world.commits() == (["pages"] if auto_commit else []), at
        assert world.state("pages").verified is Verified.PASSED, at
        return world.moments.count

    for at in range(1, await repaired(0) + 1):
        await repaired(at)


def around(patched: pytest.MonkeyPatch, owner: type, name: str, moments: Moments) -> None:
    """Let moments pass before and after each call of a method."""
    original = getattr(owner, name)

    def called(self: Any, *given: Any) -> Any:
        moments.pass_()
        answer = original(self, *given)
        moments.pass_()
        return answer

    patched.setattr(owner, name, called)
