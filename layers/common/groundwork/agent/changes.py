"""Changes of a session: new content by path, None for a deleted file. Saved after each turn."""

import base64
from collections.abc import Mapping
from typing import Any

type Changes = Mapping[str, bytes | None]
"""Contents by path from the repository root. All other files are unchanged."""


def as_json(changes: Changes) -> dict[str, Any]:
    """Encode text as text, so that saved changes are readable; anything else as base64."""
    return {path: _content(content) for path, content in sorted(changes.items())}


def from_json(data: Mapping[str, Any]) -> dict[str, bytes | None]:
    return {path: _bytes(content) for path, content in data.items()}


def size(changes: Changes) -> int:
    """Total bytes of all new contents."""
    return sum(len(content) for content in changes.values() if content is not None)


def _content(content: bytes | None) -> dict[str, str] | None:
    if content is None:
        return None
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _bytes(content: Mapping[str, str] | None) -> bytes | None:
    if content is None:
        return None
    return content["text"].encode() if "text" in content else base64.b64decode(content["base64"])
