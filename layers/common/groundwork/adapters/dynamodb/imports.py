"""Imports on DynamoDB."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb.backlog_rows import ProjectRow
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.import_rows import (
    INSPECTION_SK,
    WAITING,
    ImportedObjectRow,
    ImportRow,
    InspectionRow,
    RejectedRowsRow,
    import_id_at,
    import_key,
    inspection_of,
    object_key,
    problem_document,
    rejected_key,
    stored_inspection,
)
from groundwork.adapters.dynamodb.run_rows import RetriedRow, RunRow, run_key, run_of
from groundwork.errors import NotFound, Transient
from groundwork.ids import PROJECT_ID, Kind, Path
from groundwork.imports.model import ImportProblem, ImportRecord, Origin, StoredFile
from groundwork.imports.ports import Inspection, RejectedImportRow
from groundwork.runs.model import Run

MAX_INSPECTION_BYTES = 350_000
"""Of the 400 KB of a row."""


class DynamoImports:
    """Implementation of `groundwork.imports.ports.ImportStore`."""

    def __init__(self, connection: Callable[[], Connection], now_ms: Callable[[], int] | None = None) -> None:
        self._connection = connection
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)

    # records

    def create(
        self, project_id: str, name: str, size: int, parameters: dict[str, Any], origin: Origin = "upload"
    ) -> ImportRecord:
        number = self._next_number(project_id)
        key = f"uploads/{Path(Kind.IMPORT, project_id, (number,))}"
        row = self._row(project_id, number, name, size, parameters, key)
        # the number is ours alone: a failed condition means an earlier try whose answer was lost
        with suppress(ConditionFailed), translate_errors():
            row.save(condition=ImportRow.pk.does_not_exist())
        return row.entity()

    def create_for(self, project_id: str, file: StoredFile, name: str, parameters: dict[str, Any]) -> ImportRecord:
        earlier = self._import_of(project_id, file)
        if earlier:
            return earlier
        number = self._next_number(project_id)
        row = self._row(project_id, number, name, file.size, parameters, file.key)
        row.dropped, row.etag, row.version_id, row.file_size = True, file.etag, file.version_id, file.size
        transaction = Transaction(self._connection())
        taken = ImportedObjectRow(project_id, object_key(file), number=number)
        transaction.put(taken, ImportedObjectRow.pk.does_not_exist(), "object")
        transaction.put(row, ImportRow.pk.does_not_exist(), "import")
        try:
            transaction.commit()
        except Cancelled:
            # another delivery of the same event was faster
            earlier = self._import_of(project_id, file)
            if earlier is None:
                raise Transient("The import of this object has just been created; try again.") from None
            return earlier
        return row.entity()

    def _row(
        self, project_id: str, number: int, name: str, size: int, parameters: dict[str, Any], key: str
    ) -> ImportRow:
        return ImportRow(
            *import_key(str(Path(Kind.IMPORT, project_id, (number,)))),
            name=name,
            size=size,
            parameters=parameters,
            key=key,
            created_at=self._now_ms(),
        )

    def _next_number(self, project_id: str) -> int:
        row = ProjectRow(project_id)
        if not PROJECT_ID.fullmatch(project_id):
            raise NotFound.of("project", project_id)
        try:
            with translate_errors():
                # a write of its own: a crash leaves a gap, never a number used twice
                row.update(actions=[ProjectRow.last_import.add(1)], condition=ProjectRow.alive())
        except ConditionFailed:
            raise NotFound.of("project", project_id) from None
        return int(row.last_import)

    def _import_of(self, project_id: str, file: StoredFile) -> ImportRecord | None:
        with translate_errors():
            key = ImportedObjectRow.sk == object_key(file)
            rows = list(ImportedObjectRow.query(project_id, key, consistent_read=True))
        return self.load(str(Path(Kind.IMPORT, project_id, (int(rows[0].number),)))) if rows else None

    def load(self, import_id: str) -> ImportRecord:
        try:
            pk, sk = import_key(import_id)
        except ValueError:
            raise NotFound.of("import", import_id) from None
        with translate_errors():
            rows = list(ImportRow.query(pk, ImportRow.sk == sk, consistent_read=True))
        if not rows:
            raise NotFound.of("import", import_id)
        return rows[0].entity()

    def load_all(self, import_ids: Sequence[str]) -> dict[str, ImportRecord]:
        keys = list(map(import_key, import_ids))
        with translate_errors():
            rows = ImportRow.batch_get(keys, consistent_read=True) if keys else ()
            return {row.entity().id: row.entity() for row in rows}

    def page(self, project_id: str, before: int | None, limit: int) -> list[ImportRecord]:
        upper = f"IMP#{(before or 1_000_000) - 1:06d}"
        with translate_errors():
            rows = ImportRow.query(
                project_id, ImportRow.sk.between("IMP#000000", upper), scan_index_forward=False, limit=limit
            )
            return [row.entity() for row in rows]

    def pin(self, import_id: str, file: StoredFile) -> ImportRecord:
        actions = [ImportRow.etag.set(file.etag), ImportRow.file_size.set(file.size)]
        actions.append(ImportRow.version_id.set(file.version_id) if file.version_id else ImportRow.version_id.remove())
        self._update_unstarted(import_id, actions)
        return self.load(import_id)

    def set_waiting(self, import_id: str, waiting: bool) -> None:
        put = [ImportRow.attention.set(WAITING), ImportRow.attention_at.set(self._now_ms())]
        self._update_unstarted(
            import_id, put if waiting else [ImportRow.attention.remove(), ImportRow.attention_at.remove()]
        )

    def refuse(self, import_id: str, problem: ImportProblem) -> None:
        actions = [
            ImportRow.problem.set(problem_document(problem)),
            ImportRow.attention.remove(),
            ImportRow.attention_at.remove(),
        ]
        self._update_unstarted(import_id, actions)

    def _update_unstarted(self, import_id: str, actions: list[Any]) -> None:
        """Update an import unless its run was started: from then on its record belongs to the run."""
        unstarted = ImportRow.pk.exists() & ImportRow.run_id.does_not_exist()
        with suppress(ConditionFailed), translate_errors():
            ImportRow(*import_key(import_id)).update(actions=actions, condition=unstarted)

    # the queue

    def waiting(self, project_id: str) -> list[str]:
        return [import_id for import_id in self.waiting_everywhere() if import_id.startswith(f"{project_id}-")]

    def waiting_everywhere(self) -> list[str]:
        with translate_errors():
            return [import_id_at(row.pk, row.sk) for row in ImportRow.attention_index.query(WAITING)]

    # the run

    def latest_runs(self, run_ids: Sequence[str]) -> dict[str, Run]:
        latest = {run_id: run_id for run_id in run_ids}
        with translate_errors():
            while retries := self._retries(list(latest.values())):
                latest = {first: retries.get(last, last) for first, last in latest.items()}
            keys = [run_key(last) for last in latest.values()]
            found = {run.id: run for run in map(run_of, RunRow.batch_get(keys, consistent_read=True))} if keys else {}
        return {first: found[last] for first, last in latest.items() if last in found}

    def _retries(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Return the retry of each run with one."""
        keys = {(pk, f"RETRIED#{sk}"): run_id for run_id in run_ids for pk, sk in [run_key(run_id)]}
        rows = RetriedRow.batch_get(list(keys), consistent_read=True) if keys else ()
        return {keys[row.pk, row.sk]: row.run_id for row in rows}

    def inspection(self, import_id: str) -> Inspection | None:
        with translate_errors():
            rows = list(InspectionRow.query(import_id, InspectionRow.sk == INSPECTION_SK, consistent_read=True))
        return inspection_of(rows[0]) if rows else None

    def record_inspection(self, import_id: str, inspection: Inspection) -> Inspection:
        stored = stored_inspection(inspection)
        if len(stored) > MAX_INSPECTION_BYTES:
            problem = ImportProblem("TOO_LARGE", "The names of the columns are too long to be kept.")
            stored = stored_inspection(Inspection(problem=problem))
        # the first one stays: a part is only read by the layout it was cut with
        with suppress(ConditionFailed), translate_errors():
            InspectionRow(import_id, INSPECTION_SK, inspection=stored).save(condition=InspectionRow.pk.does_not_exist())
        found = self.inspection(import_id)
        if found is None:
            raise Transient("The inspection of the file could not be read back.")
        return found

    def rejected(self, import_id: str, after: int, limit: int) -> list[RejectedImportRow]:
        found: list[RejectedImportRow] = []
        above = RejectedRowsRow.sk.between(rejected_key(after + 1), "X#~")
        with translate_errors():
            for row in RejectedRowsRow.query(import_id, above, page_size=200):
                found += [RejectedImportRow(*line) for line in row.lines if line[0] > after]
                if len(found) >= limit:
                    break
        return found[:limit]
