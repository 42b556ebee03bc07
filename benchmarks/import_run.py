"""Peak memory, rows a second and write units of import runs: python -m benchmarks.import_run

Each import has a process of its own. The files are on disk; the tables are the simulator's, without the cards: only the
worker shall count. So the time is that of the worker's own work, without DynamoDB.
"""

import asyncio
import gzip
import hashlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.card_import import TEXT, workbook
from benchmarks.counting import Meter
from groundwork.adapters.dynamodb.tables import open_tables
from groundwork.backlog.card_import.content import CHUNK, Content, StoredObject
from groundwork.imports.model import StoredFile
from groundwork.imports.ports import ImportFiles, PresignedUpload
from groundwork.imports.requests import NewImport
from groundwork.runs.model import RunStatus
from tests.imports.world import ImportWorld
from tests.simulation.dynamodb import Database, Key, in_place_of_aws
from tests.simulation.expressions import Item
from tests.tables import settings_at

SIZES = (10_000, 100_000)
KINDS = ("csv", "csv.gz", "xlsx")
METERED_ROWS = 2_000


class ForgetfulDatabase(Database):
    """A database that accepts cards, ids, hashes and journal entries, and keeps none of them."""

    def _store(self, key: Key, before: Item | None, after: Item | None) -> None:
        if not key[2].startswith(("C#", "X#", "H#", "J#")):
            super()._store(key, before, after)
        self.forget()


class DiskFiles:
    """Port ImportFiles in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()

    def upload(self, key: str, size: int) -> PresignedUpload:
        return PresignedUpload("", "PUT", {}, 0)

    def find(self, key: str, version_id: str | None = None) -> StoredFile | None:
        return StoredFile(key, "etag", self.path(key).stat().st_size)

    def content(self, file: StoredFile) -> Content:
        def read(offset: int) -> Iterator[bytes]:
            with self.path(file.key).open("rb") as opened:
                opened.seek(offset)
                while chunk := opened.read(CHUNK):
                    yield chunk

        return StoredObject(read, file.size)

    def store(self, key: str, chunks: Iterable[bytes]) -> StoredFile:
        with self.path(key).open("wb") as opened:
            size = sum(opened.write(chunk) for chunk in chunks)
        return StoredFile(key, "etag", size)


@dataclass(kw_only=True)
class DiskWorld(ImportWorld):
    """A world with the files of its imports on disk."""

    disk: DiskFiles

    @property
    def bucket(self) -> ImportFiles:
        return self.disk


def write_file(path: Path, kind: str, rows: int) -> None:
    if kind == "xlsx":
        path.write_bytes(workbook(rows))
        return
    with gzip.open(path, "wb") if kind.endswith("gz") else path.open("wb") as file:
        file.write(b"Id,Review Title,Review Text,Rating,Version,Country,Created at\n")
        for row in range(rows):
            text = f'"{TEXT}\nAgain, and ""again"" {row}"'
            file.write(f"{row},Slow,{text},2,4.2,DE,2026-03-01T10:00:00Z\n".encode())


def measured(folder: Path, kind: str, rows: int) -> dict[str, object]:
    database, meter = ForgetfulDatabase(), Meter()

    def send(operation: str, sent: dict[str, Any]) -> dict[str, Any]:
        answer = database.carry_out(operation, sent)
        # the meter keeps the size of each row: for one small import only
        if rows <= METERED_ROWS:
            meter.count(operation, sent)
        return answer

    with in_place_of_aws(send):
        tables = open_tables(settings_at("backlog", "runs"))
        world = DiskWorld(tables, hop_ms=3_600_000, disk=DiskFiles(folder))
        figures = _imported(world, folder / f"{kind}-{rows}", rows)
    figures = {"kind": kind, "rows": rows} | figures
    if rows > METERED_ROWS:
        return figures
    units, requests = meter.bill.write_units / rows, meter.bill.requests / rows
    return figures | {"writeUnitsPerCard": round(units, 2), "requestsPerCard": round(requests, 3)}


def _imported(world: DiskWorld, source: Path, rows: int) -> dict[str, object]:
    size = source.stat().st_size
    made, _ = world.imports.create(world.project_id, NewImport(name="a", size=size))
    world.disk.path(made.key).symlink_to(source)
    run_id = world.imports.start(made.id).run_id
    before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    run = asyncio.run(world.to_the_end(run_id))
    cpu = time.process_time() - cpu
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert world.tables.imports.load(made.id).counts.created == rows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "bytes": size,
        "items": run.total,
        "cpuSeconds": round(cpu, 1),
        "rowsPerCpuS": round(rows / cpu),
        "peakMb": round(peak / 1024),
        "addedMb": round((peak - before) / 1024),
    }


def main(arguments: list[str]) -> None:
    """Measure each import in a process of its own: a process never gives its peak back."""
    if len(arguments) == 3:
        folder, kind, rows = arguments
        print(json.dumps(measured(Path(folder), kind, int(rows))), flush=True)
        return
    sizes = [int(argument) for argument in arguments] or list(SIZES)
    with TemporaryDirectory() as folder:
        for kind, count in [("csv", METERED_ROWS), *((kind, size) for kind in KINDS for size in sizes)]:
            write_file(Path(folder) / f"{kind}-{count}", kind, count)
            command = [sys.executable, "-m", "benchmarks.import_run", folder, kind, str(count)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
