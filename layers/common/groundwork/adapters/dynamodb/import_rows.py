"""Rows of imports, in the runs table.

Under a project: records (IMP#), imported versions of objects (OBJ#). Under an import: the inspection of its file and
its rejected rows (X#).
"""

import hashlib
import json
import zlib
from typing import Any

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from groundwork.adapters.dynamodb.backlog_rows import AttentionIndex
from groundwork.adapters.dynamodb.run_rows import CompactJson
from groundwork.ids import Kind, Path, path_of
from groundwork.imports.model import ImportProblem, ImportRecord, RowCounts, StoredFile
from groundwork.imports.ports import Inspection, RejectedImportRow

WAITING = "IMPORT"
INSPECTION_SK = "INSPECTION"


class ImportRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    name = UnicodeAttribute(attr_name="name")
    size = NumberAttribute(attr_name="size")
    parameters = JSONAttribute(attr_name="parameters")
    key = UnicodeAttribute(attr_name="key")
    dropped = BooleanAttribute(attr_name="dropped", default=False)
    created_at = NumberAttribute(attr_name="createdAt")
    # size and ETag of the file, as found by the start
    file_size = NumberAttribute(attr_name="fileSize", null=True)
    etag = UnicodeAttribute(attr_name="etag", null=True)
    version_id = UnicodeAttribute(attr_name="versionId", null=True)
    run_id = UnicodeAttribute(attr_name="runId", null=True)
    created = NumberAttribute(attr_name="created", default=0)
    duplicates = NumberAttribute(attr_name="duplicates", default=0)
    rejected = NumberAttribute(attr_name="rejected", default=0)
    skipped = NumberAttribute(attr_name="skipped", default=0)
    problem = JSONAttribute(attr_name="problem", null=True)
    attention = UnicodeAttribute(attr_name="attention", null=True)
    attention_at = NumberAttribute(attr_name="attentionAt", null=True)
    attention_index = AttentionIndex()

    def entity(self) -> ImportRecord:
        file = StoredFile(self.key, self.etag, int(self.file_size), self.version_id) if self.etag else None
        return ImportRecord(
            project_id=self.pk,
            number=int(self.sk[4:]),
            name=self.name,
            size=int(self.size),
            parameters=self.parameters,
            key=self.key,
            created_at=int(self.created_at),
            origin="drop" if self.dropped else "upload",
            file=file,
            run_id=self.run_id,
            waiting=self.attention is not None,
            counts=RowCounts(int(self.created), int(self.duplicates), int(self.rejected), int(self.skipped)),
            refusal=problem_of(self.problem) if self.problem else None,
        )


class ImportedObjectRow(Model):
    """OBJ#: the import of one version of an object, so that it is imported once."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    number = NumberAttribute(attr_name="number")


class InspectionRow(Model):
    """The inspection of a file as compressed JSON: a header may have thousands of columns."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    inspection = BinaryAttribute(attr_name="inspection", legacy_encoding=False)


class RejectedRowsRow(Model):
    """X#: the rejected rows of one part of a file; the key holds the last one's number."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    lines = CompactJson(attr_name="l")


IMPORT_ROWS: list[type[Model]] = [ImportRow, ImportedObjectRow, InspectionRow, RejectedRowsRow]


def import_key(import_id: str) -> tuple[str, str]:
    """Return the key of an import's row. Raises ValueError for an invalid id."""
    path = path_of(Kind.IMPORT, import_id)
    if path is None:
        raise ValueError(import_id)
    return path.project_id, f"IMP#{path.number:06d}"


def import_id_at(pk: str, sk: str) -> str:
    return str(Path(Kind.IMPORT, pk, (int(sk[4:]),)))


def object_key(file: StoredFile) -> str:
    # without versions the ETag tells one content from the next
    version = file.version_id or file.etag
    return f"OBJ#{hashlib.sha256(f'{file.key}\0{version}'.encode()).hexdigest()[:32]}"


def rejected_row(import_id: str, rows: tuple[RejectedImportRow, ...]) -> RejectedRowsRow:
    lines = [[row.row, row.line, row.reason] for row in rows]
    return RejectedRowsRow(import_id, rejected_key(rows[-1].row), lines=lines)


def rejected_key(row: int) -> str:
    return f"X#{row:012d}"


def stored_inspection(inspection: Inspection) -> bytes:
    document = {
        "layout": inspection.layout.as_json() if inspection.layout else None,
        "file": _file_document(inspection.file) if inspection.file else None,
        "problem": problem_document(inspection.problem) if inspection.problem else None,
    }
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode())


def inspection_of(row: InspectionRow) -> Inspection:
    from groundwork.backlog.card_import.layout import Layout

    document = json.loads(zlib.decompress(row.inspection))
    file = document["file"]
    return Inspection(
        Layout.from_json(document["layout"]) if document["layout"] else None,
        StoredFile(file["key"], file["etag"], file["size"], file["versionId"]) if file else None,
        problem_of(document["problem"]) if document["problem"] else None,
    )


def _file_document(file: StoredFile) -> dict[str, Any]:
    return {"key": file.key, "etag": file.etag, "size": file.size, "versionId": file.version_id}


def problem_document(problem: ImportProblem) -> dict[str, Any]:
    return {"code": problem.code, "message": problem.message, "columns": list(problem.columns)}


def problem_of(document: dict[str, Any]) -> ImportProblem:
    return ImportProblem(document["code"], document["message"], tuple(document["columns"]))
