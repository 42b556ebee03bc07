"""Bounds on one import's memory and time."""

from dataclasses import dataclass

MIB = 1024 * 1024
MAX_LINE_BYTES = 8 * MIB
MAX_RECORD_BYTES = MIB
MAX_DOCUMENT_BYTES = 15 * MIB
"""Limit of one JSON value: parsed, it takes about 20 times as much memory."""
MAX_READ_AGAIN = 100 * MIB
"""Bytes read again in one reading after stray quotes."""
MAX_LINES_TO_CLOSE = 20
"""Lines below a misplaced quote that may still belong to its cell."""
MIN_RECOVERED = 10
"""Well-formed rows below an unclosed quote that make it a stray one."""
# a gzip inside a zip is usual; many layers are a bomb
MAX_ARCHIVE_DEPTH = 3
MAX_ARCHIVE_MEMBERS = 20_000
MAX_COLUMNS = 5_000
MAX_CELLS = 20_000_000
MAX_STRINGS_BYTES = 100 * MIB
MAX_STRINGS = 3_000_000
"""Limits of a workbook's shared strings: all are held in memory."""
MAX_PART_BYTES = 20 * MIB
"""Limit of any other part of a workbook, except its sheets."""
MAX_CHAT_BYTES = 400 * MIB
"""Limit of a chat export's messages: their threads are put together in memory."""
MAX_EXTERNAL_ID = 200
MAX_SOURCE = 200
MAX_METADATA = 20_000
"""Characters of a card's metadata as JSON.

With the longest text, the row stays far below DynamoDB's 400 KB.
"""
MAX_NOTES = 5
"""Warnings about lists of a JSON file that are left out."""
SAMPLE_BYTES = 64 * 1024
SAMPLE_RECORDS = 200
MAX_PROFILED = 5_000
"""Records whose cells are profiled. Only date order is taken from every record."""


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """`unpacked` bounds decompressed bytes; `document` one JSON value."""

    unpacked: int = 50 * MIB
    document: int = MAX_DOCUMENT_BYTES
