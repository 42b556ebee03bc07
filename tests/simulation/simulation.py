"""One simulation: a project, clients who start, cancel and retry runs, faults, and the invariants. All from a seed."""

import asyncio
import hashlib
import random as randomness
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from greenlet import getcurrent

from groundwork.backlog import Artifact, Epic, Story, Subtask
from groundwork.cancelling import cancel
from groundwork.errors import Refusal
from groundwork.ids import Kind, Path
from groundwork.processing import HopEnd, Worker
from groundwork.runs import ITEM_ATTEMPTS, MAX_STALLED_HOPS, PIPELINE, Run, RunOptions, RunType, Status
from groundwork.starting import RunRequest, Started, Starter
from groundwork.store.backlog_rows import path_at
from groundwork.store.tables import Tables, open_tables
from groundwork.sweeping import Sweeper
from tests.runs.world import World
from tests.simulation.clock import VirtualLoop, on_virtual_time
from tests.simulation.cloud import EPOCH_MS, Cloud, NoAnswer, Sandbox, ask, pause
from tests.simulation.dynamodb import Database, Key, Row, in_place_of_aws
from tests.simulation.faults import Faults, described, drawn
from tests.simulation.invariants import CALLS_AN_ATTEMPT, Invariants, Violation
from tests.simulation.provider import MODEL, Provider, price
from tests.tables import settings_at

PROJECT = "sjmvmbtfd2"
AWAY_S = 120.0
"""How long nothing runs while another release is deployed."""

BOUND_S = 3_600.0
"""Once faults have stopped, a run has ended within this time and what its calls take one after the other, its automatic
retries included in none of it."""


_ITEMS = {
    RunType.ANALYZE_CARDS: ["Card 2", "Card 3", "Card 1", "Card 4"],
    RunType.GENERATE_STORIES: ["Epic 1", "Epic 2", "Epic 3", "Epic 4"],
    RunType.GENERATE_SUBTASKS: ["Epic 1 Story 1", "Epic 2 Story 1", "Epic 1 Story 2", "Epic 2 Story 2"],
}
"""Names of items that a scenario may do something to."""


_BELOW: dict[Kind, tuple[Kind, type[Artifact]]] = {
    Kind.PROJECT: (Kind.EPIC, Epic),
    Kind.EPIC: (Kind.STORY, Story),
    Kind.STORY: (Kind.SUBTASK, Subtask),
}


def _path_of(key: Key) -> Path | None:
    """What a row is about: an epic, a story or a subtask; None for any other."""
    return path_at(key[1], key[2]) if key[2][:2] in ("E#", "S#", "T#") else None


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is asked of the system."""

    type: RunType
    items: int
    options: dict[str, Any]
    hop_s: float
    call_s: float
    poisons: int = 0
    hopeless: int = 0
    down: tuple[float, float] = (0.0, 0.0)
    cancel_at: float | None = None
    cancel_after_calls: int | None = None
    second: RunType | None = None
    eager_clients: int = 1
    retry_by_hand: bool = False
    text: str = "Card"
    edits: int = 0

    @classmethod
    def drawn(cls, random: randomness.Random) -> "Scenario":
        type_ = random.choice(PIPELINE)
        hop_s = random.choice([12.0, 30.0, 60.0, 300.0])
        down_at = random.uniform(0, 120)
        return cls(
            type=type_,
            items=random.choice([1, 2, 5, 12, 30])
            * (4 if type_ in (RunType.ANALYZE_CARDS, RunType.GENERATE_EPICS) else 1),
            options={
                "mode": random.choice(["compact", "standard"]),
                "existing_behavior": random.choice(["skip", "skip", "replace"]),
                "pacing": random.choice(["safe", "normal", "fast", "fast"]),
                "max_cost_usd": random.choice([None, None, None, None, 0.01]),
            },
            hop_s=hop_s,
            call_s=random.choice([0.2, 2.0, 8.0, hop_s / 3]),
            poisons=random.choice([0, 0, 0, 1, 2]),
            hopeless=random.choice([0, 0, 0, 1, 2]),
            down=random.choice([(0.0, 0.0)] * 5 + [(down_at, down_at + random.uniform(60, 1_200)), (down_at, 1e9)]),
            cancel_at=random.choice([None, None, None, random.uniform(0, 120)]),
            cancel_after_calls=random.choice([None, None, random.randint(1, 20)]),
            second=random.choice([None, None, *PIPELINE]),
            eager_clients=random.choice([1, 1, 1, 3]),
            retry_by_hand=random.random() < 0.3,
            edits=random.choice([0, 0, 0, 10]),
        )


@dataclass(slots=True)
class Report:
    """What came of a simulation. `broken` names the invariant that did not hold, or the crash; empty if all is well."""

    seed: int
    scenario: Scenario
    faults: Faults
    broken: str = ""
    what: str = ""
    ended: dict[str, Status] = field(default_factory=dict)
    seconds: float = 0.0
    hops: int = 0
    items: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Items, of all runs."""
        return sum(self.failures.values())

    @property
    def fingerprint(self) -> str:
        """The same for the same course of events, to the last request."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        verdict = f"BROKEN {self.what}" if self.broken else "ok"
        statuses = " ".join(f"{run}={status}" for run, status in self.ended.items())
        return f"seed {self.seed}: {verdict} [{statuses}] {self.scenario} faults: {described(self.faults)}"


@dataclass
class Simulation:
    """The functions as the template wires them, and the people who use them."""

    scenario: Scenario
    faults: Faults
    random: randomness.Random

    def __post_init__(self) -> None:
        self.loop = VirtualLoop()
        self.cloud = Cloud(self.loop, self.random, self.faults, self.scenario.hop_s)
        named = _ITEMS.get(self.scenario.type, [])
        self.provider = Provider(
            self.cloud,
            self.scenario.call_s,
            poisons=frozenset(named[: self.scenario.poisons]),
            hopeless=frozenset(named[2 : 2 + self.scenario.hopeless]),
            down=self.scenario.down,
        )
        self.invariants = Invariants(self.cloud, self.provider)
        self.cloud.database = Database(self.cloud.true_ms, self.invariants.on_write)
        self.cloud.process_next, self.cloud.dead_letter = self._process_next, self._dead_letter
        self.cloud.on_invoke, self.provider.on_call = self.invariants.on_invoke, self.invariants.on_call
        self.tables: Tables = open_tables(settings_at("backlog", "runs"))

    # the functions

    async def _process_next(self, sandbox: Sandbox, run_id: str) -> str:
        worker = Worker(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            model_for=lambda run: self.provider.model(sandbox, run),
            price=price,
            invoke=lambda run_id: ask("invoke", run_id),
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
            request_id=sandbox.request_id,
            io=sandbox.io,
        )
        end = await worker.hop(run_id)
        if end is HopEnd.ENDED:
            await sandbox.io(self.tables.projects.purge, PROJECT, lambda: sandbox.left_ms() < 5_000)
        return "lost" if end is HopEnd.LEASE_LOST else end.value

    async def _dead_letter(self, sandbox: Sandbox, run_id: str) -> None:
        await sandbox.io(self._sweeper(sandbox).revive, run_id)

    async def _sweep(self, sandbox: Sandbox) -> None:
        await sandbox.io(self._sweeper(sandbox).sweep)

    def _sweeper(self, sandbox: Sandbox) -> Sweeper:
        return Sweeper(
            store=self.tables.runs,
            starter=self._starter(sandbox.now_ms),
            to_purge=self.tables.projects.to_purge,
            purge=self.tables.projects.purge,
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
        )

    def _starter(self, now_ms: Any = None) -> Starter:
        return Starter(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            counts=self.tables.projects.counts,
            invoke=lambda run_id: ask("invoke", run_id),
            now_ms=now_ms or self.cloud.true_ms,
            ai_and_model=lambda asked: ("mock", MODEL),
        )

    # the people

    async def _client(self, type_: RunType, key: str, options: dict[str, Any]) -> str | None:
        """Starts a run and does not give up before it has an answer; None if it was refused."""
        request = RunRequest(type=type_, options=RunOptions.model_validate(options))
        while True:
            try:
                started: Started = await self.cloud.http(self._starter().start, PROJECT, request, key)
                return started.run_id
            except NoAnswer:
                await asyncio.sleep(2)
            except Refusal as refusal:
                self.cloud.note(f"client {key} was refused: {refusal.code}")
                return None

    async def _cancel(self, run_id: str) -> None:
        while True:
            try:
                await self.cloud.http(cancel, self.tables.runs, run_id, self.cloud.true_ms, pause)
            except NoAnswer:
                await asyncio.sleep(1)
                continue
            except Refusal:
                # it had ended, or an earlier try has cancelled it
                return
            known = self.invariants.runs.get(run_id)
            if known and known.run.status is Status.CANCELLED:
                known.acknowledged_at = self.loop.now
            return

    async def people(self) -> None:
        scenario = self.scenario
        editor = asyncio.create_task(self._edit(scenario.edits))
        first = [
            asyncio.create_task(self._client(scenario.type, f"key-{n}", scenario.options))
            for n in range(scenario.eager_clients)
        ]
        if scenario.second:
            await asyncio.sleep(self.random.uniform(0, 60))
            await self._client(scenario.second, "second", scenario.options)
        started = [run_id for run_id in await asyncio.gather(*first) if run_id]
        if scenario.cancel_at is not None and started:
            await asyncio.sleep(scenario.cancel_at)
            await self._cancel(started[0])
        if scenario.cancel_after_calls is not None and started:
            await self._many_calls(started[0], scenario.cancel_after_calls)
            await asyncio.sleep(self.random.uniform(0, 3))
            await self._cancel(started[0])
        if scenario.retry_by_hand and started:
            await self._ended(started[0])
            await self._retry(started[0])
        await editor

    async def _edit(self, times: int) -> None:
        """Somebody makes and deletes epics, stories and subtasks by hand while runs are at it."""
        for _ in range(times):
            await asyncio.sleep(self.random.expovariate(0.2))
            there = [path for path in map(_path_of, self.cloud.database.keys("backlog")) if path]
            path = self.random.choice([Path(Kind.PROJECT, PROJECT), *there])
            makes = path.kind is Kind.PROJECT or (path.kind is not Kind.SUBTASK and self.random.random() < 0.6)
            try:
                await self.cloud.http(self._make_below if makes else self.tables.projects.delete, path)
            except (Refusal, NoAnswer) as refusal:
                self.cloud.note(f"edit of {path}: {type(refusal).__name__}")

    def _make_below(self, parent: Path) -> None:
        kind, row = _BELOW[parent.kind]
        above = {Kind.STORY: "epic_id", Kind.SUBTASK: "story_id"}.get(kind)

        def make(path: Path, now: str) -> Artifact:
            # named as the others are, so that calls about it are counted as its own
            title = f"{row.__name__} {900 + path.number}"
            fields = {"id": str(path), "project_id": PROJECT, "code": path.code, "title": title, "created_at": now}
            return row.model_validate(fields | ({above: str(parent)} if above else {}))

        self.tables.projects.create(kind, parent, make)

    async def _many_calls(self, run_id: str, count: int) -> None:
        """Waits until the run has called the model so often, or has ended."""
        while self.provider.started[run_id] < count and self.invariants.runs[run_id].run.status.active:  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    async def _retry(self, run_id: str) -> None:
        try:
            await self.cloud.http(self._starter().retry, run_id)
        except (Refusal, NoAnswer) as refusal:
            self.cloud.note(f"retry of {run_id}: {type(refusal).__name__}")

    async def _ended(self, run_id: str) -> None:
        while self.invariants.runs[run_id].run.status.active:  # noqa: ASYNC110 - as a client polls
            await asyncio.sleep(5)

    # the course of events

    async def main(self, people: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Until nothing happens any more. Raises Violation, and whatever the code under test crashed with."""
        schedule = asyncio.create_task(self.cloud.schedule(self._sweep))
        strikes = asyncio.create_task(self.cloud.strike())
        asked = asyncio.create_task(people())
        try:
            await self._until_quiet(asked)
        finally:
            for task in (schedule, strikes, asked):
                task.cancel()
        # a hop or a sweep that is still under way has nothing more to say than this
        await asyncio.sleep(self.scenario.hop_s)
        database = self.cloud.database
        self.invariants.at_the_end({**dict(database.rows("backlog")), **dict(database.rows("runs"))})

    async def _until_quiet(self, people: asyncio.Task[None]) -> None:
        """Until people have done what they wanted and every run and every retry of it has ended."""
        quiet = False
        while not quiet:
            await asyncio.sleep(5)
            for _, crash in self.cloud.crashes:
                raise crash
            for violation in self.invariants.violations:
                raise violation
            active = [known.run for known in self.invariants.runs.values() if known.run.status.active]
            for run in active:
                self._a_run_ends(run)
            quiet = people.done() and not active and not self._retry_is_due()

    def _a_run_ends(self, run: Run) -> None:
        """In bounded time after its start, or after the last fault; a provider that is down for ever is no excuse."""
        calm = max(self.faults.until_s, self.scenario.down[1] if self.scenario.down[1] < 1e9 else 0.0)
        since = max(calm, (run.created_at - EPOCH_MS) / 1000)
        each = max(20.0, 2 * CALLS_AN_ATTEMPT * ITEM_ATTEMPTS * self.scenario.call_s)
        bound = BOUND_S + MAX_STALLED_HOPS * self.scenario.hop_s + each * run.total
        if self.loop.now > since + bound:
            raise Violation(
                "a_run_ends", f"{run.id} is {run.status} {self.loop.now - since:.0f} s after the last fault"
            )

    def _retry_is_due(self) -> bool:
        """The schedule will retry the failures of a run within the time that is looked at."""
        given = {known.run.retry_of for known in self.invariants.runs.values()}
        waiting = [known.run for known in self.invariants.runs.values() if known.run.next_retry_at]
        return any(run.id not in given and (run.next_retry_at or 0) < self.cloud.true_ms() + 600_000 for run in waiting)

    def prepare(self, rows: Sequence[Row] = ()) -> None:
        """Begins with these rows, or with a backlog that has something to do for the scenario's type."""
        if rows:
            self.loop.now = (max(row["at"] for row in rows) - EPOCH_MS) / 1000 + AWAY_S
            self.invariants.begin_with(self.cloud.database.load(rows))
        else:
            self._fill()
        # what was there before the beginning has been there for long
        self.cloud.database.forget()

    def _fill(self) -> None:
        count, world = self.scenario.items, World(self.tables, project_id=PROJECT)
        if self.scenario.type in (RunType.ANALYZE_CARDS, RunType.GENERATE_EPICS):
            world.add_cards(count, analyzed=self.scenario.type is RunType.GENERATE_EPICS, text=self.scenario.text)
            return
        world.add_cards(6, analyzed=True, text=self.scenario.text)
        if self.scenario.type is RunType.GENERATE_STORIES:
            world.add_epics(count)
            return
        world.add_epics(2)
        world.add_stories(1, max(1, count // 2))
        world.add_stories(2, count - count // 2)


def simulate(
    seed: int,
    where: Callable[[Scenario], Scenario] = lambda scenario: scenario,
    what: Callable[[Faults], Faults] = lambda faults: faults,
    rows: Sequence[Row] = (),
    kind: type[Simulation] = Simulation,
) -> Report:
    """The whole course of events that this seed stands for, the same every time. `where` and `what` may change what
    the seed has drawn of scenario and faults. With `rows`, the tables are as an earlier release has left them, two
    minutes after it, and nobody starts anything."""
    random = randomness.Random(seed)
    report = Report(seed, where(Scenario.drawn(random)), what(drawn(random)))
    with connected() as connect:
        simulation = kind(report.scenario, report.faults, random)
        connect(simulation.cloud)
        simulation.prepare(rows)
        try:
            on_virtual_time(simulation.main(idle if rows else simulation.people), simulation.loop)
        except Violation as violation:
            report.broken, report.what = violation.name, str(violation)
        except Exception as crash:  # noqa: BLE001 - a crash of the code under test is a finding like any other
            report.broken, report.what = type(crash).__name__, "".join(traceback.format_exception(crash)[-4:])
    runs = [known.run for known in simulation.invariants.runs.values()]
    report.ended = {run.id.rpartition("-")[2]: run.status for run in runs}
    report.seconds, report.trace = simulation.loop.now, simulation.cloud.trace
    entries = [entry for known in simulation.invariants.runs.values() for entry in known.entries.values()]
    report.failures.update(entry.error_code.value for entry in entries if entry.error_code)
    report.hops, report.items = sum(run.hops for run in runs), sum(run.ended for run in runs)
    return report


async def idle() -> None:
    """Nobody asks for anything."""


@contextmanager
def connected() -> Iterator[Any]:
    """What pynamodb sends goes through the cloud when a sandbox sends it, and straight to the rows in preparation."""
    clouds: list[Cloud] = []

    def send(operation: str, sent: dict[str, Any]) -> Any:
        if getcurrent().parent is None:
            return clouds[0].database.carry_out(operation, sent) if clouds else {}
        return ask(operation, sent)

    pauses = mock.patch("groundwork.store.backlog._pause", lambda attempt: pause(0.02 * 2**attempt))
    with in_place_of_aws(send), pauses:
        yield clouds.append
