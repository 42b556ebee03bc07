"""Rules of the public document. Each gives one line for each fault."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from checks.api import texts
from checks.api.responses import statuses
from checks.api.schema import parts

VERBS = (
    "apply|approve|cancel|compare|complete|create|delete|estimate|execute|export|generate|get|import|list|pause|preview|reject"
    "|restore|resume|retry|review|rollBack|schedule|skip|start|unschedule|update"
)
OPERATION_ID = re.compile(rf"({VERBS})[A-Z][A-Za-z]*")
SCHEMA_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")


def faults(document: dict[str, Any]) -> list[str]:
    named = [*_operation_faults(document), *_schema_faults(document)]
    return [
        *named,
        *texts.unused(document["components"]["schemas"]),
        *_text_faults(document),
        *_example_faults(document),
    ]


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in document["paths"].values():
        yield from operations.values()


def _operation_faults(document: dict[str, Any]) -> Iterator[str]:
    ids = Counter(operation["operationId"].lower() for operation in _operations(document))
    for operation in _operations(document):
        id_ = operation["operationId"]
        if not OPERATION_ID.fullmatch(id_):
            yield f"operationId {id_} is not a standard verb and a noun in camelCase"
        if ids[id_.lower()] > 1:
            yield f"operationId {id_} is used twice"
        yield from (f"{id_} has no {what}" for what in ("summary", "description") if not operation.get(what))
        for parameter in operation.get("parameters", ()):
            if not parameter.get("description"):
                yield f"{id_}: the parameter {parameter['name']} has no description"
        yield from _inline_faults(id_, operation)


def _schema_faults(document: dict[str, Any]) -> Iterator[str]:
    schemas = document["components"]["schemas"]
    # generated clients have a file for each schema, and some file systems ignore case
    names = Counter(name.lower() for name in schemas)
    titles = Counter(schema["title"] for schema in schemas.values() if "title" in schema)
    yield from (f"the title {title} is used twice" for title, count in titles.items() if count > 1)
    for name, schema in schemas.items():
        if not SCHEMA_NAME.fullmatch(name):
            yield f"schema {name} is not in PascalCase"
        if names[name.lower()] > 1:
            yield f"schema {name} differs from another one in case only"
        yield from _description_faults(name, schema)
        yield from _inline_faults(name, schema)


def _description_faults(name: str, schema: dict[str, Any]) -> Iterator[str]:
    if not schema.get("description"):
        yield f"schema {name} has no description"
    for field, part in schema.get("properties", {}).items():
        if not part.get("description"):
            yield f"{name}.{field} has no description"


def _inline_faults(owner: str, whole: dict[str, Any]) -> Iterator[str]:
    for field, schema in parts(whole):
        if schema is not whole:
            yield from _unnamed(f"{owner} {field}", schema)


def _unnamed(where: str, schema: dict[str, Any]) -> Iterator[str]:
    # generators invent a name for an inline type, and another one after a change
    if "enum" in schema:
        yield f"{where}: the enum {schema['enum']} has no name"
    if "oneOf" in schema:
        yield f"{where}: the union has no name"
    if schema.get("type") == "object" and "properties" in schema:
        yield f"{where}: the object has no name"


def _text_faults(document: dict[str, Any]) -> Iterator[str]:
    known = {operation["operationId"] for operation in _operations(document)}
    names = {parameter["name"] for operation in _operations(document) for parameter in operation.get("parameters", ())}
    for name, text in texts.operation_texts().items():
        if name not in known:
            yield f"operations.yaml describes {name}, which the code does not have"
        yield from (f"{name}: no exception has the code {code}" for code in text.errors if code not in statuses())
    yield from (f"operations.yaml describes the parameter {name}" for name in texts.parameter_texts().keys() - names)
    yield from (f"operations.yaml describes the code {name}" for name in texts.code_texts().keys() - statuses().keys())
    used = {code for text in texts.operation_texts().values() for code in text.errors}
    yield from (f"operations.yaml has no text for the code {code}" for code in used - texts.code_texts().keys())


def _example_faults(document: dict[str, Any]) -> Iterator[str]:
    components = {"components": document["components"]}
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            for fault in Draft202012Validator(schema | components).iter_errors(example):
                yield f"the example of {name} is not valid: {fault.message[:200]}"
