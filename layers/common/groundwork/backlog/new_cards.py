"""A card before it is stored, and the hash of a card's text."""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from groundwork.backlog.model import Card, MadeBy
from groundwork.errors import Refusal
from groundwork.ids import Kind, Path


class OlderCardsUnfinished(Refusal):
    """The older cards of this project are still being prepared.

    Nothing was imported: send the request again.
    """

    status = 503
    code = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card without a number.

    `row` counts data rows from 1; `line` is the row's first line in the file.
    """

    row: int
    text: str
    source: str | None = None
    external_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    posted_at: str | None = None
    line: int | None = None

    def numbered(self, project_id: str, number: int, made_by: MadeBy) -> Card:
        return Card(
            id=str(Path(Kind.CARD, project_id, (number,))),
            project_id=project_id,
            text=self.text,
            source=self.source,
            external_id=self.external_id,
            metadata=self.metadata,
            posted_at=self.posted_at,
            made_by=made_by,
        )


def content_hash(text: str) -> str:
    """Hash a text regardless of line ends, outer spaces and the composition of accents."""
    # another tool may change these three unnoticed
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip())
    return hashlib.sha256(plain.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class KnownCards:
    """External ids and content hashes of cards in a project."""

    ids: frozenset[str] = frozenset()
    hashes: frozenset[str] = frozenset()

    def new_among(self, cards: Iterable[NewCard], by_content: bool) -> list[NewCard]:
        """Return the cards with an unknown id, and an unknown text if `by_content`.

        In their order: a duplicate takes neither an id nor a text.
        """
        ids, hashes, new = set(self.ids), set(self.hashes), []
        for card in cards:
            text = content_hash(card.text) if by_content else ""
            if card.external_id in ids or text in hashes:
                continue
            new.append(card)
            ids |= {card.external_id} if card.external_id else set()
            hashes |= {text} if by_content else set()
        return new
