"""Checks inside sessions, through gates and invocations, on a repository in memory."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from groundwork.agent.session import Session
from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import CheckSettings, CommandResult, Verified
from groundwork.checks.ports import CheckJob, CheckProgress, Owner, OwnerKind
from groundwork.checks.prices import micro_usd_per_s
from groundwork.errors import Transient
from groundwork.execution import commands
from groundwork.execution.commands import Actor
from groundwork.execution.state import Cause, TaskUsage
from groundwork.execution.worker import TurnReport
from groundwork.llm.conversation import Conversation, Turn
from groundwork.plans.model import PlanStatus, TaskStatus
from groundwork.sandbox.errors import SandboxUnavailable
from tests.agent.world import call, calls
from tests.execution.checked_landing import to_the_end
from tests.execution.test_agent_worker import World
from tests.fakes.checks import ScriptedChecks, exits
from tests.plans.plans import draft, id_of, phase, plan_of

SETTINGS = CheckSettings(verify=("run-tests",))
SOMEBODY = Actor("somebody", 1_000)
Files = Mapping[str, bytes]


@dataclass
class LongChecks(ScriptedChecks):
    """Jobs of sessions take `looks` looks, a minute apart. `starts` lists all starts of jobs.

    `on_close` takes the price of each closed sandbox of a session.
    """

    looks: int = 0
    starts: list[str] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    on_close: Callable[[Owner, int], None] = lambda owner, micro_usd: None

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        if job.owner.kind is not OwnerKind.TASK:
            return super().advance(job, seconds)
        self.before(job)
        if job.owner.id not in self.open or job.id not in self.left:
            assert callable(job.tree)
            job.tree()
            # a new sandbox runs the command again
            self.starts.append(job.id)
            self.left[job.id] = self.looks
        self._open(job.owner)
        if self.left[job.id]:
            self.left[job.id] -= 1
            self._bill(job.owner, 60.0)
            activity = f"Running: {job.commands[0]} (60 s)"
            return CheckProgress(wait_s=60.0, activity=activity, bill=self.bills[job.owner.id])
        return super().advance(job, seconds)

    def close(self, owner: Owner) -> None:
        if owner.kind is OwnerKind.TASK and owner.id in self.bills:
            self.on_close(owner, self.bills[owner.id].cost_micro_usd)
        super().close(owner)


def right_only(command: str, files: Files) -> CommandResult:
    wrong = sorted(path for path, content in files.items() if content == b"wrong\n")
    return exits(command, 1 if wrong else 0, f"E wrong: {', '.join(wrong)}\n" if wrong else "== 3 passed in 0.1s ==")


def world_of(script: Any = right_only, tasks: tuple[str, ...] = ("a",), looks: int = 0, **fields: Any) -> World:
    drafts = [draft(key, files=(f"src/{key}.py",)) for key in tasks]
    plan = plan_of(phase("One", *drafts, mode="parallel"), max_parallel=len(tasks), **fields)
    return World(plan, SETTINGS, LongChecks(script, looks=looks))


def checks_of(world: World) -> LongChecks:
    assert isinstance(world.checks, LongChecks)
    return world.checks


def session_of(world: World, key: str = "a") -> Session:
    session = world.sessions.load(id_of(world.plan, key), world.state(key).attempts)
    assert session
    return session


def ends(count: int) -> dict[str, Any]:
    verdicts = [{"number": n, "met": True, "evidence": "See the file."} for n in range(1, count + 1)]
    return {"summary": "Done.", "criteria": verdicts}


def scripted(world: World, **turns_of: list[list[Any]]) -> None:
    """Sessions follow a script of calls by the task's key; the last turn repeats."""
    criteria = {task.key: len(task.acceptance_criteria) for task in world.plan.tasks}
    asked: dict[str, int] = {}

    def next_turn(conversation: Conversation) -> Turn | None:
        told = str(conversation.messages[0].content[0]["text"])
        key = next(key for key in turns_of if f'"key":"{key}"' in told)
        number = asked[key] = asked.get(key, -1) + 1
        blocks = turns_of[key][min(number, len(turns_of[key]) - 1)]
        filled = [{**one, "input": ends(criteria[key])} if one["name"] == "finish" else one for one in blocks]
        # a provider gives each call an id of its own
        return calls(*({**one, "id": f"{one['id']}_{key}_{number}"} for one in filled))

    world.model.script = next_turn


def write(key: str, content: str) -> Any:
    return call("write", file_path=f"src/{key}.py", content=content)


def repair(key: str) -> list[list[Any]]:
    """A wrong change, a failing check, the right change."""
    return [[write(key, "wrong\n")], [call("check")], [write(key, "right\n")], [call("check")], [call("finish")]]


async def test_the_mock_checks_its_change_before_it_lands() -> None:
    world = world_of()
    assert await world.work("a") == "DONE"
    state = session_of(world).checks
    assert state
    assert [run.verdict for run in state.runs] == ["passed"]
    assert [owner.split(":")[0] for owner, _ in checks_of(world).checked] == ["task", "landing"]
    assert world.state("a").verified is Verified.PASSED
    assert checks_of(world).open == set()


async def test_only_the_right_change_of_two_repairs_lands() -> None:
    world = world_of(tasks=("a", "b"), looks=1)
    scripted(world, a=repair("a"), b=repair("b"))
    assert set(await asyncio.gather(to_the_end(world, "a"), to_the_end(world, "b"))) == {"DONE"}
    assert sorted(world.commits()) == ["a", "b"]
    contents = [
        commit.tree.get(f"src/{key}.py")
        for commit in world.server.history(f"groundwork/{world.plan.id}")
        for key in ("a", "b")
    ]
    assert set(contents) == {None, b"right\n"}
    assert {world.state(key).attempts for key in ("a", "b")} == {1}
    assert "E wrong: src/a.py" in str(session_of(world, "a").messages)


async def test_a_liar_that_never_checks_lands_nothing() -> None:
    world = world_of()
    scripted(world, a=[[write("a", "wrong\n"), call("finish")], [call("finish")]])
    assert await to_the_end(world) == "GATE"
    assert world.commits() == []
    state = world.state("a")
    assert (state.status, state.verified, state.attempts) == (TaskStatus.FAILED, Verified.FAILED, 3)
    assert "the checks did not run on these last files" in str(session_of(world).messages)
    assert checks_of(world).open == set()


async def test_a_session_with_a_long_command_is_put_away_and_waits_outside() -> None:
    world = world_of(looks=3)
    answer = await world.handler.run_task(world.plan.id, 1, id_of(world.plan, "a"))
    assert answer == {"next": "LATER", "waitSeconds": 60}
    state = world.state("a")
    assert (state.status, state.attempts, state.consecutive_faults, state.lost_workers) == (TaskStatus.RUNNING, 1, 0, 0)
    assert state.activity == "Running: run-tests (60 s)"
    assert (state.lease_until, state.error_msg) == (0, None)
    asked, turns = world.model.asked, state.turns
    assert [await world.work("a"), await world.work("a")] == ["LATER", "LATER"]
    assert (world.model.asked, world.state("a").turns) == (asked, turns)
    assert await world.work("a") == "DONE"
    assert len(checks_of(world).starts) == 1
    assert world.commits() == ["a"]
    # the turn with the command counts once, though it was saved twice
    assert world.state("a").turns == world.state("a").usage.calls == world.model.asked


async def test_a_look_at_a_running_command_needs_no_clone() -> None:
    world, opened = world_of(looks=3), list[Any]()
    open_clone = world.opened

    def counted(repository: Any, folder: Any) -> Any:
        opened.append(repository)
        return open_clone(repository, folder)

    world.opened = counted  # type: ignore[method-assign]
    assert [await world.work("a") for _ in range(3)] == ["LATER"] * 3
    assert len(opened) == 1
    assert await world.work("a") == "DONE"
    assert len(opened) == 2


async def test_a_pause_closes_the_sandbox_and_resume_runs_the_command_again() -> None:
    world = world_of(looks=1)
    assert await world.work("a") == "LATER"
    assert checks_of(world).open
    world.change(lambda now: commands.pause(now, SOMEBODY, None))
    assert await world.work("a") == "GATE"
    assert checks_of(world).open == set()
    assert world.store.read(world.plan.id).status is PlanStatus.PAUSED
    asked = world.model.asked
    world.change(lambda now: commands.resume(now, SOMEBODY))
    world.handler.wait_at_gate(world.plan.id, 1, id_of(world.plan, "a"), "again")
    assert await to_the_end(world) == "DONE"
    assert checks_of(world).starts == [checks_of(world).starts[0]] * 2
    assert world.state("a").attempts == 1
    # the model's turn with the call was not asked for again
    assert world.model.asked == asked + 1
    assert world.commits() == ["a"]


@pytest.mark.parametrize("memory_mb", [1_024, 4_096])
async def test_a_check_at_the_cost_limit_of_the_plan_is_stopped_and_the_plan_pauses(memory_mb: int) -> None:
    # an hour, for 0.25 USD at 1 GB
    world = world_of(looks=60, max_cost_usd=0.1)
    checks_of(world).memory_mb = memory_mb

    def billed(owner: Owner, micro_usd: int) -> None:
        spent = TurnReport(0, usage=TaskUsage(cost_micro_usd=micro_usd))
        world.store.record_turn(owner.plan_id, owner.task_id, spent, 1)

    checks_of(world).on_close = billed
    assert await to_the_end(world) == "GATE"
    world.handler.wait_at_gate(world.plan.id, 1, id_of(world.plan, "a"), "again")
    execution = world.store.read(world.plan.id).execution
    assert (execution.status, execution.cause) == (PlanStatus.PAUSED, Cause.LIMIT)
    assert "of at most 0.10 USD. Raise maxCostUsd, then resume." in (execution.reason or "")
    state = world.state("a")
    assert (state.attempts, state.failed[0].reason) == (1, "The attempt was stopped at its limit of 0.08 USD.")
    # one look of a minute finds the limit, the next one stops the command
    assert state.usage.cost_micro_usd <= 80_000 + 2 * 60 * micro_usd_per_s(memory_mb)
    assert (checks_of(world).open, world.commits()) == (set(), [])


async def test_a_cancel_closes_the_sandbox_of_a_session_that_is_put_away() -> None:
    world = world_of(looks=5)
    assert await world.work("a") == "LATER"
    world.change(lambda now: commands.cancel(now, SOMEBODY))
    assert await world.work("a") == "DONE"
    assert checks_of(world).open == set()
    assert world.state("a").status is TaskStatus.CANCELLED
    assert world.commits() == []


async def test_a_cancel_in_the_middle_of_a_command_ends_the_wait() -> None:
    world = world_of(looks=5)

    def cancelled(job: CheckJob) -> None:
        world.change(lambda now: commands.cancel(now, SOMEBODY))

    checks_of(world).before = cancelled
    assert await asyncio.wait_for(world.work("a"), 50) == "DONE"
    assert checks_of(world).open == set()
    assert world.commits() == []


async def test_a_session_closes_its_sandbox_before_it_waits_to_land() -> None:
    world = world_of()
    open_at_landing: list[set[str]] = []

    def looks(job: CheckJob) -> None:
        if job.owner.kind is OwnerKind.LANDING:
            open_at_landing.append(set(checks_of(world).open))

    checks_of(world).before = looks
    assert await world.work("a") == "DONE"
    assert open_at_landing == [set()]


@pytest.mark.parametrize(
    ("fault", "step", "status"),
    [
        (Transient("no answer"), "LATER", PlanStatus.RUNNING),
        (ClaimLost(), "WORK", PlanStatus.RUNNING),
        (SandboxUnavailable("This machine has no user namespaces."), "GATE", PlanStatus.PAUSED),
    ],
)
async def test_trouble_with_the_sandbox_uses_up_no_attempt(fault: Exception, step: str, status: PlanStatus) -> None:
    world, faults = world_of(), [fault]

    def troubled(job: CheckJob) -> None:
        if faults:
            raise faults.pop()

    checks_of(world).before = troubled
    assert await world.work("a") == step
    assert (world.state("a").attempts, world.state("a").failed) == (1, ())
    execution = world.store.read(world.plan.id).execution
    assert execution.status is status
    if status is PlanStatus.PAUSED:
        assert "no user namespaces" in str(execution.reason)
        world.change(lambda now: commands.resume(now, SOMEBODY))
        world.handler.wait_at_gate(world.plan.id, 1, id_of(world.plan, "a"), "again")
    assert await to_the_end(world) == "DONE"
    assert world.state("a").attempts == 1


async def test_what_users_see_of_a_command_holds_no_secret_of_its_arguments() -> None:
    key = "AKIA" + "QYLPMN5HFIXTEBZ2"
    world = world_of(looks=1)
    scripted(world, a=[[write("a", "x\n")], [call("run", command=f"run-tests --key {key}")], *repair("a")[2:]])
    assert await world.work("a") == "LATER"
    assert world.state("a").activity == "Running: run-tests --key [an AWS access key] (60 s)"
    assert await to_the_end(world) == "DONE"


async def test_a_mock_whose_outline_breaks_the_checks_takes_it_back() -> None:
    def no_new_code(command: str, files: Files) -> CommandResult:
        broken = any(path.startswith("src/") and path != "src/app.py" for path in files)
        return exits(command, int(broken), "E new code\n" if broken else "== 1 passed in 0.1s ==")

    world = world_of(no_new_code)
    assert await to_the_end(world) == "DONE"
    assert world.state("a").attempts == 1
    tree = world.server.history(f"groundwork/{world.plan.id}")[0].tree
    assert set(tree) == {"README.md", "src/app.py", "notes/a.md"}


async def test_a_mock_follows_the_repair_that_its_task_names() -> None:
    def wants_right(command: str, files: Files) -> CommandResult:
        return exits(command, int(files.get("src/a.py") != b"x = 'right'\n"), "E not right\n")

    text = "Change it. If a check fails, write src/a.py: x = 'right'"
    plan = plan_of(phase("One", draft("a", files=("src/a.py",), description=text)))
    world = World(plan, SETTINGS, LongChecks(wants_right))
    assert await to_the_end(world) == "DONE"
    assert world.server.history(f"groundwork/{world.plan.id}")[0].tree["src/a.py"] == b"x = 'right'\n"


async def test_a_mock_that_cannot_make_the_checks_pass_says_so() -> None:
    plan = plan_of(phase("One", draft("a", files=("src/a.py",), acceptance_criteria=("It works.",))))
    world = World(plan, SETTINGS, LongChecks(lambda command, files: exits(command, 1, "E always\n")))
    assert await to_the_end(world) == "GATE"
    state = world.state("a")
    assert (state.status, world.commits()) == (TaskStatus.FAILED, [])
    assert "is not met: The repository's checks fail" in str(state.error_msg)


async def test_with_checks_turned_off_sessions_work_as_without() -> None:
    plan = plan_of(phase("One", draft("a", files=("src/a.py",))))
    world = World(plan, SETTINGS, None)
    assert await to_the_end(world) == "DONE"
    assert session_of(world).checks is None
    assert world.state("a").verified is Verified.NOT_RUN
