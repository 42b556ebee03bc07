"""Import many cards at once."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb import contention
from groundwork.adapters.dynamodb.backlog_rows import CardRow, ExternalIdRow, ProjectRow, external_key, row_of
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.projects import DynamoProjects
from groundwork.backlog.card_upload import NewCard
from groundwork.errors import NotFound, Transient, WriteConflict

MAX_CARDS_PER_TRANSACTION = 45
"""With up to two rows a card and the project's row, a transaction stays below 100 actions."""

MAX_BYTES_PER_TRANSACTION = 2 * 1024 * 1024
"""Half of DynamoDB's 4 MB: sizes of rows are estimates."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    created: int
    duplicates: int


class DynamoCards:
    """Raises NotFound for a missing project, Transient."""

    def __init__(self, connection: Callable[[], Connection], projects: DynamoProjects) -> None:
        self._connection, self._projects = connection, projects

    def import_cards(self, project_id: str, cards: Sequence[NewCard]) -> ImportResult:
        """Import cards; existing external ids count as duplicates, also among concurrent imports.

        Transactions follow one another in the order of the cards: an interrupted import has written the first ones.
        With external ids it can be repeated safely.
        """
        new = self._unknown(project_id, cards)
        first = self._reserve(project_id, len(new)) if new else 0
        created = sum(self._put_cards(project_id, group) for group in _groups(new, first))
        return ImportResult(created, len(cards) - created)

    def _unknown(self, project_id: str, cards: Sequence[NewCard]) -> list[NewCard]:
        self._projects.row(project_id)
        keys = [(project_id, external_key(card.external_id)) for card in cards if card.external_id]
        with translate_errors():
            known = {row.sk for row in ExternalIdRow.batch_get(keys)} if keys else set()
        return [card for card in cards if not card.external_id or external_key(card.external_id) not in known]

    def _reserve(self, project_id: str, count: int) -> int:
        """Reserve `count` card numbers; return the first."""
        row = ProjectRow(project_id)
        try:
            with translate_errors():
                row.update(actions=[ProjectRow.last_card.add(count)], condition=ProjectRow.alive())
        except ConditionFailed:
            raise NotFound.of("project", project_id) from None
        return int(row.last_card) - count + 1

    def _put_cards(self, project_id: str, group: list[tuple[int, NewCard]]) -> int:
        """Return the number of new cards; concurrent imports may have taken some external ids."""
        for attempt in range(contention.MAX_ATTEMPTS):
            if not group:
                return 0
            try:
                self._cards_transaction(project_id, group).commit()
            except Cancelled as cancelled:
                if "card" in cancelled.tags:
                    # only we use these numbers: an earlier attempt succeeded and its response was lost
                    return len(group)
                if "project" in cancelled.tags:
                    raise NotFound.of("project", project_id) from None
                group = [(number, card) for number, card in group if number not in cancelled.tags]
            except Transient:
                contention.pause(attempt)
            else:
                return len(group)
        raise WriteConflict

    def _cards_transaction(self, project_id: str, group: list[tuple[int, NewCard]]) -> Transaction:
        transaction = Transaction(self._connection())
        for number, card in group:
            entity = card.numbered(project_id, number)
            transaction.put(row_of(entity), CardRow.pk.does_not_exist(), "card")
            if card.external_id:
                taken = ExternalIdRow(project_id, external_key(card.external_id), number=number)
                transaction.put(taken, ExternalIdRow.pk.does_not_exist(), number)
        transaction.update(ProjectRow(project_id), [ProjectRow.cards.add(len(group))], ProjectRow.alive(), "project")
        return transaction


def _groups(cards: Sequence[NewCard], first: int) -> Iterator[list[tuple[int, NewCard]]]:
    """Yield numbered cards in groups that fit one transaction."""
    group: list[tuple[int, NewCard]] = []
    size = 0
    for number, card in enumerate(cards, first):
        added = len(card.text.encode()) + len(json.dumps(card.metadata))
        if group and (len(group) == MAX_CARDS_PER_TRANSACTION or size + added > MAX_BYTES_PER_TRANSACTION):
            yield group
            group, size = [], 0
        group.append((number, card))
        size += added
    if group:
        yield group
