"""The API's own JSON format, `{"cards": [...]}`: validated strictly, unlike an export."""

import json
import re
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from groundwork.backlog.card_import.cards import Rejected, text_problem
from groundwork.backlog.card_import.dates import posted_at
from groundwork.backlog.card_import.encoding import Encoding
from groundwork.backlog.card_import.importer import MAX_PREVIEWED, Preview, Upload
from groundwork.backlog.card_import.layout import Layout, Role
from groundwork.backlog.card_import.limits import MAX_EXTERNAL_ID, MAX_METADATA, MAX_SOURCE
from groundwork.backlog.new_cards import NewCard
from groundwork.errors import Invalid, TooLarge

ROLES: dict[str, Role] = {
    "text": "text",
    "source": "source",
    "externalId": "externalId",
    "postedAt": "postedAt",
    "metadata": "metadata",
}
_LAYOUT = Layout("packed", Encoding("utf-8"), "document", format="groundwork")
_SAMPLES = 3
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)")


def is_card_list(document: Any) -> bool:
    """Distinguish the API's own form from an export with a list of the same name."""
    # an empty object gets this form's message: `cards` is missing
    if not isinstance(document, dict) or (document and "cards" not in document):
        return False
    return not any(isinstance(value, list | dict) for name, value in document.items() if name != "cards")


def read_card_list(document: dict[str, Any], max_rows: int) -> Upload:
    """Return the cards and the rejected rows. Raises Invalid, TooLarge."""
    upload, seen = Upload(_LAYOUT), set[str]()
    cards = _cards(document)
    if len(cards) > max_rows:
        raise TooLarge(f"At most {max_rows} cards per request.")
    for row, fields in enumerate(cards, 1):
        card = _card(row, fields)
        if isinstance(card, Rejected):
            upload.rejected.append(card)
        elif card.external_id is not None and card.external_id in seen:
            upload.duplicates += 1
        else:
            upload.cards.append(card)
            seen |= {card.external_id} if card.external_id else set()
    return upload


def preview_card_list(document: dict[str, Any], max_rows: int) -> Preview:
    upload = read_card_list(document, max_rows)
    cards = _cards(document)
    named = [name for name in ROLES if any(isinstance(card, dict) and name in card for card in cards)]
    columns = [{"name": name, "role": ROLES[name], "samples": _samples(cards, name)} for name in named]
    rejected = upload.rejected
    return Preview(
        _LAYOUT, columns, len(cards), rejected[:MAX_PREVIEWED], len(rejected), upload.cards[:MAX_PREVIEWED], []
    )


def _cards(document: dict[str, Any]) -> list[Any]:
    if unknown := sorted(set(document) - {"cards"}):
        raise Invalid.field(unknown[0], "is unknown here")
    cards = document.get("cards")
    if not isinstance(cards, list) or not cards:
        raise Invalid.field("cards", "must be a list of at least one card")
    return cards


def _samples(cards: Iterable[Any], name: str) -> list[str]:
    values = (card.get(name) for card in cards if isinstance(card, dict))
    texts = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values if value)
    # half a surrogate pair cannot be sent as UTF-8
    return [text.encode(errors="replace").decode()[:200] for text, _ in zip(texts, range(_SAMPLES), strict=False)]


def _card(row: int, fields: Any) -> NewCard | Rejected:
    if not isinstance(fields, dict):
        return Rejected(row, None, "must be an object")
    if problem := _problem(fields):
        return Rejected(row, None, problem)
    time = posted_at(fields["postedAt"], None, UTC) if fields.get("postedAt") else None
    external_id = (fields.get("externalId") or "").strip() or None
    return NewCard(
        row, fields["text"].strip(), fields.get("source") or None, external_id, fields.get("metadata") or {}, time
    )


def _problem(fields: dict[str, Any]) -> str | None:
    if unknown := sorted(set(fields) - set(ROLES)):
        return f"unknown field {unknown[0]!r}"
    text = fields.get("text")
    if not isinstance(text, str):
        return "text: must be a text that is not empty"
    return text_problem(text.strip()) or _metadata_problem(fields) or _name_problem(fields) or _time_problem(fields)


def _metadata_problem(fields: dict[str, Any]) -> str | None:
    metadata = fields.get("metadata") or {}
    if not isinstance(metadata, dict) or len(json.dumps(metadata, ensure_ascii=False)) > MAX_METADATA:
        return f"metadata: must be an object of at most {MAX_METADATA} characters"
    try:
        # JSON allows lone surrogates, DynamoDB does not
        json.dumps(fields, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        return "contains invalid Unicode"
    except ValueError:
        return "metadata: has a number out of range"
    return None


def _name_problem(fields: dict[str, Any]) -> str | None:
    for name, limit in (("source", MAX_SOURCE), ("externalId", MAX_EXTERNAL_ID)):
        value = fields.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > limit):
            return f"{name}: must be a text of at most {limit} characters"
    return None


def _time_problem(fields: dict[str, Any]) -> str | None:
    value = fields.get("postedAt")
    is_time = value is None or (isinstance(value, str) and _RFC_3339.fullmatch(value) and posted_at(value, None, UTC))
    return None if is_time else "postedAt: must be a time such as 2026-03-01T09:30:00Z"
