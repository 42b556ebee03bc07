"""Import many cards at once: number them, find duplicates, and count them."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb import contention
from groundwork.adapters.dynamodb.backlog_rows import CardRow, ExternalIdRow, ProjectRow, card_row, external_key
from groundwork.adapters.dynamodb.card_hashes import claim_text, count_texts, known_hashes
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.import_parts import DynamoImportParts, ImportPart
from groundwork.adapters.dynamodb.older_cards import DynamoOlderCards
from groundwork.adapters.dynamodb.projects import DynamoProjects
from groundwork.backlog.model import BY_IMPORT
from groundwork.backlog.new_cards import KnownCards, NewCard, content_hash
from groundwork.errors import NotFound, Transient, WriteConflict

MAX_CARDS_PER_TRANSACTION = 32
"""Three actions a card (row, external id, hash), plus project and part: at most 98 of 100."""

MAX_BYTES_PER_TRANSACTION = 2 * 1024 * 1024
"""Half of DynamoDB's 4 MB: sizes of rows are estimates."""

_PART = "part"


@dataclass(frozen=True, slots=True)
class CardCounts:
    created: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class _Import:
    """One call. `by_content`: a text known in the project is a duplicate."""

    project_id: str
    by_content: bool
    made_by: str
    part: ImportPart | None


@dataclass(frozen=True, slots=True)
class _Group:
    """Cards of one transaction by number, and the positions they cover in the import."""

    cards: dict[int, NewCard]
    start: int
    end: int


class DynamoCards:
    """Raises NotFound, OlderCardsUnfinished, IdempotencyKeyReused, Transient."""

    def __init__(
        self,
        connection: Callable[[], Connection],
        projects: DynamoProjects,
        older: DynamoOlderCards | None = None,
        parts: DynamoImportParts | None = None,
    ) -> None:
        self._connection, self._projects = connection, projects
        self._older, self._parts = older or DynamoOlderCards(connection), parts or DynamoImportParts()

    def import_cards(
        self,
        project_id: str,
        cards: Sequence[NewCard],
        *,
        by_content: bool = False,
        made_by: str = BY_IMPORT,
        part: ImportPart | None = None,
    ) -> CardCounts:
        """Import cards; known external ids count as duplicates, also among concurrent imports.

        Transactions follow one another in the order of the cards: an interrupted import has written the first ones.
        With the same `part`, or with external ids, it can be repeated safely.
        """
        self.prepare(project_id, cards, by_content)
        job = _Import(project_id, by_content, made_by, part)
        created = self._write_part(job, part, cards) if part else self._write(job, cards)
        return CardCounts(created, len(cards) - created)

    def prepare(self, project_id: str, cards: Sequence[NewCard], by_content: bool) -> None:
        """Bring older cards up to date: else an import would not know their ids and texts."""
        project = self._projects.row(project_id)
        if any(card.external_id for card in cards):
            self._older.trim_ids(project)
        if by_content:
            self._older.fill_hashes(project)

    def known(self, project_id: str, cards: Sequence[NewCard], by_content: bool) -> KnownCards:
        """Return the ids of these cards known in the project, and their texts if `by_content`."""
        hashes = dict.fromkeys(content_hash(card.text) for card in cards) if by_content else {}
        texts = known_hashes(project_id, hashes) if by_content else set()
        return KnownCards(_known_ids(project_id, cards), frozenset(texts))

    def _write(self, job: _Import, cards: Sequence[NewCard]) -> int:
        new = self._unknown(job, cards, 0)
        # numbers are reserved in a write of their own: a crash leaves a gap, never a number used twice
        first = self.reserve(job.project_id, len(new)) if new else 0
        numbered = dict(enumerate((card for _, card in new), first))
        return sum(self._put_cards(job, group) or 0 for group in _groups(list(numbered.items()), 0, len(new)))

    def _write_part(self, job: _Import, part: ImportPart, cards: Sequence[NewCard]) -> int:
        """Write the rest of a part. Of concurrent workers, one writes each group."""
        progress = self._parts.begin(job.project_id, part)
        new = self._unknown(job, cards, progress.position) if progress.position < len(cards) else []
        while progress.position < len(cards):
            # cards found known ahead of the position are known from another import
            left = [(position, card) for position, card in new if position >= progress.position]
            group = next(_groups(left, progress.position, len(cards)))
            first = self.reserve(job.project_id, len(group.cards))
            numbered = dict(enumerate(group.cards.values(), first))
            self._put_cards(job, _Group(numbered, group.start, group.end))
            # another worker may have written this group: only the record tells
            progress = self._parts.progress(job.project_id, part)
        return progress.created

    def _unknown(self, job: _Import, cards: Sequence[NewCard], start: int) -> list[tuple[int, NewCard]]:
        """Return the cards from a position on, without known ones, with their positions."""
        rest = list(enumerate(cards))[start:]
        known = _known_ids(job.project_id, [card for _, card in rest])
        rest = [(at, card) for at, card in rest if card.external_id not in known]
        if not job.by_content:
            return rest
        hashes = [content_hash(card.text) for _, card in rest]
        taken = known_hashes(job.project_id, dict.fromkeys(hashes))
        # reversed: of equal texts the first card is kept
        first = {one: at for at, one in reversed(list(enumerate(hashes)))}
        return [one for at, one in enumerate(rest) if hashes[at] not in taken and first[hashes[at]] == at]

    def reserve(self, project_id: str, count: int) -> int:
        """Reserve `count` card numbers; return the first."""
        row = ProjectRow(project_id)
        try:
            with translate_errors():
                row.update(actions=[ProjectRow.last_card.add(count)], condition=ProjectRow.alive())
        except ConditionFailed:
            raise NotFound.of("project", project_id) from None
        return int(row.last_card) - count + 1

    def _put_cards(self, job: _Import, group: _Group) -> int | None:
        """Return the number of new cards: other imports may have taken some ids or texts.

        Returns None if another worker has moved the part.
        """
        left = group.cards
        for attempt in range(contention.MAX_ATTEMPTS):
            # a part without new cards still moves its position
            if not left and job.part is None:
                return 0
            try:
                self._transaction(job, left, group).commit()
            except Cancelled as cancelled:
                if _PART in cancelled.tags:
                    return None
                if "card" in cancelled.tags:
                    # only we use these numbers: an earlier attempt succeeded and its response was lost
                    return len(left)
                left = _still_new(job, left, cancelled)
            except Transient:
                contention.pause(attempt)
            else:
                return len(left)
        raise WriteConflict

    def _transaction(self, job: _Import, cards: dict[int, NewCard], group: _Group) -> Transaction:
        transaction = Transaction(self._connection())
        hashes = {number: content_hash(card.text) for number, card in cards.items()}
        for number, card in cards.items():
            row = card_row(card.numbered(job.project_id, number, job.made_by), hashes[number])
            transaction.put(row, CardRow.pk.does_not_exist(), "card")
            if card.external_id:
                taken = ExternalIdRow(job.project_id, external_key(card.external_id), number=number)
                transaction.put(taken, ExternalIdRow.pk.does_not_exist(), number)
            if job.by_content:
                claim_text(transaction, job.project_id, hashes[number], number)
        if not job.by_content:
            count_texts(transaction, job.project_id, list(hashes.values()))
        if job.part:
            start, end = group.start, group.end
            self._parts.advance(transaction, job.project_id, job.part, start, end, len(cards), _PART)
        more = [ProjectRow.cards.add(len(cards))]
        transaction.update(ProjectRow(job.project_id), more, ProjectRow.alive(), "project")
        return transaction


def _known_ids(project_id: str, cards: Sequence[NewCard]) -> frozenset[str]:
    ids = {external_key(card.external_id): card.external_id for card in cards if card.external_id}
    keys = [(project_id, key) for key in ids]
    with translate_errors():
        found = list(ExternalIdRow.batch_get(keys, consistent_read=True)) if keys else []
    return frozenset(ids[row.sk] for row in found)


def _still_new(job: _Import, cards: dict[int, NewCard], cancelled: Cancelled) -> dict[int, NewCard]:
    """Return the cards with free ids and texts. Raises NotFound for a missing project."""
    if "project" in cancelled.tags:
        raise NotFound.of("project", job.project_id)
    return {number: card for number, card in cards.items() if number not in cancelled.tags}


def _groups(cards: Sequence[tuple[int, NewCard]], start: int, end: int) -> Iterator[_Group]:
    """Yield cards in groups that fit one transaction; together they cover start to end."""
    group: dict[int, NewCard] = {}
    size = 0
    for number, card in cards:
        added = len(card.text.encode()) + len(json.dumps(card.metadata))
        if group and (len(group) == MAX_CARDS_PER_TRANSACTION or size + added > MAX_BYTES_PER_TRANSACTION):
            yield _Group(group, start, number)
            group, size, start = {}, 0, number
        group[number] = card
        size += added
    # also without cards: the position of a part must reach its end
    yield _Group(group, start, end)
