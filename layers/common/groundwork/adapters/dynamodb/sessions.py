"""Sessions and patches on DynamoDB: compressed, split into parts, readable at every moment.

A session may exceed the item limit of 400 KB, so a head row names its parts. New parts are written before the head row,
and old parts deleted after it. A concurrent reader finds all parts of one version, or misses some and reads the head
row again.
"""

import uuid
import zlib
from typing import Any

from groundwork.adapters.dynamodb.client import ConditionFailed, translate_errors
from groundwork.adapters.dynamodb.execution_rows import BlobPartRow, BlobRow
from groundwork.adapters.dynamodb.plan_rows import suffix
from groundwork.agent.patches import Patch, PatchRef
from groundwork.agent.session import Session
from groundwork.errors import Transient

MAX_PART_BYTES = 300_000
"""Bytes of content per row."""

MAX_READS = 5


class DynamoSessions:
    """The port `groundwork.execution.agent_worker.SessionStore`."""

    def load(self, task_id: str, attempt: int) -> Session | None:
        content = self._read(task_id, "K", attempt)
        return Session.read_json(content) if content is not None else None

    def save(self, session: Session) -> None:
        brief, content = session.brief, session.stored_json()
        self._write(brief.task_id, "K", brief.attempt, content.encode(), session.turns)

    def save_patch(self, patch: Patch) -> None:
        content = patch.stored_json()
        self._write(patch.task_id, "D", patch.attempt, content.encode())

    def load_patch(self, ref: PatchRef) -> Patch | None:
        content = self._read(ref.task_id, "D", ref.attempt)
        return Patch.read_json(content) if content is not None else None

    def newest_patch(self, task_id: str) -> Patch | None:
        """Load the newest patch of a task in a plan without commits."""
        content = self._read(task_id, "D", None)
        return Patch.read_json(content) if content is not None else None

    def _read(self, task_id: str, letter: str, attempt: int | None) -> bytes | None:
        plan_id, key = task_id.rpartition("-")[0], f"{letter}#{suffix(task_id)}"
        for _ in range(MAX_READS):
            row = _head_row(plan_id, key)
            if row is not None and attempt is not None and int(row.attempt) != attempt:
                row = _head_row(plan_id, _archive_key(key, attempt))
            if row is None:
                return None
            with translate_errors():
                start = f"{key}#{row.revision}#"
                parts = list(BlobPartRow.query(plan_id, BlobPartRow.sk.startswith(start), consistent_read=True))
            if len(parts) == int(row.parts):
                return zlib.decompress(b"".join(part.content for part in parts))
        raise Transient(f"The stored content of the task {task_id} changes too fast to be read.")

    def _write(self, task_id: str, letter: str, attempt: int, content: bytes, turns: int = 0) -> None:
        """Write the content. Raises Transient if another worker has saved a later turn."""
        plan_id, key = task_id.rpartition("-")[0], f"{letter}#{suffix(task_id)}"
        old, revision, compressed = _head_row(plan_id, key), uuid.uuid4().hex[:12], zlib.compress(content)
        if old and (int(old.attempt), int(old.turns or 0)) > (attempt, turns):
            raise Transient(f"Another worker has saved a later turn of the task {task_id}.")
        unchanged = BlobRow.revision == old.revision if old else BlobRow.revision.does_not_exist()
        replaces_patch = old is not None and letter == "D" and int(old.attempt) < attempt
        if replaces_patch:
            self._archive(plan_id, key, old)
        with translate_errors():
            for number, start in enumerate(range(0, len(compressed), MAX_PART_BYTES)):
                BlobPartRow(
                    plan_id, f"{key}#{revision}#{number:03d}", content=compressed[start : start + MAX_PART_BYTES]
                ).save()
        parts = -(-len(compressed) // MAX_PART_BYTES)
        try:
            with translate_errors():
                row = BlobRow(plan_id, key, attempt=attempt, revision=revision, parts=parts, turns=turns)
                row.save(condition=unchanged)
        except ConditionFailed:
            now = _head_row(plan_id, key)
            if now is None or now.revision != revision:
                _delete_parts(plan_id, f"{key}#{revision}", parts)
                raise Transient(f"Another worker is writing the content of the task {task_id}.") from None
            # otherwise it was our own write: its response was lost, and the driver sent it again
        if old and not replaces_patch:
            _delete_parts(plan_id, f"{key}#{old.revision}", int(old.parts))

    def _archive(self, plan_id: str, key: str, old: Any) -> None:
        """Archive a withdrawn patch: patches built on it still need it after its replacement."""
        attempt = int(old.attempt)
        archived = BlobRow(plan_id, _archive_key(key, attempt), attempt=attempt, revision=old.revision, parts=old.parts)
        with translate_errors():
            archived.save()


def _archive_key(key: str, attempt: int) -> str:
    return f"{key}@{attempt:05d}"


def _delete_parts(plan_id: str, start: str, parts: int) -> None:
    with translate_errors():
        for number in range(parts):
            BlobPartRow(plan_id, f"{start}#{number:03d}").delete()


def _head_row(plan_id: str, key: str) -> Any:
    with translate_errors():
        return next(iter(BlobRow.query(plan_id, BlobRow.sk == key, consistent_read=True)), None)
