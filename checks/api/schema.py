"""Traversal of JSON schemas."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]

PREFIX = "#/components/schemas/"
_DATA = ("default", "examples", "example", "enum", "const", "required", "mapping")


def reference(name: str) -> Schema:
    return {"$ref": PREFIX + name}


def parts(schema: Any, name: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield all schemas inside a part of a document, with their property or parameter."""
    if isinstance(schema, list):
        for entry in schema:
            yield from parts(entry, name)
    if not isinstance(schema, dict):
        return
    yield name, schema
    for key, value in schema.items():
        if key == "properties":
            for field, part in value.items():
                yield from parts(part, field)
        elif key not in _DATA:
            yield from parts(value, schema["name"] if key == "schema" and "in" in schema else name)


def with_references(part: Any, renamed: Callable[[str], str]) -> Any:
    """Rename schemas in all references, including those of discriminators."""
    text = re.sub(re.escape(PREFIX) + r"(\w+)", lambda found: PREFIX + renamed(found[1]), json.dumps(part))
    return json.loads(text)
