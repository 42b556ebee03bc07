"""Rows of the backlog table: one class for each kind, all keyed by project."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pynamodb.attributes import (
    JSONAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from groundwork.backlog.model import Artifact, Card, CardAnalysis, Counts, Epic, Project, Story, Subtask, rfc3339
from groundwork.ids import PROJECT_ID, Kind, Path, parse

PROJECT_SK = "P"
PROJECTS_PK = "PROJECTS"
PURGE = "PURGE"
ALL_CARDS = 999_999_999
"""Above every card's number: `trimmedTo` and `hashedTo` of a project without older cards."""
_DEPTHS = {Kind.CARD: 1, Kind.EPIC: 1, Kind.STORY: 2, Kind.SUBTASK: 3}
_LETTERS = {Kind.CARD: "C", Kind.EPIC: "E", Kind.STORY: "S", Kind.SUBTASK: "T"}


def sort_key(path: Path) -> str:
    """Return S#000003#000002 for story E3-S2; zero padding keeps rows in code order."""
    if path.kind is Kind.PROJECT:
        return PROJECT_SK
    width = 9 if path.kind is Kind.CARD else 6
    return "#".join([_LETTERS[path.kind], *(f"{number:0{width}d}" for number in path.numbers)])


def prefix(kind: Kind, parent: Path) -> str:
    """Return the sort key prefix of all items of a kind below a project, an epic or a story."""
    return "#".join([_LETTERS[kind], *(f"{number:06d}" for number in parent.numbers)]) + "#"


def path_at(project_id: str, sk: str) -> Path:
    letters, *numbers = sk.split("#")
    kind = next(kind for kind, letter in _LETTERS.items() if letter == letters)
    return Path(kind, project_id, tuple(int(number) for number in numbers))


def is_position(text: str, kind: Kind, parent: Path) -> bool:
    """True for the sort key of an item of the kind below the parent: a position in that list."""
    width = 9 if kind is Kind.CARD else 6
    start, more_steps = re.escape(prefix(kind, parent)), _DEPTHS[kind] - len(parent.numbers) - 1
    return re.fullmatch(rf"{start}[0-9]{{{width}}}(#[0-9]{{6}}){{{more_steps}}}", text) is not None


def is_list_position(text: str) -> bool:
    """True for a position in the list of projects."""
    created_at, _, project_id = text.partition("#")
    return re.fullmatch(r"[0-9]{15}", created_at) is not None and PROJECT_ID.fullmatch(project_id) is not None


def dead_prefixes(path: Path) -> set[str]:
    """Return the prefixes of all rows below a deleted item."""
    below = {Kind.EPIC: (Kind.STORY, Kind.SUBTASK), Kind.STORY: (Kind.SUBTASK,)}.get(path.kind, ())
    return {prefix(kind, path) for kind in below}


def is_dead(sk: str, retired: set[str] | None) -> bool:
    return any(sk.startswith(dead) for dead in retired or ())


def external_key(external_id: str) -> str:
    # of fixed length, whatever text an external id holds
    return f"X#{hashlib.sha256(external_id.encode()).hexdigest()[:32]}"


def hash_key(content_hash: str) -> str:
    return f"H#{content_hash}"


def to_ms(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)


class AttentionIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # the driver types no __init_subclass__
    """A sparse index of rows in need of attention."""

    class Meta:
        index_name = "attention"
        projection = KeysOnlyProjection()

    attention = UnicodeAttribute(attr_name="attention", hash_key=True)
    attention_at = NumberAttribute(range_key=True, attr_name="attentionAt")


class KeyRow(Model):
    """The key of any row."""

    class Meta:
        # `client.bind` sets the name at the start; each class of a table gets the same
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)


class ProjectRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True, default=PROJECT_SK)
    name = UnicodeAttribute(attr_name="name")
    description = UnicodeAttribute(attr_name="description", default="")
    created_at = NumberAttribute(attr_name="createdAt")
    cards = NumberAttribute(attr_name="cards", default=0)
    epics = NumberAttribute(attr_name="epics", default=0)
    stories = NumberAttribute(attr_name="stories", default=0)
    subtasks = NumberAttribute(attr_name="subtasks", default=0)
    # highest numbers ever used, unlike the counts above: no number is reused
    last_card = NumberAttribute(attr_name="lastCard", default=0)
    last_run = NumberAttribute(attr_name="lastRun", default=0)
    last_import = NumberAttribute(attr_name="lastImport", default=0)
    trimmed_to = NumberAttribute(attr_name="trimmedTo", default=0)
    hashed_to = NumberAttribute(attr_name="hashedTo", default=0)
    floor = NumberAttribute(attr_name="floor", default=0)
    # prefixes of dead rows: out of reach at once, purged later
    retired = UnicodeSetAttribute(attr_name="retired", null=True)
    deleted_at = NumberAttribute(attr_name="deletedAt", null=True)
    attention = UnicodeAttribute(attr_name="attention", null=True)
    attention_at = NumberAttribute(attr_name="attentionAt", null=True)
    attention_index = AttentionIndex()

    @classmethod
    def alive(cls) -> Any:
        """Condition: the project exists and is not deleted."""
        return cls.name.exists() & cls.deleted_at.does_not_exist()

    def entity(self) -> Project:
        counts = Counts(
            cards=int(self.cards), epics=int(self.epics), stories=int(self.stories), subtasks=int(self.subtasks)
        )
        return Project(
            id=self.pk,
            name=self.name,
            description=self.description,
            created_at=rfc3339(int(self.created_at)),
            counts=counts,
        )


class ProjectListRow(Model):
    """One row per project in the partition PROJECTS, to list projects newest first."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True, default=PROJECTS_PK)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)

    @staticmethod
    def sort_key(created_at: int, project_id: str) -> str:
        return f"{created_at:015d}#{project_id}"


class ExternalIdRow(Model):
    """Marks an external id as taken by a card."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    number = NumberAttribute(attr_name="number")


class ContentHashRow(Model):
    """Counts the cards of a project with one text, by its hash."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    cards = NumberAttribute(attr_name="cards")


class CardRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    text = UnicodeAttribute(attr_name="text")
    source = UnicodeAttribute(attr_name="source", null=True)
    external_id = UnicodeAttribute(attr_name="externalId", null=True)
    metadata = JSONAttribute(attr_name="metadata", null=True)
    posted_at = UnicodeAttribute(attr_name="postedAt", null=True)
    content_hash = UnicodeAttribute(attr_name="contentHash", null=True)
    analysis = JSONAttribute(attr_name="analysis", null=True)
    # apart from the analysis: 29c4d3d refuses unknown fields in that document
    analysis_made_by = UnicodeAttribute(attr_name="analysisMadeBy", null=True)
    made_by = UnicodeAttribute(attr_name="madeBy", null=True)

    def entity(self) -> Card:
        return Card(
            id=str(path_at(self.pk, self.sk)),
            project_id=self.pk,
            text=self.text,
            source=self.source,
            external_id=self.external_id,
            metadata=self.metadata or {},
            posted_at=self.posted_at,
            made_by=self.made_by,
            analysis=CardAnalysis.read(self.analysis | {"madeBy": self.analysis_made_by}) if self.analysis else None,
        )


class EpicRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    title = UnicodeAttribute(attr_name="title")
    description = UnicodeAttribute(attr_name="description", default="")
    goal = UnicodeAttribute(attr_name="goal", default="")
    card_numbers = JSONAttribute(attr_name="cards", null=True)
    priority = UnicodeAttribute(attr_name="priority", default="medium")
    run = NumberAttribute(attr_name="run", null=True)
    made_by = UnicodeAttribute(attr_name="madeBy", null=True)
    created_at = NumberAttribute(attr_name="createdAt")
    floor = NumberAttribute(attr_name="floor", null=True)
    write_id = UnicodeAttribute(attr_name="writeId", null=True)

    def entity(self) -> Epic:
        path = path_at(self.pk, self.sk)
        return Epic(
            id=str(path),
            project_id=self.pk,
            code=path.code,
            title=self.title,
            description=self.description,
            goal=self.goal,
            card_ids=_card_ids(self.pk, self.card_numbers),
            priority=self.priority,
            run_id=_run_id(self.pk, self.run),
            made_by=self.made_by,
            created_at=rfc3339(int(self.created_at)),
        )


class StoryRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    title = UnicodeAttribute(attr_name="title")
    role = UnicodeAttribute(attr_name="role", default="")
    want = UnicodeAttribute(attr_name="want", default="")
    benefit = UnicodeAttribute(attr_name="benefit", default="")
    acceptance_criteria: ListAttribute[str] = ListAttribute(attr_name="criteria", default=list)
    priority = UnicodeAttribute(attr_name="priority", default="medium")
    effort = UnicodeAttribute(attr_name="effort", default="M")
    card_numbers = JSONAttribute(attr_name="cards", null=True)
    run = NumberAttribute(attr_name="run", null=True)
    made_by = UnicodeAttribute(attr_name="madeBy", null=True)
    created_at = NumberAttribute(attr_name="createdAt")
    floor = NumberAttribute(attr_name="floor", null=True)
    write_id = UnicodeAttribute(attr_name="writeId", null=True)

    def entity(self) -> Story:
        path = path_at(self.pk, self.sk)
        return Story(
            id=str(path),
            epic_id=str(path.parent),
            project_id=self.pk,
            code=path.code,
            title=self.title,
            role=self.role,
            want=self.want,
            benefit=self.benefit,
            acceptance_criteria=tuple(self.acceptance_criteria),
            priority=self.priority,
            effort=self.effort,
            card_ids=_card_ids(self.pk, self.card_numbers),
            run_id=_run_id(self.pk, self.run),
            made_by=self.made_by,
            created_at=rfc3339(int(self.created_at)),
        )


class SubtaskRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    title = UnicodeAttribute(attr_name="title")
    description = UnicodeAttribute(attr_name="description", default="")
    effort = UnicodeAttribute(attr_name="effort", default="M")
    run = NumberAttribute(attr_name="run", null=True)
    made_by = UnicodeAttribute(attr_name="madeBy", null=True)
    created_at = NumberAttribute(attr_name="createdAt")
    write_id = UnicodeAttribute(attr_name="writeId", null=True)

    def entity(self) -> Subtask:
        path = path_at(self.pk, self.sk)
        return Subtask(
            id=str(path),
            story_id=str(path.parent),
            project_id=self.pk,
            code=path.code,
            title=self.title,
            description=self.description,
            effort=self.effort,
            run_id=_run_id(self.pk, self.run),
            made_by=self.made_by,
            created_at=rfc3339(int(self.created_at)),
        )


BACKLOG_ROWS: list[type[Model]] = [
    KeyRow,
    ProjectRow,
    ProjectListRow,
    ExternalIdRow,
    ContentHashRow,
    CardRow,
    EpicRow,
    StoryRow,
    SubtaskRow,
]
ROW_OF_KIND: Mapping[Kind, type[Any]] = {
    Kind.CARD: CardRow,
    Kind.EPIC: EpicRow,
    Kind.STORY: StoryRow,
    Kind.SUBTASK: SubtaskRow,
}
COUNT_OF_KIND = {Kind.CARD: "cards", Kind.EPIC: "epics", Kind.STORY: "stories", Kind.SUBTASK: "subtasks"}


def card_row(card: Card, text_hash: str | None = None) -> CardRow:
    """Return the row of a card; `text_hash` is the content hash to count it under."""
    path = parse(card.id)
    assert path is not None, card.id
    return CardRow(
        path.project_id,
        sort_key(path),
        text=card.text,
        source=card.source,
        external_id=card.external_id,
        metadata=card.metadata or None,
        posted_at=card.posted_at,
        analysis=stored_analysis(card.analysis) if card.analysis else None,
        analysis_made_by=card.analysis.made_by if card.analysis else None,
        made_by=card.made_by,
        content_hash=text_hash,
    )


def row_of(entity: Card | Artifact) -> Model:
    """Return the row of a card, an epic, a story or a subtask."""
    path = parse(entity.id)
    assert path is not None, entity.id
    key: dict[str, Any] = {"pk": path.project_id, "sk": sort_key(path)}
    match entity:
        case Card():
            return card_row(entity)
        case Epic():
            return EpicRow(
                **key,
                **_common_fields(entity),
                description=entity.description,
                goal=entity.goal,
                card_numbers=card_numbers(entity.card_ids),
                priority=entity.priority,
            )
        case Story():
            return StoryRow(
                **key,
                **_common_fields(entity),
                role=entity.role,
                want=entity.want,
                benefit=entity.benefit,
                acceptance_criteria=list(entity.acceptance_criteria),
                priority=entity.priority,
                effort=entity.effort,
                card_numbers=card_numbers(entity.card_ids),
            )
        case Subtask():
            return SubtaskRow(**key, **_common_fields(entity), description=entity.description, effort=entity.effort)


def stored_analysis(analysis: CardAnalysis) -> dict[str, Any]:
    return analysis.stored(exclude={"made_by"})


def _common_fields(entity: Artifact) -> dict[str, Any]:
    run = parse(entity.run_id) if entity.run_id else None
    return {
        "title": entity.title,
        "created_at": to_ms(entity.created_at),
        "run": run.number if run else None,
        "made_by": entity.made_by,
    }


def card_numbers(card_ids: Iterable[str]) -> list[int] | None:
    paths = [parse(id_) for id_ in card_ids]
    return [path.number for path in paths if path] or None


def _card_ids(project_id: str, numbers: list[int] | None) -> tuple[str, ...]:
    return tuple(str(Path(Kind.CARD, project_id, (number,))) for number in numbers or ())


def _run_id(project_id: str, number: float | None) -> str | None:
    return str(Path(Kind.RUN, project_id, (int(number),))) if number else None
