"""Projects with exact counts: one transaction changes an item and its count."""

import time
from collections.abc import Callable, Sequence

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb import contention
from groundwork.adapters.dynamodb.backlog_rows import (
    ALL_CARDS,
    PROJECT_SK,
    PROJECTS_PK,
    PURGE,
    ProjectListRow,
    ProjectRow,
)
from groundwork.adapters.dynamodb.client import ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.delete_guard import check_unused, commit_delete
from groundwork.adapters.dynamodb.run_rows import LockRow, RunRow, lock_key, run_key
from groundwork.backlog.model import Counts, Project
from groundwork.errors import NotFound
from groundwork.generation.registry import run_handlers
from groundwork.ids import PROJECT_ID, Kind, Path, new_project_id
from groundwork.runs.model import RunType


class DynamoProjects:
    """Raises NotFound for missing or deleted projects; Transient from every method."""

    def __init__(self, connection: Callable[[], Connection], now_ms: Callable[[], int] | None = None) -> None:
        self._connection = connection
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)

    def create(self, name: str, description: str) -> Project:
        row = ProjectRow(new_project_id(), name=name, description=description, created_at=self._now_ms())
        # a new project has no older cards to bring up to date
        row.trimmed_to = row.hashed_to = ALL_CARDS
        transaction = Transaction(self._connection())
        transaction.put(row, ProjectRow.pk.does_not_exist())
        transaction.put(ProjectListRow(PROJECTS_PK, ProjectListRow.sort_key(int(row.created_at), row.pk)))
        transaction.commit()
        return row.entity()

    def get(self, project_id: str) -> Project:
        """Return the project with exact counts: its row's, plus results of active runs."""
        row = self.row(project_id)
        for _ in range(contention.MAX_ATTEMPTS):
            project = self._with_live_counts([row])[0]
            again = self.row(project_id)
            if again.entity() == row.entity():
                break
            # between the reads a run may have ended and moved its figures into the row
            row = again
        return project

    def counts(self, project_id: str) -> Counts:
        return self.get(project_id).counts

    def check(self, project_id: str) -> None:
        self.row(project_id)

    def page(self, before: str | None, limit: int) -> tuple[list[Project], str | None]:
        """Return projects, newest first, and the position of the next page."""
        condition = ProjectListRow.sk < before if before else None
        with translate_errors():
            entries = list(
                ProjectListRow.query(
                    PROJECTS_PK, condition, scan_index_forward=False, limit=limit, consistent_read=True
                )
            )
            ids = [row.sk.partition("#")[2] for row in entries]
            keys = [(id_, PROJECT_SK) for id_ in ids]
            found = {row.pk: row for row in ProjectRow.batch_get(keys, consistent_read=True)} if ids else {}
        rows = [found[id_] for id_ in ids if id_ in found and found[id_].deleted_at is None]
        # counted in entries: a page of deleted projects does not end the list
        return self._with_live_counts(rows), entries[-1].sk if len(entries) == limit else None

    def update(self, project_id: str, changes: dict[str, str]) -> Project:
        self.row(project_id)
        actions = [getattr(ProjectRow, name).set(value) for name, value in changes.items()]
        row = ProjectRow(project_id)
        try:
            with translate_errors():
                row.update(actions=actions, condition=ProjectRow.alive())
        except ConditionFailed:
            raise NotFound.of("project", project_id) from None
        return self.get(project_id)

    def delete(self, project_id: str) -> None:
        """Delete a project at once; its items are purged later. Raises BacklogInUse."""
        row = self.row(project_id)
        transaction = Transaction(self._connection())
        check_unused(transaction, Path(Kind.PROJECT, project_id))
        now = self._now_ms()
        deletion = [ProjectRow.deleted_at.set(now), ProjectRow.attention.set(PURGE), ProjectRow.attention_at.set(now)]
        transaction.update(ProjectRow(project_id), deletion, ProjectRow.alive(), "project")
        transaction.delete(ProjectListRow(PROJECTS_PK, ProjectListRow.sort_key(int(row.created_at), project_id)))
        commit_delete(transaction, Path(Kind.PROJECT, project_id))

    def row(self, project_id: str) -> ProjectRow:
        if not PROJECT_ID.fullmatch(project_id):
            raise NotFound.of("project", project_id)
        try:
            with translate_errors():
                row = ProjectRow.get(project_id, PROJECT_SK, consistent_read=True)
        except ProjectRow.DoesNotExist:
            raise NotFound.of("project", project_id) from None
        if row.deleted_at is not None:
            raise NotFound.of("project", project_id)
        return row

    def _with_live_counts(self, rows: Sequence[ProjectRow]) -> list[Project]:
        active = self._live_counts([row.pk for row in rows])
        projects = []
        for row in rows:
            project = row.entity()
            totals = {name: getattr(project.counts, name) + change for name, change in active.get(row.pk, {}).items()}
            projects.append(project.model_copy(update={"counts": project.counts.model_copy(update=totals)}))
        return projects

    def _live_counts(self, project_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return results of active runs by project and count, not yet in the project's row."""
        handlers = run_handlers()
        names = [handler.lock_name for handler in handlers if handler.counts]
        locks = [(id_, lock_key(name)) for id_ in project_ids for name in names]
        active: dict[str, dict[str, int]] = {}
        with translate_errors():
            keys = [run_key(lock.run_id) for lock in LockRow.batch_get(locks, consistent_read=True)] if locks else []
            for row in RunRow.batch_get(keys, consistent_read=True) if keys else ():
                counted = handlers[RunType(row.type)].counts
                # a run that ended between the two reads is in the project's row, or will be read again
                if counted and row.status in ("QUEUED", "RUNNING"):
                    active.setdefault(row.pk, {})[counted] = int(row.created) - int(row.deleted)
        return active
