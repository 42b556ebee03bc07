"""Counts of equal texts in a project, changed in the same transactions as the cards."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from groundwork.adapters.dynamodb.backlog_rows import CardRow, ContentHashRow, hash_key
from groundwork.adapters.dynamodb.client import Transaction, wrapped


def known_hashes(project_id: str, hashes: Iterable[str]) -> set[str]:
    """Return the hashes with a card in the project. Raises Transient."""
    keys = {(project_id, hash_key(one)): one for one in hashes}
    with wrapped():
        rows = list(ContentHashRow.batch_get(list(keys), consistent_read=True)) if keys else []
    return {keys[row.pk, row.sk] for row in rows if row.cards > 0}


def count_texts(transaction: Transaction, project_id: str, hashes: Sequence[str]) -> None:
    """Count cards with these texts. Equal texts share an action: a transaction names a row once."""
    change_counts(transaction, project_id, Counter(hashes))


def change_counts(transaction: Transaction, project_id: str, changes: Mapping[str, int]) -> None:
    for one, change in changes.items():
        if change:
            transaction.update(ContentHashRow(project_id, hash_key(one)), [ContentHashRow.cards.add(change)])


def claim_text(transaction: Transaction, project_id: str, content_hash: str, tag: Any) -> None:
    """Count a card under a text without another card. `tag` names the failed condition."""
    unused = ContentHashRow.cards.does_not_exist() | (ContentHashRow.cards <= 0)
    row = ContentHashRow(project_id, hash_key(content_hash))
    transaction.update(row, [ContentHashRow.cards.add(1)], unused, tag)


def counted_hash(project_id: str, sk: str) -> str | None:
    """Return the hash of a card's count; None for an older or a missing card."""
    with wrapped():
        rows = list(CardRow.query(project_id, CardRow.sk == sk, consistent_read=True))
    return rows[0].content_hash if rows else None


def still_counted(content_hash: str | None) -> Any:
    """Return the condition for a card to be counted as before."""
    return CardRow.content_hash.does_not_exist() if content_hash is None else CardRow.content_hash == content_hash
