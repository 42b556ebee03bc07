"""Files put into the bucket under faults: late and repeated events, workers killed anywhere.

The functions are the real ones. Each version of a file for a project is imported once, one after another.
"""

import asyncio
import random as randomness
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from groundwork.adapters.dynamodb.backlog_rows import ProjectRow
from groundwork.adapters.dynamodb.tables import open_tables
from groundwork.backlog.card_import.content import Content, StoredObject
from groundwork.errors import Transient
from groundwork.generation.registry import run_handlers
from groundwork.imports.dropped_files import DroppedFile, queue_file
from groundwork.imports.model import StoredFile
from groundwork.imports.ports import ImportServices, PresignedUpload
from groundwork.imports.service import Imports
from groundwork.runs.hop import HopEnd, HopRunner
from groundwork.runs.start import Starter
from groundwork.runs.sweep import Sweeper
from tests.fakes.import_files import etag_of
from tests.simulation.clock import VirtualLoop, on_virtual_time
from tests.simulation.cloud import EPOCH_MS, Cloud, Sandbox, ask
from tests.simulation.dynamodb import Changed, Database
from tests.simulation.faults import Faults, described, drawn
from tests.simulation.known import Violation
from tests.simulation.provider import MODEL, price
from tests.simulation.simulation import BOUND_S, connected
from tests.tables import settings_at

PROJECT, NOBODY = "sjmvmbtfd2", "bcdfghjkmn"
HOP_S, FUNCTION_S, QUEUE_S = 120.0, 29.0, 360.0
TRIES = 3
ACTIVE = {"QUEUED", "RUNNING"}


@dataclass(frozen=True, slots=True)
class PutFile:
    """One version of an object, put at a time in s. `texts` are the cards expected from it."""

    key: str
    version: str
    body: bytes
    texts: tuple[str, ...]
    at: float

    @property
    def has_project(self) -> bool:
        return f"/{PROJECT}/" in self.key


@dataclass
class VersionedFiles:
    """Port ImportFiles: a bucket with versions."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def upload(self, key: str, size: int) -> PresignedUpload:
        raise NotImplementedError

    def find(self, key: str, version_id: str | None = None) -> StoredFile | None:
        data = self.objects.get((key, version_id or ""))
        return None if data is None else StoredFile(key, etag_of(data), len(data), version_id)

    def content(self, file: StoredFile) -> Content:
        data = self.objects[file.key, file.version_id or ""]
        return StoredObject(lambda offset: iter([data[offset:]]), file.size)

    def store(self, key: str, chunks: Iterable[bytes]) -> StoredFile:
        self.objects[key, ""] = b"".join(chunks)
        return StoredFile(key, etag_of(self.objects[key, ""]), len(self.objects[key, ""]))


def drawn_files(random: randomness.Random) -> list[PutFile]:
    """Draw versions of keys; some are empty, no feedback, or for no project."""
    files: list[PutFile] = []
    for number in range(random.randint(2, 5)):
        name = f"{random.randint(1, 3)}.csv"
        kind = random.choice(("rows", "rows", "rows", "rows", "empty", "other", "nobody"))
        texts = tuple(f"File {number} row {row}" for row in range(random.randint(1, 40))) if kind == "rows" else ()
        body = {"empty": b"", "other": b"%PDF-1.7\n" + bytes(50)}.get(kind, ("\n".join(("text", *texts))).encode())
        project = NOBODY if kind == "nobody" else PROJECT
        files.append(PutFile(f"imports/{project}/{name}", f"v{number}", body, texts, random.uniform(0, 200)))
    return files


@dataclass
class Report:
    seed: int
    files: list[PutFile]
    faults: Faults
    broken: str = ""
    what: str = ""
    trace: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = f"BROKEN {self.what}" if self.broken else "ok"
        return f"seed {self.seed}: {verdict} {len(self.files)} files, faults: {described(self.faults)}"


class FileQueue:
    """The functions around the queue, and the programs that put files."""

    def __init__(self, files: list[PutFile], faults: Faults, random: randomness.Random) -> None:
        self.files, self.random = files, random
        self.loop = VirtualLoop()
        self.cloud = Cloud(self.loop, random, faults, HOP_S)
        self.cloud.database = Database(self.cloud.true_ms, self._watch)
        self.cloud.process_next, self.cloud.dead_letter = self._process_next, self._revive
        self.tables = open_tables(settings_at("backlog", "runs"), now_ms=self.cloud.true_ms)
        self.bucket = VersionedFiles()
        self.told = 0
        self._violations: list[Violation] = []

    # the functions

    def _imports(self, sandbox: Sandbox) -> Imports:
        starter = self._starter(sandbox)
        return Imports(self.tables.imports, self.bucket, self.tables.runs, starter.trigger, sandbox.now_ms)

    def _starter(self, sandbox: Sandbox) -> Starter:
        return Starter(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(),
            counts=self.tables.projects.counts,
            invoke=lambda run_id: ask("invoke", run_id),
            now_ms=sandbox.now_ms,
            ai_and_model=lambda asked: ("mock", MODEL),
        )

    async def _process_next(self, sandbox: Sandbox, run_id: str) -> str:
        services = ImportServices(self.tables.imports, self.bucket, self.tables.cards)
        worker = HopRunner(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(self.tables.runs, imports=services),
            model_for=lambda run: None,  # type: ignore[arg-type,return-value]  # an import calls no model
            price=price,
            invoke=lambda run_id: ask("invoke", run_id),
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
            request_id=sandbox.request_id,
            io=sandbox.io,
        )
        end = await worker.hop(run_id)
        if end is HopEnd.ENDED:
            try:
                await sandbox.io(self._imports(sandbox).start_next, PROJECT)
            except Transient:
                self.cloud.note("next import postponed")
        return end.value

    async def _revive(self, sandbox: Sandbox, run_id: str) -> None:
        await sandbox.io(self._sweeper(sandbox).revive, run_id)

    async def _sweep(self, sandbox: Sandbox) -> None:
        await sandbox.io(self._sweeper(sandbox).sweep)

    def _sweeper(self, sandbox: Sandbox) -> Sweeper:
        return Sweeper(
            store=self.tables.runs,
            starter=self._starter(sandbox),
            to_purge=self.tables.purger.to_purge,
            purge=self.tables.purger.purge,
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
            start_imports=self._imports(sandbox).start_next,
        )

    def _queue(self, sandbox: Sandbox, put: PutFile) -> None:
        dropped = DroppedFile(put.key, len(put.body), EPOCH_MS + round(put.at * 1000), put.version)
        queue_file(dropped, self.bucket, self._imports(sandbox), self.tables.unassigned_files)

    # the events

    async def _put(self, put: PutFile) -> None:
        await asyncio.sleep(put.at)
        self.bucket.objects[put.key, put.version] = put.body
        faults, happens = self.cloud.faults, self.cloud.happens
        deliveries = 2 if happens(faults.twice) else 1
        await asyncio.gather(*(self._tell(put, happens(faults.late)) for _ in range(deliveries)))
        self.told += 1

    async def _tell(self, put: PutFile, late: bool) -> None:
        """Deliver one event: three attempts by Lambda, then dead letters until one succeeds."""
        await asyncio.sleep(self.random.uniform(1, 300) if late else self.random.uniform(0.01, 1))
        attempt = 0
        while True:
            sandbox = self.cloud.sandbox("queue_import", FUNCTION_S)
            if await self.cloud.lives(sandbox, sandbox.io(self._queue, sandbox, put)):
                return
            attempt += 1
            await asyncio.sleep(60.0 * attempt if attempt < TRIES else QUEUE_S)

    # the course of events

    async def main(self) -> None:
        ProjectRow(PROJECT, name="Files", created_at=1).save()
        self.cloud.database.forget()
        schedule = asyncio.create_task(self.cloud.schedule(self._sweep))
        strikes = asyncio.create_task(self.cloud.strike())
        puts = [asyncio.create_task(self._put(put)) for put in self.files]
        try:
            await self._until_quiet()
        finally:
            for task in (schedule, strikes, *puts):
                task.cancel()
        await asyncio.sleep(HOP_S)
        self._raise()
        self._check()

    async def _until_quiet(self) -> None:
        bound = self.cloud.faults.until_s + 8 * BOUND_S
        while True:
            await asyncio.sleep(5)
            self._raise()
            waiting = [item for item in self._rows("IMP#") if "attention" in item]
            active = [item for item in self._rows("R#") if item["status"]["S"] in ACTIVE]
            if self.told == len(self.files) and not waiting and not active and not self._rows("RETRY#"):
                return
            if self.loop.now > bound:
                raise Violation("a_waiting_file_starts", f"{len(waiting)} wait, {len(active)} run at the end")

    def _raise(self) -> None:
        for violation in self._violations:
            raise violation
        for _, crash in self.cloud.crashes:
            raise crash

    def _rows(self, start: str) -> list[Mapping[str, Any]]:
        database = self.cloud.database
        return [database.row(key) or {} for key in database.below("runs", PROJECT, start)]

    # the invariants

    def _watch(self, changed: Changed) -> None:
        """Check every write."""
        for (table, pk, sk), before, after in changed:
            if table != "runs" or pk != PROJECT or after is None:
                continue
            if sk.startswith("IMP#"):
                self._check_import(before or {}, after)
        rows = [item for item in self._rows("R#") if item["status"]["S"] in ACTIVE]
        if len(rows) > 1:
            self._broken("imports_run_one_after_another", f"{len(rows)} runs are active")
        versions = Counter((item["key"]["S"], item["versionId"]["S"]) for item in self._rows("IMP#"))
        if any(count > 1 for count in versions.values()):
            self._broken("a_version_is_imported_once", f"{versions}")

    def _check_import(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if "runId" in before and after.get("runId") != before["runId"]:
            self._broken("an_import_has_one_first_run", f"{before['runId']} becomes {after.get('runId')}")
        if "runId" in after and "attention" in after:
            self._broken("a_started_import_does_not_wait", f"{after['runId']} waits")

    def _broken(self, name: str, what: str) -> None:
        self._violations.append(Violation(name, what))

    def _check(self) -> None:
        """Compare cards, imports and unassigned files with the files that were put."""
        imports = {(item["key"]["S"], item["versionId"]["S"]): item for item in self._rows("IMP#")}
        expected = {(put.key, put.version) for put in self.files if put.has_project}
        if imports.keys() != expected:
            raise Violation("a_file_is_imported", f"imports of {sorted(imports)}, files {sorted(expected)}")
        for put in self.files:
            if put.has_project and not put.body and "problem" not in imports[put.key, put.version]:
                raise Violation("a_refusal_is_shown", f"nothing tells why {put.key} was not imported")
        self._check_cards()
        nobody = Counter(put.key for put in self.files if not put.has_project)
        found, _ = self.tables.unassigned_files.page(None, 200)
        if Counter(file.key for file in found) != nobody:
            raise Violation("a_file_for_no_project_is_shown_once", f"{found} instead of {nobody}")

    def _check_cards(self) -> None:
        texts = Counter(item["text"]["S"] for item in self._cards())
        wanted = Counter(text for put in self.files for text in put.texts)
        twice = [text for text, count in texts.items() if count > 1]
        if twice or texts - wanted:
            raise Violation("a_row_becomes_one_card", f"{twice[:3]} twice, {list(texts - wanted)[:3]} from nowhere")
        ended = {item["status"]["S"] for item in self._rows("R#")}
        # a part that lost three workers fails, and says so
        if texts != wanted and not ended & {"PARTIAL", "FAILED"}:
            raise Violation("a_row_becomes_one_card", f"{sum(wanted.values()) - sum(texts.values())} cards are missing")

    def _cards(self) -> Iterator[Mapping[str, Any]]:
        database = self.cloud.database
        return (database.row(key) or {} for key in database.below("backlog", PROJECT, "C#"))


def simulate(seed: int) -> Report:
    """Run the simulation of this seed: always the same course of events."""
    random = randomness.Random(seed)
    # pauses between tries are random too
    randomness.seed(seed)
    report = Report(seed, drawn_files(random), drawn(random))
    with connected() as connect:
        queue = FileQueue(report.files, report.faults, random)
        connect(queue.cloud)
        try:
            on_virtual_time(queue.main(), queue.loop)
        except Violation as violation:
            report.broken, report.what = violation.name, str(violation)
        except Exception as crash:  # noqa: BLE001 - a crash of the code under test is a finding like any other
            report.broken, report.what = type(crash).__name__, "".join(traceback.format_exception(crash)[-4:])
    report.trace = queue.cloud.trace
    return report


def main() -> int:
    """Simulate the seeds from the first argument to the second; return 1 for a violation."""
    first, last = map(int, sys.argv[1:3])
    broken = [report for report in map(simulate, range(first, last + 1)) if report.broken]
    print(*broken, f"{last - first + 1} seeds, {len(broken)} violate an invariant", sep="\n")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
