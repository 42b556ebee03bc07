"""The file of an import: inspect it, cut it into parts, read the rows of a part."""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field

from groundwork.backlog.card_import import importer
from groundwork.backlog.card_import.cards import Rejected, Skipped
from groundwork.backlog.card_import.content import CHUNK, Content
from groundwork.backlog.card_import.importer import Checkpoint, RowReader
from groundwork.backlog.card_import.layout import Layout
from groundwork.backlog.new_cards import NewCard
from groundwork.errors import Refusal
from groundwork.imports.errors import FileChanged
from groundwork.imports.model import LIMITS, ImportRecord
from groundwork.imports.ports import ImportFiles, Inspection, RejectedImportRow
from groundwork.imports.requests import read_parameters
from groundwork.imports.service import problem_of
from groundwork.imports.writes import SaveRows
from groundwork.runs.handler import QueueingStopped

MAX_ROWS = 31
"""A card takes 3 of 95 actions (row, id, hash); the import and the rejected rows 1 each."""

MAX_PART_BYTES = CHUNK
"""Of a file. As UTF-8 and JSON it grows at most sixfold, and a transaction takes 3 MB."""

type Place = tuple[int, ...]
"""A position in a file, as numbers of a manifest entry: offset, line, rows before it."""


class Watched:
    """A content that stops between two chunks once the hop may not continue."""

    def __init__(self, content: Content, may_continue: Callable[[], bool]) -> None:
        self._content, self._may_continue = content, may_continue

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        for chunk in self._content.chunks(offset):
            if not self._may_continue():
                raise QueueingStopped
            yield chunk

    def size(self) -> int:
        return self._content.size()


def inspect(files: ImportFiles, record: ImportRecord, key: str, may_continue: Callable[[], bool]) -> Inspection:
    """Decide how to read the file of an import.

    Lines derived from a file that cannot be read from the middle are stored at `key`. Raises FileChanged,
    QueueingStopped, Transient.
    """
    if record.file is None:
        raise FileChanged("The file was not uploaded.")
    parameters, _ = read_parameters(record.parameters)
    try:
        inspected = importer.inspect(Watched(files.content(record.file), may_continue), parameters, LIMITS)
        importer.require_text(inspected)
        if inspected.layout.resumes_by_bytes:
            return Inspection(inspected.layout, record.file)
        return Inspection(inspected.layout, files.store(key, inspected.content.chunks()))
    except Refusal as refusal:
        return Inspection(problem=problem_of(refusal))


def cut(
    content: Content, layout: Layout, last_end: Place, may_continue: Callable[[], bool]
) -> Iterator[tuple[Place, Place]]:
    """Yield the start and the end of each part after `last_end`.

    Raises FileChanged, QueueingStopped, Transient.
    """
    start = Checkpoint(*last_end) if last_end else Checkpoint(layout.start.offset, layout.start.line)
    for begin, end in importer.parts(Watched(content, may_continue), layout, start, MAX_ROWS, MAX_PART_BYTES):
        yield astuple(begin), astuple(end)


@dataclass(frozen=True, slots=True)
class FileReader:
    """The file of an import; `by_content`: equal texts are duplicates."""

    import_id: str
    layout: Layout
    content: Content
    by_content: bool

    def part(self, place: Place) -> "Part":
        """Read the rows of the part with this start and end. Raises FileChanged, Transient."""
        part = Part()
        # the layout keeps its container: offsets refer to the derived bytes, stored or not
        start, end = Checkpoint(*place[:3]), place[3]
        for outcome in RowReader(self.content, self.layout, start, end):
            if isinstance(outcome, Rejected):
                part.rejected.append(RejectedImportRow(outcome.row, outcome.line, outcome.reason))
            elif isinstance(outcome, Skipped):
                part.skipped += 1
            else:
                part.cards.append(outcome)
        return part


@dataclass(slots=True)
class Part:
    """The rows of one part, by result."""

    cards: list[NewCard] = field(default_factory=list)
    rejected: list[RejectedImportRow] = field(default_factory=list)
    skipped: int = 0

    def write(self, index: int, file: FileReader, first: int, new: frozenset[int]) -> SaveRows:
        cards = tuple(card for card in self.cards if card.row in new)
        duplicates = len(self.cards) - len(cards)
        rejected = tuple(self.rejected)
        return SaveRows(index, file.import_id, first, cards, file.by_content, duplicates, self.skipped, rejected)
