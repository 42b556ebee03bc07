"""JSONPath and payload templates, in the few forms used by the state machine."""

import json
import re
from collections.abc import Mapping
from typing import Any

type Json = Any
"""Result of json.loads."""

_PATH = re.compile(r"\$(\.[A-Za-z]\w*)*")


def at(path: str, data: Json, context: Json) -> Json:
    """Value at a path of the state's input, or of the context object after `$$`.

    Raises KeyError.
    """
    source, path = (context, path[1:]) if path.startswith("$$") else (data, path)
    if not _PATH.fullmatch(path):
        raise NotImplementedError(f"the path {path!r}")
    for name in path.split(".")[1:]:
        source = source[name]
    return source


def filled(template: Json, data: Json, context: Json) -> Json:
    """Fill a template: keys ending in `.$` are paths."""
    if isinstance(template, Mapping):
        return {
            key.removesuffix(".$"): at(value, data, context) if key.endswith(".$") else filled(value, data, context)
            for key, value in template.items()
        }
    return template


def put(path: str | None, data: Json, result: Json) -> Json:
    """Output of a state: its input with the result at ResultPath; None drops the result."""
    if path is None:
        return data
    if path == "$":
        return result
    steps = path.split(".")
    if len(steps) != 2:
        raise NotImplementedError(f"the result path {path!r}")
    return {**data, steps[1]: result}


def chosen(choice: Mapping[str, Json], data: Json) -> bool:
    """True if one of a Choice's rules matches."""
    value = at(choice["Variable"], data, {})
    if "StringEquals" in choice:
        return bool(value == choice["StringEquals"])
    if "BooleanEquals" in choice:
        return value is choice["BooleanEquals"]
    raise NotImplementedError(f"the rule {choice}")


def size(data: Json) -> int:
    """Bytes, as Step Functions counts them."""
    return len(json.dumps(data, separators=(",", ":")).encode())
