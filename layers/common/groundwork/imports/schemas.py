"""Answers of the routes of imports."""

from typing import TypedDict

from groundwork.imports.model import ImportStatus, Origin
from groundwork.imports.requests import ImportParameters


class UploadRequest(TypedDict):
    url: str
    method: str
    headers: dict[str, str]
    expiresAt: str


class ImportCreated(TypedDict):
    importId: str
    upload: UploadRequest


class ImportCounts(TypedDict):
    created: int
    duplicates: int
    rejected: int
    skipped: int


class SampledColumn(TypedDict):
    name: str
    samples: list[str]


class ImportFailure(TypedDict):
    code: str
    message: str
    columns: list[SampledColumn]


class Import(TypedDict):
    id: str
    projectId: str
    name: str
    size: int
    origin: Origin
    parameters: ImportParameters
    status: ImportStatus
    runId: str | None
    counts: ImportCounts
    format: str | None
    encoding: str | None
    warnings: list[str]
    error: ImportFailure | None
    createdAt: str
