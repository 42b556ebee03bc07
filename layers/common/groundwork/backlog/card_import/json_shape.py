"""Tell NDJSON from other JSON and from tables."""

import re

from groundwork.backlog.card_import import json_values
from groundwork.backlog.card_import.content import Content, head
from groundwork.backlog.card_import.encoding import Encoding
from groundwork.backlog.card_import.json_pages import is_page
from groundwork.backlog.card_import.limits import MAX_LINE_BYTES, SAMPLE_BYTES
from groundwork.backlog.card_import.parameters import Parameters

# `[1] Score,[2] Comment` is the header of a table
_START = re.compile(r'\s*(\[\s*([\[{"]|-?\d[\d.eE+-]*\s*(,|\]?\s*$)|\]?\s*$)|\{\s*(["}]|$))')


def json_shape(content: Content, encoding: Encoding, parameters: Parameters) -> str | None:
    """Return `lines` for NDJSON with a record a line, `document` for other JSON, None for CSV."""
    start = _text_start(content, encoding, SAMPLE_BYTES)
    if parameters.type == "csv" and not _is_record(start):
        return None
    if parameters.type == "ndjson" and not start.startswith("["):
        return "document" if _has_page(_text_start(content, encoding, MAX_LINE_BYTES)) else "lines"
    if not _START.match(start):
        return "document" if parameters.type == "json" else None
    lines = [line for line in start.split("\n") if line.strip()]
    if start.startswith("[") or not lines:
        return "document"
    if len(lines) == 1:
        # one line may be a whole document, such as {"reviews": [...]}
        return "lines" if _is_object(lines[0]) and not _is_wrapper(lines[0]) else "document"
    # a broken line must not turn NDJSON into one document
    whole = sum(map(_is_object, lines[:10]))
    return "lines" if whole >= len(lines[:10]) / 2 and not _has_page(start) else "document"


def _text_start(content: Content, encoding: Encoding, size: int) -> str:
    return head(content, size)[encoding.start :].decode(encoding.name, "ignore").lstrip("\ufeff \r\n\t")


def _has_page(start: str) -> bool:
    """Return True if one of the first lines holds several records."""
    return any(is_page(_object(line)) for line in start.split("\n", 10)[:10])


def _object(line: str) -> object:
    try:
        return json_values.parsed(line)
    except ValueError:
        return None


def _is_record(start: str) -> bool:
    """Return True for JSON that clients send as CSV by mistake."""
    return start.startswith(("{", "[{", "[\n", "[\r"))


def _is_object(line: str) -> bool:
    return isinstance(_object(line), dict)


def _is_wrapper(line: str) -> bool:
    return any(isinstance(value, dict | list) for value in json_values.parsed(line).values())
