"""Files put into the bucket for no known project. Their rows expire with the files."""

import hashlib
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from groundwork.adapters.dynamodb.client import translate_errors
from groundwork.adapters.dynamodb.run_rows import DAY_S
from groundwork.imports.dropped_files import DroppedFile, UnassignedFile

PARTITION = "UNASSIGNED-FILES"
"""No id of a project has this form."""

KEPT_DAYS = 14
"""The bucket's lifecycle deletes files below imports/ after as many days."""


class UnassignedFileRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True, default=PARTITION)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    key = UnicodeAttribute(attr_name="key")
    size = NumberAttribute(attr_name="size")
    reason = UnicodeAttribute(attr_name="reason")
    put_at = NumberAttribute(attr_name="putAt")
    expires_at = NumberAttribute(attr_name="expiresAt")


class DynamoUnassignedFiles:
    """Implementation of `groundwork.imports.dropped_files.UnassignedFiles`."""

    def __init__(self, now_ms: Callable[[], int] | None = None) -> None:
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)

    def add(self, file: DroppedFile, reason: str) -> None:
        row = UnassignedFileRow(
            PARTITION,
            _position(file),
            key=file.key,
            size=file.size,
            reason=reason,
            put_at=file.put_at,
            expires_at=file.put_at // 1000 + KEPT_DAYS * DAY_S,
        )
        with translate_errors():
            row.save()

    def page(self, before: str | None, limit: int) -> tuple[list[UnassignedFile], str | None]:
        condition = UnassignedFileRow.sk < before if before else None
        with translate_errors():
            rows = list(UnassignedFileRow.query(PARTITION, condition, scan_index_forward=False, limit=limit))
        # DynamoDB deletes expired rows at a time of its own choice
        now = self._now_ms() // 1000
        found = [_entity(row) for row in rows if row.expires_at > now]
        return found, rows[-1].sk if len(rows) == limit else None


def is_position(text: str) -> bool:
    """True for a position in the list."""
    return re.fullmatch(r"[0-9]{15}#[0-9a-f]{16}", text) is not None


def _position(file: DroppedFile) -> str:
    # from the event alone: a repeated event writes the same row
    identity = hashlib.sha256(f"{file.key}\0{file.version_id or ''}".encode()).hexdigest()[:16]
    return f"{file.put_at:015d}#{identity}"


def _entity(row: UnassignedFileRow) -> UnassignedFile:
    put_at = datetime.fromtimestamp(int(row.put_at) / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return UnassignedFile(str(row.key), int(row.size), str(row.reason), put_at)
