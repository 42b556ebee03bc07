"""Shared parts of the handlers.

Titles and numbers of manifest entries, failure of a missing target.
"""

from groundwork.backlog.model import Card
from groundwork.runs.handler import ItemFailed
from groundwork.runs.model import ErrorCode
from groundwork.text import one_line, shorten

TITLE_CHARACTERS = 48
"""Enough to recognise an item by, few enough to keep the manifest small."""


def entry_title(text: str) -> str:
    return shorten(one_line(text), TITLE_CHARACTERS)


def last_number(id_: str) -> int:
    """Return the number in the last step of an id: 5 for k3v9x2m4q8-E3-S2-ST5."""
    return int(id_.rpartition("-")[2].lstrip("CERST"))


def card_number(card: Card) -> int:
    return last_number(card.id)


def target_gone(kind: str, id_: str) -> ItemFailed:
    return ItemFailed(ErrorCode.TARGET_GONE, f"The {kind} {id_} no longer exists.")
