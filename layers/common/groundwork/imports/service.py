"""Create imports and start their runs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundwork.errors import Invalid, Refusal, RunAlreadyActive
from groundwork.ids import Kind, Path
from groundwork.imports.model import MAX_FILE_BYTES, ImportProblem, ImportRecord, StoredFile
from groundwork.imports.ports import ImportFiles, ImportStore, PresignedUpload
from groundwork.imports.writes import StartImport
from groundwork.runs import leases
from groundwork.runs.model import Lease, Run, RunStatus, RunType
from groundwork.runs.ports import AlreadyStarted, Idempotency, RunStore
from groundwork.runs.start import StartedRun

if TYPE_CHECKING:
    from groundwork.imports.requests import NewImport

_BYTES_PER_PART = 6_000
"""Rough size of a part, for the total shown before the file is read."""


@dataclass(slots=True)
class Imports:
    """Dependencies of the use cases. `trigger` starts a run's first hop."""

    store: ImportStore
    files: ImportFiles
    runs: RunStore
    trigger: Callable[[str], None]
    now_ms: Callable[[], int]

    def create(self, project_id: str, request: "NewImport") -> tuple[ImportRecord, PresignedUpload]:
        """Create an import, and sign the upload of its file. Raises Invalid, NotFound, Transient."""
        from groundwork.imports.requests import check_parameters

        parameters = request.given_parameters()
        check_parameters(parameters)
        made = self.store.create(project_id, request.name.strip(), request.size, parameters)
        return made, self.files.upload(made.key, made.size)

    def create_from_object(
        self,
        project_id: str,
        file: StoredFile,
        name: str | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> ImportRecord:
        """Return the import of this version of an object: always the same one.

        Raises Invalid for parameters, NotFound for the project, Transient.
        """
        from groundwork.imports.requests import check_parameters

        check_parameters(parameters or {})
        return self.store.create_for(project_id, file, name or file.key.rpartition("/")[2], parameters or {})

    def start(self, import_id: str) -> StartedRun:
        """Start the run of an import; return the first one if there is one already.

        Raises NotFound, Invalid for a missing or unfit file, RunAlreadyActive, Transient.
        """
        record = self.store.load(import_id)
        if record.run_id:
            return self._started(self.runs.load(record.run_id))
        record = self.store.pin(import_id, self._file_of(record))
        run = self._run(record)
        try:
            # the key answers a second request at the same time with the run of the first
            self.runs.start(
                run,
                [(record.number,)],
                Idempotency(f"import {import_id}", import_id),
                [StartImport(import_id, run.id)],
            )
        except AlreadyStarted as earlier:
            return self._started(self.runs.load(earlier.run_id))
        self.trigger(run.id)
        return self._started(run)

    def start_or_wait(self, import_id: str) -> StartedRun | None:
        """Start an import, or queue it behind the active one of its project and return None.

        The end of a run and the sweep start waiting imports, oldest first. Raises as `start`, but not RunAlreadyActive.
        """
        # in the queue first: a crash after the start's refusal must not lose the file
        self.store.set_waiting(import_id, True)
        return self._start_waiting(import_id)

    def start_next(self, project_id: str | None = None) -> list[str]:
        """Start waiting imports, of one project or of all; return their ids. Raises Transient.

        A project has one import run at a time, so at most one import of each starts.
        """
        waiting = self.store.waiting(project_id) if project_id else self.store.waiting_everywhere()
        started: dict[str, str] = {}
        busy: set[str] = set()
        for import_id in waiting:
            project = import_id.partition("-")[0]
            if project in busy or project in started:
                continue
            try:
                if self._start_waiting(import_id):
                    started[project] = import_id
                else:
                    busy.add(project)
            except Refusal as refusal:
                # nobody waits for the answer, so the record carries it
                self.store.refuse(import_id, problem_of(refusal))
        return list(started.values())

    def _start_waiting(self, import_id: str) -> StartedRun | None:
        try:
            return self.start(import_id)
        except RunAlreadyActive:
            return None

    def _file_of(self, record: ImportRecord) -> StoredFile:
        file = record.file if record.origin == "drop" else self.files.find(record.key)
        if file is None:
            raise Invalid.field("file", "was not uploaded: send it to the URL of the import first")
        if file.size == 0:
            raise Invalid.field("size", "the file is empty")
        if file.size > MAX_FILE_BYTES:
            raise Invalid.field("size", f"is {file.size} bytes; the limit is {MAX_FILE_BYTES}")
        if file.size != record.size:
            raise Invalid.field("size", f"{file.size} bytes were uploaded, {record.size} announced")
        return file

    def _run(self, record: ImportRecord) -> Run:
        now = self.now_ms()
        number = self.runs.next_number(record.project_id)
        return Run(
            id=str(Path(Kind.RUN, record.project_id, (number,))),
            type=RunType.IMPORT_CARDS,
            created_at=now,
            ai="",
            total=1 + record.size // _BYTES_PER_PART,
            selected=True,
            lease=Lease(0, None, now + leases.TRIGGER_MS),
        )

    def _started(self, run: Run) -> StartedRun:
        return StartedRun(run.id, run.type, RunStatus.QUEUED, run.total)


def problem_of(refusal: Refusal) -> ImportProblem:
    """Return a refusal as stored with an import."""
    details = refusal.details
    columns = details.get("columns", ()) if isinstance(details, dict) else ()
    return ImportProblem(refusal.code, str(refusal), _fitting(columns))


MAX_COLUMNS_BYTES = 100_000
"""Of the 400 KB of a row; a file of 5,000 columns has far more samples."""


def _fitting(columns: Any) -> tuple[dict[str, Any], ...]:
    kept: list[dict[str, Any]] = []
    size = 0
    for column in columns:
        size += len(json.dumps(column).encode())
        if size > MAX_COLUMNS_BYTES:
            break
        kept.append(column)
    return tuple(kept)
