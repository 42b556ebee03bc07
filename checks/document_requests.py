"""Check documented curl commands against the OpenAPI document: path, method, query and body."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

from checks.sam import ROOT

OPENAPI = ROOT / "layers" / "common" / "groundwork" / "openapi.json"
_CURL = ("curl",)
_BODY_OPTIONS = ("-d", "--data", "--data-binary")


@dataclass(frozen=True, slots=True)
class Request:
    """A documented request.

    `body` is None without one, or for a file. `typed`: it says that its body is JSON.
    """

    method: str
    path: str
    query: tuple[str, ...]
    body: str | None
    typed: bool


def requests(block: str) -> Iterator[Request]:
    """The curl commands to the API in a shell block. Raises ValueError for an open quote."""
    # documents chain commands by semicolons
    tokens = [token.rstrip(";") for token in shlex.split(block.replace("\\\n", " "), comments=True)]
    starts = [index for index, token in enumerate(tokens) if token in _CURL]
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        command = tokens[start:end]
        if url := next((token for token in command if token.startswith("$API/")), None):
            yield _request(command, url)


def _request(command: Sequence[str], url: str) -> Request:
    # an option stands before its value; pairs of other words do no harm
    options = dict(pairwise(command))
    body = next((options[name] for name in _BODY_OPTIONS if name in options), None)
    method = options.get("-X") or ("GET" if body is None else "POST")
    parts = urlsplit(url.removeprefix("$API"))
    query = tuple(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    typed = any("$JSON" in token or token.lower() == "content-type: application/json" for token in command)
    return Request(method, parts.path, query, None if body is None or body.startswith("@") else body, typed)


def faults(block: str) -> Iterator[str]:
    if "curl " not in block:
        return
    try:
        found = list(requests(block))
    except ValueError as error:
        yield f"a shell command cannot be parsed: {error}"
        return
    for request in found:
        operation = _operation(request)
        name = f"{request.method} {request.path}"
        if operation is None:
            yield f"{name}: no such operation"
            continue
        known = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        yield from (f"{name}: no query parameter {one}" for one in request.query if one not in known)
        if request.body is not None and not request.typed:
            # curl would send a form
            yield f"{name}: a JSON body without its content type"
        yield from (f"{name}: {fault}" for fault in _body_faults(operation, request.body))


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(OPENAPI.read_text())
    return document


def _operation(request: Request) -> Mapping[str, Any] | None:
    """The operation of a request; a path without parameters wins over one with some."""
    paths = _document()["paths"]
    for path in sorted(paths, key=lambda path: path.count("{")):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        if re.fullmatch(pattern, request.path) and request.method.lower() in paths[path]:
            operation: Mapping[str, Any] = paths[path][request.method.lower()]
            return operation
    return None


def _body_faults(operation: Mapping[str, Any], body: str | None) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is None:
        return
    if content is None:
        yield "takes no JSON"
        return
    try:
        value = json.loads(body)
    except ValueError as error:
        yield f"the body is not JSON: {error}"
        return
    schema = {**content["schema"], "components": _document()["components"]}
    for fault in Draft202012Validator(schema).iter_errors(value):
        yield f"{'.'.join(map(str, fault.absolute_path)) or 'body'}: {fault.message[:120]}"
