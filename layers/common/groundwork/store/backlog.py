"""The backlog as people and clients change it: projects, cards, epics, stories, subtasks.

Counts are exact at every moment: what is counted changes in the transaction that counts it. Numbers are never used
twice: a new child gets one more than the highest there is or was, and who deletes the highest leaves its number behind
on the parent as a floor.
"""

import json
import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched
from typing import Any

from pynamodb.connection import Connection
from pynamodb.models import Model

from groundwork.backlog import Artifact, Card, Counts, Project, rfc3339
from groundwork.errors import BacklogInUse, NotFound, Transient, WriteConflict
from groundwork.ids import PROJECT_ID, Kind, Path, new_project_id
from groundwork.importing import NewCard
from groundwork.runs import PIPELINE, RunType
from groundwork.store.backlog_rows import (
    PROJECT_SK,
    PROJECTS_PK,
    PURGE,
    ROW_OF_KIND,
    CardRow,
    ExternalIdRow,
    KeyRow,
    ProjectListRow,
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
from groundwork.store.dynamo import Cancelled, ConditionFailed, Transaction, wrapped
from groundwork.store.run_rows import LockRow, RunRow, lock_key, run_key

TRIES = 20
"""Twenty writers who want the same number all get one; a client waits 10 s at most before it is told to come again."""
CARDS_A_TRANSACTION = 45
"""A card is a row and its external id another; with the project's counts that stays below 100 actions."""

BYTES_A_TRANSACTION = 2 * 1024 * 1024
"""DynamoDB takes 4 MB; rows are measured roughly."""

PAGE_BYTES = 4 * 1024 * 1024
"""A page ends early rather than outgrow the 6 MB that Lambda can answer with."""

PURGED_TOGETHER = 90

_COUNTED = {Kind.CARD: "cards", Kind.EPIC: "epics", Kind.STORY: "stories", Kind.SUBTASK: "subtasks"}
_NAMES = {Kind.CARD: "card", Kind.EPIC: "epic", Kind.STORY: "story", Kind.SUBTASK: "subtask"}
_IN_USE_BY = {
    Kind.PROJECT: PIPELINE,
    Kind.CARD: (RunType.ANALYZE_CARDS, RunType.GENERATE_EPICS),
    Kind.EPIC: (RunType.GENERATE_EPICS, RunType.GENERATE_STORIES, RunType.GENERATE_SUBTASKS),
    Kind.STORY: (RunType.GENERATE_STORIES, RunType.GENERATE_SUBTASKS),
    Kind.SUBTASK: (RunType.GENERATE_SUBTASKS,),
}


@dataclass(frozen=True, slots=True)
class Imported:
    created: int
    duplicates: int


class DynamoBacklog:
    """Raises NotFound for what is not there, or is below something that was deleted; Transient from every method."""

    def __init__(self, connection: Callable[[], Connection], now_ms: Callable[[], int] | None = None) -> None:
        self._connection = connection
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)

    # projects

    def create_project(self, name: str, description: str) -> Project:
        row = ProjectRow(new_project_id(), name=name, description=description, created_at=self._now_ms())
        transaction = Transaction(self._connection())
        transaction.put(row, ProjectRow.pk.does_not_exist())
        transaction.put(ProjectListRow(PROJECTS_PK, ProjectListRow.sort_key(int(row.created_at), row.pk)))
        transaction.commit()
        return row.entity()

    def project(self, project_id: str) -> Project:
        """With its exact counts: the row's, and what active runs have made since they began."""
        row = self._project_row(project_id)
        for _ in range(TRIES):
            project = self._with_live_counts([row])[0]
            again = self._project_row(project_id)
            if again.entity() == row.entity():
                break
            # a run may have ended, and moved its figures into the row, between the reads
            row = again
        return project

    def counts(self, project_id: str) -> Counts:
        return self.project(project_id).counts

    def check(self, project_id: str) -> None:
        self._project_row(project_id)

    def projects(self, before: str | None, limit: int) -> tuple[list[Project], str | None]:
        """Newest first, and the position the next page begins after."""
        condition = ProjectListRow.sk < before if before else None
        with wrapped():
            listed = list(
                ProjectListRow.query(
                    PROJECTS_PK, condition, scan_index_forward=False, limit=limit, consistent_read=True
                )
            )
            ids = [row.sk.partition("#")[2] for row in listed]
            keys = [(id_, PROJECT_SK) for id_ in ids]
            found = {row.pk: row for row in ProjectRow.batch_get(keys, consistent_read=True)} if ids else {}
        rows = [found[id_] for id_ in ids if id_ in found and found[id_].deleted_at is None]
        return self._with_live_counts(rows), listed[-1].sk if len(listed) == limit else None

    def update_project(self, project_id: str, changes: dict[str, str]) -> Project:
        self._project_row(project_id)
        actions = [getattr(ProjectRow, name).set(value) for name, value in changes.items()]
        row = ProjectRow(project_id)
        try:
            with wrapped():
                row.update(actions=actions, condition=_alive())
        except ConditionFailed:
            raise NotFound.of("project", project_id) from None
        return self.project(project_id)

    def delete_project(self, project_id: str) -> None:
        """Gone at once for everybody; what is below is purged afterwards. Raises BacklogInUse."""
        row = self._project_row(project_id)
        transaction = Transaction(self._connection())
        self._check_unused(transaction, Path(Kind.PROJECT, project_id))
        now = self._now_ms()
        gone = [ProjectRow.deleted_at.set(now), ProjectRow.attention.set(PURGE), ProjectRow.attention_at.set(now)]
        transaction.update(ProjectRow(project_id), gone, _alive(), "project")
        transaction.delete(ProjectListRow(PROJECTS_PK, ProjectListRow.sort_key(int(row.created_at), project_id)))
        self._commit_delete(transaction, Path(Kind.PROJECT, project_id))

    def _project_row(self, project_id: str) -> ProjectRow:
        if not PROJECT_ID.fullmatch(project_id):
            raise NotFound.of("project", project_id)
        try:
            with wrapped():
                row = ProjectRow.get(project_id, PROJECT_SK, consistent_read=True)
        except ProjectRow.DoesNotExist:
            raise NotFound.of("project", project_id) from None
        if row.deleted_at is not None:
            raise NotFound.of("project", project_id)
        return row

    def _with_live_counts(self, rows: Sequence[ProjectRow]) -> list[Project]:
        live = self._live_counts([row.pk for row in rows])
        projects = []
        for row in rows:
            project = row.entity()
            gained = {name: getattr(project.counts, name) + more for name, more in live.get(row.pk, {}).items()}
            projects.append(project.model_copy(update={"counts": project.counts.model_copy(update=gained)}))
        return projects

    def _live_counts(self, project_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """What active runs have made and taken so far, by project and count: not yet in the project's row."""
        types = [type_ for type_ in RunType if type_.counted]
        locks = [(id_, lock_key(type_)) for id_ in project_ids for type_ in types]
        live: dict[str, dict[str, int]] = {}
        with wrapped():
            keys = [run_key(lock.run_id) for lock in LockRow.batch_get(locks, consistent_read=True)] if locks else []
            for row in RunRow.batch_get(keys, consistent_read=True) if keys else ():
                counted = RunType(row.type).counted
                # a run that ended between the two reads is in the project's row by now or will be read again
                if counted and row.status in ("QUEUED", "RUNNING"):
                    live.setdefault(row.pk, {})[counted] = int(row.created) - int(row.deleted)
        return live

    # reading

    def get(self, path: Path) -> Card | Artifact:
        project = self._project_row(path.project_id)
        row: Any = ROW_OF_KIND[path.kind]
        missing = NotFound.of(_NAMES[path.kind], str(path))
        if is_dead(sort_key(path), project.retired):
            raise missing
        try:
            with wrapped():
                return row.get(path.project_id, sort_key(path), consistent_read=True).entity()  # type: ignore[no-any-return]
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
        project = self._project_row(parent.project_id)
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
        project = self._project_row(parent.project_id)
        return (row.entity() for row in self._rows(kind, parent, None) if not is_dead(row.sk, project.retired))

    def _rows(self, kind: Kind, parent: Path, after: str | None, together: int | None = None) -> Iterator[Any]:
        row: Any = ROW_OF_KIND[kind]
        start = prefix(kind, parent)
        condition = row.sk.between(after + "!", start + "~") if after else row.sk.startswith(start)
        with wrapped():
            # consistent: who has just written a thing finds it in the list
            yield from row.query(parent.project_id, condition, page_size=together, consistent_read=True)

    # cards

    def import_cards(self, project_id: str, cards: Sequence[NewCard]) -> Imported:
        """External ids that are there already are duplicates and change nothing, also among concurrent imports.

        Cards are written in their order, a transaction after the other: an import that is cut off has written a
        beginning, and where external ids are given it can simply be repeated.
        """
        new = self._unknown(project_id, cards)
        first = self._reserve(project_id, len(new)) if new else 0
        created = sum(self._put_cards(project_id, group) for group in _groups(new, first))
        return Imported(created, len(cards) - created)

    def _unknown(self, project_id: str, cards: Sequence[NewCard]) -> list[NewCard]:
        self._project_row(project_id)
        keys = [(project_id, external_key(card.external_id)) for card in cards if card.external_id]
        with wrapped():
            known = {row.sk for row in ExternalIdRow.batch_get(keys)} if keys else set()
        return [card for card in cards if not card.external_id or external_key(card.external_id) not in known]

    def _reserve(self, project_id: str, count: int) -> int:
        """The first of `count` card numbers that are ours from now on."""
        row = ProjectRow(project_id)
        try:
            with wrapped():
                row.update(actions=[ProjectRow.last_card.add(count)], condition=_alive())
        except ConditionFailed:
            raise NotFound.of("project", project_id) from None
        return int(row.last_card) - count + 1

    def _put_cards(self, project_id: str, group: list[tuple[int, NewCard]]) -> int:
        """How many of them are new: others may have been faster with some of the external ids."""
        for attempt in range(TRIES):
            if not group:
                return 0
            try:
                self._cards_transaction(project_id, group).commit()
            except Cancelled as cancelled:
                if "card" in cancelled.tags:
                    # the numbers are ours alone: an earlier try was carried out, and only its answer got lost
                    return len(group)
                if "project" in cancelled.tags:
                    raise NotFound.of("project", project_id) from None
                group = [(number, card) for number, card in group if number not in cancelled.tags]
            except Transient:
                _pause(attempt)
            else:
                return len(group)
        raise WriteConflict

    def _cards_transaction(self, project_id: str, group: list[tuple[int, NewCard]]) -> Transaction:
        transaction = Transaction(self._connection())
        for number, card in group:
            entity = card.numbered(project_id, number)
            transaction.put(row_of(entity), CardRow.pk.does_not_exist(), "card")
            if card.external_id:
                taken = ExternalIdRow(project_id, external_key(card.external_id), number=number)
                transaction.put(taken, ExternalIdRow.pk.does_not_exist(), number)
        transaction.update(ProjectRow(project_id), [ProjectRow.cards.add(len(group))], _alive(), "project")
        return transaction

    # one thing at a time

    def create(self, kind: Kind, parent: Path, make: Callable[[Path, str], Artifact]) -> Artifact:
        """`make` gets the new thing's path and time. The number is found again if somebody else takes it first."""
        write_id = secrets.token_hex(6)
        for attempt in range(TRIES):
            number, unmoved = self._next_number(kind, parent)
            entity = make(parent.child(kind, number), rfc3339(self._now_ms()))
            transaction = Transaction(self._connection())
            row: Any = row_of(entity)
            row.write_id = write_id
            transaction.put(row, type(row).pk.does_not_exist(), "taken")
            count = [getattr(ProjectRow, _COUNTED[kind]).add(1)]
            below_project = parent.kind is Kind.PROJECT
            transaction.update(ProjectRow(parent.project_id), count, _alive() & unmoved if below_project else _alive())
            if not below_project:
                parents: Any = ROW_OF_KIND[parent.kind]
                transaction.check(parents, parent.project_id, sort_key(parent), parents.title.exists() & unmoved)
            try:
                transaction.commit()
            except (Cancelled, Transient):
                # also a floor that moved; what is gone meanwhile, the next reading says
                _pause(attempt)
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
        floor = int(self._project_row(parent.project_id).floor)
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
        for attempt in range(TRIES):
            before = self.get(path)
            actions, condition = _edits(row, changes), row.sk.exists()
            if isinstance(before, Card) and changes.get("text", before.text) != before.text:
                actions.append(CardRow.analysis.remove())
                condition &= CardRow.text == before.text
            edited = row(path.project_id, sort_key(path))
            try:
                with wrapped():
                    edited.update(actions=actions, condition=condition)
            except ConditionFailed:
                # gone, which the next reading says, or its text was changed by somebody else
                _pause(attempt)
            else:
                return edited.entity()  # type: ignore[no-any-return]
        raise WriteConflict

    def delete(self, path: Path) -> None:
        """The thing goes at once, what is below it is dead at once and purged afterwards. Raises BacklogInUse."""
        for attempt in range(TRIES):
            entity = self.get(path)
            transaction = Transaction(self._connection())
            self._check_unused(transaction, path)
            row: Any = ROW_OF_KIND[path.kind]
            transaction.delete(row(path.project_id, sort_key(path)), row.sk.exists(), "row")
            if isinstance(entity, Card) and entity.external_id:
                transaction.delete(ExternalIdRow(path.project_id, external_key(entity.external_id)))
            self._update_parents(transaction, path)
            try:
                self._commit_delete(transaction, path)
                return
            except Transient:
                # also a floor that moved; what is gone meanwhile, the next reading says
                _pause(attempt)
        raise WriteConflict

    def _update_parents(self, transaction: Transaction, path: Path) -> None:
        """The project counts one less, and nobody gets the number again."""
        actions = [getattr(ProjectRow, _COUNTED[path.kind]).add(-1)]
        if dead := dead_prefixes(path):
            now = self._now_ms()
            actions += [ProjectRow.retired.add(dead), ProjectRow.attention.set(PURGE), ProjectRow.attention_at.set(now)]
        condition = _alive()
        if path.kind is Kind.EPIC:
            floor = int(self._project_row(path.project_id).floor)
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

    def _check_unused(self, transaction: Transaction, path: Path) -> None:
        for type_ in _IN_USE_BY[path.kind]:
            free = LockRow.pk.does_not_exist()
            transaction.check(LockRow, path.project_id, lock_key(type_), free, type_)

    def _commit_delete(self, transaction: Transaction, path: Path) -> None:
        try:
            transaction.commit()
        except Cancelled as cancelled:
            in_the_way = [tag for tag in cancelled.tags if isinstance(tag, RunType)]
            if in_the_way:
                raise self._in_use(path.project_id, in_the_way[0]) from None
            if "floor" in cancelled.tags and "row" not in cancelled.tags:
                raise WriteConflict from None
            raise NotFound.of(path.kind.name.lower(), str(path)) from None

    def _in_use(self, project_id: str, type_: RunType) -> BacklogInUse | WriteConflict:
        condition = LockRow.sk == lock_key(type_)
        with wrapped():
            locks = list(LockRow.query(project_id, condition, consistent_read=True))
        # the run may have ended since
        return BacklogInUse(locks[0].run_id) if locks else WriteConflict()

    # purging

    def to_purge(self) -> list[str]:
        """Ids of projects with dead rows."""
        with wrapped():
            return [row.pk for row in ProjectRow.attention_index.query(PURGE)]

    def purge(self, project_id: str, stop: Callable[[], bool]) -> bool:
        """Deletes dead rows until none is left (True) or `stop` says so. Any number of purgers may be at it."""
        try:
            with wrapped():
                project = ProjectRow.get(project_id, PROJECT_SK, consistent_read=True)
        except ProjectRow.DoesNotExist:
            return True
        if project.deleted_at is not None:
            return self._purge_all(project_id, stop)
        done = all(self._purge_below(project_id, dead, stop) for dead in sorted(project.retired or ()))
        if done and project.attention is not None:
            self._rest(project_id)
        return done

    def _purge_below(self, project_id: str, dead: str, stop: Callable[[], bool]) -> bool:
        kind = Kind.STORY if dead.startswith("S#") else Kind.SUBTASK
        row: Any = ROW_OF_KIND[kind]
        while not stop():
            with wrapped():
                rows = row.query(project_id, row.sk.startswith(dead), limit=PURGED_TOGETHER, consistent_read=True)
                keys = [found.sk for found in rows]
            if not keys:
                self._settle(project_id, dead)
                return True
            transaction = Transaction(self._connection())
            for sk in keys:
                transaction.delete(row(project_id, sk), row.sk.exists())
            fewer = [getattr(ProjectRow, _COUNTED[kind]).add(-len(keys))]
            transaction.update(ProjectRow(project_id), fewer, _alive(), "project")
            try:
                transaction.commit()
            except Cancelled as cancelled:
                if "project" in cancelled.tags:
                    return False  # the project is deleted now: its own purge takes all
            except Transient:
                _pause(0)  # another purger was there first: look again
        return False

    def _settle(self, project_id: str, dead: str) -> None:
        row = ProjectRow(project_id)
        # never without a condition: it would bring back a row that has just been purged
        with suppress(ConditionFailed), wrapped():
            row.update(actions=[ProjectRow.retired.delete({dead})], condition=ProjectRow.name.exists())

    def _rest(self, project_id: str) -> None:
        """Nothing of the project is dead any more. Also where an earlier purger was lost before it could say so."""
        nothing_dead = ProjectRow.retired.does_not_exist() & _alive()
        # or else something was deleted meanwhile, and its purge comes
        with suppress(ConditionFailed), wrapped():
            ProjectRow(project_id).update(
                actions=[ProjectRow.attention.remove(), ProjectRow.attention_at.remove()], condition=nothing_dead
            )

    def _purge_all(self, project_id: str, stop: Callable[[], bool]) -> bool:
        """A deleted project: its backlog, its runs with all they hold, and its own row last."""
        with wrapped():
            runs = RunRow.query(project_id, RunRow.sk.startswith("R#"))
            run_ids = [f"{project_id}-R{int(row.sk[2:])}" for row in runs]
        for partition in run_ids:
            if not _emptied(LockRow, partition, stop):
                return False
        if not _emptied(LockRow, project_id, stop) or not _emptied(KeyRow, project_id, stop, keep=PROJECT_SK):
            return False
        with wrapped():
            ProjectRow(project_id).delete()
        return True


def _groups(cards: Sequence[NewCard], first: int) -> Iterator[list[tuple[int, NewCard]]]:
    """The cards with their numbers, as many together as one transaction takes."""
    group: list[tuple[int, NewCard]] = []
    size = 0
    for number, card in enumerate(cards, first):
        added = len(card.text.encode()) + len(json.dumps(card.metadata))
        if group and (len(group) == CARDS_A_TRANSACTION or size + added > BYTES_A_TRANSACTION):
            yield group
            group, size = [], 0
        group.append((number, card))
        size += added
    if group:
        yield group


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
    return len(json.dumps(entity.as_json(), ensure_ascii=False).encode())


def _emptied(table: type[Model], partition: str, stop: Callable[[], bool], keep: str = "") -> bool:
    row: Any = table
    with wrapped():
        keys = [found.sk for found in row.query(partition, attributes_to_get=["pk", "sk"])]
    for group in batched((sk for sk in keys if sk != keep), 100, strict=False):
        if stop():
            return False
        with wrapped(), row.batch_write() as batch:
            for sk in group:
                batch.delete(row(partition, sk))
    return True


def _alive() -> Any:
    return ProjectRow.name.exists() & ProjectRow.deleted_at.does_not_exist()


def _pause(attempt: int) -> None:
    # each waits another time, or those who met once meet again
    time.sleep(random.uniform(0, min(0.5, 0.02 * 2**attempt)))  # noqa: S311
