"""Purge rows below deleted items in the background."""

from collections.abc import Callable
from contextlib import suppress
from itertools import batched
from typing import Any

from pynamodb.connection import Connection
from pynamodb.models import Model

from groundwork.adapters.dynamodb import contention
from groundwork.adapters.dynamodb.backlog_rows import COUNT_OF_KIND, PROJECT_SK, PURGE, ROW_OF_KIND, KeyRow, ProjectRow
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.import_rows import ImportRow, import_id_at
from groundwork.adapters.dynamodb.run_rows import LockRow, RunRow
from groundwork.errors import Transient
from groundwork.ids import Kind

# a transaction takes 100 actions, and one of them changes the count
PURGE_BATCH = 90


class DynamoPurger:
    """Raises Transient."""

    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection

    def to_purge(self) -> list[str]:
        """Return ids of projects with dead rows."""
        with translate_errors():
            return [row.pk for row in ProjectRow.attention_index.query(PURGE)]

    def purge(self, project_id: str, stop: Callable[[], bool]) -> bool:
        """Delete dead rows until none is left (True) or `stop` returns True.

        Several purgers may run at once.
        """
        try:
            with translate_errors():
                project = ProjectRow.get(project_id, PROJECT_SK, consistent_read=True)
        except ProjectRow.DoesNotExist:
            return True
        if project.deleted_at is not None:
            return self._purge_all(project_id, stop)
        done = all(self._purge_below(project_id, dead, stop) for dead in sorted(project.retired or ()))
        if done and project.attention is not None:
            self._clear_attention(project_id)
        return done

    def _purge_below(self, project_id: str, dead: str, stop: Callable[[], bool]) -> bool:
        kind = Kind.STORY if dead.startswith("S#") else Kind.SUBTASK
        row: Any = ROW_OF_KIND[kind]
        while not stop():
            with translate_errors():
                rows = row.query(project_id, row.sk.startswith(dead), limit=PURGE_BATCH, consistent_read=True)
                keys = [found.sk for found in rows]
            if not keys:
                self._forget_prefix(project_id, dead)
                return True
            transaction = Transaction(self._connection())
            for sk in keys:
                # a row deleted by another purger must not lower the count twice
                transaction.delete(row(project_id, sk), row.sk.exists())
            decrement = [getattr(ProjectRow, COUNT_OF_KIND[kind]).add(-len(keys))]
            transaction.update(ProjectRow(project_id), decrement, ProjectRow.alive(), "project")
            try:
                transaction.commit()
            except Cancelled as cancelled:
                if "project" in cancelled.tags:
                    return False  # the project is deleted now: its own purge deletes everything
            except Transient:
                contention.pause(0)  # another purger came first: read again
        return False

    def _forget_prefix(self, project_id: str, dead: str) -> None:
        row = ProjectRow(project_id)
        # never unconditionally: this would recreate a row purged meanwhile
        with suppress(ConditionFailed), translate_errors():
            row.update(actions=[ProjectRow.retired.delete({dead})], condition=ProjectRow.name.exists())

    def _clear_attention(self, project_id: str) -> None:
        """Clear the attention mark; an earlier purger may have crashed before this step."""
        nothing_dead = ProjectRow.retired.does_not_exist() & ProjectRow.alive()
        # a failed condition means another delete, with a purge of its own
        with suppress(ConditionFailed), translate_errors():
            ProjectRow(project_id).update(
                actions=[ProjectRow.attention.remove(), ProjectRow.attention_at.remove()], condition=nothing_dead
            )

    def _purge_all(self, project_id: str, stop: Callable[[], bool]) -> bool:
        """Purge a deleted project: its backlog, its runs, and its own row last."""
        with translate_errors():
            runs = RunRow.query(project_id, RunRow.sk.startswith("R#"))
            partitions = [f"{project_id}-R{int(row.sk[2:])}" for row in runs]
            imports = ImportRow.query(project_id, ImportRow.sk.startswith("IMP#"))
            partitions += [import_id_at(project_id, row.sk) for row in imports]
        # partitions of runs and imports first: only the rows of the project lead to them
        for partition in partitions:
            if not delete_partition(LockRow, partition, stop):
                return False
        if not delete_partition(LockRow, project_id, stop) or not delete_partition(
            KeyRow, project_id, stop, keep=PROJECT_SK
        ):
            return False
        with translate_errors():
            # last: after a crash this row still brings the project to the next sweep
            ProjectRow(project_id).delete()
        return True


def delete_partition(table: type[Model], partition: str, stop: Callable[[], bool], keep: str = "") -> bool:
    row: Any = table
    with translate_errors():
        keys = [found.sk for found in row.query(partition, attributes_to_get=["pk", "sk"])]
    for group in batched((sk for sk in keys if sk != keep), 100, strict=False):
        if stop():
            return False
        with translate_errors(), row.batch_write() as batch:
            for sk in group:
                batch.delete(row(partition, sk))
    return True
