"""Store of single cards, epics, stories and subtasks, as changed by people and clients.

Numbers are never used twice. A new child gets one more than the highest number ever used; a delete of the highest
records it as the parent's floor.
"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb import contention
from groundwork.adapters.dynamodb.backlog_rows import (
    COUNT_OF_KIND,
    PURGE,
    ROW_OF_KIND,
    CardRow,
    ExternalIdRow,
    ProjectRow,
    card_numbers,
    dead_prefixes,
    external_key,
    is_dead,
    path_at,
    prefix,
    row_of,
    sort_key,
)
from groundwork.adapters.dynamodb.card_hashes import change_counts, counted_hash, still_counted
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.delete_guard import check_unused, commit_delete
from groundwork.adapters.dynamodb.projects import DynamoProjects
from groundwork.backlog.model import Artifact, Card, rfc3339
from groundwork.backlog.new_cards import content_hash
from groundwork.errors import NotFound, Transient, WriteConflict
from groundwork.ids import Kind, Path

PAGE_BYTES = 4 * 1024 * 1024
"""Limit of a page, so that the response stays below Lambda's 6 MB."""

_NAMES = {Kind.CARD: "card", Kind.EPIC: "epic", Kind.STORY: "story", Kind.SUBTASK: "subtask"}


class DynamoBacklogItems:
    """Raises NotFound, Transient from every method.

    Items below a deleted one count as missing.
    """

    def __init__(
        self,
        connection: Callable[[], Connection],
        projects: DynamoProjects,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self._connection, self._projects = connection, projects
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)

    def get(self, path: Path) -> Card | Artifact:
        project = self._projects.row(path.project_id)
        row: Any = ROW_OF_KIND[path.kind]
        missing = NotFound.of(_NAMES[path.kind], str(path))
        if is_dead(sort_key(path), project.retired):
            raise missing
        try:
            with translate_errors():
                found: Card | Artifact = row.get(path.project_id, sort_key(path), consistent_read=True).entity()
                return found
        except row.DoesNotExist:
            raise missing from None

    def known_cards(self, paths: Sequence[Path]) -> set[Path]:
        """Return the existing cards among those of one project."""
        keys = list({(path.project_id, sort_key(path)) for path in paths})
        with translate_errors():
            rows = CardRow.batch_get(keys, consistent_read=True, attributes_to_get=["pk", "sk"]) if keys else ()
            return {path_at(row.pk, row.sk) for row in rows}

    def page(self, kind: Kind, parent: Path, after: str | None, limit: int) -> tuple[list[Any], str | None]:
        """Return items below a parent in code order, and the sort key to continue after."""
        project = self._projects.row(parent.project_id)
        if parent.kind is not Kind.PROJECT:
            self.get(parent)
        found: list[Any] = []
        size, last = 0, ""
        # one more than asked: it shows a further page
        for row in self._rows(kind, parent, after, limit + 1):
            if is_dead(row.sk, project.retired):
                continue
            if len(found) == limit or size > PAGE_BYTES:
                return found, last
            found.append(row.entity())
            size, last = size + _size(found[-1]), row.sk
        return found, None

    def iter_all(self, kind: Kind, parent: Path) -> Iterator[Any]:
        project = self._projects.row(parent.project_id)
        return (row.entity() for row in self._rows(kind, parent, None) if not is_dead(row.sk, project.retired))

    def _rows(self, kind: Kind, parent: Path, after: str | None, page_size: int | None = None) -> Iterator[Any]:
        row: Any = ROW_OF_KIND[kind]
        start = prefix(kind, parent)
        # "!" sorts before digits and "#", "~" behind them: the page starts behind `after`
        condition = row.sk.between(after + "!", start + "~") if after else row.sk.startswith(start)
        with translate_errors():
            # consistent: writers must find their own items in the list
            yield from row.query(parent.project_id, condition, page_size=page_size, consistent_read=True)

    def create(self, kind: Kind, parent: Path, make: Callable[[Path, str], Artifact]) -> Artifact:
        """Create an item; `make` gets its path and time. Retries if the number is taken."""
        # identifies our own row after a lost response
        write_id = secrets.token_hex(6)
        for attempt in range(contention.MAX_ATTEMPTS):
            number, unchanged = self._next_number(kind, parent)
            entity = make(parent.child(kind, number), rfc3339(self._now_ms()))
            transaction = Transaction(self._connection())
            row: Any = row_of(entity)
            row.write_id = write_id
            transaction.put(row, type(row).pk.does_not_exist(), "taken")
            count = [getattr(ProjectRow, COUNT_OF_KIND[kind]).add(1)]
            is_top_level = parent.kind is Kind.PROJECT
            transaction.update(
                ProjectRow(parent.project_id),
                count,
                # a transaction names a row only once, so the condition on the floor joins the count
                ProjectRow.alive() & unchanged if is_top_level else ProjectRow.alive(),
            )
            if not is_top_level:
                parent_row: Any = ROW_OF_KIND[parent.kind]
                # a parent deleted meanwhile must not get a child
                transaction.check(
                    parent_row, parent.project_id, sort_key(parent), parent_row.title.exists() & unchanged
                )
            try:
                transaction.commit()
            except (Cancelled, Transient):
                # the floor may have moved too; the next read reports a missing parent
                contention.pause(attempt)
                if self._was_written(row, write_id):
                    return entity
            else:
                return entity
        raise WriteConflict

    def _was_written(self, row: Any, write_id: str) -> bool:
        """True if an earlier attempt succeeded and only its response was lost."""
        try:
            with translate_errors():
                stored: Any = type(row).get(row.pk, row.sk, consistent_read=True)
        except row.DoesNotExist:
            return False
        return bool(stored.write_id == write_id)

    def _next_number(self, kind: Kind, parent: Path) -> tuple[int, Any]:
        """Return the next number, and the condition that it is unused.

        The condition fails if a delete has moved the parent's floor since.
        """
        floor = int(self._projects.row(parent.project_id).floor)
        unchanged: Any = ProjectRow.floor == floor
        if parent.kind is not Kind.PROJECT:
            self.get(parent)
            parent_row: Any = ROW_OF_KIND[parent.kind]
            before = self._floor(parent)
            unchanged = parent_row.floor.does_not_exist() if before is None else parent_row.floor == before
            floor = before or 0
        row: Any = ROW_OF_KIND[kind]
        with translate_errors():
            last = list(
                row.query(
                    parent.project_id,
                    row.sk.startswith(prefix(kind, parent)),
                    scan_index_forward=False,
                    limit=1,
                    consistent_read=True,
                )
            )
        highest = path_at(last[0].pk, last[0].sk).number if last else 0
        return max(highest, floor) + 1, unchanged

    def update(self, path: Path, changes: Mapping[str, Any]) -> Card | Artifact:
        """Write only the changed fields, so concurrent changes of other fields survive.

        A new text removes a card's analysis.
        """
        row: Any = ROW_OF_KIND[path.kind]
        for attempt in range(contention.MAX_ATTEMPTS):
            before = self.get(path)
            # a new text also moves the count of its hash, in one transaction
            if isinstance(before, Card) and changes.get("text", before.text) != before.text:
                if self._replace_text(path, before, changes):
                    return self.get(path)
                contention.pause(attempt)
                continue
            # without the condition, an update of a missing row creates it
            actions, condition = _edits(row, changes), row.sk.exists()
            edited = row(path.project_id, sort_key(path))
            try:
                with translate_errors():
                    edited.update(actions=actions, condition=condition)
            except ConditionFailed:
                # missing: the next read reports it
                contention.pause(attempt)
            else:
                after: Card | Artifact = edited.entity()
                return after
        raise WriteConflict

    def _replace_text(self, path: Path, before: Card, changes: Mapping[str, Any]) -> bool:
        """Replace a card's text and its hash. Returns False if another writer was first."""
        project_id, sk = path.project_id, sort_key(path)
        old, new = counted_hash(project_id, sk), content_hash(changes["text"])
        actions = [*_edits(CardRow, changes), CardRow.analysis.remove(), CardRow.analysis_made_by.remove()]
        actions.append(CardRow.content_hash.set(new))
        unchanged = (CardRow.text == before.text) & still_counted(old)
        transaction = Transaction(self._connection())
        transaction.update(CardRow(project_id, sk), actions, unchanged)
        moved = Counter([new])
        moved.subtract([old] if old else [])
        change_counts(transaction, project_id, moved)
        try:
            transaction.commit()
        except (Cancelled, Transient):
            # after a lost response the next round finds the new text in place
            return False
        return True

    def delete(self, path: Path) -> None:
        """Delete an item; rows below it are dead at once and purged later. Raises BacklogInUse."""
        for attempt in range(contention.MAX_ATTEMPTS):
            entity = self.get(path)
            transaction = Transaction(self._connection())
            check_unused(transaction, path)
            row: Any = ROW_OF_KIND[path.kind]
            condition = row.sk.exists()
            if isinstance(entity, Card):
                condition &= _forget_card(transaction, path, entity)
            transaction.delete(row(path.project_id, sort_key(path)), condition, "row")
            self._update_parents(transaction, path)
            try:
                commit_delete(transaction, path)
                return
            except (Transient, NotFound):
                # a floor or a text may have moved too; the next read reports a missing item
                contention.pause(attempt)
        raise WriteConflict

    def _update_parents(self, transaction: Transaction, path: Path) -> None:
        """Decrease the project's count, and record the number as used."""
        actions = [getattr(ProjectRow, COUNT_OF_KIND[path.kind]).add(-1)]
        if dead := dead_prefixes(path):
            now = self._now_ms()
            actions += [ProjectRow.retired.add(dead), ProjectRow.attention.set(PURGE), ProjectRow.attention_at.set(now)]
        condition = ProjectRow.alive()
        if path.kind is Kind.EPIC:
            floor = int(self._projects.row(path.project_id).floor)
            # DynamoDB has no maximum: the condition guards against a delete in between
            actions.append(ProjectRow.floor.set(max(floor, path.number)))
            condition &= ProjectRow.floor == floor
        transaction.update(ProjectRow(path.project_id), actions, condition, "floor")
        if path.kind in (Kind.STORY, Kind.SUBTASK):
            parent_row: Any = ROW_OF_KIND[path.parent.kind]
            key = (path.project_id, sort_key(path.parent))
            floor_before = self._floor(path.parent)
            raise_floor = [parent_row.floor.set(max(floor_before or 0, path.number))]
            unchanged = parent_row.floor.does_not_exist() if floor_before is None else parent_row.floor == floor_before
            transaction.update(parent_row(*key), raise_floor, parent_row.title.exists() & unchanged, "floor")

    def _floor(self, parent: Path) -> int | None:
        """Raises NotFound if the parent is missing."""
        parent_row: Any = ROW_OF_KIND[parent.kind]
        try:
            with translate_errors():
                floor = parent_row.get(parent.project_id, sort_key(parent), consistent_read=True).floor
        except parent_row.DoesNotExist:
            raise NotFound.of(_NAMES[parent.kind], str(parent)) from None
        return None if floor is None else int(floor)


def _forget_card(transaction: Transaction, path: Path, card: Card) -> Any:
    """Free a card's external id and text. Returns the condition of an unchanged text."""
    project_id = path.project_id
    if card.external_id:
        transaction.delete(ExternalIdRow(project_id, external_key(card.external_id)))
        if card.external_id != card.external_id.strip():
            _free_trimmed(transaction, path, external_key(card.external_id.strip()))
    counted = counted_hash(project_id, sort_key(path))
    if counted:
        change_counts(transaction, project_id, {counted: -1})
    return still_counted(counted)


def _free_trimmed(transaction: Transaction, path: Path, key: str) -> None:
    """Free the trimmed id of an older card, unless another card has it."""
    with translate_errors():
        rows = list(ExternalIdRow.query(path.project_id, ExternalIdRow.sk == key, consistent_read=True))
    if rows and int(rows[0].number) == path.number:
        transaction.delete(rows[0], ExternalIdRow.number == path.number)


def _edits(row: Any, changes: Mapping[str, Any]) -> list[Any]:
    """Return update actions for changed fields, named as in the entity."""
    actions = []
    for name, value in changes.items():
        if name == "card_ids":
            name, value = "card_numbers", card_numbers(value)
        attribute, value = getattr(row, name), list(value) if isinstance(value, tuple) else value
        actions.append(attribute.remove() if value is None else attribute.set(value))
    return actions


def _size(entity: Any) -> int:
    """Bytes in Lambda's response: JSON within JSON, with every quote escaped again."""
    return len(json.dumps(json.dumps(entity.as_json(), ensure_ascii=False), ensure_ascii=False).encode())
