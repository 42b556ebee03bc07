"""Read the parts of a workbook that openpyxl holds in memory, within limits.

Imported late: openpyxl takes a quarter of a second, and few imports need it.
"""

import zipfile
from collections.abc import Iterator
from typing import IO, Any

from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from groundwork.backlog.card_import.limits import MAX_PART_BYTES, MAX_STRINGS, MAX_STRINGS_BYTES, MIB
from groundwork.errors import TooLarge

_STRING = f"{{{SHEET_MAIN_NS}}}si"


def open_workbook(file: IO[bytes]) -> Any:
    """Open a workbook for reading its sheets row by row."""
    reader = _Reader(file)
    reader.read()
    return reader.wb


class _Parts(zipfile.ZipFile):
    """Refuses to read a large part into memory. Sheets are opened as streams instead."""

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        size = self.getinfo(name).file_size if isinstance(name, str) else name.file_size
        if size > MAX_PART_BYTES:
            raise TooLarge(
                f"The workbook's styles and settings are larger than {MAX_PART_BYTES // MIB} MB: export CSV."
            )
        return super().read(name, pwd)


class _Reader(ExcelReader):
    """Opens a workbook with bounded shared strings."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, read_only=True, data_only=True, keep_links=False)
        self.archive = _Parts(file)

    def read_strings(self) -> None:
        found = self.package.find(SHARED_STRINGS)  # type: ignore[no-untyped-call]
        if found is None:
            return
        name = found.PartName[1:]
        # zipfile never reads more than the directory states
        if self.archive.getinfo(name).file_size > MAX_STRINGS_BYTES:
            raise TooLarge(
                f"The workbook's texts are larger than {MAX_STRINGS_BYTES // MIB} MB unpacked: export CSV instead."
            )
        with self.archive.open(name) as source:
            self.shared_strings = list(_strings(source))


def _strings(source: IO[bytes]) -> Iterator[str]:
    """Yield the shared strings like openpyxl, but release the XML of each."""
    count = 0
    events = iterparse(source, events=("start", "end"))
    _, root = next(events)
    for event, element in events:
        if event == "end" and element.tag == _STRING:
            count += 1
            if count > MAX_STRINGS:
                raise TooLarge(f"The workbook has more than {MAX_STRINGS:,} different texts: export CSV instead.")
            text: Any = Text.from_tree(element)
            yield text.content.replace("x005F_", "")
            root.clear()
