"""Counts of equal texts in a project, kept in the transactions that write the cards."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from groundwork.adapters.dynamodb.backlog_rows import CardRow, ContentHashRow, hash_key
from groundwork.adapters.dynamodb.client import Transaction, translate_errors


def known_hashes(project_id: str, hashes: Iterable[str]) -> set[str]:
    """Return the hashes already used by cards of the project. Raises Transient."""
    keys = {(project_id, hash_key(one)): one for one in hashes}
    with translate_errors():
        rows = list(ContentHashRow.batch_get(list(keys), consistent_read=True)) if keys else []
    # the row of a text stays when its last card is deleted
    return {keys[row.pk, row.sk] for row in rows if row.cards > 0}


def count_texts(transaction: Transaction, project_id: str, hashes: Sequence[str]) -> None:
    """Count cards with these texts.

    Equal texts share an action: a transaction may name each row only once.
    """
    change_counts(transaction, project_id, Counter(hashes))


def change_counts(transaction: Transaction, project_id: str, changes: Mapping[str, int]) -> None:
    for one, change in changes.items():
        if change:
            transaction.update(ContentHashRow(project_id, hash_key(one)), [ContentHashRow.cards.add(change)])


def claim_text(transaction: Transaction, project_id: str, content_hash: str, tag: Any) -> None:
    """Count a card whose text must be unique; otherwise the condition `tag` fails."""
    unused = ContentHashRow.cards.does_not_exist() | (ContentHashRow.cards <= 0)
    row = ContentHashRow(project_id, hash_key(content_hash))
    transaction.update(row, [ContentHashRow.cards.add(1)], unused, tag)


def counted_hash(project_id: str, sk: str) -> str | None:
    """Return the hash of a card's count; None for an older or a missing card."""
    with translate_errors():
        rows = list(CardRow.query(project_id, CardRow.sk == sk, consistent_read=True))
    return rows[0].content_hash if rows else None


def still_counted(content_hash: str | None) -> Any:
    """Return the condition that a card's hash is unchanged since `counted_hash` returned it."""
    return CardRow.content_hash.does_not_exist() if content_hash is None else CardRow.content_hash == content_hash
