"""Read CSV records and lines of NDJSON with the byte offset of their ends."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from groundwork.backlog.card_import.content import Content
from groundwork.backlog.card_import.limits import MAX_READ_AGAIN, MAX_RECORD_BYTES, MIB, MIN_RECOVERED
from groundwork.backlog.card_import.lines import END, LineReader, TooLong, byte_lines

UNCLOSED = "has an unclosed quote, so that everything below belongs to the same cell"
STRAY = "has an unclosed quote"
MISPLACED = "has a quote within a quoted cell: double it, or export the file again"
TOO_LONG = f"is longer than {MAX_RECORD_BYTES // MIB} MB"
PADDED = "|"
"""Delimiter of tables for people, such as Markdown's, with blanks around each cell."""

# Python's limit of 128 KB per cell would stop within a quoted cell and read the rest of it as rows
csv.field_size_limit(10 * MIB)


@dataclass(frozen=True, slots=True)
class Position:
    """The start of a record: byte offset, and number of its line."""

    offset: int = 0
    line: int = 1


@dataclass(slots=True)
class Raw:
    """A record. `end` is the next one's start; `problem` is the reason if unreadable."""

    line: int
    end: Position
    value: Any = None
    problem: str | None = None


class CsvRecords:
    """Iterate over CSV records from a position.

    `width` is the header's number of cells, 0 before it is known. Without `quoted`, each line is a record.
    """

    def __init__(
        self,
        content: Content,
        encoding: str,
        delimiter: str,
        escape: str | None,
        start: Position,
        width: int = 0,
        *,
        quoted: bool = True,
    ) -> None:
        self._lines = LineReader(content, encoding, start.offset)
        self._delimiter = delimiter
        self._escape = escape
        self._position = start
        self._width = width
        self._quoted = quoted
        self._read_again = 0

    def renew_recoveries(self) -> None:
        """Allow as many recoveries as at the start.

        A reading that begins here then finds the same records.
        """
        self._read_again = 0

    def __iter__(self) -> Iterator[Raw]:
        reader = self._reader(self._lines)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (TooLong, csv.Error) as error:
                yield self._unreadable(error)
                reader = self._reader(self._lines)
                continue
            if not cells or not cells[-1].endswith(END):
                yield self._record(cells) if self._quoted else self._unquoted(cells)
            elif self._lines.taken:
                yield self._unclosed()
                reader = self._reader(self._lines)
            else:
                return

    def _reader(self, lines: Any, *, strict: bool = True) -> Any:
        # without `strict`, a quote in the middle of a cell would end it and disappear
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self._quoted else csv.QUOTE_NONE
        return csv.reader(lines, delimiter=self._delimiter, escapechar=self._escape, quoting=quoting, strict=strict)

    def _record(self, cells: list[str] | None, problem: str | None = None) -> Raw:
        line = self._position.line
        taken = self._lines.taken
        # CR LF, CR and LF each end one line; the taken pieces are such lines
        self._position = Position(taken[-1][1], line + len(taken) + self._lines.skipped)
        self._lines.forget()
        if cells and self._delimiter == PADDED:
            cells = [cell.strip() for cell in cells]
        return Raw(line, self._position, cells, problem)

    def _unreadable(self, error: Exception) -> Raw:
        if isinstance(error, TooLong):
            return self._overlong()
        return self._unclosed() if self._lines.ended else self._misplaced()

    def _overlong(self) -> Raw:
        if self._recovers():
            return self._stray_quote()
        closed = self._lines.skip_to_close()
        return self._record(None, TOO_LONG if closed else UNCLOSED)

    def _unclosed(self) -> Raw:
        return self._stray_quote() if self._recovers() else self._record(None, UNCLOSED)

    def _misplaced(self) -> Raw:
        """Handle a quote that ends a cell in its middle, or ends the cell of another row."""
        taken = self._lines.taken
        if cells := self._spaced():
            return self._record(cells)
        if self._are_rows(taken[1:]) and self._may_read_again():
            return self._stray_quote()
        if not self._width and len(taken) == 1 and not self._lines.is_open:
            # a header's name is no text of a card
            return self._record(next(self._reader(self._lines.decoded(taken), strict=False)))
        below = self._lines.to_close() if self._lines.is_open else []
        if self._are_rows(below):
            self._lines.put_back(below)
        else:
            taken += below
        # blanks may stand behind one cell, and line breaks in the next one
        return self._record(cells) if below and (cells := self._spaced()) else self._record(None, MISPLACED)

    def _unquoted(self, cells: list[str]) -> Raw:
        """Reject a cell that goes on in the next line: the file has real quotes below its sample."""
        last = cells[-1] if cells else ""
        below = self._lines.to_close() if last.startswith('"') and self._lines.is_open else []
        if below and not self._are_rows(below):
            self._lines.taken += below
            return self._record(None, MISPLACED)
        self._lines.put_back(below)
        return self._record(cells)

    def _spaced(self) -> list[str] | None:
        """Return the cells of a record with blanks between a quote and the delimiter."""
        delimiter = re.escape(self._delimiter)
        cell = rf'"(?:[^"]|"")*+"[^\S{delimiter}\r\n]*+|[^"{delimiter}\r\n][^{delimiter}\r\n]*+|'
        lines = self._lines.decoded(self._lines.taken)
        if self._escape or not re.fullmatch(rf"(?:{cell})(?:{delimiter}(?:{cell}))*+[\r\n]*", "".join(lines)):
            return None
        found: list[str] = next(self._reader(lines, strict=False))
        return found

    def _recovers(self) -> bool:
        """Return True if the record's further lines look like rows: then its quote is a stray one."""
        # lines within one long cell may look like rows too, but hardly this many
        return self._are_rows(self._lines.taken[1:], MIN_RECOVERED) and self._may_read_again()

    def _may_read_again(self) -> bool:
        return self._read_again < MAX_READ_AGAIN

    def _are_rows(self, lines: list[tuple[bytes, int]], least: int = 0) -> bool:
        if self._width < 2 or not lines:
            return False
        try:
            rows = [cells for cells in self._reader(self._lines.decoded(lines), strict=False) if cells]
        except csv.Error:
            return False
        fitting = sum(len(cells) == self._width for cells in rows)
        # a sentence with one comma looks like a row of two cells, but hardly any has a tab
        least = least or (1 if self._width > 2 or self._delimiter == "\t" else 3)
        return len(rows) >= least and fitting >= 0.9 * len(rows)

    def _stray_quote(self) -> Raw:
        first, *rest = self._lines.taken
        self._read_again += self._lines.size
        self._lines.taken = [first]
        record = self._record(None, STRAY)
        self._lines.put_back(rest)
        return record


class LineRecords:
    """Iterate over the lines of NDJSON, undecoded."""

    def __init__(self, content: Content, start: Position) -> None:
        self._content = content
        self._start = start

    def __iter__(self) -> Iterator[Raw]:
        line = self._start.line
        for raw, end in byte_lines(self._content.chunks(self._start.offset), self._start.offset):
            position = Position(end, line + 1)
            if raw is None or len(raw) > MAX_RECORD_BYTES:
                yield Raw(line, position, None, TOO_LONG)
            else:
                yield Raw(line, position, raw)
            line += 1
