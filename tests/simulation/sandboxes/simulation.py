"""Workers of attempts, cancels, pauses and sweeps, over sandboxes under faults."""

import asyncio
import random as randomness
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from greenlet import getcurrent

from groundwork.adapters.dynamodb.execution_rows import StateRow
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.checks.errors import ClaimLost
from groundwork.checks.keeper import SandboxKeeper
from groundwork.checks.model import CheckSettings
from groundwork.checks.ports import CheckJob, CheckProgress, Owner, OwnerKind
from groundwork.checks.runner import SandboxCheckRunner
from groundwork.plans.model import TaskStatus
from groundwork.sandbox.model import Tree
from groundwork.sandbox.verdict import Verdict
from tests.simulation.clock import VirtualLoop, on_virtual_time
from tests.simulation.cloud import Sandbox, ask, pause
from tests.simulation.dynamodb import in_place_of_aws
from tests.simulation.known import Violation, demand
from tests.simulation.sandboxes.faults import SandboxFaults, drawn
from tests.simulation.sandboxes.invariants import SandboxInvariants
from tests.simulation.sandboxes.service import AskedSandboxes, SandboxCloud
from tests.simulation.simulation import Report
from tests.tables import settings_at

SWEEP_S = 300.0
INVOCATION_S = 120.0
LEASE_S, CHECK_S = 40.0, 10.0
PATIENCE_S = 6 * 3_600.0
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class World:
    """`owners` attempts begin within a minute. Chances of a cancel and of a pause are per owner."""

    owners: int
    limit: int
    commands: tuple[str, ...]
    cancelled: float
    paused: float


def world_drawn(random: randomness.Random) -> World:
    commands = tuple(random.choice(("passes", "passes", "fails", "repairs")) for _ in range(random.randint(1, 3)))
    return World(random.randint(1, 5), random.randint(1, 3), commands, random.choice((0, 0.5)), random.choice((0, 0.5)))


class SandboxSimulation:
    def __init__(self, world: World, faults: SandboxFaults, random: randomness.Random) -> None:
        self.world, self.random, self.loop = world, random, VirtualLoop()
        self.cloud = SandboxCloud(self.loop, random, faults, INVOCATION_S)
        self.cloud.database.now_ms = self.cloud.true_ms
        self.invariants = SandboxInvariants(self.cloud, world.limit)
        self.cloud.database.watch = self.invariants.on_write
        self.cloud.service.on_start, self.cloud.service.on_end = self.invariants.on_start, self.invariants.on_end
        self.cloud.service.on_begin = self.invariants.on_begin
        self.ended: dict[str, Verdict | None] = {}

    def prepare(self) -> None:
        self.tables: Tables = open_tables(settings_at("backlog", "runs"))
        self.tables.sandboxes.limit = self.world.limit
        self.owners = [self._owner(number) for number in range(self.world.owners)]

    def _owner(self, number: int) -> Owner:
        plan_id = f"plk3v9x2m4q{'23456789'[number]}"
        kind = OwnerKind.LANDING if number % 2 else OwnerKind.TASK
        return Owner(kind, plan_id, f"{plan_id}-T1", 1, 0)

    async def main(self) -> None:
        beside = [asyncio.create_task(other) for other in (self._sweeps(), self.cloud.strike())]
        lives = [asyncio.create_task(self._live(owner)) for owner in self.owners]
        try:
            await self._until(lives)
            await asyncio.sleep(max(0.0, self.cloud.faults.until_s - self.loop.now) + 4 * SWEEP_S + 600)
        finally:
            for task in beside:
                task.cancel()
        self._look()
        billed = {owner.id: int(self._state(owner).sandbox_ms or 0) for owner in self.owners}
        self.invariants.at_rest(billed)
        for owner in self.owners:
            verdict = self.ended.get(owner.id)
            expected = Verdict.PASSED if set(self.world.commands) == {"passes"} else Verdict.FAILED
            calm = not self.cloud.faults.machine_dies
            demand(
                verdict in (None, expected, Verdict.COULD_NOT_RUN), "a_verdict_is_that_of_its_commands", f"{verdict}"
            )
            demand(not calm or verdict in (None, expected), "a_verdict_is_that_of_its_commands", f"{verdict}")

    async def _until(self, lives: "list[asyncio.Task[None]]") -> None:
        while not all(life.done() for life in lives):
            await asyncio.wait(lives, timeout=30)
            self._look()
            demand(self.loop.now < self.cloud.faults.until_s + PATIENCE_S, "every_owner_ends", "still at work")
        for life in lives:
            life.result()

    def _look(self) -> None:
        for violation in self.invariants.violations:
            raise violation
        for _, crash in self.cloud.crashes:
            raise crash

    # the owners

    async def _live(self, owner: Owner) -> None:
        """One attempt: claims, put away between them, until its verdict or a cancel."""
        await asyncio.sleep(self.random.uniform(0, 60))
        doomed = self.random.random() < self.world.cancelled
        ends = self.loop.now + self.random.uniform(1, 900) if doomed else float("inf")
        epoch = 0
        if doomed:
            self.loop.call_later(ends - self.loop.now, self._write, owner, None, TaskStatus.CANCELLED)
        while self.loop.now < ends:
            epoch += 1
            self._write(owner, epoch, TaskStatus.RUNNING)
            wait = await self._invoked(Owner(owner.kind, owner.plan_id, owner.task_id, owner.number, epoch))
            if wait is None:
                break
            if self.random.random() < self.world.paused / 5:
                self._write(owner, None, TaskStatus.PENDING)
                await asyncio.sleep(self.random.uniform(10, 900))
            await asyncio.sleep(wait)
        if self.loop.now < ends:
            self._write(owner, epoch + 1, TaskStatus.COMPLETED)

    async def _invoked(self, owner: Owner) -> float | None:
        """Return the seconds until the next claim, None after the verdict."""
        sandbox = self.cloud.sandbox("worker", INVOCATION_S)
        self.invariants.claims[sandbox.number] = owner.epoch
        life = self.loop.create_task(self.cloud.lives(sandbox, sandbox.io(self._work, sandbox, owner)))
        await self._lease_holds(sandbox, life)
        main = sandbox.main
        if main is None or not main.done() or main.cancelled() or main.exception() or sandbox.dead:
            return self.random.uniform(1, 60)
        progress: CheckProgress | None = main.result()
        if progress is None or progress.verdict is None:
            return progress.wait_s if progress else 1.0
        self.ended[owner.id] = progress.verdict
        return None

    async def _lease_holds(self, sandbox: Sandbox, life: "asyncio.Task[bool]") -> None:
        """Wait for the worker's end. A frozen one loses its lease, and comes back with an old claim."""
        frozen = 0
        while not life.done() and frozen < LEASE_S // CHECK_S:
            await asyncio.wait([life], timeout=CHECK_S)
            frozen = 0 if sandbox.thawed.is_set() else frozen + 1

    def _work(self, sandbox: Sandbox, owner: Owner) -> CheckProgress | None:
        runner = self._runner(sandbox)
        settings = CheckSettings(setup=("set up",), verify=self.world.commands, timeout_s=600)
        job = CheckJob("j", owner, "re", settings, Tree(HERE), "tree", "commit", self.world.commands)
        try:
            progress = runner.advance(job, lambda: min(20.0, sandbox.left_ms() / 1000 - 30))
            if progress.verdict is not None or self.random.random() < 0.2:
                runner.close(owner)
        except ClaimLost:
            # a worker tidies up in any case; its successor may have the sandbox by now
            runner.close(owner)
            return None
        return progress

    def _runner(self, sandbox: Sandbox) -> SandboxCheckRunner:
        sandboxes: Any = AskedSandboxes()
        keeper = SandboxKeeper(sandboxes, self.tables.sandboxes, sandbox.now_ms)
        return SandboxCheckRunner(keeper, self.tables.checks, _NoSetups(), "image")

    def _write(self, owner: Owner, epoch: int | None, status: TaskStatus) -> None:
        """Write the task's row as the execution does."""
        if status is TaskStatus.RUNNING and owner.id in self.ended:
            return
        actions: list[Any] = [StateRow.status.set(status.value), StateRow.attempts.set(owner.number)]
        actions += [StateRow.epoch.set(epoch)] if epoch is not None else []
        StateRow(owner.plan_id, "X#T1").update(actions=actions)

    def _state(self, owner: Owner) -> StateRow:
        return StateRow.get(owner.plan_id, "X#T1")

    # the sweep

    async def _sweeps(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            if not self.cloud.happens(self.cloud.faults.sweep_missed):
                self.cloud._start(self._sweep())

    async def _sweep(self) -> None:
        began, problems = self.loop.now, list[str]()
        sandbox = self.cloud.sandbox("sweep", INVOCATION_S)
        keeper = self._runner(sandbox)._keeper
        if await self.cloud.lives(sandbox, sandbox.io(keeper.sweep, lambda: False, problems.append)) and not problems:
            self.invariants.after_sweep(began)


class _NoSetups:
    def read_url(self, key: str) -> None:
        return None

    def write_url(self, key: str) -> str:
        return key


def simulate_sandboxes(
    seed: int,
    where: Callable[[World], World] = lambda world: world,
    what: Callable[[SandboxFaults], SandboxFaults] = lambda faults: faults,
) -> Report:
    """Run the simulation of a seed, the same every time.

    `where` and `what` change the drawn world and faults.
    """
    random = randomness.Random(seed)
    randomness.seed(seed)
    world, faults = where(world_drawn(random)), what(drawn(random))
    report = Report(seed, world, faults)
    with _connected(random) as connect:
        simulation = SandboxSimulation(world, faults, random)
        connect(simulation)
        simulation.prepare()
        try:
            on_virtual_time(simulation.main(), simulation.loop)
        except Violation as violation:
            report.broken, report.what = violation.name, str(violation)
        except Exception as crash:  # noqa: BLE001 - a crash of the code under test is a finding like any other
            report.broken, report.what = type(crash).__name__, "".join(traceback.format_exception(crash)[-4:])
    report.ended = {id_: verdict for id_, verdict in simulation.ended.items() if verdict}
    report.seconds, report.trace = simulation.loop.now, simulation.cloud.trace
    report.hops, report.items = len(simulation.invariants.claims), len(simulation.cloud.service.machines)
    return report


@contextmanager
def _connected(random: randomness.Random) -> Iterator[Callable[[SandboxSimulation], None]]:
    """Connect the code under test to the simulated requests, clocks and random numbers."""
    simulations: list[SandboxSimulation] = []

    def send(operation: str, sent: dict[str, Any]) -> Any:
        if getcurrent().parent is None:
            return simulations[0].cloud.database.carry_out(operation, sent) if simulations else {}
        return ask(operation, sent)

    time = SimpleNamespace(sleep=pause)
    with ExitStack() as stack:
        stack.enter_context(in_place_of_aws(send))
        stack.enter_context(mock.patch("groundwork.clock.random", random))
        stack.enter_context(mock.patch("groundwork.adapters.dynamodb.contention.time", time))
        yield simulations.append
