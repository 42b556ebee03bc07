"""One simulation from a seed: a project, its users, faults, and the invariants."""

import asyncio
import hashlib
import random as randomness
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from unittest import mock

from greenlet import getcurrent

from groundwork.adapters.dynamodb.backlog_rows import EpicRow, row_of
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.backlog.model import CardAnalysis
from groundwork.generation.registry import run_handlers
from groundwork.runs.hop import HopEnd, HopRunner
from groundwork.runs.model import ITEM_ATTEMPTS, MAX_STALLED_HOPS, Run, RunType
from groundwork.runs.start import Starter
from groundwork.runs.sweep import Sweeper
from tests.runs.world import World
from tests.simulation import releases
from tests.simulation.clock import VirtualLoop, on_virtual_time
from tests.simulation.cloud import EPOCH_MS, Cloud, Sandbox, ask, pause
from tests.simulation.dynamodb import Database, Row, in_place_of_aws
from tests.simulation.endings import CALLS_AN_ATTEMPT
from tests.simulation.faults import Faults, described, drawn
from tests.simulation.invariants import Invariants
from tests.simulation.known import Seen, Violation
from tests.simulation.people import People
from tests.simulation.provider import MODEL, Provider, price
from tests.simulation.releases import Neighbour, Releases
from tests.simulation.scenario import Scenario
from tests.tables import settings_at

PROJECT = "sjmvmbtfd2"
AWAY_S = 120.0
"""Time without activity during the deployment of another release."""

ANALYSIS = CardAnalysis(
    summary="What it was before", theme="Old", kind="bug", severity="low", sentiment="neutral", keywords=("old",)
)

BOUND_S = 3_600.0
"""Limit for the end of a run after the last fault, the time of its calls not counted.

It does not include automatic retries."""


_ITEMS = {
    RunType.ANALYZE_CARDS: ["Card 2", "Card 3", "Card 1", "Card 4"],
    RunType.GENERATE_STORIES: ["Epic 1", "Epic 2", "Epic 3", "Epic 4"],
    RunType.GENERATE_SUBTASKS: ["Epic 1 Story 1", "Epic 2 Story 1", "Epic 1 Story 2", "Epic 2 Story 2"],
}
"""Names of items for the faults of a scenario."""


@dataclass(slots=True)
class Report:
    """Result of a simulation; `scenario` is its input.

    `broken` names the violated invariant or the crash; it is empty without one.
    """

    seed: int
    scenario: Any
    faults: Faults
    broken: str = ""
    what: str = ""
    ended: dict[str, StrEnum] = field(default_factory=dict)
    seconds: float = 0.0
    hops: int = 0
    items: int = 0
    foreign: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Failed items of all runs."""
        return sum(self.failures.values())

    @property
    def fingerprint(self) -> str:
        """Return a hash of the course of events, to the last request."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        verdict = f"BROKEN {self.what}" if self.broken else "ok"
        statuses = " ".join(f"{run}={status}" for run, status in self.ended.items())
        return f"seed {self.seed}: {verdict} [{statuses}] {self.scenario} faults: {described(self.faults)}"


@dataclass
class Simulation:
    """The functions, wired as in the template, and their users."""

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
        self._waiting_since: dict[str, float] = {}
        self.invariants = Invariants(Seen(self.cloud, self.provider))
        self.cloud.database = Database(self.cloud.true_ms, self.invariants.on_write)
        self.cloud.process_next, self.cloud.dead_letter = self._process_next, self._dead_letter
        self.cloud.on_invoke, self.provider.on_call = self.invariants.on_invoke, self.invariants.on_call
        self.tables: Tables = open_tables(settings_at("backlog", "runs"), now_ms=self.cloud.true_ms)
        self.people = People(
            self.scenario,
            PROJECT,
            self.cloud,
            self.tables,
            self.provider,
            self.invariants,
            self.random,
            self._starter,
        )

    async def live(self) -> None:
        """Act as the users."""
        await self.people.live()

    # the functions

    async def _process_next(self, sandbox: Sandbox, run_id: str) -> str:
        worker = HopRunner(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(self.tables.runs),
            model_for=lambda run: self.provider.model(sandbox, run),
            price=price,
            invoke=lambda run_id: ask("invoke", run_id),
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
            request_id=sandbox.request_id,
            io=sandbox.io,
        )
        end = await worker.hop(run_id)
        self.invariants.on_hop_ended(sandbox, run_id, end)
        if end is HopEnd.ENDED:
            await sandbox.io(self.tables.purger.purge, PROJECT, lambda: sandbox.left_ms() < 5_000)
        return "lost" if end is HopEnd.LEASE_LOST else end.value

    async def _dead_letter(self, sandbox: Sandbox, run_id: str) -> None:
        await sandbox.io(self._sweeper(sandbox).revive, run_id)

    async def _sweep(self, sandbox: Sandbox) -> None:
        await sandbox.io(self._sweeper(sandbox).sweep)

    def _sweeper(self, sandbox: Sandbox) -> Sweeper:
        return Sweeper(
            store=self.tables.runs,
            starter=self._starter(sandbox.now_ms),
            to_purge=self.tables.purger.to_purge,
            purge=self.tables.purger.purge,
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
        )

    def _starter(self, now_ms: Any = None) -> Starter:
        return Starter(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(),
            counts=self.tables.projects.counts,
            invoke=lambda run_id: ask("invoke", run_id),
            now_ms=now_ms or self.cloud.true_ms,
            ai_and_model=self._ai_and_model,
        )

    def _ai_and_model(self, asked: str | None) -> tuple[str, str]:
        """Alternate the AI between runs, so that results with the mark of another run show."""
        return ("mock", "anthropic")[len(self.invariants.seen.runs) % 2], MODEL

    # the course of events

    async def main(self, people: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run until nothing happens any more. Raises Violation and crashes of the code under test."""
        schedule = asyncio.create_task(self.cloud.schedule(self._sweep))
        strikes = asyncio.create_task(self.cloud.strike())
        asked = asyncio.create_task(people())
        try:
            await self._until_quiet(asked)
        finally:
            for task in (schedule, strikes, asked):
                task.cancel()
        # an unfinished hop or sweep has nothing to add
        await asyncio.sleep(self.scenario.hop_s)
        database = self.cloud.database
        self.invariants.at_the_end({**dict(database.rows("backlog")), **dict(database.rows("runs"))})

    async def _until_quiet(self, people: asyncio.Task[None]) -> None:
        """Wait for the users, and for the end of all runs and retries."""
        quiet = False
        while not quiet:
            await asyncio.sleep(5)
            for violation in self.invariants.violations:
                raise violation
            for _, crash in self.cloud.crashes:
                raise crash
            if people.done():
                # raises what they have found
                people.result()
            active = [known.run for known in self.invariants.seen.runs.values() if known.run.status.active]
            for run in active:
                self._a_run_ends(run)
            quiet = self._is_tidy() and people.done() and not active

    def _a_run_ends(self, run: Run) -> None:
        """Check the time since a run's start or the last fault, a permanent outage excepted."""
        since = max(self._calm_at(), (run.created_at - EPOCH_MS) / 1000)
        each = max(20.0, 2 * CALLS_AN_ATTEMPT * ITEM_ATTEMPTS * self.scenario.call_s)
        bound = BOUND_S + MAX_STALLED_HOPS * self.scenario.hop_s + each * run.total
        if self.loop.now > since + bound:
            raise Violation(
                "a_run_ends", f"{run.id} is {run.status} {self.loop.now - since:.0f} s after the last fault"
            )

    def _calm_at(self) -> float:
        """Return the time (s) of the last fault, a permanent outage excepted."""
        down_until = self.scenario.down[1]
        return max(self.faults.until_s, down_until if down_until < 1e9 else 0.0)

    def _waits(self) -> dict[str, bool]:
        """Return, for each thing the schedule must do, whether it waits."""
        database, project = self.cloud.database, self.cloud.database.row(("backlog", PROJECT, "P"))
        soon = self.cloud.true_ms() + round(self.scenario.patience_s * 1000)
        retries = [database.row(key) or {} for key in database.below("runs", PROJECT, "RETRY#")]
        return {
            "what_is_dead_is_purged": project is not None and "attention" in project,
            "a_due_retry_is_given": any(int(retry["attentionAt"]["N"]) < soon for retry in retries),
        }

    def _is_tidy(self) -> bool:
        """Return True if no purge waits and no retry is due soon.

        Raises Violation if one has waited too long for the schedule.
        """
        waits = self._waits()
        self._waiting_since = {what: self._waiting_since.get(what, self.loop.now) for what, it in waits.items() if it}
        for what, noticed_at in self._waiting_since.items():
            since = max(self._calm_at(), noticed_at)
            if self.loop.now > since + 2 * BOUND_S:
                raise Violation(what, f"it waits for {self.loop.now - since:.0f} s")
        return not self._waiting_since

    def prepare(self, rows: Sequence[Row] = ()) -> None:
        """Load these rows, or a backlog with work for the scenario's type."""
        if rows:
            self.loop.now = (max(row["at"] for row in rows) - EPOCH_MS) / 1000 + AWAY_S
            self.invariants.begin_with(self.cloud.database.load(rows))
        else:
            self._fill()
        # rows from before the simulation count as old
        self.cloud.database.forget()

    def _fill(self) -> None:
        scenario, world = self.scenario, World(self.tables, project_id=PROJECT)
        match scenario.type:
            case RunType.ANALYZE_CARDS:
                self._fill_cards(world)
            case RunType.GENERATE_EPICS:
                self._fill_linked_cards(world)
            case RunType.GENERATE_STORIES:
                world.add_cards(6, analyzed=True, text=scenario.text)
                world.add_epics(scenario.items)
                for number in range(1, scenario.children + 1):
                    stories = world.add_stories(number, 2)
                    world.add_subtasks(stories[0], 1)
            case RunType.GENERATE_SUBTASKS:
                world.add_cards(6, analyzed=True, text=scenario.text)
                world.add_epics(2)
                stories = world.add_stories(1, max(1, scenario.items // 2))
                stories += world.add_stories(2, scenario.items - scenario.items // 2)
                for story in stories[: scenario.children]:
                    world.add_subtasks(story, 2)

    def _fill_cards(self, world: World) -> None:
        cards = world.add_cards(self.scenario.items, text=self.scenario.text)
        for card in cards[: self.scenario.children]:
            row_of(card.model_copy(update={"analysis": ANALYSIS})).save()

    def _fill_linked_cards(self, world: World) -> None:
        """Add analysed cards, some of them in epics."""
        world.add_cards(self.scenario.items, analyzed=True, text=self.scenario.text)
        linked = self.scenario.children
        for number, _ in enumerate(world.add_epics(min(3, linked)), 1):
            cards = list(range(number, linked + 1, min(3, linked)))
            EpicRow(PROJECT, f"E#{number:06d}").update(actions=[EpicRow.card_numbers.set(cards)])


def simulate(
    seed: int,
    where: Callable[[Scenario], Scenario] = lambda scenario: scenario,
    what: Callable[[Faults], Faults] = lambda faults: faults,
    rows: Sequence[Row] = (),
    kind: type[Simulation] = Simulation,
    neighbour: Neighbour | None = None,
) -> Report:
    """Run the simulation of this seed: always the same course of events.

    `where` and `what` adapt the scenario and the faults drawn from the seed. `rows`: tables of an earlier release, two
    minutes later, without any requests. Without a `neighbour` the seed draws the release beside.
    """
    random = randomness.Random(seed)
    # pauses between tries are random too
    randomness.seed(seed)
    report = Report(seed, where(Scenario.drawn(random)), what(drawn(random)))
    chunks = mock.patch("groundwork.generation.epics.CARDS_PER_CHUNK", report.scenario.cards_a_chunk)
    with connected() as connect, chunks:
        simulation = kind(report.scenario, report.faults, random)
        connect(simulation.cloud)
        simulation.prepare(rows)
        beside = neighbour or releases.drawn(seed)
        both = Releases(simulation.cloud, beside, randomness.Random(seed), simulation.invariants._broken).connect()
        try:
            on_virtual_time(simulation.main(idle if rows else simulation.live), simulation.loop)
        except Violation as violation:
            report.broken, report.what = violation.name, str(violation)
        except Exception as crash:  # noqa: BLE001 - a crash of the code under test is a finding like any other
            report.broken, report.what = type(crash).__name__, "".join(traceback.format_exception(crash)[-4:])
    runs = [known.run for known in simulation.invariants.seen.runs.values()]
    report.ended = {run.id.rpartition("-")[2]: run.status for run in runs}
    report.seconds, report.trace = simulation.loop.now, simulation.cloud.trace
    entries = [entry for known in simulation.invariants.seen.runs.values() for entry in known.entries.values()]
    report.failures.update(entry.error_code.value for entry in entries if entry.error_code)
    report.foreign = both.foreign
    report.hops, report.items = sum(run.hops for run in runs), sum(run.ended for run in runs)
    return report


async def idle() -> None:
    """Send no requests."""


@contextmanager
def connected() -> Iterator[Any]:
    """Route pynamodb's requests: through the cloud from a sandbox, else directly to the rows."""
    clouds: list[Cloud] = []

    def send(operation: str, sent: dict[str, Any]) -> Any:
        if getcurrent().parent is None:
            return clouds[0].database.carry_out(operation, sent) if clouds else {}
        return ask(operation, sent)

    pauses = mock.patch("groundwork.adapters.dynamodb.contention.pause", lambda attempt: pause(0.02 * 2**attempt))
    with in_place_of_aws(send), pauses:
        yield clouds.append
