"""Read records as fields from CSV, NDJSON, or packed lines."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from groundwork.backlog.card_import import json_fields, json_values
from groundwork.backlog.card_import.content import Content
from groundwork.backlog.card_import.dialect import NO_DELIMITER
from groundwork.backlog.card_import.json_documents import PREPARE
from groundwork.backlog.card_import.layout import Layout
from groundwork.backlog.card_import.records import CsvRecords, LineRecords, Position, Raw

Fields = list[tuple[str, Any]]


class NotFeedback(str):
    """Reason to skip a record instead of rejecting it."""


def records_of(content: Content, layout: Layout, start: Position) -> Iterator[Raw]:
    """Yield the records from a position, as cells or objects.

    Blank rows have no value and no problem.
    """
    if layout.shape == "csv":
        yield from csv_records(content, layout, start)
        return
    for record in LineRecords(content, start):
        yield record if record.problem else _unwrapped(record, layout)


def csv_records(content: Content, layout: Layout, start: Position) -> CsvRecords:
    encoding = "utf-8" if layout.container == "transcoded" else layout.encoding.name
    delimiter = layout.delimiter or NO_DELIMITER
    return CsvRecords(content, encoding, delimiter, layout.escape, start, len(layout.columns), quoted=layout.quoted)


def is_blank(layout: Layout, record: Raw) -> bool:
    """Return True for a blank row: `record_fields` returns None for it."""
    if record.problem:
        return False
    if layout.columns:
        return not any(record.value)
    return record.value is None and layout.shape != "packed"


def _unwrapped(record: Raw, layout: Layout) -> Raw:
    if layout.shape == "packed":
        line, value, problem = json_values.parsed(record.value)
        return replace(record, line=line, value=value, problem=problem)
    encoding = "utf-8" if layout.container == "transcoded" else layout.encoding.name
    text = record.value.decode(encoding, "replace").strip("\ufeff \r\n\t")
    try:
        return replace(record, value=json_values.parsed(text) if text else None)
    except ValueError:
        return replace(record, value=None, problem=json_values.NOT_JSON)


def record_fields(layout: Layout, record: Raw) -> Fields | str | None:
    """Return a record's fields, the reason why it has none, or None for a blank row."""
    if record.problem:
        return record.problem
    value = record.value
    if layout.columns:
        return _cells(layout.columns, value)
    # an array of plain texts
    if isinstance(value, str) and layout.container == "document":
        return [("text", value)]
    if not isinstance(value, dict):
        return "must be an object" if value is not None or layout.shape == "packed" else None
    prepare = PREPARE.get(layout.format or "")
    prepared = prepare(value) if prepare else value
    if prepared is None:
        return NotFeedback("is about the app itself")
    return json_fields.flatten({name: below for name, below in prepared.items() if not is_metadata(name, prepared)})


def is_metadata(name: str, record: dict[str, Any]) -> bool:
    """Return True if this is the `metadata` field of our own format, kept unchanged."""
    return name == "metadata" and "text" in record and isinstance(record.get(name), dict)


def _cells(columns: tuple[str, ...], cells: list[str]) -> Fields | str | None:
    if not any(cells):
        return None
    # spreadsheets add empty cells at the right; filled ones mean a broken row
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        return f"has {len(cells)} cells, the header {len(columns)}"
    return list(zip(columns, cells, strict=False))
