"""A damaged workbook is refused clearly, a large one within bounded memory."""

import random
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest

from groundwork.backlog.card_import.content import Memory
from groundwork.backlog.card_import.importer import preview, read_upload
from groundwork.backlog.card_import.limits import MIB, ImportLimits
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.errors import Refusal, TooLarge
from tests.backlog.card_import.exports import archive_of, workbook

SHARED = (
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<si><t>text</t></si><si><r><t>one</t></r><r><t> two</t></r></si>%s</sst>"
)
SHARED_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def shared(more: str = "", name: str = "xl/sharedStrings.xml") -> bytes:
    """Make a workbook with its texts in a part of their own, as Excel does."""
    with zipfile.ZipFile(BytesIO(workbook([["text"], ["a"]]))) as book:
        files = {part: book.read(part) for part in book.namelist()}
    sheet = next(part for part in files if part.endswith("sheet1.xml"))
    rows = "".join(f'<row r="{at}"><c r="A{at}" t="s"><v>{at - 1}</v></c></row>' for at in (1, 2))
    start, _, rest = files[sheet].partition(b"<sheetData>")
    files[sheet] = start + b"<sheetData>" + rows.encode() + rest[rest.index(b"</sheetData>") :]
    types = files["[Content_Types].xml"].decode()
    files["[Content_Types].xml"] = types.replace(
        "</Types>", f'<Override PartName="/{name}" ContentType="{SHARED_TYPE}"/></Types>'
    ).encode()
    return archive_of({**files, name: (SHARED % more).encode()})


def texts(body: bytes) -> list[str]:
    large = ImportLimits(unpacked=2 * 1024 * MIB)
    return [card.text for card in read_upload(body, Parameters(), max_rows=9, limits=large).cards]


def test_shared_texts_are_read() -> None:
    assert texts(shared()) == ["one two"]


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/worksheets/sheet9.xml"])
def test_shared_texts_over_the_limit_are_refused_before_they_are_read(name: str) -> None:
    body = shared("<si><t>%s</t></si>" % (" " * 101 * MIB), name)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="100 MB unpacked: export CSV"):
            texts(body)
        assert tracemalloc.get_traced_memory()[1] < 32 * MIB
    finally:
        tracemalloc.stop()


def test_very_many_shared_texts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from groundwork.backlog.card_import import xlsx_parts

    monkeypatch.setattr(xlsx_parts, "MAX_STRINGS", 1_000)
    assert texts(shared("<si/>" * 998)) == ["one two"]
    with pytest.raises(TooLarge, match="different texts: export CSV"):
        texts(shared("<si/>" * 999))


@pytest.mark.full
def test_memory_of_empty_shared_texts_is_bounded() -> None:
    body = shared("<si/>" * 100_000)
    tracemalloc.start()
    try:
        assert texts(body) == ["one two"]
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


def test_other_parts_over_the_limit_are_refused() -> None:
    with zipfile.ZipFile(BytesIO(shared())) as book:
        files = {part: book.read(part) for part in book.namelist()}
    for part in ("[Content_Types].xml", "xl/styles.xml", "xl/workbook.xml"):
        with pytest.raises(TooLarge, match="export CSV"):
            texts(archive_of(files | {part: files[part] + b" " * 21 * MIB}))


def flipped(body: bytes) -> Iterator[bytes]:
    draw = random.Random(1)
    for at in range(0, len(body), 50):
        yield body[:at] + bytes([body[at] ^ draw.randint(1, 255)]) + body[at + 1 :]


def numbered() -> bytes:
    return workbook([["text", "n"], *[["a", at] for at in range(99)]])


@pytest.mark.parametrize("make", [shared, numbered])
def test_a_damaged_byte_is_refused_or_harmless(make: Callable[[], bytes]) -> None:
    refused = 0
    for body in flipped(make()):
        for read in (texts, lambda damaged: preview(Memory(damaged), Parameters())):
            try:
                read(body)
            except Refusal:
                refused += 1
    assert refused > 20
