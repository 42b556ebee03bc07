"""IMPORT_CARDS: each item is a part of a file, with as many rows as one transaction takes.

The numbers of an entry are those of the part and of the import, then the place of the part: offset, line and number of
rows before it, and the same three of its end.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from groundwork.backlog.new_cards import NewCard, OlderCardsUnfinished
from groundwork.errors import Transient
from groundwork.ids import Kind, Path
from groundwork.imports.errors import FileChanged
from groundwork.imports.model import StoredFile
from groundwork.imports.ports import ImportServices, Inspection
from groundwork.imports.writes import SaveRows
from groundwork.runs.handler import (
    ItemFailed,
    ItemOutcome,
    JobContext,
    Results,
    RunHandler,
    RunScope,
    Spend,
)
from groundwork.runs.model import ErrorCode, ManifestEntry, RunType

if TYPE_CHECKING:
    from groundwork.backlog.card_import.layout import Layout
    from groundwork.generation.file_parts import FileReader

PARTS_PER_CALL = 8
"""Parts that share the lookups of known ids and the reservation of numbers."""


class ImportCards(RunHandler):
    type = RunType.IMPORT_CARDS
    activity = "Importing cards"
    calls_model = False
    counts = "cards"
    batch_size = PARTS_PER_CALL
    start_refusal = "is started at /api/imports"

    def __init__(self, services: ImportServices | None = None) -> None:
        self._services = services

    @property
    def services(self) -> ImportServices:
        assert self._services, "the worker of an import needs ImportServices"
        return self._services

    # manifest

    def entries(self, scope: RunScope) -> Iterator[ManifestEntry]:
        """Inspect the file unless that is done, then yield its parts."""
        try:
            yield from self._entries(scope)
        except FileChanged as changed:
            raise ItemFailed(ErrorCode.FILE_CHANGED, str(changed)) from changed

    def _entries(self, scope: RunScope) -> Iterator[ManifestEntry]:
        # imported late, like everything of the importer: other runs and functions must not pay for it
        from groundwork.generation import file_parts

        ((number,),) = scope.chosen or [(0,)]
        import_id = _import_id(scope.project_id, number)
        inspection = self.services.store.inspection(import_id) or self._inspect(scope, import_id)
        layout, file = _readable(inspection)
        content = self.services.files.content(file)
        part = scope.run.queued
        for begin, end in file_parts.cut(content, layout, self._last_end(scope), scope.may_continue):
            part += 1
            numbers = (part, number, *begin, *end)
            yield ManifestEntry(0, numbers, f"Rows {begin[2] + 1} to {end[2]}")
        if not part:
            raise ItemFailed(ErrorCode.FILE_INVALID, "The file has no row.")

    def _last_end(self, scope: RunScope) -> tuple[int, ...]:
        """Return the end of the last part queued by an earlier hop."""
        run = scope.run
        if not run.queued:
            return ()
        (last,) = scope.store.manifest(run.id, run.queued - 1, run.queued)
        return last.numbers[5:8]

    def _inspect(self, scope: RunScope, import_id: str) -> Inspection:
        """Decide how to read the file. The first decision stays, also a refusal."""
        from groundwork.generation import file_parts

        record = self.services.store.load(import_id)
        # a key of this worker's own: another one may inspect the same file at the same time
        key = f"staged/{record.id}/{scope.run.id.rpartition('-')[2]}-{scope.run.lease.epoch}"
        inspection = file_parts.inspect(self.services.files, record, key, scope.may_continue)
        return self.services.store.record_inspection(import_id, inspection)

    def refresh(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> Iterator[ManifestEntry]:
        # a part that failed has written nothing, so it is the same part
        yield from entries

    def current(self, scope: RunScope, entry: ManifestEntry) -> ManifestEntry | None:
        return entry

    # processing

    async def process(self, context: JobContext, entries: Sequence[ManifestEntry], spend: Spend) -> Results:
        results: Results = await context.io(self._process, context, entries)
        return results

    def _process(self, context: JobContext, entries: Sequence[ManifestEntry]) -> Results:
        try:
            file = self._file(context, entries[0].numbers[1])
            parts = [file.part(entry.numbers[2:]) for entry in entries]
        except FileChanged as changed:
            raise ItemFailed(ErrorCode.FILE_CHANGED, str(changed)) from changed
        new = self._new_rows(context.project_id, [card for part in parts for card in part.cards], file.by_content)
        first = self.services.cards.reserve(context.project_id, len(new)) if new else 0
        results: Results = {}
        for entry, part in zip(entries, parts, strict=True):
            write = part.write(entry.index, file, first, new)
            first += write.made
            results[entry.index] = _outcome(entry, write)
        return results

    def _file(self, context: JobContext, number: int) -> "FileReader":
        """Return the reader of the import's file, made once a hop. Raises FileChanged, Transient."""
        from groundwork.generation.file_parts import FileReader
        from groundwork.imports.requests import read_parameters

        import_id = _import_id(context.project_id, number)
        if import_id not in context.cache:
            record, inspection = self.services.store.load(import_id), self.services.store.inspection(import_id)
            layout, file = _readable(inspection or Inspection())
            _, by_content = read_parameters(record.parameters)
            context.cache[import_id] = FileReader(import_id, layout, self.services.files.content(file), by_content)
        found: FileReader = context.cache[import_id]
        return found

    def _new_rows(self, project_id: str, cards: Sequence[NewCard], by_content: bool) -> frozenset[int]:
        """Return the row numbers of cards new to the project and to these parts."""
        try:
            self.services.cards.prepare(project_id, cards, by_content)
        except OlderCardsUnfinished as unfinished:
            # it continues where it was, and the parts keep their attempts
            raise Transient(str(unfinished)) from unfinished
        # reversed: of equal ids the first row is kept
        first = {card.external_id: card.row for card in reversed(cards) if card.external_id}
        distinct = [card for card in cards if not card.external_id or first[card.external_id] == card.row]
        return frozenset(card.row for card in self.services.cards.unknown(project_id, distinct, by_content))


def _outcome(entry: ManifestEntry, write: SaveRows) -> ItemOutcome:
    # after a conflict the known cards must be looked up again
    return ItemOutcome(entry, lambda current: [write], rebasable=False)


def _readable(inspection: Inspection) -> "tuple[Layout, StoredFile]":
    """Return how to read what. Raises ItemFailed for a file that holds no feedback."""
    if inspection.layout is None or inspection.file is None:
        message = inspection.problem.message if inspection.problem else "The file was not inspected."
        raise ItemFailed(ErrorCode.FILE_INVALID, message)
    return inspection.layout, inspection.file


def _import_id(project_id: str, number: int) -> str:
    return str(Path(Kind.IMPORT, project_id, (number,)))
