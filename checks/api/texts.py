"""Names and descriptions of the document, read from schemas.yaml and operations.yaml."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from checks.api.schema import Schema

HERE = Path(__file__).parent


@dataclass(frozen=True)
class SchemaText:
    """Text of one schema. `source` is its name in the code."""

    source: str
    text: str
    like: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    example: Any = None


@dataclass(frozen=True)
class EnumText:
    """Text of an enum without a class in the code."""

    fields: tuple[str, ...]
    values: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class OperationText:
    text: str
    errors: tuple[str, ...] = ()
    etag: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)


@cache
def schema_texts() -> dict[str, SchemaText]:
    return {
        name: SchemaText(
            source=entry.get("from", name),
            text=entry["text"],
            like=tuple(entry.get("like", ())),
            fields=entry.get("fields", {}),
            example=entry.get("example"),
        )
        for name, entry in _read("schemas.yaml")["schemas"].items()
    }


@cache
def enum_texts() -> dict[str, EnumText]:
    return {
        name: EnumText(tuple(entry["fields"]), tuple(entry["values"]), entry["text"])
        for name, entry in _read("schemas.yaml")["enums"].items()
    }


@cache
def operation_texts() -> dict[str, OperationText]:
    return {
        name: OperationText(
            entry["text"], tuple(entry.get("errors", ())), entry.get("etag", False), entry.get("parameters", {})
        )
        for name, entry in _read("operations.yaml")["operations"].items()
    }


def parameter_texts() -> dict[str, str]:
    return dict(_read("operations.yaml")["parameters"])


def code_texts() -> dict[str, str]:
    return dict(_read("operations.yaml")["codes"])


def field_text(schema: str, name: str) -> str | None:
    """Text of a field: its schema's own, one of a similar schema, or the common one."""
    own = next((text.fields[name] for text in _similar(schema) if name in text.fields), None)
    return own or _read("schemas.yaml")["common"].get(name)


def describe(schemas: dict[str, Schema]) -> None:
    """Add the texts and examples to the schemas of a document."""
    for name, schema in schemas.items():
        schema["description"] = _schema_text(name)
        if (text := schema_texts().get(name)) and text.example is not None:
            schema["examples"] = [text.example]
        for field_name, part in schema.get("properties", {}).items():
            # a docstring of the code speaks to programmers, not to clients
            part.pop("description", None)
            if found := field_text(name, field_name):
                part["description"] = found


def _schema_text(name: str) -> str:
    if found := schema_texts().get(name) or enum_texts().get(name):
        return found.text
    return f"Page of a list of `{name[:-4]}`." if name.endswith("List") else ""


def unused(schemas: Mapping[str, Schema]) -> Iterator[str]:
    """Faults: texts for schemas or fields without a counterpart in the code."""
    for name, text in schema_texts().items():
        if name not in schemas:
            yield f"schemas.yaml describes {name}, which the code does not have"
        else:
            for field_name in text.fields.keys() - schemas[name].get("properties", {}).keys():
                yield f"schemas.yaml describes {name}.{field_name}, which the code does not have"
    for name in enum_texts().keys() - schemas.keys():
        yield f"schemas.yaml describes the enum {name}, which the code does not have"


def _similar(schema: str) -> Iterator[SchemaText]:
    text = schema_texts().get(schema)
    if text:
        yield text
        for other in text.like:
            yield from _similar(other)


@cache
def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((HERE / name).read_text())
    return read
