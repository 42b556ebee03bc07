"""Simulations of import runs: uploads, cancels, retries, dropped files, cards sent beside."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from greenlet import getcurrent

from groundwork.adapters.dynamodb.tables import open_tables
from groundwork.backlog.new_cards import NewCard
from groundwork.errors import Refusal, RunAlreadyActive
from groundwork.generation.registry import run_handlers
from groundwork.imports.model import ImportRecord
from groundwork.imports.ports import ImportServices
from groundwork.imports.requests import ImportParameters, NewImport
from groundwork.imports.service import Imports
from groundwork.imports.status import with_latest_runs
from groundwork.runs.hop import HopEnd, HopRunner
from groundwork.runs.model import Run
from groundwork.runs.sweep import Sweeper
from tests.fakes.import_files import MemoryFiles
from tests.runs.world import World
from tests.simulation.cloud import NoAnswer, Sandbox, ask, pause
from tests.simulation.dynamodb import Database, Row
from tests.simulation.import_files import FeedbackFile, drawn
from tests.simulation.import_invariants import ImportInvariants
from tests.simulation.known import Seen
from tests.simulation.provider import price
from tests.simulation.simulation import PROJECT, Simulation
from tests.tables import settings_at


@dataclass
class ImportSimulation(Simulation):
    """Simulation with about ten times `scenario.items` rows in a file.

    `scenario.children` cards of an older release are there before; `scenario.selected`: the file is lost in the middle.
    """

    files: MemoryFiles = field(default_factory=MemoryFiles)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.files = MemoryFiles(on_request=self._on_object, read_bytes=700)
        self.invariants = self.watch = ImportInvariants(Seen(self.cloud, self.provider))
        self.cloud.database = Database(self.cloud.true_ms, self.watch.on_write)
        self.cloud.on_invoke, self.provider.on_call = self.watch.on_invoke, self.watch.on_call
        self.tables = open_tables(settings_at("backlog", "runs"), now_ms=self.cloud.true_ms)
        self.people.invariants, self.people.tables = self.watch, self.tables

    def _on_object(self, request: str, key: str) -> None:
        if getcurrent().parent is not None:
            ask("object", f"{request} {key}")

    def prepare(self, rows: Sequence[Row] = ()) -> None:
        World(self.tables, project_id=PROJECT).add_cards(min(60, self.scenario.children))
        self.cloud.database.forget()

    # the functions

    def _imports(self, now_ms: Any = None) -> Imports:
        starter = self._starter(now_ms)
        return Imports(self.tables.imports, self.files, self.tables.runs, starter.trigger, starter.now_ms)

    async def _process_next(self, sandbox: Sandbox, run_id: str) -> str:
        services = ImportServices(self.tables.imports, self.files, self.tables.cards)
        worker = HopRunner(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(self.tables.runs, imports=services),
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
            await sandbox.io(self._imports(sandbox.now_ms).start_next, PROJECT)
        return "lost" if end is HopEnd.LEASE_LOST else end.value

    def _sweeper(self, sandbox: Sandbox) -> Sweeper:
        sweeper = super()._sweeper(sandbox)
        sweeper.start_imports = self._imports(sandbox.now_ms).start_next
        return sweeper

    def _waits(self) -> dict[str, bool]:
        database = self.cloud.database
        rows = [database.row(key) or {} for key in database.below("runs", PROJECT, "IMP#")]
        # behind an active run an import waits for good reason
        active = any(known.run.status.active for known in self.watch.seen.runs.values())
        waiting = any("attention" in row for row in rows)
        return {**super()._waits(), "a_waiting_import_starts": waiting and not active}

    async def main(self, people: Callable[[], Coroutine[Any, Any, None]]) -> None:
        # small parts: several pages of the manifest without thousands of rows
        with mock.patch("groundwork.generation.file_parts.MAX_ROWS", self.random.choice([3, 8, 31])):
            await super().main(people)

    # the people

    async def live(self) -> None:
        others = [asyncio.create_task(self._send_cards()), asyncio.create_task(self._drop_files())]
        await self._use_import()
        await asyncio.gather(*others)

    def _file(self, name: str) -> FeedbackFile:
        return drawn(self.random, self.random.randint(1, 10 * self.scenario.items), name)

    async def _use_import(self) -> None:
        file = self._file("a")
        made = await self._created(file)
        clients = range(self.scenario.eager_clients)
        started = await asyncio.gather(*(self._started(made.id) for _ in clients))
        run_ids = [run_id for run_id in started if run_id]
        if self.scenario.selected:
            await asyncio.sleep(self.random.uniform(0, 60))
            self._lose(made)
        if run_ids:
            polling = asyncio.create_task(self._poll(made.id))
            await self.people._see_to(run_ids[0])
            await polling

    async def _poll(self, import_id: str) -> None:
        """Look at an import as a page does, until it is shown as ended."""
        while True:
            await asyncio.sleep(2)
            try:
                shown, run = await self.cloud.http(self._read, import_id)
            except NoAnswer:
                continue
            if run and not run.status.active:
                self.watch.on_shown_ended(shown, run)
                return

    def _read(self, import_id: str) -> tuple[ImportRecord, Run | None]:
        store = self.tables.imports
        found = store.load(import_id)
        # a slow function: the run may end between the two reads
        pause(1)
        return with_latest_runs(store, [found])[0]

    async def _created(self, file: FeedbackFile) -> ImportRecord:
        """Create an import and upload its file."""
        parameters = ImportParameters(dedupe="content" if file.by_content else None)
        request = NewImport(name="a.csv", size=len(file.body), parameters=parameters)
        made: ImportRecord = (await self._until_answered(self._imports().create, PROJECT, request))[0]
        self.watch.files[made.id] = file
        self.files.objects[made.key] = file.body
        return made

    def _lose(self, made: ImportRecord) -> None:
        """Replace the file, or delete it."""
        self.cloud.note(f"{made.key} is lost")
        if self.random.random() < 0.5:
            self.files.objects[made.key] = b"id,text\nz1,Another file came in its place\n"
        else:
            self.files.objects.pop(made.key, None)

    async def _started(self, import_id: str) -> str | None:
        while True:
            try:
                started = await self._until_answered(self._imports().start, import_id)
            except RunAlreadyActive:
                await asyncio.sleep(20)
            except Refusal as refusal:
                self.cloud.note(f"{import_id} was refused: {refusal.code}")
                return None
            else:
                self.watch.on_start(import_id, started.run_id)
                return str(started.run_id)

    async def _drop_files(self) -> None:
        """Put files into the bucket; each event comes once or twice."""
        for number in range(2 if self.scenario.second else 0):
            await asyncio.sleep(self.random.uniform(0, 40))
            dropped, key = self._file(f"d{number}-"), f"imports/{PROJECT}/{number}.csv"
            self.files.objects[key] = dropped.body
            deliveries = range(self.random.choice([1, 2]))
            made = await asyncio.gather(*(self._told(key, dropped) for _ in deliveries))
            assert len(set(made)) == 1, made

    async def _told(self, key: str, dropped: FeedbackFile) -> str:
        """Import a dropped file, as the function behind its event does. It repeats the event."""
        file = self.files.find(key)
        assert file
        parameters = {"dedupe": "content"} if dropped.by_content else {}
        made = await self._until_answered(self._imports().create_from_object, PROJECT, file, None, parameters)
        self.watch.files[made.id] = dropped
        await self._until_answered(self._imports().start_or_wait, made.id)
        return str(made.id)

    async def _send_cards(self) -> None:
        """Import cards by request meanwhile, some with ids of the file."""
        for number in range(self.scenario.edits):
            await asyncio.sleep(self.random.expovariate(2))
            known = [row for file in self.watch.files.values() for row in file.rows if row.is_card]
            # the rows that an import reads next, to get in its way
            ahead = [row for row in known if row.external_id not in self.watch.ids][:60]
            chosen = self.random.sample(ahead or known, min(3, len(ahead or known)))
            cards = [NewCard(at, row.text, external_id=row.external_id) for at, row in enumerate(chosen, 1)]
            cards.append(NewCard(9, f"Sent by hand {number}", external_id=f"hand{number}"))
            unique = list({card.external_id: card for card in cards}.values())
            await self._tried(self.tables.cards.import_cards, PROJECT, unique)

    async def _tried(self, call: Any, *arguments: Any) -> None:
        try:
            await self.cloud.http(call, *arguments)
        except (NoAnswer, Refusal) as fault:
            self.cloud.note(f"{type(fault).__name__}")

    async def _until_answered(self, call: Any, *arguments: Any) -> Any:
        """Repeat a request until it is answered. Raises its refusal."""
        while True:
            try:
                return await self.cloud.http(call, *arguments)
            except NoAnswer:
                await asyncio.sleep(2)
