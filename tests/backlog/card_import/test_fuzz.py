"""No file does worse than be refused, no text is changed, and no cut matters."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.backlog.card_import.cards import Outcome
from groundwork.backlog.card_import.content import Content, Memory
from groundwork.backlog.card_import.importer import Checkpoint, RowReader, inspect, preview, read, read_upload, resume
from groundwork.backlog.card_import.layout import Layout
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.backlog.new_cards import NewCard
from groundwork.errors import Refusal
from tests.backlog.card_import.exports import SURVEYMONKEY, archive_of, document, google_play, play_row, table, workbook
from tests.examples import examples

FUZZ = settings(
    deadline=None, max_examples=examples(80), suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def words(text: str) -> list[str]:
    return text.split()


ENCODINGS = words(
    """utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 cp1252 iso8859-15 cp1250 cp1251 koi8-r cp932 euc-jp gb18030
    big5 cp949 mac-roman iso2022_jp cp037"""
)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda body: body,
    "gzip": gzip.compress,
    "zip": lambda body: archive_of({"export.csv": body}),
    "gzip in zip": lambda body: archive_of({"export.csv.gz": gzip.compress(body)}),
}


def round_trips(character: str, encoding: str) -> bool:
    try:
        return character.encode(encoding).decode(encoding) == character
    except UnicodeError:
        return False


SPANS = (
    (0x20, 0x17F),
    (0x370, 0x45F),
    (0x2010, 0x2044),
    (0x20AC, 0x20AD),
    (0x3000, 0x30FF),
    (0x4E00, 0x4F00),
    (0xAC00, 0xAC80),
    (0x1F600, 0x1F640),
)
CHARACTERS = [chr(code) for first, last in SPANS for code in range(first, last) if not 0x7F <= code < 0xA0]
ALPHABETS = {encoding: [char for char in CHARACTERS if round_trips(char, encoding)] for encoding in ENCODINGS}


def written_in(encoding: str) -> st.SearchStrategy[str]:
    """Texts that the encoding holds and a card may have."""
    characters = st.sampled_from(ALPHABETS[encoding]) | st.sampled_from("\",;|\t\n'\\")
    return st.text(characters, min_size=1, max_size=40).map(str.strip).filter(bool)


@dataclass(frozen=True)
class File:
    texts: list[str]
    body: bytes
    encoding: str
    packed: bool


@st.composite
def files(draw: st.DrawFn) -> File:
    encoding = draw(st.sampled_from(ENCODINGS))
    texts = draw(st.lists(written_in(encoding), min_size=1, max_size=12))
    header, row = draw(st.sampled_from([(["text"], 1), (["text", "note"], 2), (["note", "text", "more"], 3)]))
    at = header.index("text")
    rows = [["x"] * at + [text] + ["y"] * (row - at - 1) for text in texts]
    delimiter = draw(st.sampled_from(",;\t|")) if row > 1 else ","
    body = table(
        [header, *rows],
        delimiter=delimiter,
        encoding=encoding,
        quoting=draw(st.sampled_from([0, 1])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
    )
    packing = draw(st.sampled_from(sorted(PACKERS)))
    return File(texts, PACKERS[packing](body), encoding, packing != "plain")


@FUZZ
@given(files())
def test_a_named_encoding_gives_back_every_text(file: File) -> None:
    upload = read_upload(file.body, Parameters(charset=file.encoding), max_rows=100)
    assert [card.text for card in upload.cards] == file.texts
    assert upload.rejected == []


@FUZZ
@given(files().filter(lambda file: file.encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32")))
def test_unicode_needs_no_name(file: File) -> None:
    upload = read_upload(file.body, Parameters(), max_rows=100)
    assert [card.text for card in upload.cards] == file.texts


@FUZZ
@given(files(), st.data())
def test_a_cut_file_loses_its_end_alone(file: File, data: st.DataObject) -> None:
    cut = file.body[: data.draw(st.integers(0, len(file.body)))]
    try:
        upload = read_upload(cut, Parameters(charset=file.encoding, text=("text",)), max_rows=100)
    except Refusal:
        return
    texts = [card.text for card in upload.cards]
    assert "\ufffd" not in "".join(texts)
    assert texts[:-1] == file.texts[: max(0, len(texts) - 1)]
    # what is cut in a cell is the beginning of that cell
    assert not texts or file.texts[len(texts) - 1].startswith(texts[-1].rstrip('"'))


@FUZZ
@given(files(), st.data())
def test_a_detected_encoding_never_stores_lost_characters(file: File, data: st.DataObject) -> None:
    body = bytearray(file.body)
    for at in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=3)):
        body[at] = data.draw(st.integers(0, 255))
    try:
        upload = read_upload(bytes(body), Parameters(text=("text",)), max_rows=100)
    except Refusal:
        return
    assert "\ufffd" not in json.dumps(
        [[card.text, card.source, card.external_id, card.metadata] for card in upload.cards], ensure_ascii=False
    )


STARTS = (
    b"",
    b"text,a\n",
    b"text\n",
    b"sep=;\n",
    b"[",
    b"{",
    b'{"text":"a"}\n',
    b"\x1f\x8b\x08\x00",
    b"PK\x03\x04",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xfe\xff",
    b'text,a\n"',
    b"\xff\xfe\x00\x00",
    gzip.compress(b"text\na\n")[:-4],
    archive_of({"a.csv": b"text\na\n"})[:-9],
    workbook([["text"], ["a"]])[:-200],
    b"Timestamp,a b c d e?\n",
    b"a,b\n\n\n",
)


@settings(FUZZ, max_examples=examples(200))
@given(
    st.sampled_from(STARTS),
    st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode(errors="replace")),
    st.sampled_from([None, "csv", "ndjson", "json", "xlsx"]),
)
def test_no_bytes_do_worse_than_be_refused(start: bytes, rest: bytes, kind: str | None) -> None:
    for parameters in (Parameters(type=kind), Parameters(stated_charset="utf-8"), Parameters(charset="utf-16")):  # type: ignore[arg-type]
        for reader in (
            lambda given: read_upload(start + rest, given, max_rows=100),
            lambda given: preview(Memory(start + rest), given),
        ):
            try:
                reader(parameters)
            except Refusal:
                continue


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(
            st.sampled_from(["text", "id", "entry", "data", "metadata", "label", "title", "author", "type"])
            | st.text(max_size=5),
            below,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@settings(FUZZ, max_examples=examples(150))
@given(json_values)
def test_no_json_does_worse_than_be_refused(value: object) -> None:
    try:
        upload = read_upload(document(value), Parameters(type="json"), max_rows=1_000)
    except (Refusal, UnicodeEncodeError):
        return
    assert all(card.text for card in upload.cards)


@FUZZ
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffd"), min_size=1)
        .map(str.strip)
        .filter(bool),
        min_size=1,
        max_size=10,
    )
)
def test_json_of_every_shape_gives_back_every_text(texts: list[str]) -> None:
    rows = [{"text": text, "n": at} for at, text in enumerate(texts)]
    pages = [{"data": rows[at : at + 3], "next": at} for at in range(0, len(rows), 3)]
    for body in (
        document(rows),
        document({"data": rows}),
        b"\n".join(map(document, rows)),
        document(rows, indent=2),
        document(pages),
        b"\n".join(map(document, pages)),
        b"".join(document(page["data"]) for page in pages),
        document([page["data"] for page in pages], indent=2),
    ):
        assert [card.text for card in read_upload(body, Parameters(), max_rows=100).cards] == texts


# stopping and resuming


class InPieces:
    """A stored file that arrives in pieces of any size, as from a network."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self._piece = size

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        for start in range(offset, len(self._data), self._piece):
            yield self._data[start : start + self._piece]

    def size(self) -> int:
        return len(self._data)


def stops(content: Content, parameters: Parameters) -> tuple[Layout, list[Outcome], list[Checkpoint]]:
    inspected = inspect(content, parameters)
    reader = read(inspected)
    seen = [(outcome, reader.checkpoint) for outcome in reader]
    return inspected.layout, [outcome for outcome, _ in seen], [checkpoint for _, checkpoint in seen]


def resumes_everywhere(body: bytes, parameters: Parameters, size: int) -> int:
    """Stop behind each row, forget all but what is written down, and go on.

    Returns the number of rows.
    """
    layout, outcomes, checkpoints = stops(InPieces(body, size), parameters)
    layout = Layout.from_json(json.loads(json.dumps(layout.as_json())))
    for at, checkpoint in enumerate(checkpoints, 1):
        again = Checkpoint.from_json(json.loads(json.dumps(checkpoint.as_json())))
        reader: RowReader = resume(InPieces(body, size), layout, again)
        assert list(reader) == outcomes[at:]
    return len(outcomes)


RESUMED = {
    "csv": table([["text", "note"], ["a", "x"], ["two\nlines", "y"], ["", "z"], ["d", ""]], lineterminator="\n"),
    "crlf": b'text,n\r\n"a\r\nb",1\r\n\r\nc,2\r\n"d""e",3',
    "cr": b"text\ra\rb\rc\r",
    "stray quotes": b'text,n\na,1\n"b,2\n' + b"c,3\n" * 12,
    "wide rows": b"text,n\na,1\nb,2,3\nc,4\n",
    "cp932": "text,n\n注文が遅い,1\nソースの表,2\n".encode("cp932"),
    "play": google_play(play_row("a", "Zu\nlangsam"), play_row("b", ""), play_row("c", "Gut")),
    "survey": table(
        [
            *SURVEYMONKEY,
            *[
                [str(at), "4", f"03/{at}/2026 10:00:00"] + [""] * 6 + ["The search is much too slow", "", "", ""]
                for at in range(11, 15)
            ],
        ]
    ),
    "ndjson": b'{"text":"a"}\n\nno\n{"text":"b","metadata":{"a":{"b":1}}}\r\n{"text":"c"}',
    "array": document([{"text": "a"}, 5, {"text": "b"}, {"text": "c", "n": [1, 2]}], indent=1),
    "cut array": document([{"text": "a"}, {"text": "b"}, {"text": "c"}])[:-12],
    "wrapper": document({"reviews": [{"text": "a"}, {"text": ""}, {"text": "c"}]}),
    "arrays": document([{"text": "a"}, {"text": "b"}]) + document([{"text": "c"}], indent=2) + b"\n[5]",
    "pages": b"".join(document({"tickets": [{"text": at}, {"text": "b"}], "next": at}, indent=1) for at in "xyz"),
    "page a line": b"\n".join(document({"tickets": [{"text": at}, {"text": "b"}]}) for at in "xyz"),
    "nested": document([[{"text": "a"}], [{"text": ""}, {"text": "c"}], [{"data": [{"text": "d"}]}]]),
    "rows": b'["text","n"]\n["a",1]\n["b",2]\n',
    "xlsx": workbook([["Report"], [], ["Text", "Date"], ["a", "2026-01-01"], [None, "x"], ["c", ""]]),
    "zip": archive_of({"a.csv": b"text,n\na,1\nb,2\n"}),
    "gzip cp1252": gzip.compress("text,n\nGrüße aus Köln,1\nSchöne Grüße,2\n".encode("cp1252")),
}


@pytest.mark.parametrize("name", RESUMED)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_reading_resumes_behind_any_row(name: str, size: int) -> None:
    assert resumes_everywhere(RESUMED[name], Parameters(), size) >= 2
    assert resumes_everywhere(gzip.compress(RESUMED[name]), Parameters(), size) >= 2


@FUZZ
@given(files(), st.integers(1, 50))
def test_reading_any_file_resumes_behind_any_row(file: File, size: int) -> None:
    assert resumes_everywhere(file.body, Parameters(charset=file.encoding), size) == len(file.texts)


@pytest.mark.parametrize("name", ["csv", "crlf", "cr", "stray quotes", "cp932", "ndjson"])
def test_a_plain_file_resumes_by_bytes_of_its_own(name: str) -> None:
    layout, outcomes, checkpoints = stops(Memory(RESUMED[name]), Parameters())
    assert layout.resumes_by_bytes
    assert checkpoints[-1].offset <= len(RESUMED[name])
    tail = RESUMED[name][checkpoints[0].offset :]
    assert tail.strip()
    assert len(outcomes) == checkpoints[-1].rows


@pytest.mark.parametrize("name", ["play", "xlsx", "zip", "array", "wrapper", "pages", "rows", "gzip cp1252"])
def test_what_is_derived_can_be_stored_and_then_resumes_by_bytes_too(name: str) -> None:
    inspected = inspect(Memory(RESUMED[name]), Parameters())
    stored = Memory(b"".join(inspected.content.chunks()))
    layout = inspected.layout.staged()
    assert layout.resumes_by_bytes
    cards = [outcome for outcome in read(inspected) if isinstance(outcome, NewCard)]
    start = Checkpoint(layout.start.offset, layout.start.line)
    assert [outcome for outcome in resume(stored, layout, start) if isinstance(outcome, NewCard)] == cards
