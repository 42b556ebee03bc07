"""The backlog's entries one at a time, as people and clients change them: cards, epics, stories, subtasks.

Numbers are never used twice: a new child gets one more than the highest there is or was, and who deletes the highest
leaves its number behind on the parent as a floor.
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
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, wrapped
from groundwork.adapters.dynamodb.delete_guard import check_unused, commit_delete
from groundwork.adapters.dynamodb.projects import DynamoProjects
from groundwork.backlog.model import Artifact, Card, rfc3339
from groundwork.backlog.new_cards import content_hash
from groundwork.errors import NotFound, Transient, WriteConflict
from groundwork.ids import Kind, Path

PAGE_BYTES = 4 * 1024 * 1024
"""A page ends early rather than outgrow the 6 MB that Lambda can answer with."""

_NAMES = {Kind.CARD: "card", Kind.EPIC: "epic", Kind.STORY: "story", Kind.SUBTASK: "subtask"}


class DynamoBacklogItems:
    """Raises NotFound for what is not there, or is below something that was deleted; Transient from every method."""

    def __init__(
        self,
        connection: Callable[[], Connection],
        projects: DynamoProjects,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self._connection, self._projects = connection, projects
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)

    # reading

    def get(self, path: Path) -> Card | Artifact:
        project = self._projects.row(path.project_id)
        row: Any = ROW_OF_KIND[path.kind]
        missing = NotFound.of(_NAMES[path.kind], str(path))
        if is_dead(sort_key(path), project.retired):
            raise missing
        try:
            with wrapped():
                found: Card | Artifact = row.get(path.project_id, sort_key(path), consistent_read=True).entity()
                return found
        except row.DoesNotExist:
            raise missing from None

    def known_cards(self, paths: Sequence[Path]) -> set[Path]:
        """Those of one project's cards that are there."""
        keys = list({(path.project_id, sort_key(path)) for path in paths})
        with wrapped():
            rows = CardRow.batch_get(keys, consistent_read=True, attributes_to_get=["pk", "sk"]) if keys else ()
            return {path_at(row.pk, row.sk) for row in rows}

    def page(self, kind: Kind, parent: Path, after: str | None, limit: int) -> tuple[list[Any], str | None]:
        """Things of a kind below a parent in code order, and the sort key the next page begins after."""
        project = self._projects.row(parent.project_id)
        if parent.kind is not Kind.PROJECT:
            self.get(parent)
        found: list[Any] = []
        size, last = 0, ""
        for row in self._rows(kind, parent, after, limit + 1):
            if is_dead(row.sk, project.retired):
                continue
            if len(found) == limit or size > PAGE_BYTES:
                return found, last
            found.append(row.entity())
            size, last = size + _size(found[-1]), row.sk
        return found, None

    def every(self, kind: Kind, parent: Path) -> Iterator[Any]:
        project = self._projects.row(parent.project_id)
        return (row.entity() for row in self._rows(kind, parent, None) if not is_dead(row.sk, project.retired))

    def _rows(self, kind: Kind, parent: Path, after: str | None, together: int | None = None) -> Iterator[Any]:
        row: Any = ROW_OF_KIND[kind]
        start = prefix(kind, parent)
        condition = row.sk.between(after + "!", start + "~") if after else row.sk.startswith(start)
        with wrapped():
            # consistent: who has just written a thing finds it in the list
            yield from row.query(parent.project_id, condition, page_size=together, consistent_read=True)

    # one thing at a time

    def create(self, kind: Kind, parent: Path, make: Callable[[Path, str], Artifact]) -> Artifact:
        """`make` gets the new thing's path and time. The number is found again if somebody else takes it first."""
        write_id = secrets.token_hex(6)
        for attempt in range(contention.TRIES):
            number, unmoved = self._next_number(kind, parent)
            entity = make(parent.child(kind, number), rfc3339(self._now_ms()))
            transaction = Transaction(self._connection())
            row: Any = row_of(entity)
            row.write_id = write_id
            transaction.put(row, type(row).pk.does_not_exist(), "taken")
            count = [getattr(ProjectRow, COUNT_OF_KIND[kind]).add(1)]
            below_project = parent.kind is Kind.PROJECT
            transaction.update(
                ProjectRow(parent.project_id),
                count,
                ProjectRow.alive() & unmoved if below_project else ProjectRow.alive(),
            )
            if not below_project:
                parents: Any = ROW_OF_KIND[parent.kind]
                transaction.check(parents, parent.project_id, sort_key(parent), parents.title.exists() & unmoved)
            try:
                transaction.commit()
            except (Cancelled, Transient):
                # also a floor that moved; what is gone meanwhile, the next reading says
                contention.pause(attempt)
                if self._written(row, write_id):
                    return entity
            else:
                return entity
        raise WriteConflict

    def _written(self, row: Any, write_id: str) -> bool:
        """Whether an earlier try was carried out, and only its answer got lost."""
        try:
            with wrapped():
                there: Any = type(row).get(row.pk, row.sk, consistent_read=True)
        except row.DoesNotExist:
            return False
        return bool(there.write_id == write_id)

    def _next_number(self, kind: Kind, parent: Path) -> tuple[int, Any]:
        """And the condition under which it was never used: nothing was deleted since the parent's floor was read."""
        floor = int(self._projects.row(parent.project_id).floor)
        unmoved: Any = ProjectRow.floor == floor
        if parent.kind is not Kind.PROJECT:
            self.get(parent)
            parents: Any = ROW_OF_KIND[parent.kind]
            before = self._floor(parent)
            unmoved = parents.floor.does_not_exist() if before is None else parents.floor == before
            floor = before or 0
        row: Any = ROW_OF_KIND[kind]
        with wrapped():
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
        return max(highest, floor) + 1, unmoved

    def update(self, path: Path, changes: Mapping[str, Any]) -> Card | Artifact:
        """Writes the changed fields and no others: whoever changes another field meanwhile loses nothing.

        A card whose text is another now has no analysis any more.
        """
        row: Any = ROW_OF_KIND[path.kind]
        for attempt in range(contention.TRIES):
            before = self.get(path)
            if isinstance(before, Card) and changes.get("text", before.text) != before.text:
                if self._replace_text(path, before, changes):
                    return self.get(path)
                contention.pause(attempt)
                continue
            actions, condition = _edits(row, changes), row.sk.exists()
            edited = row(path.project_id, sort_key(path))
            try:
                with wrapped():
                    edited.update(actions=actions, condition=condition)
            except ConditionFailed:
                # gone, which the next reading says
                contention.pause(attempt)
            else:
                after: Card | Artifact = edited.entity()
                return after
        raise WriteConflict

    def _replace_text(self, path: Path, before: Card, changes: Mapping[str, Any]) -> bool:
        """Write a card with another text, and move its hash. False where somebody else has changed it meanwhile."""
        project_id, sk = path.project_id, sort_key(path)
        old, new = counted_hash(project_id, sk), content_hash(changes["text"])
        actions = [*_edits(CardRow, changes), CardRow.analysis.remove(), CardRow.content_hash.set(new)]
        unchanged = (CardRow.text == before.text) & still_counted(old)
        transaction = Transaction(self._connection())
        transaction.update(CardRow(project_id, sk), actions, unchanged)
        moved = Counter([new])
        moved.subtract([old] if old else [])
        change_counts(transaction, project_id, moved)
        try:
            transaction.commit()
        except (Cancelled, Transient):
            return False
        return True

    def delete(self, path: Path) -> None:
        """The thing goes at once, what is below it is dead at once and purged afterwards. Raises BacklogInUse."""
        for attempt in range(contention.TRIES):
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
                # also a floor or a text that moved; what is gone meanwhile, the next reading says
                contention.pause(attempt)
        raise WriteConflict

    def _update_parents(self, transaction: Transaction, path: Path) -> None:
        """The project counts one less, and nobody gets the number again."""
        actions = [getattr(ProjectRow, COUNT_OF_KIND[path.kind]).add(-1)]
        if dead := dead_prefixes(path):
            now = self._now_ms()
            actions += [ProjectRow.retired.add(dead), ProjectRow.attention.set(PURGE), ProjectRow.attention_at.set(now)]
        condition = ProjectRow.alive()
        if path.kind is Kind.EPIC:
            floor = int(self._projects.row(path.project_id).floor)
            actions.append(ProjectRow.floor.set(max(floor, path.number)))
            condition &= ProjectRow.floor == floor
        transaction.update(ProjectRow(path.project_id), actions, condition, "floor")
        if path.kind in (Kind.STORY, Kind.SUBTASK):
            parents: Any = ROW_OF_KIND[path.parent.kind]
            key = (path.project_id, sort_key(path.parent))
            floor_before = self._floor(path.parent)
            raised = [parents.floor.set(max(floor_before or 0, path.number))]
            unmoved = parents.floor.does_not_exist() if floor_before is None else parents.floor == floor_before
            transaction.update(parents(*key), raised, parents.title.exists() & unmoved, "floor")

    def _floor(self, parent: Path) -> int | None:
        """Raises NotFound where the parent has gone."""
        parents: Any = ROW_OF_KIND[parent.kind]
        try:
            with wrapped():
                floor = parents.get(parent.project_id, sort_key(parent), consistent_read=True).floor
        except parents.DoesNotExist:
            raise NotFound.of(_NAMES[parent.kind], str(parent)) from None
        return None if floor is None else int(floor)


def _forget_card(transaction: Transaction, path: Path, card: Card) -> Any:
    """Free the external id and the text of a card. Returns the condition that its text is still the one counted."""
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
    with wrapped():
        rows = list(ExternalIdRow.query(path.project_id, ExternalIdRow.sk == key, consistent_read=True))
    if rows and int(rows[0].number) == path.number:
        transaction.delete(rows[0], ExternalIdRow.number == path.number)


def _edits(row: Any, changes: Mapping[str, Any]) -> list[Any]:
    """The changed fields, named as the entity names them, as update actions."""
    actions = []
    for name, value in changes.items():
        if name == "card_ids":
            name, value = "card_numbers", card_numbers(value)
        attribute, value = getattr(row, name), list(value) if isinstance(value, tuple) else value
        actions.append(attribute.remove() if value is None else attribute.set(value))
    return actions


def _size(entity: Any) -> int:
    """Bytes in an answer of Lambda's: JSON within JSON, every quote of it escaped again."""
    return len(json.dumps(json.dumps(entity.as_json(), ensure_ascii=False), ensure_ascii=False).encode())
