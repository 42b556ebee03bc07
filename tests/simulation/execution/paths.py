"""The few forms of JSONPath and of payload templates that the state machine of plans uses; others are refused."""

import json
import re
from collections.abc import Mapping
from typing import Any

type Json = Any
"""What json.loads gives."""

_PATH = re.compile(r"\$(\.[A-Za-z]\w*)*")


def at(path: str, data: Json, context: Json) -> Json:
    """What stands at a path of the state's input, or behind `$$` of the context object. Raises KeyError."""
    source, path = (context, path[1:]) if path.startswith("$$") else (data, path)
    if not _PATH.fullmatch(path):
        raise NotImplementedError(f"the path {path!r}")
    for name in path.split(".")[1:]:
        source = source[name]
    return source


def filled(template: Json, data: Json, context: Json) -> Json:
    """A template whose keys that end in `.$` are paths."""
    if isinstance(template, Mapping):
        return {
            key.removesuffix(".$"): at(value, data, context) if key.endswith(".$") else filled(value, data, context)
            for key, value in template.items()
        }
    return template


def put(path: str | None, data: Json, result: Json) -> Json:
    """A state's output: its input with the result at ResultPath; None leaves the result out."""
    if path is None:
        return data
    if path == "$":
        return result
    steps = path.split(".")
    if len(steps) != 2:
        raise NotImplementedError(f"the result path {path!r}")
    return {**data, steps[1]: result}


def chosen(choice: Mapping[str, Json], data: Json) -> bool:
    """Whether one of a Choice's rules matches."""
    value = at(choice["Variable"], data, {})
    if "StringEquals" in choice:
        return bool(value == choice["StringEquals"])
    if "BooleanEquals" in choice:
        return value is choice["BooleanEquals"]
    raise NotImplementedError(f"the rule {choice}")


def size(data: Json) -> int:
    """Bytes, as Step Functions counts them."""
    return len(json.dumps(data, separators=(",", ":")).encode())
