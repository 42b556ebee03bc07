"""Bring the cards of older releases up to date: trimmed external ids, and hashes of texts.

A project stores the number up to which its cards are done. Requests may do this concurrently: each continues where
another has stopped.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb import contention
from groundwork.adapters.dynamodb.backlog_rows import (
    ALL_CARDS,
    CardRow,
    ExternalIdRow,
    ProjectRow,
    external_key,
    path_at,
    sort_key,
)
from groundwork.adapters.dynamodb.card_hashes import change_counts
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.backlog.new_cards import OlderCardsUnfinished, content_hash
from groundwork.errors import Transient, WriteConflict
from groundwork.ids import Kind, Path

PAGE = 45
"""A card and its hash are two actions; a transaction takes 100."""
MAX_SECONDS = 15.0
"""Half of the API's 29 s: the import itself follows."""


class DynamoOlderCards:
    """Raises OlderCardsUnfinished if one request cannot do all cards, Transient."""

    def __init__(self, connection: Callable[[], Connection], clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection, clock

    def trim_ids(self, project: ProjectRow) -> None:
        """Register the id `7` for an older card with the id ` 7`."""
        self._each_page(project.pk, int(project.trimmed_to), "trimmed_to", self._trim)

    def fill_hashes(self, project: ProjectRow) -> None:
        """Count the texts of cards without a hash."""
        self._each_page(project.pk, int(project.hashed_to), "hashed_to", self._fill)

    def _each_page(self, project_id: str, done: int, reached: str, act: Callable[[Sequence[CardRow]], None]) -> None:
        ends = self._clock() + MAX_SECONDS
        while done < ALL_CARDS:
            rows = self._page(project_id, done)
            act(rows)
            # done for good: new cards are written with a trimmed id and a hash
            done = path_at(project_id, rows[-1].sk).number if len(rows) == PAGE else ALL_CARDS
            # after each page: the next request continues here
            _record(project_id, reached, done)
            if done < ALL_CARDS and self._clock() > ends:
                raise OlderCardsUnfinished

    def _page(self, project_id: str, after: int) -> list[CardRow]:
        start = sort_key(Path(Kind.CARD, project_id, (after + 1,)))
        with translate_errors():
            return list(CardRow.query(project_id, CardRow.sk.between(start, "C#~"), limit=PAGE, consistent_read=True))

    def _trim(self, rows: Sequence[CardRow]) -> None:
        for row in rows:
            # an id of blanks alone has no trimmed form
            if row.external_id and row.external_id != row.external_id.strip() != "":
                self._take_trimmed(row)

    def _take_trimmed(self, row: CardRow) -> None:
        number = path_at(row.pk, row.sk).number
        key = external_key(row.external_id.strip())
        transaction = Transaction(self._connection())
        # a card with the trimmed id already keeps it: the condition then fails
        transaction.put(ExternalIdRow(row.pk, key, number=number), ExternalIdRow.pk.does_not_exist())
        # a card deleted meanwhile leaves no id behind
        transaction.check(CardRow, row.pk, row.sk, CardRow.sk.exists())
        with suppress(Cancelled):
            _commit(transaction)

    def _fill(self, rows: Sequence[CardRow]) -> None:
        waiting = {row.sk: row for row in rows if row.content_hash is None}
        for attempt in range(contention.MAX_ATTEMPTS):
            if not waiting:
                return
            transaction = Transaction(self._connection())
            for sk, row in waiting.items():
                unchanged = (CardRow.text == row.text) & CardRow.content_hash.does_not_exist()
                transaction.update(
                    CardRow(row.pk, sk), [CardRow.content_hash.set(content_hash(row.text))], unchanged, sk
                )
            counts = Counter(content_hash(row.text) for row in waiting.values())
            change_counts(transaction, rows[0].pk, counts)
            try:
                transaction.commit()
            except Cancelled as cancelled:
                # deleted, edited or counted by others
                kept = {sk: row for sk, row in waiting.items() if sk not in cancelled.tags}
                waiting = kept | _uncounted(rows[0].pk, cancelled.tags)
            except Transient:
                contention.pause(attempt)
            else:
                return
        raise WriteConflict


def _uncounted(project_id: str, keys: Sequence[str]) -> dict[str, CardRow]:
    with translate_errors():
        rows = CardRow.batch_get([(project_id, sk) for sk in keys], consistent_read=True)
        return {row.sk: row for row in rows if row.content_hash is None}


def _commit(transaction: Transaction) -> None:
    for attempt in range(contention.MAX_ATTEMPTS):
        try:
            return transaction.commit()
        except Transient:
            contention.pause(attempt)
    raise WriteConflict


def _record(project_id: str, reached: str, done: int) -> None:
    attribute = getattr(ProjectRow, reached)
    further = attribute.does_not_exist() | (attribute < done)
    # another request may be further, or the project deleted
    with suppress(ConditionFailed), translate_errors():
        ProjectRow(project_id).update(actions=[attribute.set(done)], condition=ProjectRow.alive() & further)
