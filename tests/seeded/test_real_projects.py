"""Seeded bugs of published projects: their own tests, in sandboxes, decide what lands."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from groundwork.agent.commit_message import CHECKS, trailers
from groundwork.checks.keeper import SandboxKeeper
from groundwork.checks.model import Verified
from groundwork.checks.ports import CheckJob, CheckProgress, Owner
from groundwork.checks.runner import SandboxCheckRunner
from groundwork.llm.conversation import Turn
from groundwork.plans.model import PlanStatus, TaskStatus
from groundwork.sandbox.model import ChangedFiles, LogPage
from local.microvms.configure import CallOnce
from local.microvms.launcher import SandboxSettings
from local.microvms.package_hosts import package_hosts
from tests.adapters.git.server import GitServer, git, serving_git
from tests.execution.test_agent_worker import World
from tests.execution.test_patch_stacks import GitWorld
from tests.plans.plans import draft, id_of, phase, plan_of
from tests.repository_checks.conftest import Desk
from tests.repository_checks.conftest import desk as desk
from tests.sandbox.conftest import MakeStandIn
from tests.sandbox.conftest import make_stand_in as make_stand_in
from tests.seeded.models import Repairer, checks_first, lies
from tests.seeded.projects import Project
from tests.seeded.real_projects import REAL_PROJECTS, RealProject
from tests.seeded.sdists import RegistryUnreachable, check_reachable

pytestmark = [
    pytest.mark.long,
    pytest.mark.slow(reason="each check installs pytest and runs a published project's tests in a sandbox"),
    pytest.mark.timeout(900),
]
MAX_INVOCATIONS, MAX_WAIT_SECONDS = 600, 1
Act = Callable[[Project, str, int], Turn]


class ClaimedChecks:
    """Sandboxes whose rows follow the claims of a plan in memory."""

    def __init__(self, runner: SandboxCheckRunner, desk: Desk) -> None:
        self._runner, self._desk = runner, desk

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        self._desk.claim(job.owner)
        return self._runner.advance(job, seconds)

    def log(self, owner: Owner, job_id: str, position: int, offset: int) -> LogPage:
        return self._runner.log(owner, job_id, position, offset)

    def changes(self, owner: Owner) -> ChangedFiles:
        return self._runner.changes(owner)

    def close(self, owner: Owner) -> None:
        self._runner.close(owner)


class Repair(GitWorld):
    """A plan with one task: repair a published project on a git server."""

    def __init__(self, real: RealProject, project: Project, act: Act, served: GitServer, checks: ClaimedChecks) -> None:
        plan = plan_of(phase("One", draft(project.key, files=(project.path,))))
        World.__init__(self, plan, real.settings, checks)
        self.served, self.project = served, project
        self.repairer = self.model.script = Repairer((project,), act)

    async def to_the_end(self) -> str:
        for tried in range(MAX_INVOCATIONS):
            entered = f"entered {tried:03d}"
            answer = await self.handler.run_task(self.plan.id, 1, id_of(self.plan, self.project.key), entered)
            if (step := str(answer["next"])) not in ("WORK", "LATER"):
                return step
            # the state machine waits as well: a check takes seconds
            await asyncio.sleep(min(int(answer["waitSeconds"]), MAX_WAIT_SECONDS))
        raise AssertionError(f"it does not end: {self.state(self.project.key).activity}")

    @property
    def branch(self) -> str:
        return f"groundwork/{self.plan.id}"

    def changed_paths(self) -> list[str]:
        return self.served.git("diff", "--name-only", "main", self.branch).splitlines()


@pytest.fixture(scope="module", autouse=True)
def registry() -> None:
    try:
        check_reachable()
    except RegistryUnreachable as fault:
        pytest.skip(str(fault))


@pytest.fixture
def checks(desk: Desk, make_stand_in: MakeStandIn) -> Iterator[ClaimedChecks]:
    made = make_stand_in(SandboxSettings(disk_mb=512, memory_mb=1024, packages=CallOnce(package_hosts)))
    if problem := made.service.problem():
        pytest.skip(problem)
    keeper = SandboxKeeper(made.sandboxes(scope=str(desk.folder)), desk.tables.sandboxes, desk.clock)
    yield ClaimedChecks(SandboxCheckRunner(keeper, desk.tables.checks, desk.setups, "image:1"), desk)
    assert desk.tables.sandboxes.all() == []


@contextlib.contextmanager
def repair(real: RealProject, act: Act, checks: ClaimedChecks, folder: Path) -> Iterator[Repair]:
    try:
        project = real.with_bug()
    except RegistryUnreachable as fault:
        pytest.skip(str(fault))
    with serving_git(folder / "server", project.files) as served:
        yield Repair(real, project, act, served, checks)
    shutil.rmtree(folder / "server")


def named(real: RealProject) -> str:
    return real.sdist.name


@pytest.mark.parametrize("real", REAL_PROJECTS, ids=named)
async def test_only_the_right_repair_of_a_published_project_lands(
    real: RealProject, checks: ClaimedChecks, tmp_path: Path
) -> None:
    with repair(real, checks_first, checks, tmp_path) as world:
        assert await world.to_the_end() == "DONE"
        state = world.state(world.project.key)
        assert (state.status, state.attempts, state.verified) == (TaskStatus.COMPLETED, 1, Verified.PASSED)
        assert world.store.read(world.plan.id).status is PlanStatus.COMPLETED
        # the session read the failing check of its wrong change, then the passing one
        assert "run 1 failed" in world.repairer.seen[-1]
        assert "run 2 passed" in world.repairer.seen[-1]
        assert world.changed_paths() == [real.path]
        published = real.sdist.files()[real.path].encode()
        blob = git(world.served.folder, "hash-object", "--stdin", stdin=published)
        assert world.served.git("rev-parse", f"{world.branch}:{real.path}") == blob
        message = world.served.git("log", "-1", "--format=%B", world.branch)
        assert trailers(message)[CHECKS] == f"passed: {real.settings.verify[0]}"


@pytest.mark.parametrize("real", REAL_PROJECTS, ids=named)
async def test_a_liar_lands_nothing_in_a_published_project(
    real: RealProject, checks: ClaimedChecks, tmp_path: Path
) -> None:
    with repair(real, lies, checks, tmp_path) as world:
        assert await world.to_the_end() == "GATE"
        state = world.state(world.project.key)
        assert (state.status, state.attempts, state.verified) == (TaskStatus.FAILED, 3, Verified.FAILED)
        assert world.store.read(world.plan.id).status is PlanStatus.PAUSED
        assert world.changed_paths() == []
        assert world.sessions.patches == {}
