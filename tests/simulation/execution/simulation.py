"""One simulation of executions from a seed: wired functions, users, faults."""

import asyncio
import random as randomness
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

from greenlet import getcurrent

from groundwork.adapters.aws.scheduler import PlanTimer
from groundwork.adapters.aws.step_functions import PlanMachine, execution_name
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.api.plan_events import PlanEvents, attempt_key
from groundwork.execution.agent_worker import AgentWorker
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.git_reverter import GitReverter
from groundwork.execution.rollback_checker import RollbackChecker
from groundwork.execution.step_handler import PlanNotEnded, StepHandler
from groundwork.ids import Kind, Path
from groundwork.llm.port import Usage
from groundwork.plans.history import Iteration, IterationKind
from groundwork.plans.model import Plan, PlanStatus
from groundwork.plans.repositories import Repository
from tests.fakes.upstream import FakeServer
from tests.simulation import releases
from tests.simulation.clock import VirtualLoop, on_virtual_time
from tests.simulation.cloud import EPOCH_MS, Sandbox, ask, pause
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.simulation.execution import endings
from tests.simulation.execution.checking import CheckInvariants, CheckService, SimulatedChecks, StartedWithChecks
from tests.simulation.execution.cloud import CURRENT, SWEEP_S, ExecutionCloud, LambdaClient, StatesClient
from tests.simulation.execution.faults import ExecutionFaults, drawn
from tests.simulation.execution.invariants import ExecutionInvariants
from tests.simulation.execution.paths import Json
from tests.simulation.execution.people import People
from tests.simulation.execution.repositories import Repositories
from tests.simulation.execution.seen import SeenPlans
from tests.simulation.execution.sessions import Billed, SessionProvider, price
from tests.simulation.execution.timers import SchedulerClient
from tests.simulation.execution.worlds import NOW, REPOSITORIES, World
from tests.simulation.execution.worlds import drawn as world_drawn
from tests.simulation.known import Violation
from tests.simulation.releases import Neighbour, Releases
from tests.simulation.simulation import AWAY_S, Report
from tests.tables import settings_at


class ThreadlessLoop(VirtualLoop):
    """Runs thread functions in the calling sandbox, one request after the other.

    Like a thread, the function continues after its waiter is cancelled.
    """

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        thread = self.create_task(CURRENT.get().io(func, *args))
        thread.add_done_callback(_heard)
        return asyncio.shield(thread)


def _heard(thread: "asyncio.Task[Any]") -> None:
    """The waiter may be gone before the result."""
    if not thread.cancelled():
        thread.exception()


@dataclass
class ExecutionSimulation:
    world: World
    faults: ExecutionFaults
    random: randomness.Random

    def __post_init__(self) -> None:
        self.loop = ThreadlessLoop()
        self.cloud = ExecutionCloud(self.loop, self.random, self.faults, self.world.invocation_s)
        self.cloud.executor = self._executor
        self.tables = self._tables()
        self.repositories = Repositories(self.random)
        self.provider = SessionProvider(self.cloud, self.random, dict(self.world.habits))
        self.seen = SeenPlans(self.cloud, self.tables.plans)
        self.checks = CheckService(self.cloud, randomness.Random(repr(self.random.getstate())))
        proofs = CheckInvariants(self.checks, self.seen, self.repositories, self.tables.sessions, self.world.checked)
        self.checks.on_job = proofs.on_job
        self.invariants = ExecutionInvariants(self.seen, self.world, self.repositories, self.tables.sessions, proofs)
        self.cloud.database = Database(self.cloud.true_ms, self.invariants.on_write)
        self.provider.on_call = self.invariants.on_call
        self.repositories.on_commit = self.invariants.on_commit
        self.people = People(self.world, self.cloud, self.tables, self.random, self.seen, self.coordinator)

    def _tables(self) -> Tables:
        settings = replace(settings_at("backlog", "runs"), max_tasks=self.world.limit)
        return open_tables(settings, now_ms=self.cloud.true_ms)

    def prepare_from(self, moment: Json) -> None:
        """Begin with rows and commits of an earlier release, two minutes after it stopped."""
        rows = moment["rows"]
        self.loop.now = (max(row["at"] for row in rows) - EPOCH_MS) / 1000 + AWAY_S
        for id_, server in moment["git"].items():
            self.repositories.servers[id_] = FakeServer.recorded(server["branches"], server["commits"])
        loaded = self.cloud.database.load(rows)
        plans = [self.tables.plans.load(key[1]) for key, _, _ in loaded if key[2] == "P" and key[1].startswith("pl")]
        self.world = self.people.world = self.invariants.world = replace(self.world, plans=tuple(plans))
        self.invariants.on_write(loaded)
        self.cloud.database.forget()
        self._bill_before()

    def _bill_before(self) -> None:
        """Bill of the earlier release."""
        before = self.cloud.sandbox("an earlier release", 0.0)
        for seen in self.seen.moments.values():
            for id_, state in seen.states.items():
                self.provider.bill.append(Billed(before, id_, Usage(), state.usage.cost_micro_usd))

    async def go_on(self) -> None:
        """Continue with the same execution, but without valid tokens for those in the rows.

        A scheduled time fires too, with the payload given to EventBridge by the earlier release.
        """
        for plan_id, seen in self.seen.moments.items():
            execution = seen.execution
            if execution.status.executing or execution.status is PlanStatus.FAILED:
                self.cloud.states.start(
                    execution_name(plan_id, execution.number), {"planId": plan_id, "number": execution.number}
                )
            if execution.schedule:
                event = {"do": "SCHEDULED", "planId": plan_id, "expression": execution.schedule.expression}
                self.cloud.tell(event | {"time": "2026-01-01T12:00:00Z"})
        await asyncio.sleep(60)

    def prepare(self) -> None:
        for number, id_ in enumerate(REPOSITORIES):
            self.tables.repositories.create(Repository(id=id_, name=f"R{number}", url=f"/r{number}", created_at=NOW))
            self.repositories.add(id_)
        for plan in self.world.plans:
            self.tables.plans.create(plan, _creation(plan))
        self.cloud.database.forget()

    # the function

    async def _executor(self, sandbox: Sandbox, event: Json) -> Json:
        CURRENT.set(sandbox)
        self.seen.payloads[sandbox.number] = event
        if event.get("do") == "END":
            return await self._to_its_end(sandbox, event)
        if event.get("do") == "WORK":
            asked = (event["planId"], event["number"], event["taskId"], attempt_key(event))
            return await self.handler(sandbox, event).run_task(*asked)
        return await sandbox.io(copy_context().run, self._asked, sandbox, event)

    async def _to_its_end(self, sandbox: Sandbox, event: Json) -> Json:
        try:
            return await sandbox.io(copy_context().run, self._asked, sandbox, event)
        except PlanNotEnded:
            self.invariants.on_end_too_soon(event["planId"])
            raise

    def _asked(self, sandbox: Sandbox, event: Json) -> Json:
        if event.get("do") == "SCHEDULED":
            return self._woken(sandbox, event)
        return self._events(sandbox, event).handle(event)

    def _events(self, sandbox: Sandbox, event: Json) -> PlanEvents:
        """Wire the function as its composition root does, for the running sandbox."""
        return PlanEvents(
            tables=self.tables,
            coordinator=self.coordinator,
            steps=self.handler(sandbox, event),
            reverter=GitReverter(self.repositories.opened, self.tables.sessions),
            timer=PlanTimer("", "", ""),
            # tests/simulation/sandboxes has its own world
            baselines=NO_CHECKS,
            keeper=lambda: NO_CHECKS,
            checks_at_start=StartedWithChecks(self.world),  # type: ignore[arg-type]
            rollback_checker=self._rollback_checker(sandbox),
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
        )

    def _rollback_checker(self, sandbox: Sandbox) -> RollbackChecker:
        return RollbackChecker(
            store=self.tables.executions,
            coordinator=self.coordinator(),
            claims=self.tables.rollback_claims,
            runner=lambda: SimulatedChecks(self.checks),
            open_repository=self.repositories.opened,
            repository=self.tables.repositories.get,
            again=PlanMachine("machine", "executor").request_rollback,
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
            sleep=pause,
        )

    def _woken(self, sandbox: Sandbox, event: Json) -> Json:
        since = self.loop.now
        answer = self._events(sandbox, event).handle(event)
        if answer["status"] == "refused":
            self.invariants.on_time_refused(event, since)
        return answer

    def coordinator(self, who: str | None = None) -> ExecutionCoordinator:
        """Coordinator for the running sandbox."""
        machine = PlanMachine("machine", "executor")
        return ExecutionCoordinator(self.tables.executions, machine, CURRENT.get().now_ms, who, sleep=pause)

    def handler(self, sandbox: Sandbox, event: Json) -> StepHandler:
        task_id = event.get("taskId", "")
        model = lambda model_id, effort: self.provider.model(sandbox, task_id)  # noqa: E731
        return StepHandler(
            store=self.tables.executions,
            coordinator=self.coordinator(),
            worker=AgentWorker(
                self.repositories.opened, model, price, self.tables.sessions, lambda: SimulatedChecks(self.checks)
            ),
            repository=self.tables.repositories.get,
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
            record_measurement=self.tables.measures.add,
        )

    # course of events

    async def main(self, people: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run until nothing happens any more.

        Raises Violation, and any crash of the code under test.
        """
        others = [self.cloud.sweep(), self.cloud.strike(), self.cloud.stop_executions(), self._others_push()]
        beside = [asyncio.create_task(other) for other in (*others, self.cloud.timers.run())]
        try:
            await self._until(asyncio.create_task(people()))
            await self._at_rest()
            await self._until(asyncio.create_task(self.people.see_to_everything(self._at_rest)))
            # an execution with a lost notification of its plan's end receives it from a sweep
            await asyncio.sleep(max(0.0, self.faults.until_s - self.loop.now) + 2 * SWEEP_S)
        finally:
            for task in beside:
                task.cancel()
        await asyncio.sleep(self.world.invocation_s)
        self._look()
        endings.at_the_end(self.seen, self.repositories, self.provider, self.tables.sessions)

    async def _others_push(self) -> None:
        while self.faults.others_push and self.loop.now < self.faults.until_s:
            await asyncio.sleep(self.random.expovariate(1) * 60)
            if self.cloud.happens(self.faults.others_push):
                self.repositories.somebody_pushes()

    async def _until(self, task: "asyncio.Task[None]") -> None:
        while not task.done():
            await asyncio.wait([task], timeout=30)
            self._look()
        task.result()

    async def _at_rest(self) -> None:
        """Wait until every plan rests. Raises Violation after the time limit."""
        since = max(self.faults.until_s, self.loop.now)
        while not all(endings.rests(moment) for moment in self.seen.moments.values()):
            await asyncio.sleep(30)
            self._look()
            endings.rest_comes(self.seen, self.world, since)

    def _look(self) -> None:
        for violation in self.invariants.violations:
            raise violation
        for _, crash in self.cloud.crashes:
            raise crash


def _creation(plan: Plan) -> Iteration:
    return Iteration(
        id=str(Path(Kind.ITERATION, plan.id, (1,))),
        plan_id=plan.id,
        number=1,
        kind=IterationKind.CREATED,
        actor="somebody",
        summary="Created",
        from_version=0,
        version=1,
        created_at=NOW,
    )


def simulate_execution(
    seed: int,
    where: Callable[[World], World] = lambda world: world,
    what: Callable[[ExecutionFaults], ExecutionFaults] = lambda faults: faults,
    neighbour: Neighbour | None = None,
    moment: Json | None = None,
) -> Report:
    """Run the simulation of a seed, the same every time.

    `where` and `what` may change the drawn world and faults. With a `moment`, the simulation begins with rows and
    commits of an earlier release, and users start nothing.
    """
    random = randomness.Random(seed)
    # random draws of the code under test belong to the seed as well
    randomness.seed(seed)
    world, faults = where(world_drawn(random)), what(drawn(random))
    report = Report(seed, world, faults)
    with connected(random) as connect:
        simulation = ExecutionSimulation(world, faults, random)
        connect(simulation)
        simulation.prepare_from(moment) if moment else simulation.prepare()
        # checks are used only after a deployment has ended
        beside = None if world.checked else neighbour or releases.drawn(seed)
        Releases(simulation.cloud, beside, randomness.Random(seed), simulation.invariants._broken).connect()
        try:
            on_virtual_time(simulation.main(simulation.go_on if moment else simulation.people.live), simulation.loop)
        except Violation as violation:
            report.broken, report.what = violation.name, str(violation)
        except Exception as crash:  # noqa: BLE001 - a crash of the code under test is a finding like any other
            report.broken, report.what = type(crash).__name__, "".join(traceback.format_exception(crash)[-4:])
    moments = simulation.seen.moments
    report.ended = {plan_id: moment.execution.status for plan_id, moment in moments.items()}
    report.seconds, report.trace = simulation.loop.now, simulation.cloud.trace
    report.hops = len(simulation.seen.payloads)
    report.items = sum(moment.of(task.id).ended for moment in moments.values() for task in moment.plan.tasks)
    return report


class _NoChecks:
    """Stands in for the checks' part of the function."""

    def sweep(self, *_: Any) -> list[str]:
        return []


NO_CHECKS: Any = _NoChecks()


class _Quiet:
    """Stands in for a logger."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **more: None


@contextmanager
def connected(random: randomness.Random) -> Iterator[Callable[[ExecutionSimulation], None]]:
    """Connect the code under test to the simulated requests, clocks and random numbers."""
    simulations: list[ExecutionSimulation] = []

    def send(operation: str, sent: dict[str, Any]) -> Any:
        if getcurrent().parent is None:
            return simulations[0].cloud.database.carry_out(operation, sent) if simulations else {}
        return ask(operation, sent)

    def clock() -> float:
        return simulations[0].loop.now

    time = SimpleNamespace(
        monotonic=clock,
        monotonic_ns=lambda: round(clock() * 1e9),
        sleep=pause,
        time_ns=lambda: simulations[0].cloud.true_ms() * 1_000_000,
    )
    instead = {
        "groundwork.execution.step_handler.time": time,
        "groundwork.execution.agent_worker.time": time,
        "groundwork.execution.landing.time": time,
        "groundwork.adapters.dynamodb.plans.time": time,
        "groundwork.adapters.dynamodb.executions.time": time,
        "groundwork.clock.random": random,
        "groundwork.adapters.aws.step_functions._client": StatesClient,
        "groundwork.adapters.aws.scheduler._client": SchedulerClient,
        "groundwork.adapters.aws.clients._client": lambda service: LambdaClient(),
        "groundwork.api.plan_events.logger": _Quiet(),
    }
    with ExitStack() as stack:
        stack.enter_context(in_place_of_aws(send))
        for name, one in instead.items():
            stack.enter_context(mock.patch(name, one))
        yield simulations.append
