"""Public names: the schemas' own, and components in place of inline enums and objects."""

import re
from typing import Any

from checks.api.schema import Schema, parts, reference, with_references
from checks.api.texts import enum_texts, schema_texts

# A class `Error` with a field `error` would collide with itself in generated Python.
ERROR_RESPONSE = {"type": "object", "required": ["error"], "properties": {"error": reference("Error")}}
ERROR = {
    "type": "object",
    "required": ["code", "message", "details", "requestId"],
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "details": {},
        "requestId": {"type": "string"},
    },
}
GATEWAY_ERROR = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}


def with_public_names(document: dict[str, Any]) -> dict[str, Any]:
    """Rename schemas as schemas.yaml says.

    Titles are removed: generators would derive class names from them.
    """
    _drop_titles(document)
    named: dict[str, Any] = with_references(document, public_name)
    schemas = {public_name(name): schema for name, schema in named["components"]["schemas"].items()}
    schemas |= {"ErrorResponse": ERROR_RESPONSE, "Error": ERROR, "GatewayError": GATEWAY_ERROR}
    named["components"]["schemas"] = schemas
    _name_operations_of_a_suggestion(schemas)
    _name_enums(named)
    named["components"]["schemas"] = dict(sorted(schemas.items()))
    return named


def public_name(source: str) -> str:
    """`Progress` is `Run`. Pydantic's `ListPage_Progress_` is `RunList`."""
    if listed := re.fullmatch(r"ListPage_(\w+)_", source):
        return f"{public_name(listed[1])}List"
    return _public().get(source, source)


def _public() -> dict[str, str]:
    return {text.source: name for name, text in schema_texts().items()}


def _drop_titles(document: dict[str, Any]) -> None:
    for _, schema in parts(document["paths"]):
        _drop_title(schema)
    for component in document["components"]["schemas"].values():
        for _, schema in parts(component):
            _drop_title(schema)


def _drop_title(schema: Schema) -> None:
    # a field may be called `title`: then the value is a schema
    if isinstance(schema.get("title"), str):
        del schema["title"]


def _name_operations_of_a_suggestion(schemas: dict[str, Schema]) -> None:
    suggestion = schemas["Suggestion"]["properties"]
    schemas["PlanOperation"] = suggestion["operation"]
    suggestion["operation"] = reference("PlanOperation")


def _name_enums(document: dict[str, Any]) -> None:
    schemas: dict[str, Schema] = document["components"]["schemas"]
    places = [("", list(document["paths"].values())), *schemas.items()]
    found: dict[str, Schema] = {}
    for component, place in places:
        for field, schema in parts(place):
            name = enum_name(field, schema)
            # an enum with a component of its own has its name already
            if name and component != name and schema is not place:
                found[name] = {"type": "string", "enum": schema.pop("enum")}
                del schema["type"]
                schema |= reference(name)
    schemas |= found


def enum_name(field: str, schema: Schema) -> str | None:
    values = tuple(schema.get("enum", ()))
    matching = (name for name, text in enum_texts().items() if field in text.fields and values == text.values)
    return next(matching, None)
