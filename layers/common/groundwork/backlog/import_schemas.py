"""Answers of the import routes, as the OpenAPI document shows them."""

from typing import Any, TypedDict

from groundwork.backlog.card_import.dates import Order
from groundwork.backlog.card_import.layout import Role
from groundwork.backlog.card_import.parameters import FileType


class RejectedRow(TypedDict):
    row: int
    line: int | None
    reason: str


class ImportResult(TypedDict):
    created: int
    duplicates: int
    rejected: list[RejectedRow]
    rejectedCount: int
    warnings: list[str]


class EncodingChoice(TypedDict):
    encoding: str
    lines: list[str]


class ImportColumn(TypedDict):
    name: str
    role: Role
    samples: list[str]


class PreviewCard(TypedDict):
    row: int
    line: int | None
    text: str
    source: str | None
    externalId: str | None
    metadata: dict[str, Any]
    postedAt: str | None


class ImportPreview(TypedDict):
    format: str | None
    encoding: str
    alternatives: list[EncodingChoice]
    delimiter: str | None
    type: FileType
    firstLine: int | None
    dateOrder: Order | None
    timezone: str | None
    columns: list[ImportColumn]
    rows: int
    rejected: list[RejectedRow]
    rejectedCount: int
    first: list[PreviewCard]
    warnings: list[str]
