"""A file as a tool exports it, and the first card that it should give."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

PERSON = "Zoe Quill"
MAIL = "zoe@example.com"


@dataclass(frozen=True)
class Export:
    """A file, and its first card as (text, external id, time)."""

    name: str
    body: bytes
    text: str
    external_id: str | None
    posted_at: str | None
    metadata: dict[str, Any] = field(default_factory=dict)
    cards: int = 1
    skipped: Sequence[str] = ()
    query: dict[str, str] = field(default_factory=dict)
