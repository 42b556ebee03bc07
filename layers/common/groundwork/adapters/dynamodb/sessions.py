"""Sessions and patches on DynamoDB: compressed, in pieces, and whole at every moment.

A session may be larger than an item may be (400 KB). A row of its own names the pieces; they are written before it, and
what it named before is deleted after it. So whoever reads meanwhile finds all pieces of one of the two, or that some
are gone, and looks again which the pieces are now.
"""

import uuid
import zlib
from typing import Any

from groundwork.adapters.dynamodb.client import ConditionFailed, translate_errors
from groundwork.adapters.dynamodb.execution_rows import KeptRow, PartRow
from groundwork.adapters.dynamodb.plan_rows import suffix
from groundwork.agent.patches import Patch, PatchRef
from groundwork.agent.session import Session
from groundwork.errors import Transient

PART = 300_000
"""Bytes of what is kept that one row holds."""

LOOKS = 5


class DynamoSessions:
    """The port `groundwork.execution.agent_worker.Sessions`."""

    def load(self, task_id: str, attempt: int) -> Session | None:
        kept = self._read(task_id, "K", attempt)
        return Session.read_json(kept) if kept is not None else None

    def keep(self, session: Session) -> None:
        brief, content = session.brief, session.stored_json()
        self._write(brief.task_id, "K", brief.attempt, content.encode(), session.turns)

    def keep_patch(self, patch: Patch) -> None:
        content = patch.stored_json()
        self._write(patch.task_id, "D", patch.attempt, content.encode())

    def load_patch(self, under: PatchRef) -> Patch | None:
        kept = self._read(under.task_id, "D", under.attempt)
        return Patch.read_json(kept) if kept is not None else None

    def newest_patch(self, task_id: str) -> Patch | None:
        """The change of a task whose plan makes no commits."""
        kept = self._read(task_id, "D", None)
        return Patch.read_json(kept) if kept is not None else None

    def _read(self, task_id: str, letter: str, attempt: int | None) -> bytes | None:
        plan_id, key = task_id.rpartition("-")[0], f"{letter}#{suffix(task_id)}"
        for _ in range(LOOKS):
            row = _named(plan_id, key)
            if row is not None and attempt is not None and int(row.attempt) != attempt:
                row = _named(plan_id, _earlier(key, attempt))
            if row is None:
                return None
            with translate_errors():
                start = f"{key}#{row.revision}#"
                parts = list(PartRow.query(plan_id, PartRow.sk.startswith(start), consistent_read=True))
            if len(parts) == int(row.parts):
                return zlib.decompress(b"".join(part.content for part in parts))
        raise Transient(f"What was kept of the task {task_id} changes faster than it is read.")

    def _write(self, task_id: str, letter: str, attempt: int, content: bytes, turns: int = 0) -> None:
        """Raises Transient where another worker has gone further: what it has kept is not overwritten."""
        plan_id, key = task_id.rpartition("-")[0], f"{letter}#{suffix(task_id)}"
        old, revision, packed = _named(plan_id, key), uuid.uuid4().hex[:12], zlib.compress(content)
        if old and (int(old.attempt), int(old.turns or 0)) > (attempt, turns):
            raise Transient(f"Another worker has gone further with the task {task_id}.")
        unchanged = KeptRow.revision == old.revision if old else KeptRow.revision.does_not_exist()
        stays = old is not None and letter == "D" and int(old.attempt) < attempt
        if stays:
            self._set_aside(plan_id, key, old)
        with translate_errors():
            for number, start in enumerate(range(0, len(packed), PART)):
                PartRow(plan_id, f"{key}#{revision}#{number:03d}", content=packed[start : start + PART]).save()
        parts = -(-len(packed) // PART)
        try:
            with translate_errors():
                row = KeptRow(plan_id, key, attempt=attempt, revision=revision, parts=parts, turns=turns)
                row.save(condition=unchanged)
        except ConditionFailed:
            now = _named(plan_id, key)
            if now is None or now.revision != revision:
                _delete(plan_id, f"{key}#{revision}", parts)
                raise Transient(f"Another worker is at work on the task {task_id}.") from None
            # our own write, whose answer was lost and which the driver has sent again
        if old and not stays:
            _delete(plan_id, f"{key}#{old.revision}", int(old.parts))

    def _set_aside(self, plan_id: str, key: str, old: Any) -> None:
        """A patch that was withdrawn, so that there is a newer one: what was built on it is still understood by it."""
        attempt = int(old.attempt)
        aside = KeptRow(plan_id, _earlier(key, attempt), attempt=attempt, revision=old.revision, parts=old.parts)
        with translate_errors():
            aside.save()


def _earlier(key: str, attempt: int) -> str:
    return f"{key}@{attempt:05d}"


def _delete(plan_id: str, start: str, parts: int) -> None:
    with translate_errors():
        for number in range(parts):
            PartRow(plan_id, f"{start}#{number:03d}").delete()


def _named(plan_id: str, key: str) -> Any:
    with translate_errors():
        return next(iter(KeptRow.query(plan_id, KeptRow.sk == key, consistent_read=True)), None)
