"""Rows a second and peak memory of the importer: python -m benchmarks.card_import"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from groundwork.backlog.card_import.content import StoredObject
from groundwork.backlog.card_import.importer import inspect, read
from groundwork.backlog.card_import.limits import MIB, ImportLimits
from groundwork.backlog.card_import.parameters import Parameters

SIZES = (10_000, 100_000)
KINDS = ("csv", "ndjson", "xlsx")
LARGE = ImportLimits(unpacked=600 * MIB)
TEXT = "The route planner freezes with more than ten stops, and I have to start again."


def lines(kind: str, rows: int) -> Iterator[bytes]:
    """Yield a file of the size of a store's monthly export."""
    if kind == "csv":
        yield b"Id,Review Title,Review Text,Rating,Version,Country,Created at\n"
    for row in range(rows):
        if kind == "csv":
            yield b'%d,Slow,"%s\nAgain, and ""again""",2,4.2,DE,2026-03-01T10:00:00Z\n' % (row, TEXT.encode())
        else:
            yield (
                json.dumps({"id": row, "title": "Slow", "body": TEXT, "rating": 2, "created_at": 1772356500}).encode()
                + b"\n"
            )


def workbook(rows: int) -> bytes:
    from io import BytesIO

    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Reviews")
    sheet.append(["Id", "Review Title", "Review Text", "Rating", "Version", "Country", "Created at"])
    for row in range(rows):
        sheet.append([row, "Slow", f"{TEXT} {row}", 2, "4.2", "DE", "2026-03-01T10:00:00Z"])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def content(kind: str, rows: int) -> StoredObject:
    """Make the file anew each time it is opened, so that its own bytes count for no memory."""
    if kind == "xlsx":
        data = workbook(rows)
        return StoredObject(lambda offset: iter([data[offset:]]), len(data))

    def pieces(offset: int) -> Iterator[bytes]:
        for line in lines(kind, rows):
            yield line[offset:] if offset < len(line) else b""
            offset = max(0, offset - len(line))

    return StoredObject(joined(pieces), sum(map(len, lines(kind, rows))))


def joined(pieces: Callable[[int], Iterator[bytes]]) -> Callable[[int], Iterator[bytes]]:
    def open_at(offset: int) -> Iterator[bytes]:
        block: list[bytes] = []
        for piece in pieces(offset):
            block.append(piece)
            if len(block) == 1_000:
                yield b"".join(block)
                block = []
        yield b"".join(block)

    return open_at


def measured(kind: str, rows: int) -> dict[str, float | int | str]:
    source = content(kind, rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    inspected = inspect(source, Parameters(), LARGE)
    looked = time.process_time()
    count = sum(1 for _ in read(inspected))
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "kind": kind,
        "rows": count,
        "bytes": source.size(),
        "inspectS": round(looked - start, 2),
        "totalS": round(seconds, 2),
        "rowsPerS": round(count / seconds),
        "peakMb": round(peak / 1024),
        "addedMb": round((peak - before) / 1024),
    }


def main() -> None:
    """Measure each in a process of its own: a process never gives its peak back."""
    if len(sys.argv) == 3:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
        return
    for kind in KINDS:
        for rows in SIZES:
            subprocess.run([sys.executable, "-m", "benchmarks.card_import", kind, str(rows)], check=True)


if __name__ == "__main__":
    main()
