"""Decide how to read a file after one pass over all of it.

The decision covers container, encoding, header, format, columns and dates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from groundwork.backlog.card_import import json_pages, json_records, json_values, unpack
from groundwork.backlog.card_import.content import Content, Derived, Kept
from groundwork.backlog.card_import.dates import OrderVotes
from groundwork.backlog.card_import.dialect import Dialect, Recognised, find_dialect
from groundwork.backlog.card_import.encoding import Encoding, detect, splits_by_bytes, transcoded
from groundwork.backlog.card_import.export_format import Format
from groundwork.backlog.card_import.formats import BY_NAME, recognise
from groundwork.backlog.card_import.headers import MAX_HEADER_ROWS, combined, header_rows, open_columns
from groundwork.backlog.card_import.ids import as_text
from groundwork.backlog.card_import.json_documents import slack_day, slack_messages
from groundwork.backlog.card_import.json_shape import json_shape
from groundwork.backlog.card_import.layout import Container, Layout
from groundwork.backlog.card_import.limits import (
    MAX_NOTES,
    MAX_PROFILED,
    SAMPLE_BYTES,
    SAMPLE_RECORDS,
    ImportLimits,
)
from groundwork.backlog.card_import.lines import byte_lines
from groundwork.backlog.card_import.names import key
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.backlog.card_import.profile import Column, Profile
from groundwork.backlog.card_import.reading import Fields, record_fields, records_of
from groundwork.backlog.card_import.records import CsvRecords, Position
from groundwork.backlog.card_import.roles import mapping_of, rate
from groundwork.backlog.card_import.xlsx import Sheets
from groundwork.errors import Invalid

NO_ID = (
    "No column holds an id: a second upload of these rows adds every card again, unless ?dedupe=content leaves out "
    "equal texts."
)
_PACKED = Encoding("utf-8")


@dataclass(frozen=True, slots=True)
class Inspected:
    """`content` is the input of `layout`: the file, or bytes derived from it."""

    layout: Layout
    content: Content
    profile: Profile


def inspect(content: Content, parameters: Parameters, limits: ImportLimits) -> Inspected:
    """Decide how to read a file. Raises a Refusal if it cannot hold feedback."""
    unpacked = unpack.unpack(content, limits)
    if unpacked.kind == "xlsx":
        layout, derived = _sheet(unpacked.content, parameters)
    elif unpacked.kind == "slack":
        layout = Layout("packed", _PACKED, "slack")
        derived = slack_lines(unpacked.content, limits)
    else:
        pages = json_pages.Pages()
        layout, derived = _text(unpacked, parameters, limits, pages)
        inspected = _mapped(layout, derived, parameters)
        # known only after the first reading
        return _warned(inspected, pages.notes)
    return _mapped(layout, derived, parameters)


def _warned(inspected: Inspected, warnings: Sequence[str]) -> Inspected:
    layout = inspected.layout
    return replace(inspected, layout=replace(layout, warnings=(*layout.warnings, *warnings[:MAX_NOTES])))


def reopen(content: Content, layout: Layout, limits: ImportLimits) -> Content:
    """Return a layout's input, derived from the file again."""
    if layout.container == "plain":
        return content
    unpacked = unpack.unpack(content, limits).content
    if layout.container == "xlsx":
        return sheet_lines(unpacked, layout.sheet or "")
    if layout.container == "slack":
        return slack_lines(unpacked, limits)
    if layout.container == "document":
        return document_lines(unpacked, layout.encoding, limits)
    return transcoded(unpacked, layout.encoding) if layout.container == "transcoded" else unpacked


def sheet_lines(content: Content, sheet: str) -> Kept:
    return Kept(lambda: (json_records.packed(number, row) for number, row in Sheets(content).rows(sheet)))


def document_lines(
    content: Content, encoding: Encoding, limits: ImportLimits, pages: json_pages.Pages | None = None
) -> Derived:
    return Derived(lambda: json_records.packed_records(content, encoding, limits, pages))


def slack_lines(content: Content, limits: ImportLimits) -> Kept:
    return Kept(lambda: _slack_lines(content, limits))


def _slack_lines(content: Content, limits: ImportLimits) -> Iterator[bytes]:
    broken: list[str] = []

    def days() -> Iterator[tuple[str, list[object]]]:
        for name in unpack.slack_days(content):
            day = unpack.whole(unpack.member(content, name), limits.document)
            try:
                yield name.split("/")[0], slack_day(day)
            except ValueError:
                broken.append(name)

    for message in slack_messages(days()):
        yield json_records.packed(None, message)
    for name in broken:
        yield json_records.packed(None, None, f"{name} {json_values.NOT_JSON}")


def _text(
    unpacked: unpack.Unpacked, parameters: Parameters, limits: ImportLimits, pages: json_pages.Pages
) -> tuple[Layout, Content]:
    content = unpacked.content
    encoding = detect(content, parameters.charset, stated=parameters.stated_charset)
    # NULs belong to white space in UTF-16
    if not any(chunk.strip(b"\0 \r\n\t") for chunk in content.chunks(encoding.start)):
        raise Invalid.field("body", "is empty")
    if json_shape(content, encoding, parameters) == "document":
        layout = Layout("packed", encoding, "document", warnings=encoding.warnings)
        return layout, document_lines(content, encoding, limits, pages)
    container: Container = "unpacked" if unpacked.packed else "plain"
    start = encoding.start
    if not splits_by_bytes(encoding.name):
        content, container, start = transcoded(content, encoding), "transcoded", 0
    layout = Layout("csv", encoding, container, warnings=encoding.warnings)
    layout = replace(layout, start=Position(start))
    if json_shape(unpacked.content, encoding, parameters) == "lines":
        return replace(layout, shape="ndjson"), content
    return _table(layout, content, parameters), content


def _table(layout: Layout, content: Content, parameters: Parameters) -> Layout:
    encoding = layout_encoding(layout)
    lines, ends = [], [layout.start.offset]
    size = 0
    for raw, end in byte_lines(content.chunks(layout.start.offset), layout.start.offset):
        lines.append((raw or b"").decode(encoding, "replace"))
        ends.append(end)
        size += len(raw or b"")
        # a first line longer than the sample needs another one to be compared with
        if size >= SAMPLE_BYTES and len(lines) > 1:
            break
    dialect = find_dialect(lines, _rating(parameters))
    if parameters.delimiter:
        same = dialect.delimiter == parameters.delimiter
        dialect = replace(dialect, delimiter=parameters.delimiter, quoted=dialect.quoted or not same)
    start = Position(ends[dialect.header], 1 + dialect.header)
    layout = replace(layout, delimiter=dialect.delimiter, escape=dialect.escape, quoted=dialect.quoted, start=start)
    return _with_header(layout, content, dialect)


def layout_encoding(layout: Layout) -> str:
    """Return the encoding of the layout's input."""
    return "utf-8" if layout.container == "transcoded" else layout.encoding.name


def _with_header(layout: Layout, content: Content, dialect: Dialect) -> Layout:
    encoding = layout_encoding(layout)
    records = CsvRecords(content, encoding, dialect.delimiter, dialect.escape, layout.start, quoted=dialect.quoted)
    found = [record for record in islice(records, MAX_HEADER_ROWS) if record.value or record.problem]
    rows = [record.value for record in found if record.value and not record.problem]
    if not rows or found[0].problem:
        raise Invalid.field("header", "cannot be read: its quote is never closed" if found else "is missing")
    count = header_rows(rows)
    columns = tuple(combined(rows[:count]))
    layout = replace(layout, columns=columns, start=found[count - 1].end)
    return replace(layout, open_columns=open_columns(columns, rows[:count]))


def _sheet(content: Content, parameters: Parameters) -> tuple[Layout, Content]:
    """Choose the first sheet whose header names the feedback, else the first with rows."""
    sheets = Sheets(content)
    filled = {name: rows for name in sheets.names if (rows := sheets.sample(name))}
    if not filled:
        raise Invalid.field("body", "is empty")
    rating = _rating(parameters)
    headers = {name: _sheet_header(rows, rating) for name, rows in filled.items()}
    sheet = max(filled, key=lambda name: rating(filled[name][headers[name]]))
    return _sheet_layout(content, sheet, filled[sheet], headers[sheet], [name for name in filled if name != sheet])


def _rating(parameters: Parameters) -> Recognised:
    """Return the rating of header rows; a column named by the user outweighs a known export."""
    wanted = {key(name) for name in parameters.text}
    return lambda names: rate(names, is_json=False) + 3 * any(key(name) in wanted for name in names)


def _sheet_header(rows: Sequence[Sequence[str]], rating: Recognised) -> int:
    """Find the header below title lines: the first known one, else the first full row."""
    for at, row in enumerate(rows[:21]):
        if rating(row) and (len(row) > 1 or len(rows) == 1 or at == len(rows) - 1 or len(rows[at + 1]) <= 1):
            return at
    widths = sorted(len(row) for row in rows)
    usual = widths[len(widths) // 2]
    return next(at for at, row in enumerate(rows) if len(row) >= usual)


def _sheet_layout(
    content: Content, sheet: str, rows: Sequence[Sequence[str]], at: int, others: Sequence[str]
) -> tuple[Layout, Content]:
    count = header_rows(rows[at : at + MAX_HEADER_ROWS])
    left = tuple(f"Only the sheet {sheet!r} is read, not {name!r}." for name in others[:3])
    derived = sheet_lines(content, sheet)
    ends = [end for _, end in islice(byte_lines(derived.chunks(), 0), at + count)]
    columns = tuple(combined(rows[at : at + count]))
    return Layout(
        "packed",
        _PACKED,
        "xlsx",
        columns=columns,
        open_columns=open_columns(columns, rows[at : at + count]),
        start=Position(ends[-1]),
        sheet=sheet,
        warnings=left,
    ), derived


def _mapped(layout: Layout, content: Content, parameters: Parameters) -> Inspected:
    """Recognise the export from a sample, then map its columns and determine its date format."""
    sample = list(islice(_fields(layout, content), SAMPLE_RECORDS))
    names = list(layout.columns) or list(dict.fromkeys(name for fields in sample for name, _ in fields))
    known = recognise(names, is_json=not layout.columns)
    layout = replace(layout, format=known.name if known else None, keep_personal=parameters.keep_personal)
    profile = Profile({name: Column(is_open=name in layout.open_columns) for name in layout.columns})
    for fields in islice(_fields(layout, content), MAX_PROFILED):
        profile.add(fields)
    if not profile.columns:
        raise Invalid.field("body", "has no row")
    mapping = mapping_of(list(profile.columns), known, profile, parameters, is_json=not layout.columns)
    layout = replace(layout, mapping=mapping)
    return Inspected(_dated(layout, _time_evidence(layout, content), parameters, known), content, profile)


def _fields(layout: Layout, content: Content) -> Iterator[Fields]:
    for record in records_of(content, layout, layout.start):
        fields = record_fields(layout, record)
        if isinstance(fields, list):
            yield fields


def _time_evidence(layout: Layout, content: Content) -> list[OrderVotes]:
    """Gather evidence from all records, or from the first ones if they have no numeric dates."""
    votes = {name: OrderVotes() for name in layout.mapping.times}
    for count, fields in enumerate(_fields(layout, content) if votes else (), 1):
        for name, value in fields:
            if name in votes:
                votes[name].add(as_text(value))
        if count == MAX_PROFILED and not any(vote.is_numeric for vote in votes.values()):
            break
    return list(votes.values())


def _dated(layout: Layout, votes: list[OrderVotes], parameters: Parameters, known: Format | None) -> Layout:
    """Determine the order of day and month, and the zone. Add a warning if either is unknown."""
    mapping, warnings = layout.mapping, list(layout.warnings)
    order = parameters.date_order or next((vote.decide() for vote in votes if vote.decide()), None) or mapping.order
    if order is None and votes and votes[0].undecided:
        warnings.append(
            f"The dates in {mapping.times[0]!r} may be day first or month first: name one with ?dateOrder=dmy or mdy. "
            "Until then the cards have no time."
        )
    told = parameters.timezone or (known is not None and known.utc)
    zoneless = votes and votes[0].zoneless and not votes[0].zoned and not mapping.times[0].upper().endswith("(UTC)")
    if zoneless and not told and (order or not votes[0].undecided):
        warnings.append(
            f"The times in {mapping.times[0]!r} have no zone and are read as UTC; ?timezone= names another."
        )
    warnings += _column_warnings(layout, known)
    if mapping.text and not mapping.ids and (mapping.native or not mapping.times):
        warnings.append(NO_ID)
    mapping = replace(mapping, order=order, zone=parameters.timezone or "UTC")
    return replace(layout, mapping=mapping, warnings=tuple(warnings))


def _column_warnings(layout: Layout, known: Format | None) -> Iterator[str]:
    if layout.mapping.personal and not layout.keep_personal:
        listed = ", ".join(layout.mapping.personal[:20])
        yield f"Left out as personal data: {listed}. ?personal=keep keeps them."
    if known is not None and known.note and not set(layout.mapping.text) - set(layout.mapping.title):
        yield known.note
    if known is not None and known.one_per_id:
        yield f"{known.label} writes a row for each voter: rows of one idea count once."


def known_format(layout: Layout) -> Format | None:
    return BY_NAME.get(layout.format or "")
