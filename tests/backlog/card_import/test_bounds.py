"""Hostile and broken files end in bounded time and memory."""

import gzip
import json
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest

from groundwork.backlog.card_import.content import Memory
from groundwork.backlog.card_import.errors import Damaged, NotAFeedbackFile
from groundwork.backlog.card_import.importer import inspect, read, read_upload
from groundwork.backlog.card_import.limits import MAX_RECORD_BYTES, MIB, ImportLimits
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.errors import Malformed, Refusal, TooLarge
from tests.backlog.card_import.exports import archive_of, table, workbook


def upload(body: bytes) -> list[str]:
    return [card.text for card in read_upload(body, Parameters(), max_rows=5_000).cards]


def zeros(mebibytes: int) -> bytes:
    """Compress a long line of one letter."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b"a" * MIB) for _ in range(mebibytes)) + packer.flush()


def edited(sheet: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the XML of a workbook's first sheet."""
    with zipfile.ZipFile(BytesIO(sheet)) as book:
        files = {name: book.read(name) for name in book.namelist()}
    name = next(name for name in files if name.endswith("sheet1.xml"))
    return archive_of(files | {name: change(files[name])})


def sparse(cells: bytes) -> bytes:
    return edited(workbook([["text"], ["a"]]), lambda xml: xml.replace(b"</sheetData>", cells + b"</sheetData>"))


# built by the test, not when the module is imported: each worker imports all modules
BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: zeros(300),
    "gzip in gzip": lambda: gzip.compress(zeros(300)),
    "zip": lambda: archive_of({"a.csv": b"a" * 60 * MIB}),
    "gzip in zip": lambda: archive_of({"a.csv.gz": zeros(300)}),
    "xlsx": lambda: archive_of({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b" " * 60 * MIB}),
    "wide xlsx": lambda: sparse(
        b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (row, row) for row in range(3, 30_000))
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_little_time_and_memory(name: str) -> None:
    bomb = BOMBS[name]()
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(TooLarge):
            upload(bomb)
        assert time.process_time() - start < 30
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


def test_a_cell_far_out_costs_nothing() -> None:
    assert upload(sparse(b'<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>far</t></is></c></row>')) == [
        "a",
        "far",
    ]
    stated = edited(
        workbook([["text"], ["a"]]),
        lambda xml: xml.replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>'),
    )
    assert upload(stated) == ["a"]


def test_entities_in_a_sheet_are_refused() -> None:
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        b"<worksheet><sheetData><row><c><v>&b;</v></c></row></sheetData></worksheet>"
    )
    with pytest.raises(Damaged):
        upload(edited(workbook([["text"], ["a"]]), lambda _: bomb))


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b'[{"a":' + b"[" * 50_000])
def test_json_that_is_too_deep_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        upload(body)


def test_an_archive_in_an_archive_without_end_is_refused() -> None:
    body = b"text\na\n"
    for _ in range(6):
        body = gzip.compress(body)
    with pytest.raises(NotAFeedbackFile):
        upload(body)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"text\na\n" * 99)[:-9],
        gzip.compress(b"text\na\n")[:-5] + b"12345",
        archive_of({"a.csv": b"text\na\n" * 99})[:60],
        b"PK\x03\x04" + b"x" * 90,
    ],
    # the bytes hold the time of compression: workers would collect other names
    ids=["gzip cut", "gzip checksum", "zip cut", "zip noise"],
)
def test_damaged_archives_are_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        upload(body)


def test_a_zip_with_a_password_says_so() -> None:
    body = bytearray(archive_of({"a.csv": b"text\na\n"}))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Damaged, match="password"):
        upload(bytes(body))


def test_members_and_padding_of_gzip_are_read_as_one() -> None:
    assert upload(gzip.compress(b"text\na\n") + gzip.compress(b"b\n") + b"\0" * 20) == ["a", "b"]


def test_a_record_over_the_limit_is_rejected_and_the_rows_below_are_read() -> None:
    long = b'"' + b"long line\n" * (MAX_RECORD_BYTES // 10 + 1) + b'"'
    found = read_upload(b"text,n\na,1\n" + long + b",2\nb,3\n", Parameters(), max_rows=100)
    assert [card.text for card in found.cards] == ["a", "b"]
    assert [(rejected.row, rejected.line, rejected.reason) for rejected in found.rejected] == [
        (2, 3, "is longer than 1 MB")
    ]
    assert found.cards[1].line == 3 + long.count(b"\n") + 1


def test_a_line_over_the_limit_is_rejected_alone() -> None:
    assert upload(b"text\na\n" + b"x" * 9 * MIB + b"\nb\n") == ["a", "b"]
    assert upload(b'{"text":"a"}\n{"text":"' + b"x" * 9 * MIB + b'"}\n{"text":"b"}\n') == ["a", "b"]


def test_many_stray_quotes_end_in_bounded_time() -> None:
    start = time.process_time()
    body = b"text,n\n" + b'"a,1\nb,2\nc,3\n' * 30_001
    rows = sum(1 for _ in read(inspect(Memory(body), Parameters())))
    assert rows > 1_000
    assert time.process_time() - start < 60


def test_a_very_wide_table_is_read() -> None:
    header = ["Summary", "Issue key", "text", *["Comment"] * 2_000]
    found = read_upload(
        table([header, ["s", "K-1", "t", *[f"c{at}" for at in range(2_000)]]]), Parameters(), max_rows=10
    )
    assert len(found.cards[0].metadata["Comment"]) == 2_000


def test_metadata_over_the_limit_loses_its_longest_values_with_a_warning() -> None:
    found = read_upload(table([["text", "log", "n"], ["a", "x" * 30_000, "1"]]), Parameters(), max_rows=10)
    assert found.cards[0].metadata == {"n": "1"}
    assert "1 metadata values were left out: too long, or with lost characters." in found.warnings


def test_a_document_over_the_limit_is_refused_but_an_array_streams() -> None:
    limits = ImportLimits(document=1_000)
    rows = [{"text": f"card {at}"} for at in range(200)]
    with pytest.raises(TooLarge, match="NDJSON, or a list at the top level"):
        read_upload(json.dumps({"reviews": rows}).encode(), Parameters(), max_rows=999, limits=limits)
    assert len(read_upload(json.dumps(rows).encode(), Parameters(), max_rows=999, limits=limits).cards) == 200


@pytest.mark.full
@pytest.mark.parametrize("kind", ["csv", "array"])
def test_a_large_file_is_read_at_constant_memory(kind: str) -> None:
    def line(at: int, rows: int) -> bytes:
        if kind == "csv":
            return (
                b"text,id,date\n"
                if at < 0
                else b'"%s\nand again",%d,2026-03-01T10:00:00Z\n' % (b"The map is slow, " * 8, at)
            )
        return (
            b"["
            if at < 0
            else b'{"text":"%s","id":%d}%s' % (b"The map is slow, " * 8, at, b"]" if at == rows - 1 else b",\n")
        )

    def peak(rows: int) -> int:
        content = Memory(b"".join(line(at, rows) for at in range(-1, rows)))
        tracemalloc.start()
        try:
            assert sum(1 for _ in read(inspect(content, Parameters()))) == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # both are above the sample and the profile, whose sizes are fixed
    assert peak(11_000) - peak(6_500) < MIB // 4
