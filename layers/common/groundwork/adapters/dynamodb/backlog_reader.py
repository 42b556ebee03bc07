"""The port `groundwork.runs.ports.BacklogReader` on DynamoDB."""

from collections.abc import Callable, Iterator, Sequence
from itertools import batched
from typing import Any

from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactGet

from groundwork.adapters.dynamodb.backlog_rows import (
    ROW_OF_KIND,
    CardRow,
    EpicRow,
    KeyRow,
    ProjectRow,
    StoryRow,
    SubtaskRow,
    is_dead,
    path_at,
    prefix,
    sort_key,
)
from groundwork.adapters.dynamodb.client import translate_errors
from groundwork.backlog.model import Card, Epic, Story, Subtask
from groundwork.errors import NotFound
from groundwork.ids import Kind, Path
from groundwork.runs.ports import Parent

PAGE = 200


class DynamoBacklogReader:
    """Rows below a deleted or replaced item count as missing, purged or not.

    Reads are consistent: a run must see everything written by an import or a run just before it.
    """

    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection

    def cards(self, project_id: str, numbers: Sequence[int]) -> list[Card]:
        rows = self._get(CardRow, [Path(Kind.CARD, project_id, (number,)) for number in numbers])
        return [row.entity() for row in rows]

    def epics(self, project_id: str, numbers: Sequence[int]) -> list[Epic]:
        rows = self._get(EpicRow, [Path(Kind.EPIC, project_id, (number,)) for number in numbers])
        return [row.entity() for row in rows]

    def story_and_epic(self, story: Path) -> tuple[Story | None, Epic | None]:
        """Read both in one request."""
        with translate_errors(), TransactGet(connection=self._connection()) as transaction:
            found_story = transaction.get(StoryRow, story.project_id, sort_key(story))
            found_epic = transaction.get(EpicRow, story.project_id, sort_key(story.parent))
        return _entity(found_story), _entity(found_epic)

    def subtasks(self, story: Path) -> list[Subtask]:
        with translate_errors():
            below = SubtaskRow.sk.startswith(prefix(Kind.SUBTASK, story))
            return [row.entity() for row in SubtaskRow.query(story.project_id, below, consistent_read=True)]

    def existing(self, paths: Sequence[Path]) -> list[Path]:
        keys = {(path.project_id, sort_key(path)): path for path in paths}
        with translate_errors():
            found = KeyRow.batch_get(list(keys), consistent_read=True, attributes_to_get=["pk", "sk"]) if keys else ()
            return [keys[(row.pk, row.sk)] for row in found]

    def all_cards(self, project_id: str) -> Iterator[list[Card]]:
        with translate_errors():
            rows = CardRow.query(project_id, CardRow.sk.startswith("C#"), consistent_read=True)
            for page in batched(rows, PAGE, strict=False):
                yield [row.entity() for row in page]

    def all_epics(self, project_id: str) -> list[Epic]:
        with translate_errors():
            return [
                row.entity() for row in EpicRow.query(project_id, EpicRow.sk.startswith("E#"), consistent_read=True)
            ]

    def parents(self, project_id: str, kind: Kind, epic: int | None) -> Iterator[list[Parent]]:
        row_type: Any = ROW_OF_KIND[kind]
        start = prefix(kind, Path(Kind.PROJECT, project_id))
        if epic is not None:
            path = Path(Kind.EPIC, project_id, (epic,))
            start = sort_key(path) if kind is Kind.EPIC else prefix(kind, path)
        retired = self._project(project_id).retired
        with translate_errors():
            rows = row_type.query(project_id, row_type.sk.startswith(start), consistent_read=True)
            alive = (row for row in rows if not is_dead(row.sk, retired))
            for page in batched(alive, PAGE, strict=False):
                yield [Parent(path_at(project_id, row.sk), row.title, int(row.floor or 0)) for row in page]

    def project_floor(self, project_id: str) -> int:
        return int(self._project(project_id).floor)

    def floor(self, parent: Path) -> int:
        row: Any = ROW_OF_KIND[parent.kind]
        found = self._get(row, [parent])
        return int(found[0].floor or 0) if found else 0

    def children(self, parents: Sequence[Path]) -> dict[tuple[int, ...], list[int]]:
        """Query one key range from the first parent to the last, reading only keys."""
        if not parents:
            return {}
        kind = Kind.STORY if parents[0].kind is Kind.EPIC else Kind.SUBTASK
        first, last = prefix(kind, min(parents, key=_numbers)), prefix(kind, max(parents, key=_numbers))
        found: dict[tuple[int, ...], list[int]] = {}
        with translate_errors():
            rows = KeyRow.query(
                parents[0].project_id,
                KeyRow.sk.between(first, last + "~"),
                attributes_to_get=["pk", "sk"],
                consistent_read=True,
            )
            for row in rows:
                numbers = path_at(row.pk, row.sk).numbers
                found.setdefault(numbers[:-1], []).append(numbers[-1])
        return found

    def _project(self, project_id: str) -> ProjectRow:
        try:
            with translate_errors():
                return ProjectRow.get(project_id, "P", consistent_read=True)
        except ProjectRow.DoesNotExist:
            raise NotFound.of("project", project_id) from None

    def _get(self, row: type[Any], paths: Sequence[Path]) -> list[Any]:
        """Return rows in the given order, without missing ones."""
        # BatchGetItem refuses a repeated key, and returns the rows in any order
        keys = [(path.project_id, sort_key(path)) for path in dict.fromkeys(paths)]
        with translate_errors():
            found = {got.sk: got for got in row.batch_get(keys, consistent_read=True)} if keys else {}
        return [found[sk] for _, sk in keys if sk in found]


def _numbers(path: Path) -> tuple[int, ...]:
    return path.numbers


def _entity(future: Any) -> Any:
    try:
        return future.get().entity()
    except DoesNotExist:
        return None
