"""Inspect, preview and read one file. Reading can stop and resume after any row."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from groundwork.backlog.card_import import inspection
from groundwork.backlog.card_import.cards import CardMaker, Outcome, Rejected, Skipped
from groundwork.backlog.card_import.content import Content, Memory
from groundwork.backlog.card_import.dialect import NO_DELIMITER
from groundwork.backlog.card_import.errors import ColumnUnknown
from groundwork.backlog.card_import.headers import lacks_header
from groundwork.backlog.card_import.inspection import Inspected
from groundwork.backlog.card_import.layout import Layout
from groundwork.backlog.card_import.limits import ImportLimits
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.backlog.card_import.reading import (
    NotFeedback,
    csv_records,
    is_blank,
    is_metadata,
    record_fields,
    records_of,
)
from groundwork.backlog.card_import.records import Position, Raw
from groundwork.backlog.new_cards import NewCard
from groundwork.errors import Invalid, TooLarge

MAX_PREVIEWED = 20
_NO_HEADER = (
    "The file seems to have no header row: its first row looks like feedback. Put a row of column names above it, "
    "such as `text`."
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Position after a row: start of the next record, and number of data rows before it."""

    offset: int
    line: int
    rows: int = 0

    def as_json(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, int]) -> "Checkpoint":
        return cls(**data)


class RowReader:
    """Iterate over the outcomes of a file's rows, up to the offset `end`.

    After each, `checkpoint` is the place to resume from.
    """

    def __init__(
        self, content: Content, layout: Layout, checkpoint: Checkpoint | None = None, end: int | None = None
    ) -> None:
        self._content = content
        self._end = end
        self._layout = layout
        self._maker = CardMaker(layout)
        self.checkpoint = checkpoint or Checkpoint(layout.start.offset, layout.start.line)

    def __iter__(self) -> Iterator[Outcome]:
        start = Position(self.checkpoint.offset, self.checkpoint.line)
        if self._end is not None and start.offset >= self._end:
            return
        for record in records_of(self._content, self._layout, start):
            outcome = self._outcome(record)
            rows = self.checkpoint.rows + (outcome is not None)
            # set before the yield: a consumer may stop right there
            self.checkpoint = Checkpoint(record.end.offset, record.end.line, rows)
            if outcome is not None:
                yield outcome
            # checked here: the next record may need a request of its own
            if self._end is not None and record.end.offset >= self._end:
                return

    def _outcome(self, record: Raw) -> Outcome | None:
        fields = record_fields(self._layout, record)
        row = self.checkpoint.rows + 1
        if fields is None:
            return None
        if isinstance(fields, NotFeedback):
            return Skipped(row, record.line, str(fields))
        if isinstance(fields, str):
            return Rejected(row, record.line, fields)
        return self._maker.card(row, record.line, fields, _own_metadata(record.value))

    def warnings(self) -> list[str]:
        """Report values left out."""
        if not self._maker.shortened:
            return []
        return [f"{self._maker.shortened} metadata values were left out: too long, or with lost characters."]


def _own_metadata(value: Any) -> dict[str, Any] | None:
    return value["metadata"] if isinstance(value, dict) and is_metadata("metadata", value) else None


def inspect(content: Content, parameters: Parameters, limits: ImportLimits | None = None) -> Inspected:
    """Look at a whole file and decide how to read it.

    Keep `layout` with a run; `content` is its input.
    """
    return inspection.inspect(content, parameters, limits or ImportLimits())


def read(inspected: Inspected) -> RowReader:
    """Start reading. Raises ColumnUnknown if no column is known to hold the feedback."""
    require_text(inspected)
    return RowReader(inspected.content, inspected.layout)


def require_text(inspected: Inspected) -> None:
    """Raise ColumnUnknown if no column is known to hold the feedback."""
    if not inspected.layout.mapping.text:
        raise _column_unknown(inspected)


def parts(
    content: Content, layout: Layout, start: Checkpoint, max_rows: int, max_bytes: int
) -> Iterator[tuple[Checkpoint, Checkpoint]]:
    """Cut a layout's input between records; yield the start and the end of each part.

    A part ends with its last allowed row, or with the row that reaches `max_bytes`. A `RowReader` from its start to the
    offset of its end finds the same rows.
    """
    csv = csv_records(content, layout, Position(start.offset, start.line)) if layout.shape == "csv" else None
    begin = at = start
    for record in csv or records_of(content, layout, Position(start.offset, start.line)):
        at = Checkpoint(record.end.offset, record.end.line, at.rows + (not is_blank(layout, record)))
        if at.rows - begin.rows < max_rows and at.offset - begin.offset < max_bytes:
            continue
        if at.rows > begin.rows:
            yield begin, at
        begin = at
        if csv:
            csv.renew_recoveries()
    if at.rows > begin.rows:
        yield begin, at


def resume(content: Content, layout: Layout, checkpoint: Checkpoint, limits: ImportLimits | None = None) -> RowReader:
    """Continue after a checkpoint. `content` is the inspected file."""
    return RowReader(inspection.reopen(content, layout, limits or ImportLimits()), layout, checkpoint)


def _column_unknown(inspected: Inspected) -> ColumnUnknown:
    known = inspection.known_format(inspected.layout)
    columns = inspected.profile.shown(list(inspected.profile.columns))
    listed = ", ".join(repr(column["name"]) for column in columns[:20])
    message = f"No column is known to hold the feedback. Name one of these with ?text=COLUMN: {listed}."
    if known is not None and known.note:
        message = f"{known.note} {message}"
    elif lacks_header(inspected.layout.columns):
        message = f"{_NO_HEADER} {message}"
    return ColumnUnknown(message, columns)


@dataclass(slots=True)
class Upload:
    """All rows of a request. `duplicates` are rows with the external id of an earlier row."""

    layout: Layout
    cards: list[NewCard] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    warnings: list[str] = field(default_factory=list)


def read_upload(body: bytes, parameters: Parameters, *, max_rows: int, limits: ImportLimits | None = None) -> Upload:
    """Read the whole body of a request. Raises a Refusal if the body as a whole is invalid."""
    inspected = inspect(Memory(body), parameters, limits)
    reader = read(inspected)
    upload, seen, rows = Upload(inspected.layout), set[str](), 0
    for rows, outcome in enumerate(reader, 1):
        # refused as a whole: nothing has been written yet
        if rows > max_rows:
            raise TooLarge(f"At most {max_rows} cards per request.")
        _collect(upload, outcome, seen)
    if not rows:
        raise Invalid.field("body", "has no row below the header" if inspected.layout.columns else "has no row")
    upload.warnings = [*inspected.layout.warnings, *skip_warnings(upload.skipped), *reader.warnings()]
    return upload


def _collect(upload: Upload, outcome: Outcome, seen: set[str]) -> None:
    if isinstance(outcome, Rejected):
        upload.rejected.append(outcome)
    elif isinstance(outcome, Skipped):
        upload.skipped[outcome.reason] += 1
    elif outcome.external_id is not None and outcome.external_id in seen:
        upload.duplicates += 1
    else:
        upload.cards.append(outcome)
        seen |= {outcome.external_id} if outcome.external_id else set()


def skip_warnings(skipped: Counter[str]) -> list[str]:
    """Return a warning with the number of skipped rows for each reason."""
    return [f"{count} rows were skipped: {reason}." for reason, count in skipped.items()]


@dataclass(frozen=True, slots=True)
class Preview:
    """Preview of a file, before anything is written.

    `first` and `rejected` hold the first cards and the first rejected rows.
    """

    layout: Layout
    columns: list[dict[str, Any]]
    rows: int
    rejected: list[Rejected]
    rejected_count: int
    first: list[NewCard]
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the answer of the preview route, except `first`: the route maps cards."""
        return {
            "format": self.layout.format,
            "encoding": self.layout.encoding.name,
            "alternatives": [
                {"encoding": name, "lines": list(lines)} for name, lines in self.layout.encoding.alternatives
            ],
            "type": self.layout.type,
            "firstLine": self.layout.first_line,
            "dateOrder": self.layout.mapping.order,
            "timezone": self.layout.mapping.zone,
            "delimiter": None if self.layout.delimiter == NO_DELIMITER else self.layout.delimiter,
            "columns": self.columns,
            "rows": self.rows,
            "rejected": [asdict(rejected) for rejected in self.rejected],
            "rejectedCount": self.rejected_count,
            "warnings": self.warnings,
        }


def preview(content: Content, parameters: Parameters, limits: ImportLimits | None = None) -> Preview:
    """Inspect and read a file without keeping it.

    Without a known text column it shows only the columns.
    """
    inspected = inspect(content, parameters, limits)
    layout = inspected.layout
    cards: list[NewCard] = []
    rejected: list[Rejected] = []
    counts: Counter[type[Outcome]] = Counter()
    skipped: Counter[str] = Counter()
    reader = RowReader(inspected.content, layout) if layout.mapping.text else None
    for outcome in reader or ():
        counts[type(outcome)] += 1
        if isinstance(outcome, Skipped):
            skipped[outcome.reason] += 1
        elif isinstance(outcome, Rejected):
            rejected += [outcome] * (len(rejected) < MAX_PREVIEWED)
        else:
            cards += [outcome] * (len(cards) < MAX_PREVIEWED)
    rows = counts.total() if reader else _count_rows(inspected)
    warnings = [*layout.warnings, *skip_warnings(skipped), *(reader.warnings() if reader else ())]
    if reader is None and lacks_header(layout.columns):
        warnings.append(_NO_HEADER)
    return Preview(layout, _columns(inspected), rows, rejected, counts[Rejected], cards, warnings)


def _count_rows(inspected: Inspected) -> int:
    records = records_of(inspected.content, inspected.layout, inspected.layout.start)
    return sum(record_fields(inspected.layout, record) is not None for record in records)


def _columns(inspected: Inspected) -> list[dict[str, Any]]:
    shown = inspected.profile.shown(list(islice(inspected.profile.columns, 2_000)))
    return [
        {"name": column["name"], "role": inspected.layout.mapping.role(column["name"]), "samples": column["samples"]}
        for column in shown
    ]
