"""OpenAPI 3.1 document of the API, made from the routes in the code.

python -m checks.openapi --write    writes layers/common/groundwork/openapi.json
python -m checks.openapi            fails if that file or the routes of the template differ from the code
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from checks.api.naming import with_public_names
from checks.api.responses import complete
from checks.api.rules import faults as faults_of
from checks.api.schema import reference
from checks.api.texts import describe
from checks.routes import routes_of_code, routes_of_template
from groundwork.api.backlog.card_import import MEDIA_TYPES, OPTIONS
from groundwork.backlog.card_import.dates import Order
from groundwork.backlog.card_import.parameters import DELIMITERS, LISTS, NAMES, PERSONAL, FileType
from groundwork.backlog.model import Value

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "layers" / "common" / "groundwork" / "openapi.json"
FUNCTIONS = ("manage_backlog", "start_run", "get_progress", "manage_plans")
METHODS = ("get", "post", "patch", "delete", "put")
_FILE = {"type": "string", "format": "binary"}
_CHOICES: dict[str, tuple[str, ...]] = {
    "type": get_args(FileType),
    "dateOrder": get_args(Order),
    "personal": PERSONAL,
    "delimiter": DELIMITERS,
    **OPTIONS,
}


def document() -> dict[str, Any]:
    """Merge the routes of all functions into one document."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Groundwork",
            "version": "1",
            "description": "Product feedback into a backlog, in resumable runs with live progress.",
        },
        "security": [{"bearer": []}],
        "paths": {},
        "components": {
            "schemas": {},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    for name in FUNCTIONS:
        part = _part(name)
        for path, operations in part["paths"].items():
            merged["paths"].setdefault(_template_path(path), {}).update(operations)
        schemas = part.get("components", {}).get("schemas", {})
        _add_schemas(merged["components"]["schemas"], schemas)
    for _, operation in _operations(merged):
        _without_defaults_of_powertools(operation)
    _without_patch_defaults(merged["components"]["schemas"])
    _with_whole_answers(merged)
    _with_imports(merged)
    _with_conditional_request(merged["paths"]["/api/runs/{run_id}/progress"]["get"])
    made = _camel_paths(with_public_names(merged))
    for route in routes_of_code():
        # `main` reports a route of the template without code
        if route.open and (operation := made["paths"].get(route.path, {}).get(route.method.lower())):
            operation["security"] = []
    describe(made["components"]["schemas"])
    complete(made)
    return made


def _add_schemas(known: dict[str, Any], more: dict[str, Any]) -> None:
    """Raises ValueError for two different schemas of one name."""
    for name, schema in more.items():
        # Powertools' own schemas belong to its 422 answers, removed later
        if "ValidationError" not in name and known.setdefault(name, schema) != schema:
            raise ValueError(f"two schemas are named {name}")


def _part(name: str) -> dict[str, Any]:
    module = __import__(f"functions.{name}.app", fromlist=["app"])
    part: dict[str, Any] = json.loads(module.app.get_openapi_json_schema(title=name, version="1"))
    return part


def _template_path(path: str) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", path)


def _without_defaults_of_powertools(operation: dict[str, Any]) -> None:
    # Powertools adds its own form of a 422; `complete` adds the API's
    operation["responses"].pop("422", None)
    # Powertools declares a string; the answer has no body
    operation["responses"].get("204", {}).pop("content", None)


def _without_patch_defaults(schemas: dict[str, Any]) -> None:
    """Remove the defaults of patches: they only mark omitted fields."""
    for name, schema in schemas.items():
        if name.endswith("Patch"):
            for field in schema["properties"].values():
                field.pop("default", None)


def _with_whole_answers(document: dict[str, Any]) -> None:
    """Require every field of an answer, also those with a default: answers are always complete."""
    schemas = document["components"]["schemas"]
    # fields of requests keep their defaults: clients may omit them
    asked = _named_in([operation.get("requestBody") for _, operation in _operations(document)], schemas)
    for name in {value.__name__ for value in _values(Value)} & schemas.keys() - asked:
        # the phase of a run shares its name with the phase of a plan, and is not an object
        if "properties" in schemas[name]:
            schemas[name]["required"] = list(schemas[name]["properties"])


def _values(base: type[Value]) -> Iterator[type[Value]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _values(kind)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for operations in document["paths"].values():
        yield from operations.items()


def _named_in(part: Any, schemas: dict[str, Any]) -> set[str]:
    """Return the names of schemas referenced by a part of the document, directly or not."""
    found: set[str] = set()
    waiting = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(part)))
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(re.findall(r"#/components/schemas/(\w+)", json.dumps(schemas[name]))) - found
    return found


def _with_imports(document: dict[str, Any]) -> None:
    """Declare the bodies and the query of the import routes: their handlers parse both untyped."""
    _with_import_schemas(document)
    json_body = {"anyOf": [reference("CardImport"), {"type": "array", "items": {}}, {"type": "object"}]}
    content = {media or "application/json": {"schema": _FILE} for media in MEDIA_TYPES}
    body = {"required": True, "content": content | {"application/json": {"schema": json_body}}}
    for path in ("cards", "cards/preview"):
        operation = document["paths"][f"/api/projects/{{project_id}}/{path}"]["post"]
        operation["requestBody"] = body
        operation["parameters"] += [_import_parameter(name) for name in (*NAMES, *OPTIONS)]
        operation["parameters"].append(_header("content-encoding", {"type": "string"}))


def _import_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string"} | ({"enum": list(_CHOICES[name])} if name in _CHOICES else {})
    repeated = {"type": "array", "items": schema} if name in LISTS else schema
    return {"name": name, "in": "query", "required": False, "schema": repeated}


def _header(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": schema}


def _with_import_schemas(document: dict[str, Any]) -> None:
    text = {name: {"type": "string"} for name in ("text", "source", "externalId", "postedAt")}
    metadata = {"metadata": {"type": "object", "additionalProperties": True}}
    document["components"]["schemas"] |= {
        "NewCard": {"type": "object", "required": ["text"], "properties": text | metadata},
        "CardImport": {
            "type": "object",
            "required": ["cards"],
            "properties": {"cards": {"type": "array", "items": reference("NewCard"), "minItems": 1, "maxItems": 5_000}},
        },
    }


def _with_conditional_request(operation: dict[str, Any]) -> None:
    operation["parameters"].append(_header("if-none-match", {"type": "string"}))


def _camel_paths(document: dict[str, Any]) -> dict[str, Any]:
    """Write path parameters in camel case: {projectId}."""
    text = re.sub(r"\{(\w+)_id\}", r"{\1Id}", json.dumps(document))
    text = re.sub(r'"name": "(\w+)_id", "in": "path"', r'"name": "\1Id", "in": "path"', text)
    made: dict[str, Any] = json.loads(text)
    for operations in made["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["name"] = re.sub(r"_id$", "Id", parameter["name"])
    return made


def routes_of(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if method in METHODS
    }


def open_routes_of(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the routes without a token."""
    return {
        (method, path)
        for method, path in routes_of(document)
        if document["paths"][path][method.lower()].get("security") == []
    }


def main(arguments: list[str]) -> int:
    made = document()
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    if "--write" in arguments:
        FILE.write_text(text)
        return 0
    faults = [] if FILE.exists() and FILE.read_text() == text else [f"{FILE.name} is stale: make openapi"]
    faults += faults_of(made)
    deployed = routes_of_template()
    faults += _differences("", routes_of(made), {(route.method, route.path) for route in deployed})
    faults += _differences(
        "open ", open_routes_of(made), {(route.method, route.path) for route in deployed if route.open}
    )
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _differences(kind: str, code: set[tuple[str, str]], template: set[tuple[str, str]]) -> list[str]:
    only = [
        (place, route)
        for place, routes in (("the code", code - template), ("template.yaml", template - code))
        for route in sorted(routes)
    ]
    return [f"{kind}only in {place}: {' '.join(route)}" for place, route in only]


if __name__ == "__main__":
    # the layer is on the path, as in Lambda
    sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "common")]
    sys.exit(main(sys.argv[1:]))
