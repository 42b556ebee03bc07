"""Checks of responses against the API's own OpenAPI document."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator


@cache
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(files("groundwork").joinpath("openapi.json").read_text())
    return read


@cache
def _routes() -> list[tuple[str, re.Pattern[str], str]]:
    """(method, path pattern, path in the document); paths without parameters come first."""
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [
        (method.upper(), re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path)
        for path in paths
        for method in document()["paths"][path]
    ]


def must_conform(method: str, path: str, status: int, headers: Mapping[str, str], body: str) -> None:
    """Check a response; header names are in lower case.

    Raises AssertionError for a response outside the document.
    """
    found = next((known for verb, shape, known in _routes() if verb == method and shape.fullmatch(path)), None)
    if found is None or status == 304:
        # no route of ours, or told by its headers alone
        return
    answers = document()["paths"][found][method.lower()]["responses"]
    # The API declares its own statuses; `default` is for those of the network in between.
    answer = answers.get(str(status))
    assert answer, f"{method} {found} says nothing of {status}"
    answer = _resolved(answer)
    declared = {name.lower() for name in answer.get("headers", {})}
    assert ("etag" in headers) == ("etag" in declared), f"{method} {found} {status}: ETag"
    assert "retry-after" not in headers or "retry-after" in declared, f"{method} {found} {status}: Retry-After"
    if "content" not in answer:
        assert not body, f"{method} {found} says that {status} has no body"
        return
    type_ = headers.get("content-type", "").partition(";")[0]
    assert type_ in answer["content"], f"{method} {found} says nothing of {type_}"
    if type_ == "application/json":
        read = json.loads(body)
        _check(answer["content"][type_]["schema"], read, f"{method} {found} {status}")
        if status >= 400 and "error" in read:
            code = read["error"]["code"]
            assert f"`{code}`" in answer["description"], f"{method} {found} says nothing of {status} {code}"


def _resolved(answer: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in answer:
        return answer
    shared: dict[str, Any] = document()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return shared


def _check(schema: dict[str, Any], value: Any, where: str) -> None:
    whole = schema | {"components": document()["components"]}
    faults = [f"{'.'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in _validator(whole, value)]
    assert not faults, f"{where} is not what the document says: {faults[:3]}"


def _validator(schema: dict[str, Any], value: Any) -> list[Any]:
    return list(Draft202012Validator(schema).iter_errors(value))
