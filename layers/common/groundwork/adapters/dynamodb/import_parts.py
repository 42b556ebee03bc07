"""Progress of one part of an import: its Idempotency-Key makes it count only once.

Each transaction with cards of a part also moves the part's position, on the condition that it is unchanged. So only
one of several workers writes each group of cards, and a repeated request continues after a lost one.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from groundwork.adapters.dynamodb.client import ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.run_rows import DAY_S, IDEMPOTENCY_DAYS
from groundwork.errors import IdempotencyKeyReused, Transient


class ImportPartRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    fingerprint = UnicodeAttribute(attr_name="fingerprint")
    position = NumberAttribute(attr_name="position")
    created = NumberAttribute(attr_name="created")
    expires_at = NumberAttribute(attr_name="expiresAt")


@dataclass(frozen=True, slots=True)
class ImportPart:
    """An Idempotency-Key, and a fingerprint of its request."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PartProgress:
    """The first `position` cards of the part are done; `created` of them are new."""

    position: int
    created: int


class DynamoImportParts:
    """Raises Transient from every method that reads or writes."""

    def __init__(self, now_ms: Callable[[], int] | None = None) -> None:
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)

    def begin(self, project_id: str, part: ImportPart) -> PartProgress:
        """Return the progress of a part, new or known. Raises IdempotencyKeyReused."""
        expires_at = self._now_ms() // 1000 + IDEMPOTENCY_DAYS * DAY_S
        row = ImportPartRow(
            *_key(project_id, part), fingerprint=part.fingerprint, position=0, created=0, expires_at=expires_at
        )
        try:
            with translate_errors():
                row.save(condition=ImportPartRow.pk.does_not_exist())
        except ConditionFailed:
            return self.progress(project_id, part)
        return PartProgress(0, 0)

    def progress(self, project_id: str, part: ImportPart) -> PartProgress:
        pk, sk = _key(project_id, part)
        with translate_errors():
            rows = list(ImportPartRow.query(pk, ImportPartRow.sk == sk, consistent_read=True))
        # DynamoDB deletes expired rows at a time of its own choice
        if not rows:
            raise Transient("The record of an import has expired while it was read.")
        if rows[0].fingerprint != part.fingerprint:
            raise IdempotencyKeyReused
        return PartProgress(int(rows[0].position), int(rows[0].created))

    @staticmethod
    def advance(
        transaction: Transaction, project_id: str, part: ImportPart, start: int, end: int, created: int, tag: str
    ) -> None:
        """Add the move from `start` to `end` to a transaction; `tag` names the failed condition."""
        actions = [ImportPartRow.position.set(end), ImportPartRow.created.add(created)]
        row = ImportPartRow(*_key(project_id, part))
        transaction.update(row, actions, ImportPartRow.position == start, tag)


def _key(project_id: str, part: ImportPart) -> tuple[str, str]:
    return project_id, f"IMPORT#{hashlib.sha256(part.key.encode('utf-8', 'replace')).hexdigest()[:32]}"
