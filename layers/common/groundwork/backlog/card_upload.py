"""What clients upload as cards: JSON, CSV, NDJSON. Pure: bytes in, cards and rejected rows out.

What is wrong with the whole upload is refused before a row is looked at; what is wrong with a row rejects that row.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from itertools import chain
from typing import Any

from groundwork.backlog.model import MAX_CARD_TEXT, MAX_CARDS_A_CALL, MAX_IMPORT_BYTES, Card
from groundwork.errors import Invalid, Malformed, TooLarge, UnsupportedMediaType
from groundwork.ids import Kind, Path

MAX_EXTERNAL_ID = 200
MAX_SOURCE = 200
MAX_METADATA = 20_000
"""Characters of a card's metadata as JSON: with the longest text, the row stays far below DynamoDB's 400 KB."""

# not all that Python knows: some of its codecs take a time that grows with the square of the body
_CHARSETS = {"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16"}
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_END = "\0end of the file"
"""A line after the last: a quote that is never closed takes it in too, and so is found out."""
# Python's own limit, 128 KB a cell, would stop in the middle of a quoted cell and read on in it as in rows
csv.field_size_limit(MAX_IMPORT_BYTES * 2)

_FIELDS = {"text", "source", "externalId", "metadata"}


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card before it has a number. `row` is the 1-based number of the data row it came from."""

    row: int
    text: str
    source: str | None = None
    external_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def numbered(self, project_id: str, number: int) -> Card:
        return Card(
            id=str(Path(Kind.CARD, project_id, (number,))),
            project_id=project_id,
            text=self.text,
            source=self.source,
            external_id=self.external_id,
            metadata=self.metadata,
        )


@dataclass(frozen=True, slots=True)
class Rejected:
    row: int
    reason: str


@dataclass(slots=True)
class Upload:
    """`duplicates` are rows whose external id an earlier row of the same upload has."""

    cards: list[NewCard] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    duplicates: int = 0


def read_cards(body: bytes, content_type: str) -> Upload:
    """Raises Malformed, Invalid, TooLarge, UnsupportedMediaType for the whole upload."""
    if len(body) > MAX_IMPORT_BYTES:
        raise TooLarge(f"At most {MAX_IMPORT_BYTES // 1024 // 1024} MB a call; this is {len(body)} bytes.")
    media, charset = _media_type(content_type)
    text = _decoded(body, charset)
    readers = {"application/json": _json_rows, "text/csv": _csv_rows, "application/x-ndjson": _ndjson_rows}
    if media not in readers:
        raise UnsupportedMediaType("Cards come as application/json, text/csv or application/x-ndjson.")
    return _collected(readers[media](text))


def _media_type(content_type: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = content_type or "application/json"
    return message.get_content_type(), str(message.get_param("charset", "utf-8"))


def _decoded(body: bytes, charset: str) -> str:
    try:
        name = codecs.lookup(charset).name
        if name not in _CHARSETS:
            raise LookupError(name)
        return body.decode("utf-8-sig" if name == "utf-8" else name)
    except (UnicodeError, LookupError):
        raise Malformed(f"The body is not {charset} text.") from None


def _collected(rows: Iterable[tuple[int, dict[str, Any] | str]]) -> Upload:
    upload, seen = Upload(), set[str]()
    for row, fields in rows:
        if row > MAX_CARDS_A_CALL:
            raise TooLarge(f"At most {MAX_CARDS_A_CALL} cards a call.")
        card = fields if isinstance(fields, str) else _card(row, fields)
        if isinstance(card, str):
            upload.rejected.append(Rejected(row, card))
        elif card.external_id is not None and card.external_id in seen:
            upload.duplicates += 1
        else:
            upload.cards.append(card)
            seen |= {card.external_id} if card.external_id else set()
    return upload


def _card(row: int, fields: dict[str, Any]) -> NewCard | str:
    """The card, or why it is none."""
    if unknown := sorted(set(fields) - _FIELDS):
        return f"unknown field {unknown[0]!r}"
    if problem := _text_problem(fields.get("text")) or _problem(fields) or _unstorable(fields):
        return problem
    metadata = fields.get("metadata") or {}
    return NewCard(
        row, fields["text"].strip(), fields.get("source") or None, fields.get("externalId") or None, metadata
    )


def _text_problem(text: Any) -> str | None:
    if not isinstance(text, str) or not text.strip():
        return "text: must be a text that is not empty"
    if len(text) > MAX_CARD_TEXT:
        return f"text: at most {MAX_CARD_TEXT} characters, this has {len(text)}"
    return "text: has control characters" if _CONTROLS.search(text) else None


def _problem(fields: dict[str, Any]) -> str | None:
    metadata = fields.get("metadata") or {}
    if not isinstance(metadata, dict) or len(json.dumps(metadata, ensure_ascii=False)) > MAX_METADATA:
        return f"metadata: must be an object of at most {MAX_METADATA} characters"
    for name, most in (("source", MAX_SOURCE), ("externalId", MAX_EXTERNAL_ID)):
        value = fields.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > most):
            return f"{name}: must be a text of at most {most} characters"
    return None


def _unstorable(fields: dict[str, Any]) -> str | None:
    """Half a surrogate pair can stand in JSON, but in no UTF-8 and so in no table."""
    try:
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "text: has characters that are no Unicode text"
    return None


def _json_rows(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    try:
        body = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Invalid.field("body", "must be an object")
    if unknown := sorted(set(body) - {"cards"}):
        raise Invalid.field(unknown[0], "is unknown here")
    cards = body.get("cards")
    if not isinstance(cards, list) or not cards:
        raise Invalid.field("cards", "must be a list of at least one card")
    return iter((row, card if isinstance(card, dict) else "must be an object") for row, card in enumerate(cards, 1))


def _no_number(constant: str) -> None:
    """NaN and Infinity: Python reads and writes them, no other JSON does."""
    raise ValueError(constant)


def _ndjson_rows(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise Invalid.field("body", "has no line")
    return ((row, _object(line)) for row, line in enumerate(lines, 1))


def _object(line: str) -> dict[str, Any] | str:
    try:
        value = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return "is not valid JSON"
    return value if isinstance(value, dict) else "must be an object"


def _csv_rows(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    reader = csv.reader(chain(io.StringIO(text, newline=""), [_END]))
    header = [name.strip() for name in next(reader)]
    if "text" not in header:
        raise Invalid.field("text", "is missing: the header row must name a column `text`")
    if len(set(header)) != len(header):
        raise Invalid.field("header", "names a column twice")
    rows = [cells for cells in reader if any(cells)]
    if rows == [[_END]]:
        raise Invalid.field("body", "has no row below the header")
    return ((row, _record(header, cells)) for row, cells in enumerate(rows, 1) if cells != [_END])


def _record(header: list[str], cells: list[str]) -> dict[str, Any] | str:
    if cells[-1].endswith(_END):
        return "has a quote that is never closed, so that all below it is part of it"
    if len(cells) > len(header):
        return f"has {len(cells)} cells, the header {len(header)}"
    named = dict(zip(header, cells, strict=False))
    known = {name: named[name] for name in ("text", "source", "externalId") if name in named}
    return known | {"metadata": {name: value for name, value in named.items() if name not in known and value}}
