"""Deliberate bugs around the queue of files; the simulation must catch each of them."""

import itertools
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from groundwork.adapters.dynamodb import unassigned_files
from groundwork.adapters.dynamodb.client import Transaction, translate_errors
from groundwork.adapters.dynamodb.import_rows import ImportRow, import_key
from groundwork.adapters.dynamodb.imports import DynamoImports
from groundwork.adapters.dynamodb.write_actions import ACTIONS
from groundwork.errors import RunAlreadyActive
from groundwork.imports import dropped_files
from groundwork.imports.model import ImportRecord, StoredFile
from groundwork.imports.service import Imports
from groundwork.imports.writes import StartImport
from groundwork.runs.model import Run
from groundwork.runs.start import StartedRun
from tests.simulation.file_queue import Report, simulate
from tests.simulation.mutant import patched

SEEDS = 150


@dataclass(frozen=True, slots=True)
class QueueMutant:
    name: str
    what: str
    caught_by: str
    applied: Callable[[], AbstractContextManager[Any]]

    def caught(self, seeds: Iterable[int]) -> Report | None:
        """Return the first simulation with a violation."""
        with self.applied():
            return next((report for report in map(simulate, seeds) if report.broken), None)


def _record_without_condition(
    self: DynamoImports, project_id: str, file: StoredFile, name: str, parameters: dict[str, Any]
) -> ImportRecord:
    row = self._row(project_id, self._next_number(project_id), name, file.size, parameters, file.key)
    row.dropped, row.etag, row.version_id, row.file_size = True, file.etag, file.version_id, file.size
    with translate_errors():
        row.save()
    return row.entity()


def _start_without_waiting(self: Imports, import_id: str) -> StartedRun | None:
    try:
        return self.start(import_id)
    except RunAlreadyActive:
        return None


def _keeps_waiting(transaction: Transaction, run: Run, write: StartImport) -> None:
    unstarted = ImportRow.pk.exists() & ImportRow.run_id.does_not_exist()
    transaction.update(
        ImportRow(*import_key(write.import_id)), [ImportRow.run_id.set(write.run_id)], unstarted, "import"
    )


def _nothing_started(self: Imports, project_id: str | None = None) -> list[str]:
    return []


def _only_at_the_end_of_a_run(self: Imports, project_id: str | None = None) -> list[str]:
    return _start_next(self, project_id) if project_id else []


def _refusals_unseen(self: DynamoImports, import_id: str, problem: object) -> None:
    self.set_waiting(import_id, False)


def _object_without_version(file: StoredFile) -> str:
    return f"OBJ#{file.key}"


_start_next = Imports.start_next
_numbers = itertools.count(1)


def _position_of_its_own(file: dropped_files.DroppedFile) -> str:
    return f"{file.put_at:015d}#{next(_numbers):016x}"


_IMPORTS = "groundwork.imports.service.Imports"
_STORE = "groundwork.adapters.dynamodb.imports.DynamoImports"

OF_THE_QUEUE = [
    QueueMutant(
        "record without a condition",
        "Each delivery of an event creates an import of its own.",
        "a_version_is_imported_once",
        patched(f"{_STORE}.create_for", _record_without_condition),
    ),
    QueueMutant(
        "version ignored",
        "A file put again under the same key counts as imported.",
        "a_file_is_imported",
        patched("groundwork.adapters.dynamodb.imports.object_key", _object_without_version),
    ),
    QueueMutant(
        "no place in the queue",
        "A file behind an active import is forgotten.",
        "a_row_becomes_one_card",
        patched(f"{_IMPORTS}.start_or_wait", _start_without_waiting),
    ),
    QueueMutant(
        "nobody starts the next",
        "Neither the end of a run nor the sweep starts a waiting file.",
        "a_waiting_file_starts",
        patched(f"{_IMPORTS}.start_next", _nothing_started),
    ),
    QueueMutant(
        "sweep without imports",
        "Only the end of a run starts a waiting file.",
        "a_waiting_file_starts",
        patched(f"{_IMPORTS}.start_next", _only_at_the_end_of_a_run),
    ),
    QueueMutant(
        "started but waiting",
        "A started import keeps its place in the queue.",
        "a_started_import_does_not_wait",
        lambda: mock.patch.dict(ACTIONS, {StartImport: _keeps_waiting}),
    ),
    QueueMutant(
        "refusal without a reason",
        "An unfit file leaves the queue silently.",
        "a_refusal_is_shown",
        patched(f"{_STORE}.refuse", _refusals_unseen),
    ),
    QueueMutant(
        "unassigned file once a delivery",
        "A repeated event lists a file for no project again.",
        "a_file_for_no_project_is_shown_once",
        patched(f"{unassigned_files.__name__}._position", _position_of_its_own),
    ),
]
