"""Mutants of import runs: bugs known from importers of large files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from groundwork.adapters.dynamodb import import_writes
from groundwork.adapters.dynamodb.backlog_rows import ExternalIdRow
from groundwork.adapters.dynamodb.client import Transaction, translate_errors
from groundwork.adapters.dynamodb.import_rows import (
    INSPECTION_SK,
    ImportRow,
    InspectionRow,
    import_key,
    rejected_row,
    stored_inspection,
)
from groundwork.adapters.dynamodb.imports import DynamoImports
from groundwork.backlog.new_cards import NewCard
from groundwork.generation.file_parts import FileReader, Part
from groundwork.generation.handlers.import_cards import ImportCards
from groundwork.imports.ports import Inspection
from groundwork.imports.writes import SaveRows, StartImport
from groundwork.runs.handler import RunScope
from groundwork.runs.model import Run
from tests.simulation.faults import Faults
from tests.simulation.imports import ImportSimulation
from tests.simulation.mutant import Mutant, patched
from tests.simulation.scenario import Scenario

_save_rows, _part = import_writes.save_rows, FileReader.part
_Applied = Callable[[], Any]


def _saving(save: Callable[[Transaction, Run, SaveRows], None]) -> _Applied:
    return lambda: mock.patch.dict("groundwork.adapters.dynamodb.write_actions.ACTIONS", {SaveRows: save})


def _counted_first(transaction: Transaction, run: Run, write: SaveRows) -> None:
    """Count the rows in a request of its own."""
    counts = write.counts
    actions: list[Any] = [ImportRow.created.add(counts.created), ImportRow.duplicates.add(counts.duplicates)]
    with translate_errors():
        ImportRow(*import_key(write.import_id)).update(actions=actions)
    _save_rows(transaction, run, replace(write, duplicates=-counts.created))


def _rejected_first(transaction: Transaction, run: Run, write: SaveRows) -> None:
    if write.rejected:
        with translate_errors():
            rejected_row(write.import_id, write.rejected).save()
    with mock.patch.object(import_writes, "rejected_row", lambda import_id, rows: rejected_row(f"{import_id}-", rows)):
        _save_rows(transaction, run, write)


@contextmanager
def _ids_without_condition() -> Iterator[None]:
    put = Transaction.put

    def unconditional(self: Transaction, row: Any, condition: Any = None, tag: Any = None) -> None:
        put(self, row, None if isinstance(row, ExternalIdRow) and isinstance(tag, int) else condition, tag)

    with mock.patch.object(Transaction, "put", unconditional):
        yield


def _inspected_anew(self: DynamoImports, import_id: str, inspection: Inspection) -> Inspection:
    with translate_errors():
        InspectionRow(import_id, INSPECTION_SK, inspection=stored_inspection(inspection)).save()
    return inspection


def _start_of_the_last_part(self: ImportCards, scope: RunScope) -> tuple[int, ...]:
    if not scope.run.queued:
        return ()
    (last,) = scope.store.manifest(scope.run.id, scope.run.queued - 1, scope.run.queued)
    return last.numbers[2:5]


def _beyond_its_end(self: FileReader, place: tuple[int, ...]) -> Part:
    return _part(self, (*place[:3], place[3] + 1, *place[4:]))


def _repeats_are_new(self: Any, cards: Sequence[NewCard], by_content: bool) -> list[NewCard]:
    return [card for card in cards if card.external_id not in self.ids]


def several_parts(scenario: Scenario) -> Scenario:
    """Import some hundreds of rows without a cancel, beside other imports."""
    return replace(scenario, items=60, cancel_at=None, cancel_after_calls=None, selected=0)


def beside_others(scenario: Scenario) -> Scenario:
    """Import while people send cards with ids of the file."""
    return replace(several_parts(scenario), edits=40, hop_s=60.0)


def _many_pages(scenario: Scenario) -> Scenario:
    return replace(several_parts(scenario), items=120, hop_s=12.0)


def _of_imports(
    name: str,
    what: str,
    applied: _Applied,
    where: Callable[[Scenario], Scenario] = several_parts,
    under: Callable[[Faults], Faults] = lambda faults: faults,
    crash: str = "",
) -> Mutant:
    return Mutant(name, what, applied, where, under, kind=ImportSimulation, crash=crash)


OF_IMPORTS = [
    _of_imports(
        "rows counted on their own", "the rows of a part are counted before its commit", _saving(_counted_first)
    ),
    _of_imports(
        "rejected rows on their own",
        "the rejected rows of a part are written before its commit",
        _saving(_rejected_first),
    ),
    _of_imports(
        "external id taken twice",
        "an import takes an external id that a person has taken meanwhile",
        _ids_without_condition,
        where=beside_others,
    ),
    _of_imports(
        "file inspected anew",
        "each worker decides for itself how to read a file",
        patched("groundwork.adapters.dynamodb.imports.DynamoImports.record_inspection", _inspected_anew),
        under=lambda faults: Faults(frozen=0.05, until_s=900.0),
    ),
    _of_imports(
        "queueing resumes one part early",
        "the last part of a page is queued twice after a lost worker",
        patched(
            "groundwork.generation.handlers.import_cards.ImportCards._last_end",
            _start_of_the_last_part,
        ),
        where=_many_pages,
        under=lambda faults: Faults(killed_before=0.02, killed=0.5, until_s=900.0),
    ),
    _of_imports(
        "part read beyond its end",
        "the row after a part is read with it",
        patched("groundwork.generation.file_parts.FileReader.part", _beyond_its_end),
    ),
    _of_imports(
        "import without its run",
        "the start of a run does not name it in its import",
        lambda: mock.patch.dict(
            "groundwork.adapters.dynamodb.write_actions.ACTIONS", {StartImport: lambda transaction, run, write: None}
        ),
    ),
    _of_imports(
        "repeated ids are new",
        "ids are looked up in the project alone, not among the rows read with them",
        patched("groundwork.backlog.new_cards.KnownCards.new_among", _repeats_are_new),
        crash="TransactWriteError",
    ),
    _of_imports(
        "ended import with earlier counts",
        "an import is read before its run and not again",
        patched("groundwork.adapters.dynamodb.imports.DynamoImports.load_all", lambda self, import_ids: {}),
    ),
    _of_imports(
        "waiting import forgotten",
        "nothing starts the import that waits for another one",
        patched("groundwork.adapters.dynamodb.imports.DynamoImports.waiting_everywhere", lambda self: []),
    ),
]
