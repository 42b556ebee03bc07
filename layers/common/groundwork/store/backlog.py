"""The backlog as people and clients change it: projects, cards, epics, stories, subtasks.

Counts are exact at every moment: what is counted changes in the transaction that counts it. Numbers are never used
twice: a new child gets one more than the highest there is or was, and who deletes the highest leaves its number behind
on the parent as a floor.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from pynamodb.connection import Connection
from pynamodb.models import Model

from groundwork.backlog import Artifact, Card, Counts, Epic, Project, Story, Subtask, rfc3339
from groundwork.errors import BacklogInUse, NotFound, Transient, WriteConflict
from groundwork.ids import Kind, Path, new_project_id, path_of
from groundwork.importing import NewCard
from groundwork.runs import RunType
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

TRIES = 12
CARDS_A_TRANSACTION = 45
"""A card is a row and its external id another; with the project's counts that stays below 100 actions."""

PURGED_TOGETHER = 90

_COUNTED = {Kind.CARD: "cards", Kind.EPIC: "epics", Kind.STORY: "stories", Kind.SUBTASK: "subtasks"}
_NAMES = {Kind.CARD: "card", Kind.EPIC: "epic", Kind.STORY: "story", Kind.SUBTASK: "subtask"}
_IN_USE_BY = {
    Kind.PROJECT: tuple(RunType),
    Kind.CARD: (RunType.ANALYZE_CARDS, RunType.GENERATE_EPICS),
    Kind.EPIC: (RunType.GENERATE_EPICS, RunType.GENERATE_STORIES, RunType.GENERATE_SUBTASKS),
    Kind.STORY: (RunType.GENERATE_STORIES, RunType.GENERATE_SUBTASKS),
    Kind.SUBTASK: (),
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
        return self._with_live_counts([self._project_row(project_id)])[0]

    def counts(self, project_id: str) -> Counts:
        return self.project(project_id).counts

    def check(self, project_id: str) -> None:
        self._project_row(project_id)

    def projects(self, before: str | None, limit: int) -> tuple[list[Project], str | None]:
        """Newest first, and the position the next page begins after."""
        condition = ProjectListRow.sk < before if before else None
        with wrapped():
            listed = list(ProjectListRow.query(PROJECTS_PK, condition, scan_index_forward=False, limit=limit))
            ids = [row.sk.partition("#")[2] for row in listed]
            found = {row.pk: row for row in ProjectRow.batch_get([(id_, PROJECT_SK) for id_ in ids])} if ids else {}
        rows = [found[id_] for id_ in ids if id_ in found and found[id_].deleted_at is None]
        return self._with_live_counts(rows), listed[-1].sk if len(listed) == limit else None

    def update_project(self, project_id: str, changes: dict[str, str]) -> Project:
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

    def page(self, kind: Kind, parent: Path, after: str | None, limit: int) -> tuple[list[Any], str | None]:
        """Things of a kind below a parent in code order, and the sort key the next page begins after."""
        project = self._project_row(parent.project_id)
        if parent.kind is not Kind.PROJECT:
            self.get(parent)
        found: list[Any] = []
        for row in self._rows(kind, parent, after):
            if not is_dead(row.sk, project.retired):
                found.append(row)
            if len(found) > limit:
                break
        more = found[limit - 1].sk if len(found) > limit else None
        return [row.entity() for row in found[:limit]], more

    def every(self, kind: Kind, parent: Path) -> Iterator[Any]:
        project = self._project_row(parent.project_id)
        return (row.entity() for row in self._rows(kind, parent, None) if not is_dead(row.sk, project.retired))

    def _rows(self, kind: Kind, parent: Path, after: str | None) -> Iterator[Any]:
        row: Any = ROW_OF_KIND[kind]
        start = prefix(kind, parent)
        condition = row.sk.between(after + "!", start + "~") if after else row.sk.startswith(start)
        with wrapped():
            yield from row.query(parent.project_id, condition)

    # cards

    def import_cards(self, project_id: str, cards: Sequence[NewCard]) -> Imported:
        """External ids that are there already are duplicates and change nothing, also among concurrent imports.

        Cards are written in their order, a transaction after the other: an import that is cut off has written a
        beginning, and where external ids are given it can simply be repeated.
        """
        new = self._unknown(project_id, cards)
        first = self._reserve(project_id, len(new)) if new else 0
        created = 0
        for group in batched(enumerate(new, first), CARDS_A_TRANSACTION, strict=False):
            created += self._put_cards(project_id, list(group))
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
        for attempt in range(TRIES):
            if not group:
                return 0
            transaction = Transaction(self._connection())
            for number, card in group:
                entity = card.numbered(project_id, number)
                transaction.put(row_of(entity), CardRow.pk.does_not_exist(), "card")
                if card.external_id:
                    taken = ExternalIdRow(project_id, external_key(card.external_id), number=number)
                    transaction.put(taken, ExternalIdRow.pk.does_not_exist(), number)
            transaction.update(ProjectRow(project_id), [ProjectRow.cards.add(len(group))], _alive(), "project")
            try:
                transaction.commit()
                return len(group)
            except Cancelled as cancelled:
                if "project" in cancelled.tags:
                    raise NotFound.of("project", project_id) from None
                # another import was faster with these external ids
                group = [(number, card) for number, card in group if number not in cancelled.tags]
            except Transient:
                _pause(attempt)
        raise WriteConflict

    # one thing at a time

    def create(self, kind: Kind, parent: Path, make: Callable[[Path, str], Artifact]) -> Artifact:
        """`make` gets the new thing's path and time. The number is found again if somebody else takes it first."""
        for attempt in range(TRIES):
            number = self._next_number(kind, parent)
            entity = make(parent.child(kind, number), rfc3339(self._now_ms()))
            transaction = Transaction(self._connection())
            row: Any = row_of(entity)
            transaction.put(row, type(row).pk.does_not_exist(), "taken")
            count = [getattr(ProjectRow, _COUNTED[kind]).add(1)]
            transaction.update(ProjectRow(parent.project_id), count, _alive(), "parent")
            if parent.kind is not Kind.PROJECT:
                parents: Any = ROW_OF_KIND[parent.kind]
                transaction.check(parents, parent.project_id, sort_key(parent), parents.title.exists(), "parent")
            try:
                transaction.commit()
            except Cancelled as cancelled:
                if "parent" in cancelled.tags:
                    raise NotFound.of(parent.kind.name.lower(), str(parent)) from None
            except Transient:
                _pause(attempt)
            else:
                return entity
        raise WriteConflict

    def _next_number(self, kind: Kind, parent: Path) -> int:
        project = self._project_row(parent.project_id)
        floor = int(project.floor)
        if parent.kind is not Kind.PROJECT:
            self.get(parent)
            parents: Any = ROW_OF_KIND[parent.kind]
            with wrapped():
                floor = int(parents.get(parent.project_id, sort_key(parent), consistent_read=True).floor or 0)
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
        return max(highest, floor) + 1

    def update(self, entity: Card | Artifact) -> Card | Artifact:
        """Writes an edited thing over the one that is there."""
        path = path_of_entity(entity)
        self.get(path)
        row: Any = row_of(entity)
        skipped = {"pk", "sk", "floor", "run", "created_at", "external_id"}
        actions = []
        for name, attribute in type(row).get_attributes().items():
            if name in skipped:
                continue
            value = getattr(row, name)
            actions.append(attribute.remove() if value is None else attribute.set(value))
        try:
            with wrapped():
                type(row)(path.project_id, sort_key(path)).update(actions=actions, condition=type(row).sk.exists())
        except ConditionFailed:
            raise NotFound.of(_NAMES[path.kind], str(path)) from None
        return entity

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
                _pause(attempt)
        raise WriteConflict

    def _update_parents(self, transaction: Transaction, path: Path) -> None:
        """The project counts one less, and nobody gets the number again."""
        actions = [getattr(ProjectRow, _COUNTED[path.kind]).add(-1)]
        if dead := dead_prefixes(path):
            now = self._now_ms()
            actions += [ProjectRow.retired.add(dead), ProjectRow.attention.set(PURGE), ProjectRow.attention_at.set(now)]
        if path.kind is Kind.EPIC:
            floor = int(self._project_row(path.project_id).floor)
            actions.append(ProjectRow.floor.set(max(floor, path.number)))
        transaction.update(ProjectRow(path.project_id), actions, _alive(), "project")
        if path.kind in (Kind.STORY, Kind.SUBTASK):
            parents: Any = ROW_OF_KIND[path.parent.kind]
            key = (path.project_id, sort_key(path.parent))
            with wrapped():
                floor = int(parents.get(*key, consistent_read=True).floor or 0)
            raised = [parents.floor.set(max(floor, path.number))]
            transaction.update(parents(*key), raised, parents.title.exists(), "row")

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
                with wrapped():
                    locks = list(LockRow.query(path.project_id, LockRow.sk == lock_key(in_the_way[0])))
                raise BacklogInUse(locks[0].run_id if locks else "") from None
            raise NotFound.of(path.kind.name.lower(), str(path)) from None

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
        for dead in sorted(project.retired or ()):
            if not self._purge_below(project_id, dead, stop):
                return False
        return True

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
            transaction.update(ProjectRow(project_id), [getattr(ProjectRow, _COUNTED[kind]).add(-len(keys))])
            try:
                transaction.commit()
            except (Cancelled, Transient):
                _pause(0)  # another purger was there first: look again
        return False

    def _settle(self, project_id: str, dead: str) -> None:
        row = ProjectRow(project_id)
        with wrapped():
            row.update(actions=[ProjectRow.retired.delete({dead})])
        if row.retired:
            return
        try:
            with wrapped():
                row.update(
                    actions=[ProjectRow.attention.remove(), ProjectRow.attention_at.remove()],
                    condition=ProjectRow.retired.does_not_exist() & ProjectRow.deleted_at.does_not_exist(),
                )
        except ConditionFailed:
            return  # something else was deleted meanwhile, and its purge comes

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


def path_of_entity(entity: Card | Artifact) -> Path:
    kind = {Card: Kind.CARD, Epic: Kind.EPIC, Story: Kind.STORY, Subtask: Kind.SUBTASK}[type(entity)]
    path = path_of(kind, entity.id)
    assert path is not None, entity.id
    return path


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
    time.sleep(min(0.5, 0.01 * 2**attempt))
