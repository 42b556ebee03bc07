"""External ids: trimmed text, from an id, a link or a hash."""

import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from groundwork.backlog.card_import.limits import MAX_EXTERNAL_ID

DAMAGED = "externalId: a spreadsheet has rounded it and its last digits are lost; export the file again"
_SHORTENED = re.compile(r"-?\d([.,]\d+)?E\+?\d+", re.IGNORECASE)

_CLOCK = re.compile(r"\d[:h]\d\d|\dT\d{4}|\d\s*[ap]\.?\s?m\b|\d\s*[時时點点시]", re.IGNORECASE)
_MIDNIGHT = re.compile(r"(?<![\d:])(00?:00(:00([.,]0+)?)?(?![\d:])(\s*am)?|12:00(:00)?\s*am)", re.IGNORECASE)
_OFFSET = re.compile(r"[+-]\d\d:\d\d$")
_EPOCH = re.compile(r"\d{9,}([.,]\d*)?")


def as_text(value: Any) -> str:
    """Return a number, truth value or text as trimmed text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # a float has only 15 exact digits: written in E notation, `is_damaged` detects it
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value).replace("e", "E")
    return "" if value is None else str(value).strip()


def is_damaged(value: str) -> bool:
    # without the plus, an id such as 12E5 may be genuine
    return bool(_SHORTENED.fullmatch(value)) and "E+" in value.upper()


def bounded(value: str) -> str:
    """Return an id unchanged, or its hash if it exceeds the limit, such as a long link."""
    return value if len(value) <= MAX_EXTERNAL_ID else hashed("link", value)


def hashed(*parts: str) -> str:
    """Make an id for a row without one."""
    # joined by a character of no text: moving a letter to the next part must change the hash
    return "sha256:" + hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def has_time_of_day(written: str) -> bool:
    """Return False for a date alone. Spreadsheets write it with the time 00:00."""
    return bool(_EPOCH.fullmatch(written) or _CLOCK.search(_MIDNIGHT.sub(" ", _OFFSET.sub("", written))))


def review_id(link: str) -> str:
    """Extract the review id from a Google Play link; other links stay unchanged."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return link
    for part in (parts.query, parts.fragment.removeprefix("ReviewPlace:")):
        values = parse_qs(part)
        if found := values.get("reviewId") or values.get("id", [] if part == parts.query else None):
            return found[0]
    return link
