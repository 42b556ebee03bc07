"""Peak memory, rows a second and write units of import runs: python -m benchmarks.import_run

Each import has a process of its own; the tables are on DynamoDB Local and the files on disk, both outside of it.
"""

import asyncio
import gzip
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.card_import import lines, workbook
from benchmarks.counting import metered
from groundwork.backlog.card_import.content import CHUNK, Content, Stored
from groundwork.imports.model import StoredFile
from groundwork.imports.ports import Upload
from groundwork.imports.requests import NewImport
from groundwork.runs.model import RunStatus
from tests.dynamodb_local import fetched, running
from tests.imports.world import ImportWorld
from tests.tables import make_tables

SIZES = (10_000, 100_000)
KINDS = ("csv", "csv.gz", "xlsx")
METERED_ROWS = 2_000


class DiskFiles:
    """Port ImportFiles in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()

    def upload(self, key: str, size: int) -> Upload:
        return Upload("", "PUT", {}, 0)

    def find(self, key: str, version_id: str | None = None) -> StoredFile | None:
        return StoredFile(key, "etag", self.path(key).stat().st_size)

    def content(self, file: StoredFile) -> Content:
        def read(offset: int) -> Iterator[bytes]:
            with self.path(file.key).open("rb") as opened:
                opened.seek(offset)
                while chunk := opened.read(CHUNK):
                    yield chunk

        return Stored(read, file.size)

    def store(self, key: str, chunks: Iterable[bytes]) -> StoredFile:
        with self.path(key).open("wb") as opened:
            size = sum(opened.write(chunk) for chunk in chunks)
        return StoredFile(key, "etag", size)


def write_file(path: Path, kind: str, rows: int) -> None:
    if kind == "xlsx":
        path.write_bytes(workbook(rows))
        return
    with gzip.open(path, "wb") if kind.endswith("gz") else path.open("wb") as file:
        for line in lines("csv", rows):
            file.write(line)


def measured(endpoint: str, folder: Path, kind: str, rows: int, with_meter: bool) -> dict[str, object]:
    files = DiskFiles(folder)
    world = ImportWorld(make_tables(endpoint), hop_ms=3_600_000)
    # the file is beside the run: only the worker counts
    world.files = files  # type: ignore[assignment]
    source = folder / f"{kind}-{rows}"
    made, _ = world.imports.create(world.project_id, NewImport(name="a", size=source.stat().st_size))
    files.path(made.key).symlink_to(source)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cpu = time.monotonic(), time.process_time()
    with metered() if with_meter else nullcontext() as meter:
        run = asyncio.run(world.to_the_end(world.imports.start(made.id).run_id))
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert world.tables.imports.load(made.id).counts.created == rows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures: dict[str, object] = {"kind": kind, "rows": rows, "bytes": source.stat().st_size, "hops": run.hops}
    if meter:
        units, requests = meter.bill.write_units / rows, meter.bill.requests / rows
        return figures | {"writeUnitsPerCard": round(units, 2), "requestsPerCard": round(requests, 3)}
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    return figures | {
        "seconds": round(seconds, 1),
        "cpuSeconds": round(cpu, 1),
        "rowsPerS": round(rows / seconds),
        "peakMb": round(peak / 1024),
        "addedMb": round((peak - before) / 1024),
    }


def main(arguments: list[str]) -> None:
    """Measure each import in a process of its own: a process never gives its peak back."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ[name] = "test"
    if len(arguments) == 5:
        endpoint, folder, kind, rows, meter = arguments
        print(json.dumps(measured(endpoint, Path(folder), kind, int(rows), meter == "meter")), flush=True)
        return
    sizes = [int(argument) for argument in arguments] or list(SIZES)
    cases = [(kind, rows, "") for kind in KINDS for rows in sizes] + [("csv", METERED_ROWS, "meter")]
    with TemporaryDirectory() as folder, running(fetched()) as endpoint:
        for kind, rows, meter in cases:
            write_file(Path(folder) / f"{kind}-{rows}", kind, rows)
            command = [sys.executable, "-m", "benchmarks.import_run", endpoint, folder, kind, str(rows), meter]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
