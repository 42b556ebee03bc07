"""Read sheets as rows of text, one row at a time."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from xml.etree.ElementTree import ParseError

from groundwork.backlog.card_import.content import CHUNK, Content, SeekableFile
from groundwork.backlog.card_import.errors import Damaged
from groundwork.backlog.card_import.ids import as_text
from groundwork.backlog.card_import.limits import MAX_CELLS, MAX_COLUMNS, SAMPLE_RECORDS
from groundwork.errors import TooLarge

MAX_DIGITS = 15
"""Significant digits of a number in a spreadsheet; longer numbers are rounded."""
_ERRORS = frozenset(("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#GETTING_DATA"))
# openpyxl has no error of its own for damaged parts
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ParseError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    OSError,
    RuntimeError,
    OverflowError,
    AssertionError,
)


class Sheets:
    """The visible sheets of a workbook."""

    def __init__(self, content: Content) -> None:
        # imported here: openpyxl takes a quarter of a second, and few imports need it
        from groundwork.backlog.card_import.xlsx_parts import open_workbook

        try:
            file = io.BufferedReader(SeekableFile(content), CHUNK)
            self._book = open_workbook(file)
            self.names = [sheet.title for sheet in self._book.worksheets if sheet.sheet_state == "visible"]
        except _BROKEN:
            raise Damaged("The xlsx file is damaged, encrypted, or not a workbook.") from None

    def rows(self, name: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the non-empty rows with their numbers."""
        cells = 0
        for number, row in enumerate(self._values(name), 1):
            cells += len(row) + 1
            if cells > MAX_CELLS or len(row) > MAX_COLUMNS:
                raise TooLarge(f"A sheet may have {MAX_COLUMNS} columns and {MAX_CELLS} cells.")
            if texts := _texts(row):
                yield number, texts

    def _values(self, name: str) -> Iterator[tuple[Any, ...]]:
        """Yield the values of each row. Raises Damaged for faults of the file, not for our own."""
        sheet = self._book[name]
        try:
            # the stated size of a sheet may be far larger than the sheet
            sheet.reset_dimensions()
            yield from sheet.iter_rows(values_only=True)
        except _BROKEN:
            raise Damaged(f"The sheet {name!r} is damaged.") from None

    def sample(self, name: str) -> list[list[str]]:
        return [row for _, row in islice(self.rows(name), SAMPLE_RECORDS)]


def _texts(row: Sequence[Any]) -> list[str]:
    texts = [cell_text(cell) for cell in row]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def cell_text(cell: Any) -> str:
    """Return a cell as displayed, but with dates in ISO form."""
    if isinstance(cell, datetime):
        # a day without a time is stored as its midnight
        midnight = cell.time() == time()
        return cell.date().isoformat() if midnight else cell.replace(microsecond=0).isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    if isinstance(cell, str):
        return "" if cell in _ERRORS else cell
    if isinstance(cell, int) and not isinstance(cell, bool) and len(str(abs(cell))) > MAX_DIGITS:
        # in E notation the id is rejected as damaged; rounded digits would look like a valid id
        return f"{cell:.{MAX_DIGITS - 1}E}"
    return as_text(cell)
