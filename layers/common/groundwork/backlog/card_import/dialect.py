"""Find a CSV file's delimiter and the line of its header."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from groundwork.backlog.card_import.headers import lacks_header
from groundwork.backlog.card_import.limits import SAMPLE_RECORDS

DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITER = "\x1f"
"""Delimiter of files with one column. It never occurs in texts, so it separates nothing."""
# reports put a title and their filters above the header
MAX_PREAMBLE = 20
# stray quotes and extra cells are usual in exports: not every row fits
ENOUGH = 0.8
# a spreadsheet fills lines above its table with delimiters, as wide as the table
_EMPTY = " \r\n" + "".join(DELIMITERS)
_ENCLOSED = re.compile(r'"(?:[^"]|"")*+"')
_SEP_LINE = re.compile(r'^\ufeff?"?sep=(.)"?\s*$', re.IGNORECASE | re.DOTALL)

Recognised = Callable[[Sequence[str]], int]
"""Rates a header row.

It is 3 or more with a column named by the user, 2 for a known export, 1 for a known name, else 0.
"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`header` is the index of the header's first line; `quoted` is False if quotes are text."""

    delimiter: str
    header: int = 0
    escape: str | None = None
    quoted: bool = True


@dataclass(frozen=True, slots=True)
class _Trial:
    start: int
    delimiter: str
    names: list[str]
    share: float
    rated: int
    escape: str | None = None

    @property
    def worth(self) -> tuple[int, float, int]:
        return self.rated, self.share, len(self.names)

    def dialect(self) -> Dialect:
        return Dialect(self.delimiter, self.start, self.escape)


def find_dialect(lines: Sequence[str], recognised: Recognised) -> Dialect:
    """Prefer the most records as wide as the header. A known header outweighs that share."""
    return _with_quoting(lines, _delimited(lines, recognised))


def _delimited(lines: Sequence[str], recognised: Recognised) -> Dialect:
    if lines and (match := _SEP_LINE.match(lines[0])):
        return _below_sep_line(lines, match[1])
    starts = range(min(MAX_PREAMBLE + 1, len(lines)))
    first = _tries(lines, 0, recognised)
    if known := _best(first, rated=1):
        return _escaped(lines, known).dialect()
    single = next((start for start in starts if recognised(_cells(lines[start]))), None)
    below = [] if single == 0 else [trial for start in starts[1:] for trial in _tries(lines, start, recognised)]
    fitting = [trial for trial in (*first, *below) if trial.share >= ENOUGH]
    if single != 0 and (known := _best(fitting, rated=1)):
        return _escaped(lines, _header_above(known, first) or known).dialect()
    if single is not None:
        return Dialect(NO_DELIMITER, single)
    found = _best(fitting, rated=0) or max(first, key=lambda trial: trial.worth, default=None)
    return _escaped(lines, found).dialect() if found else Dialect(NO_DELIMITER)


def _header_above(known: _Trial, first: Sequence[_Trial]) -> _Trial | None:
    """Return the first row as the header if it names every column of the row with a known name.

    That row may be data: a list called "Feedback". Lines above a table have no name for each of its columns.
    """
    if known.rated > 1:
        return None
    same = (trial for trial in first if trial.delimiter == known.delimiter and len(trial.names) == len(known.names))
    full = (trial for trial in same if all(trial.names) and len(set(trial.names)) == len(trial.names))
    return next((trial for trial in full if not lacks_header(trial.names)), None)


def _below_sep_line(lines: Sequence[str], delimiter: str) -> Dialect:
    header = next((at for at, line in enumerate(lines[1:], 1) if line.strip()), 1)
    return Dialect(delimiter if delimiter not in '"\r\n' else ",", header)


def _best(trials: Sequence[_Trial], rated: int) -> _Trial | None:
    fitting = [trial for trial in trials if trial.rated >= rated]
    return max(fitting, key=lambda trial: (trial.rated, -trial.start, trial.share, len(trial.names)), default=None)


def _cells(line: str) -> list[str]:
    if line.count('"') % 2:
        return []
    return next(csv.reader([line], delimiter=NO_DELIMITER), [])


def _tries(lines: Sequence[str], start: int, recognised: Recognised) -> list[_Trial]:
    if not lines[start].strip(_EMPTY):
        return []
    # a name that goes on in the next line has its delimiter there
    is_open = lines[start].count('"') % 2 == 1
    possible = [delimiter for delimiter in DELIMITERS if is_open or delimiter in lines[start]]
    found = (_trial(lines, start, delimiter, recognised) for delimiter in possible)
    return [trial for trial in found if trial is not None]


def _trial(
    lines: Sequence[str], start: int, delimiter: str, recognised: Recognised, escape: str | None = None
) -> _Trial | None:
    records = _records(lines[start:], delimiter, escape)
    if not records or len(records[0]) < 2:
        return None
    header, *rows = records
    fitting = sum(len(row) == len(header) for row in rows)
    share = fitting / len(rows) if rows else 1.0
    rated = recognised(header)
    if not rated and len(header) > 2 and sum(map(bool, header)) == 1:
        # a title
        return None
    return _Trial(start, delimiter, header, share, rated, escape)


def _records(lines: Sequence[str], delimiter: str, escape: str | None) -> list[list[str]]:
    try:
        reader = csv.reader(lines, delimiter=delimiter, escapechar=escape)
        return [cells for cells in islice(reader, SAMPLE_RECORDS) if any(cells)]
    except csv.Error:
        return []


def _escaped(lines: Sequence[str], trial: _Trial) -> _Trial:
    """Return True if all records fit the header once backslashes are read as escapes."""
    if trial.share == 1.0 or not any('\\"' in line for line in lines):
        return trial
    other = _trial(lines, trial.start, trial.delimiter, lambda _: trial.rated, "\\")
    return other if other is not None and other.share == 1.0 else trial


def _with_quoting(lines: Sequence[str], dialect: Dialect) -> Dialect:
    """Read quotes as text in tables of plain lines, such as Amazon's reviews."""
    delimiter = dialect.delimiter
    # other delimiters occur within texts, so that files with them need quotes
    if delimiter not in ("\t", NO_DELIMITER) or dialect.escape:
        return dialect
    header, *rows = [line.rstrip("\r\n").split(delimiter) for line in lines[dialect.header :] if line.strip()] or [[]]
    if any(cell.startswith('"') for cell in header) or any(len(row) != len(header) for row in rows):
        return dialect
    # alone in its row, a cell with an odd quote may go on in the next line
    if delimiter == NO_DELIMITER and any(cell.count('"') % 2 for row in rows for cell in row):
        return dialect
    # a cell at the end of the sample may go on below it
    whole = rows[:-1] if rows and sum(cell.count('"') for cell in rows[-1]) % 2 else rows
    begun = [cell for row in whole for cell in row if cell.startswith('"')]
    enclosed = [cell for cell in begun if _ENCLOSED.fullmatch(cell)]
    if len(enclosed) > len(begun) - len(enclosed) or any('""' in cell[1:-1] for cell in enclosed):
        return dialect
    return replace(dialect, quoted=not begun)
