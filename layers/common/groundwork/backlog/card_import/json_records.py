"""Read the records of JSON: arrays, values in a row, pages, wrapped lists, tables."""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from groundwork.backlog.card_import.content import Content
from groundwork.backlog.card_import.encoding import Encoding
from groundwork.backlog.card_import.json_pages import Located, Pages, header_of
from groundwork.backlog.card_import.json_values import NOT_JSON, Oversized, ValueStream
from groundwork.backlog.card_import.limits import MIB, ImportLimits
from groundwork.backlog.card_import.roles import rate
from groundwork.errors import Malformed, TooLarge

_FROM_HERE_ON = f"{NOT_JSON} from here on"
_MAX_PLAIN = 1_000
"""Plain values at the start of an array that may be one row of a table."""

Entry = tuple[int | None, Any, str | None]
"""A record's line in the file, the record, and its problem."""


def packed(line: int | None, record: Any, problem: str | None = None) -> bytes:
    """Write a record as one line, so that reading can stop after any record."""
    written = json.dumps([line, record, problem], ensure_ascii=False, separators=(",", ":"))
    # JSON allows lone surrogates; their row is rejected later
    return written.encode("utf-8", "surrogatepass") + b"\n"


def packed_records(
    content: Content, encoding: Encoding, limits: ImportLimits, pages: Pages | None = None
) -> Iterator[bytes]:
    """Yield the records of a JSON file as packed lines."""
    for entry in _Entries(content, encoding, limits, pages or Pages()):
        yield packed(*entry)


class _Entries:
    """Iterates over the records of all values of a file."""

    def __init__(self, content: Content, encoding: Encoding, limits: ImportLimits, pages: Pages) -> None:
        self._values = ValueStream(content, encoding, limits.document)
        self._limit = limits.document
        self._pages = pages
        # of a table with an array for each row
        self._header: list[str] | None = None
        self._is_broken = False
        self._has_rows = False

    def __iter__(self) -> Iterator[Entry]:
        try:
            while (char := self._values.next_char()) and not self._is_broken:
                for entry in self._array() if char == "[" else self._single():
                    self._has_rows = True
                    yield entry
        except Oversized:
            raise TooLarge(
                f"A single JSON value of more than {self._limit // MIB} MB cannot be read: export CSV, NDJSON, "
                "or a list at the top level."
            ) from None
        except (ValueError, RecursionError):
            raise Malformed("The file is not valid JSON.") from None

    def _single(self) -> Iterator[Entry]:
        """Read a value outside of arrays."""
        line = self._values.line
        try:
            value = self._values.value()
        except ValueError as error:
            # without a readable value above, this is not a file of values
            if not self._has_rows:
                raise
            self._is_broken = not self._values.skip_to_value()
            yield line, None, self._problem(error)
            return
        if self._has_rows or not isinstance(value, dict):
            yield from _sound(self._pages.of_value(value, line, self._values.text))
            return
        text = self._values.text()
        if self._values.next_char():
            yield from _sound(self._pages.of_value(value, line, lambda: text))
        else:
            yield from _sound(self._pages.of_document(value, line, text))

    def _array(self) -> Iterator[Entry]:
        """Read an array, one item at a time."""
        self._values.skip_char()
        items = self._items()
        plain: list[Entry] = []
        rest: list[Entry] = []
        for entry in items:
            if isinstance(entry[1], dict | list) or entry[2] or len(plain) == _MAX_PLAIN:
                rest = [entry]
                break
            plain.append(entry)
        if plain and not rest:
            yield from self._row(plain)
            return
        yield from plain
        yield from self._table(chain(rest, items), has_header=not plain)

    def _items(self) -> Iterator[Entry]:
        """Yield the items of an array, up to its end or the first broken one."""
        count = 0
        while (char := self._values.next_char()) and char != "]":
            line = self._values.line
            try:
                value = self._values.value()
            except ValueError as error:
                # rows before a cut are usable; a file broken at its start is none
                if not (count or self._has_rows):
                    raise
                self._is_broken = True
                yield line, None, self._problem(error)
                return
            count += 1
            yield line, value, None
        if char:
            self._values.skip_char()
        else:
            self._is_broken = True
            yield self._values.line, None, _FROM_HERE_ON

    def _table(self, items: Iterable[Entry], *, has_header: bool) -> Iterator[Entry]:
        """Yield the records of an array. In a list of lists the first one names the columns."""
        header: list[str] | None = None
        for at, (line, value, problem) in enumerate(items):
            if problem is not None:
                yield line, None, problem
            elif at == 0 and has_header and (header := header_of(value)):
                continue
            elif header is not None and isinstance(value, list):
                yield line, dict(zip(header, value, strict=False)), None
            else:
                yield from _sound(self._pages.of_value(value, line or 0, self._values.text))

    def _row(self, cells: list[Entry]) -> Iterator[Entry]:
        """Yield an array of plain values: a row of a table, or a text each."""
        row = [value for _, value, _ in cells]
        names = None if self._has_rows else header_of(row)
        if self._header is not None:
            yield cells[0][0], dict(zip(self._header, row, strict=False)), None
        elif names and rate(names, is_json=False) and self._values.next_char() == "[":
            self._header = names
        else:
            yield from cells

    def _problem(self, error: ValueError) -> str:
        long = f"is longer than {self._limit // MIB} MB, or " if isinstance(error, Oversized) else ""
        return f"{long}{_FROM_HERE_ON if self._is_broken else NOT_JSON}"


def _sound(records: Iterator[Located]) -> Iterator[Entry]:
    return ((line, record, None) for line, record in records)
