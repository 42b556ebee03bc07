"""Commands longer than an invocation: put away, taken up, stopped, never started twice."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest

from groundwork.agent.changes import from_json
from groundwork.agent.check_state import CheckState
from groundwork.agent.runner import COMMAND_MS, POLL_IN_PLACE_S, WAIT_IN_PLACE_S, Pause, RunnerResult, run_session
from groundwork.agent.session import AttemptLimits, Session
from groundwork.agent.workspace import Workspace
from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import CommandResult
from groundwork.checks.poll_delay import MIN_DELAY_S
from groundwork.checks.ports import CheckJob, CheckProgress, Owner
from groundwork.checks.prices import RunningBill, bill, micro_usd_per_s
from groundwork.errors import Transient
from groundwork.llm.conversation import Turn
from groundwork.sandbox.errors import SandboxUnavailable
from groundwork.sandbox.model import ChangedFiles, LogPage
from groundwork.sandbox.verdict import Verdict
from tests.agent.world import (
    Clock,
    JobContext,
    Scripted,
    call,
    calls,
    checks_with,
    finish,
    session_with_checks,
    workspace,
)
from tests.fakes.checks import exits

FILES: dict[str, str | bytes] = {"src/app.py": "one\n"}
WRITE = call("write", file_path="src/app.py", content="two\n")
CHECK = call("check")


@dataclass
class Timed:
    """The port `CheckRunner`: a job takes `seconds` of the clock. `started` lists all starts.

    The open sandbox is billed from its opening on, as the keeper does.
    """

    clock: Clock
    seconds: float = 300.0
    memory_mb: int = 1_024
    started: list[str] = field(default_factory=list)
    began: dict[str, float] = field(default_factory=dict)
    advanced: int = 0
    faults: list[Exception] = field(default_factory=list)
    open: bool = False
    opened_at: float = 0.0

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        self.advanced += 1
        if self.faults:
            raise self.faults.pop(0)
        if not self.open:
            self.open, self.opened_at = True, self.clock.seconds
        progress = self._progress(job, seconds)
        return replace(progress, bill=self.bill())

    def bill(self) -> RunningBill:
        price = bill(round((self.clock.seconds - self.opened_at) * 1_000), self.memory_mb)
        return RunningBill(
            generation=round(self.opened_at * 1_000),
            cost_micro_usd=price.cost_micro_usd,
            micro_usd_per_s=micro_usd_per_s(self.memory_mb),
        )

    def _progress(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        if job.id not in self.began:
            self.began[job.id] = self.clock.seconds
            self.started.append(job.id)
        ends = self.began[job.id] + self.seconds
        self.clock.seconds = (
            min(ends, self.clock.seconds + seconds()) if self.clock.seconds < ends else self.clock.seconds
        )
        run = self.clock.seconds - self.began[job.id]
        if self.clock.seconds < ends:
            running = CommandResult(command=job.commands[0], seconds=run)
            return CheckProgress((running,), None, 2.0, f"Running {job.commands[0]} ({run:.0f} s)")
        return CheckProgress((exits(job.commands[0], 0, seconds=self.seconds),), Verdict.PASSED)

    def log(self, owner: Owner, job_id: str, position: int, offset: int) -> LogPage:
        return LogPage()

    def changes(self, owner: Owner) -> ChangedFiles:
        return ChangedFiles()

    def close(self, owner: Owner) -> None:
        """Commands end with their sandbox."""
        self.open = False
        self.began.clear()


class World:
    """Invocations on different machines: only the stored session and the sandbox remain."""

    def __init__(self, folder: Path, *script: Turn, seconds: float = 300.0) -> None:
        self.folder, self.clock = folder, Clock()
        self.runner, self.script = Timed(self.clock, seconds), list(script)
        self.stored: Session = session_with_checks()
        self.saves = self.machines = self.left_ms = 0
        self.left_ms = 900_000
        self.activities: list[str] = []

    def workspace(self) -> Workspace:
        self.machines += 1
        work = workspace(self.folder / str(self.machines), FILES)
        work.restore(from_json(self.stored.changes))
        return work

    async def invoke(self, stop: asyncio.Event | None = None, epoch: int = 1) -> RunnerResult:
        turns = self.script[self.stored.turns :]
        checks = checks_with(self.runner, epoch=epoch)
        desk = JobContext(Scripted(list(turns)), self.workspace(), checks=checks, time=self.clock)
        desk.left_ms = self.left_ms
        result = await run_session(self.stored, desk.means(), desk.watch(stop))
        self.stored = desk.kept[-1] if desk.kept else self.stored
        self.activities += desk.activities
        self.saves += len(desk.kept)
        return result

    async def to_the_end(self) -> list[float]:
        """Invoke until the session has ended; return the waits between."""
        waits: list[float] = []
        for _ in range(200):
            result = await self.invoke(epoch=self.machines + 1)
            if result.pause is None:
                return waits
            assert result.pause is Pause.COMMAND
            waits.append(result.wait_s)
            self.clock.seconds += result.wait_s
        raise AssertionError("it never ends")


async def test_a_short_command_is_waited_for_in_place(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()), seconds=WAIT_IN_PLACE_S - 1)
    assert await world.to_the_end() == []
    assert world.stored.ended
    assert world.stored.ended.success
    assert "Running pytest -q" in world.activities


async def test_a_long_command_holds_no_invocation_and_is_started_once(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()))
    first = await world.invoke()
    assert (first.pause, first.wait_s, first.activity) == (Pause.COMMAND, 10.0, "Running pytest -q (20 s)")
    assert world.clock.seconds == 1_000 + WAIT_IN_PLACE_S
    waits = await world.to_the_end()
    assert len(world.runner.started) == 1
    assert world.stored.ended
    assert world.stored.ended.success
    # only the saves of turns and of the command's end, none for a look at it
    assert world.saves == 4
    assert waits == sorted(waits)
    assert len(waits) < 12


async def test_waiting_is_no_work_of_the_session(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()), seconds=3_000.0)
    world.stored = session_with_checks(max_seconds=10_000)
    await world.to_the_end()
    assert world.stored.worked_ms < 20_000
    assert world.stored.checks
    assert world.stored.checks.seconds == 3_000.0
    assert world.stored.ended
    assert world.stored.ended.success


async def test_the_session_is_stored_before_its_command_starts(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE, CHECK, call("list")), calls(finish()), seconds=1.0)
    world.runner.faults = [Transient("killed here")]
    desk = JobContext(Scripted(list(world.script)), world.workspace(), checks=checks_with(world.runner))
    with pytest.raises(Transient):
        await run_session(world.stored, desk.means(), desk.watch())
    (world.stored,) = desk.kept
    assert world.stored.unfinished_turn
    assert world.stored.changes == {"src/app.py": {"text": "two\n"}}
    # another machine continues without a call of the model
    await world.to_the_end()
    assert world.stored.usage.calls == 2
    assert [block["type"] for block in world.stored.messages[2].content] == ["tool_result"] * 3


@pytest.mark.parametrize("lost_after", range(1, 6))
async def test_a_lost_invocation_starts_no_command_twice(tmp_path: Path, lost_after: int) -> None:
    turns = (calls(WRITE, CHECK), calls(CHECK, call("run", command="pytest -q -k a")), calls(finish()))
    world = World(tmp_path, *turns, seconds=45.0)
    stored: list[Session] = [world.stored]

    class Killed(Exception):
        """The process is gone."""

    async def keep(session: Session) -> None:
        if len(stored) == lost_after:
            stored.append(stored[-1])
            raise Killed
        stored.append(Session.decompress(session.compress()))

    for _ in range(60):
        world.stored = stored[-1]
        desk = JobContext(
            Scripted(list(turns[world.stored.turns :])),
            world.workspace(),
            checks=checks_with(world.runner),
            time=world.clock,
        )
        context = desk.watch()
        object.__setattr__(context, "save", keep)
        try:
            result = await run_session(world.stored, desk.means(), context)
        except Killed:
            continue
        if result.pause is None:
            break
        world.clock.seconds += result.wait_s
    assert stored[-1].ended
    assert stored[-1].ended.success
    assert len(world.runner.started) == len(set(world.runner.started)) == 3


async def test_two_commands_of_one_turn_run_one_after_the_other(tmp_path: Path) -> None:
    world = World(
        tmp_path, calls(WRITE), calls(CHECK, call("run", command="pytest -q -k a")), calls(CHECK), calls(finish())
    )
    await world.to_the_end()
    assert len(world.runner.started) == 3
    begins = sorted(world.runner.began.values())
    assert all(later - earlier >= 300 for earlier, later in pairwise(begins))


async def test_after_a_pause_the_command_runs_again_and_the_session_goes_on(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()))
    assert (await world.invoke()).pause is Pause.COMMAND
    world.runner.close(checks_with(world.runner).owner)
    world.clock.seconds += 86_400
    await world.to_the_end()
    assert world.runner.started == [world.runner.started[0]] * 2
    assert world.stored.ended
    assert world.stored.ended.success
    assert world.stored.usage.calls == 3


async def test_after_a_long_pause_the_result_is_seen_as_soon_as_before_it(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()), seconds=30.0)
    assert (await world.invoke()).wait_s == 10.0
    world.runner.close(checks_with(world.runner).owner)
    world.clock.seconds += 7_200
    resumed = world.clock.seconds
    assert set(await world.to_the_end()) == {10.0}
    assert world.clock.seconds - resumed < 30.0 + 15.0


async def test_the_wait_for_a_later_command_of_a_job_begins_anew(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()))
    results = (exits("pytest -q", 0, seconds=600.0), CommandResult(command="ruff check", seconds=1.0))
    world.runner.advance = lambda job, seconds: CheckProgress(results, None, 2.0)  # type: ignore[method-assign]
    assert (await world.invoke()).wait_s == pytest.approx(60.1)


async def test_a_stop_ends_the_wait_and_keeps_the_call(tmp_path: Path) -> None:
    world, stop = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish())), asyncio.Event()
    await world.invoke()
    advance = world.runner.advance

    def stopped(job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        assert seconds() == POLL_IN_PLACE_S
        stop.set()
        assert seconds() == 0.0
        return advance(job, seconds)

    world.runner.advance = stopped  # type: ignore[method-assign]
    result = await world.invoke(stop)
    assert result.pause is Pause.STOPPED
    assert result.session.unfinished_turn


async def test_an_invocation_near_its_end_does_not_ask(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()))
    await world.invoke()
    before, world.left_ms = world.runner.advanced, COMMAND_MS - 1
    assert (await world.invoke()).pause is Pause.TIME
    assert world.runner.advanced == before


@pytest.mark.parametrize("fault", [ClaimLost(), SandboxUnavailable("no user namespaces"), Transient("no answer")])
async def test_a_fault_of_the_sandbox_is_passed_on_and_the_call_can_be_repeated(
    tmp_path: Path, fault: Exception
) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()))
    await world.invoke()
    world.runner.faults = [fault]
    with pytest.raises(type(fault)):
        await world.invoke()
    await world.to_the_end()
    assert world.stored.ended
    assert world.stored.ended.success


async def test_a_command_beyond_the_seconds_of_the_attempt_is_ended(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()), calls(finish()), seconds=10**6)
    world.stored = session_with_checks(max_seconds=600)
    await world.to_the_end()
    told = [str(block.get("content")) for block in world.stored.messages[4].content]
    assert told[0].startswith("Stopped: the commands of one attempt may take 600 seconds.\nrun 1 could not run")
    assert "command 1 did not end after" in told[0]
    assert not world.runner.open
    # no landing is decided here; but the session could end
    assert world.stored.ended
    assert world.stored.checks
    assert 600 <= world.stored.checks.seconds < 900


@pytest.mark.parametrize("memory_mb", [1_024, 4_096])
async def test_a_command_that_costs_more_than_the_attempt_may_is_ended_and_the_attempt_with_it(
    tmp_path: Path, memory_mb: int
) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK, call("run", command="pytest -q -k a")), seconds=3_600.0)
    world.runner.memory_mb = memory_mb
    world.stored = session_with_checks(max_seconds=7_200).changed(limits=AttemptLimits(cost_micro_usd=100_000))
    await world.to_the_end()
    session = world.stored
    assert session.ended
    assert (session.ended.outcome, session.ended.reason) == (
        "LIMIT",
        "The attempt was stopped at its limit of 0.10 USD.",
    )
    first, second = [str(block["content"]) for block in session.messages[4].content]
    assert first.startswith("Stopped: the attempt may cost 0.10 USD.\nrun 1 could not run")
    assert second.startswith("Not run: the limit of 0.10 USD in one attempt is reached")
    assert (len(world.runner.started), world.runner.open) == (1, False)
    # the next look comes when the money is used up, not minutes later
    late_s = MIN_DELAY_S + POLL_IN_PLACE_S
    assert 100_000 <= session.total_cost_micro_usd <= 100_000 + late_s * micro_usd_per_s(memory_mb)


async def test_an_open_sandbox_costs_while_the_model_works(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(call("list")), calls(finish()), seconds=10.0)
    await world.to_the_end()
    state = world.stored.checks
    assert state
    # the rest of the command's turn, and two more, take half a second each
    assert state.cost_micro_usd == bill(10_000 + 3 * 500, 1_024).cost_micro_usd


def test_each_sandbox_of_an_attempt_counts_once() -> None:
    first = RunningBill(generation=1, cost_micro_usd=70, micro_usd_per_s=1.0)
    state = CheckState(cost_micro_usd=70, sandbox=first)
    assert state.cost_with(None) == state.cost_with(first) == 70
    assert state.cost_with(first.model_copy(update={"cost_micro_usd": 90})) == 90
    assert state.cost_with(first.model_copy(update={"generation": 2, "cost_micro_usd": 20})) == 90


async def test_a_free_slot_is_waited_for_without_an_invocation(tmp_path: Path) -> None:
    world = World(tmp_path, calls(WRITE), calls(CHECK), calls(finish()), seconds=1.0)
    waits, advance = [40.0] * 9, world.runner.advance

    def busy(job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        if waits:
            return CheckProgress(wait_s=waits.pop(), activity="Waiting for a free sandbox")
        return advance(job, seconds)

    world.runner.advance = busy  # type: ignore[method-assign]
    result = await world.invoke()
    assert (result.pause, result.wait_s, result.activity) == (Pause.COMMAND, 40.0, "Waiting for a free sandbox")
    pauses = await world.to_the_end()
    # neither longer nor shorter than the runner asks for
    assert pauses == [40.0] * 8
    assert world.stored.checks
    assert world.stored.checks.seconds == 1.0
