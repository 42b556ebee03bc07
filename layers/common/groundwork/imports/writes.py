"""Writes of import runs, each within a transaction of the run."""

from dataclasses import dataclass
from typing import ClassVar

from groundwork.backlog.new_cards import NewCard
from groundwork.imports.model import RowCounts
from groundwork.imports.ports import RejectedImportRow
from groundwork.runs.packing import MAX_ACTIONS


@dataclass(frozen=True, slots=True)
class StartImport:
    """Name the first run of an import, with the start of this run. Conflicts with another."""

    import_id: str
    run_id: str
    index: ClassVar[None] = None
    actions: ClassVar[int] = 1
    weight: ClassVar[int] = 0
    made: ClassVar[int] = 0
    deleted: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class SaveRows:
    """Store the cards and rejected rows of one part of a file, and count its rows.

    Cards have consecutive numbers from `first_number` on. Conflicts if an external id has been taken, or a text if
    `by_content`.
    """

    index: int
    import_id: str
    first_number: int
    cards: tuple[NewCard, ...]
    by_content: bool
    duplicates: int
    skipped: int
    rejected: tuple[RejectedImportRow, ...]
    # alone in its transaction: two of them would name the row of the import twice, and rows of equal texts
    actions: ClassVar[int] = MAX_ACTIONS - 1
    deleted: ClassVar[int] = 0

    @property
    def made(self) -> int:
        return len(self.cards)

    @property
    def weight(self) -> int:
        return sum(len(card.text.encode()) + len(str(card.metadata).encode()) for card in self.cards)

    @property
    def counts(self) -> RowCounts:
        return RowCounts(len(self.cards), self.duplicates, len(self.rejected), self.skipped)
