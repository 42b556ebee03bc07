"""Answers of the import routes, as the OpenAPI document shows them."""

from typing import Any, Literal, TypedDict


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
    role: Literal["text", "title", "externalId", "source", "postedAt", "personal", "metadata"]
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
    columns: list[ImportColumn]
    rows: int
    rejected: list[RejectedRow]
    rejectedCount: int
    first: list[PreviewCard]
    warnings: list[str]
