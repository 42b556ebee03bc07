"""Flatten a JSON record to named fields."""

import json
from typing import Any

MAX_DEPTH = 6
MAX_FIELDS = 5_000

Field = tuple[str, Any]


def flatten(record: dict[str, Any]) -> list[Field]:
    """Return a record's fields, nested names joined by dots.

    A list of objects repeats its fields.
    """
    fields: list[Field] = []
    _flatten(record, "", 0, fields)
    return fields


def _flatten(value: Any, name: str, depth: int, fields: list[Field]) -> None:
    value = _joined(_unlabelled(value)) if name else value
    nested = isinstance(value, dict) or (isinstance(value, list) and any(isinstance(i, dict | list) for i in value))
    if len(fields) >= MAX_FIELDS or value is None or value == []:
        return
    if not nested:
        fields.append((name, value))
    elif depth > MAX_DEPTH:
        fields.append((name, json.dumps(value, ensure_ascii=False)))
    elif isinstance(value, dict):
        for key, below in value.items():
            _flatten(below, f"{name}.{key}" if name else key, depth + 1, fields)
    else:
        for item in value:
            _flatten(item, name, depth + 1, fields)


def _unlabelled(value: Any) -> Any:
    """Unwrap the feed form `{"label": value}`."""
    return (
        value["label"]
        if isinstance(value, dict) and "label" in value and set(value) <= {"label", "attributes"}
        else value
    )


def _joined(value: Any) -> Any:
    """Join a chat's rich text of strings and marked pieces."""
    if not isinstance(value, list) or not any(isinstance(item, str) for item in value):
        return value
    pieces = [item["text"] if isinstance(item, dict) and "text" in item else item for item in value]
    marked = any(isinstance(item, dict) for item in value) and all(isinstance(piece, str) for piece in pieces)
    return "".join(pieces) if marked else value
