"""Sessions and patches on DynamoDB: compressed, in pieces, and whole at every moment.

A row of its own names the pieces; they are written before it, and what it named before is deleted after it.
"""

import uuid
import zlib
from typing import Any

from groundwork.sessions.session import Session
from groundwork.store.dynamo import wrapped
from groundwork.store.plan_rows import KeptRow, PartRow, suffix

PART = 300_000
"""Bytes of what is kept that one row holds."""


class DynamoSessions:
    """The port `groundwork.executing.by_session.Sessions`."""

    def load(self, task_id: str, attempt: int) -> Session | None:
        kept = self._read(task_id, "K", attempt)
        return Session.model_validate_json(kept) if kept is not None else None

    def keep(self, session: Session) -> None:
        brief = session.brief
        self._write(brief.task_id, "K", brief.attempt, session.model_dump_json(by_alias=True).encode())

    def keep_patch(self, task_id: str, text: str) -> None:
        self._write(task_id, "D", 0, text.encode(errors="surrogateescape"))

    def patch(self, task_id: str) -> str | None:
        """The change of a task whose plan makes no commits, as a unified diff."""
        kept = self._read(task_id, "D", 0)
        return kept.decode(errors="replace") if kept is not None else None

    def _read(self, task_id: str, letter: str, attempt: int) -> bytes | None:
        plan_id, key = task_id.rpartition("-")[0], f"{letter}#{suffix(task_id)}"
        row = _named(plan_id, key)
        if row is None or int(row.attempt) != attempt:
            return None
        with wrapped():
            start = f"{key}#{row.revision}#"
            parts = list(PartRow.query(plan_id, PartRow.sk.startswith(start), consistent_read=True))
        return zlib.decompress(b"".join(part.content for part in parts))

    def _write(self, task_id: str, letter: str, attempt: int, content: bytes) -> None:
        plan_id, key = task_id.rpartition("-")[0], f"{letter}#{suffix(task_id)}"
        old, revision, packed = _named(plan_id, key), uuid.uuid4().hex[:12], zlib.compress(content)
        with wrapped():
            for number, start in enumerate(range(0, len(packed), PART)):
                PartRow(plan_id, f"{key}#{revision}#{number:03d}", content=packed[start : start + PART]).save()
            KeptRow(plan_id, key, attempt=attempt, revision=revision, parts=-(-len(packed) // PART)).save()
            for number in range(int(old.parts) if old else 0):
                PartRow(plan_id, f"{key}#{old.revision}#{number:03d}").delete()


def _named(plan_id: str, key: str) -> Any:
    with wrapped():
        return next(iter(KeptRow.query(plan_id, KeptRow.sk == key, consistent_read=True)), None)
