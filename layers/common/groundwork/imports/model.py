"""An import: a file in the bucket, the parameters for it, and the counts of its rows."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from groundwork.backlog.card_import.limits import MIB, ImportLimits
from groundwork.ids import Kind, Path

MAX_FILE_BYTES = 1024 * MIB
LIMITS = ImportLimits(unpacked=2 * 1024 * MIB)
"""Limits of a file in the bucket. A single JSON value stays as limited as in a request."""

MAX_NAME = 300
"""Characters of a file's name."""

Origin = Literal["upload", "drop"]
"""`drop`: another program has put the file into the bucket."""


class ImportStatus(StrEnum):
    """State of an import. From QUEUED on, it is the state of its latest run."""

    AWAITING_UPLOAD = "AWAITING_UPLOAD"
    WAITING = "WAITING"
    REFUSED = "REFUSED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One version of an object. Reads of another version fail.

    `version_id` is None in a bucket without versions; the ETag alone then identifies the content.
    """

    key: str
    etag: str
    size: int
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """Reason for an import without an effect; `columns` are the choices of COLUMN_UNKNOWN."""

    code: str
    message: str
    columns: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows by result. Each row of the file counts once; `skipped` rows hold no feedback."""

    created: int = 0
    duplicates: int = 0
    rejected: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        return self.created + self.duplicates + self.rejected + self.skipped


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """The record of an import. `file` is set once the object is known.

    `run_id` is its first run; `waiting`: it starts after the active import of its project.
    """

    project_id: str
    number: int
    name: str
    size: int
    parameters: dict[str, Any]
    key: str
    created_at: int
    origin: Origin = "upload"
    file: StoredFile | None = None
    run_id: str | None = None
    waiting: bool = False
    counts: RowCounts = field(default_factory=RowCounts)
    refusal: ImportProblem | None = None

    @property
    def id(self) -> str:
        return str(Path(Kind.IMPORT, self.project_id, (self.number,)))
