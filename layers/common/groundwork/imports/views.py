"""Imports as the API shows them. Pure: record, latest run and inspection in, JSON out."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from groundwork.backlog.model import rfc3339
from groundwork.imports.model import ImportProblem, ImportRecord, ImportStatus
from groundwork.imports.ports import Inspection, RejectedImportRow
from groundwork.runs.model import Run, RunStatus


def view(record: ImportRecord, run: Run | None, inspection: Inspection | None = None) -> dict[str, Any]:
    """Return an import. A list has no `inspection`, and so no facts about the file."""
    layout = inspection.layout if inspection else None
    counts, problem = record.counts, _problem(record, run, inspection)
    return {
        "id": record.id,
        "projectId": record.project_id,
        "name": record.name,
        "size": record.size,
        "origin": record.origin,
        "parameters": record.parameters,
        "status": status_of(record, run),
        "runId": run.id if run else None,
        "counts": {
            "created": counts.created,
            "duplicates": counts.duplicates,
            "rejected": counts.rejected,
            "skipped": counts.skipped,
        },
        "format": layout.format if layout else None,
        "encoding": layout.encoding.name if layout else None,
        "warnings": list(layout.warnings) if layout else [],
        "error": _failure(problem) if problem else None,
        "createdAt": rfc3339(record.created_at),
    }


def status_of(record: ImportRecord, run: Run | None) -> ImportStatus:
    if run:
        return ImportStatus(run.status.value)
    if record.refusal:
        return ImportStatus.REFUSED
    waits = record.waiting or record.origin == "drop"
    return ImportStatus.WAITING if waits else ImportStatus.AWAITING_UPLOAD


def _problem(record: ImportRecord, run: Run | None, inspection: Inspection | None) -> ImportProblem | None:
    if run is None:
        return record.refusal
    if inspection and inspection.problem:
        return inspection.problem
    if run.status is RunStatus.CANCELLED:
        kept = f"{record.counts.created} cards were created and stay."
        return ImportProblem("CANCELLED", f"The import was cancelled. {kept}")
    return ImportProblem("INCOMPLETE", run.error) if run.error else None


def _failure(problem: ImportProblem) -> dict[str, Any]:
    return {"code": problem.code, "message": problem.message, "columns": list(problem.columns)}


def rejected_csv(rows: Iterable[RejectedImportRow]) -> str:
    """Write rejected rows as CSV. Reasons are our own sentences."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["row", "line", "reason"])
    writer.writerows([row.row, row.line, row.reason] for row in rows)
    return out.getvalue()
