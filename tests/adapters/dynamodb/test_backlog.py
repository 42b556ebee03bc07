"""The contract of the backlog store, on moto and on DynamoDB Local."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from groundwork.adapters.dynamodb.backlog_rows import CardRow, KeyRow, ProjectRow, stored_analysis
from groundwork.adapters.dynamodb.client import Cancelled, Transaction
from groundwork.adapters.dynamodb.run_rows import LockRow, run_row
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.model import Artifact, Card, CardAnalysis, Counts, Epic, Story, Subtask
from groundwork.backlog.new_cards import NewCard
from groundwork.errors import BacklogInUse, NotFound, Transient
from groundwork.ids import Kind, Path, path_of
from groundwork.runs.model import Run, RunOptions, RunStatus, RunType
from tests.runs.world import PIPELINE

ANALYSIS = CardAnalysis(
    summary="Slow", theme="Speed", kind="bug", severity="high", sentiment="negative", keywords=("slow",)
)


def never() -> bool:
    return False


def always() -> bool:
    return True


@pytest.fixture
def tables(tables_of_every_engine: Tables) -> Tables:
    return tables_of_every_engine


@pytest.fixture
def project(tables: Tables) -> Path:
    return Path(Kind.PROJECT, tables.projects.create("Shop", "").id)


def nothing() -> None:
    return None


def add(tables: Tables, kind: Kind, parent: Path, meanwhile: Callable[[], None] = nothing) -> Path:
    """A store with one interruption between choosing the number and writing it."""
    left = [meanwhile]

    def make(path: Path, now: str) -> Artifact:
        while left:
            left.pop()()
        made = {"id": str(path), "project_id": path.project_id, "code": path.code, "created_at": now, "title": "T"}
        match kind:
            case Kind.EPIC:
                return Epic.model_validate(made)
            case Kind.STORY:
                return Story.model_validate(made | {"epic_id": str(path.parent)})
            case _:
                return Subtask.model_validate(made | {"story_id": str(path.parent)})

    path = path_of(kind, tables.entries.create(kind, parent, make).id)
    assert path is not None
    return path


def counts(tables: Tables, project: Path) -> tuple[int, int, int, int]:
    found = tables.projects.get(project.project_id).counts
    return found.cards, found.epics, found.stories, found.subtasks


def rows(project: Path) -> list[str]:
    return [row.sk for row in KeyRow.query(project.project_id, consistent_read=True)]


def lock(project: Path, type_: RunType) -> None:
    LockRow(project.project_id, f"LOCK#{type_}", run_id=f"{project}-R1", replaces=False).save()


def cards_of(tables: Tables, project: Path) -> list[Card]:
    return list(tables.entries.iter_all(Kind.CARD, project))


def test_numbers_rise_and_are_never_used_twice(tables: Tables, project: Path) -> None:
    first, second = add(tables, Kind.EPIC, project), add(tables, Kind.EPIC, project)
    tables.entries.delete(second)
    tables.entries.delete(first)
    third = add(tables, Kind.EPIC, project)
    stories = [add(tables, Kind.STORY, third) for _ in range(2)]
    tables.entries.delete(stories[1])
    assert (first.code, second.code, third.code) == ("E1", "E2", "E3")
    assert add(tables, Kind.STORY, third).code == "S3"


@pytest.mark.parametrize("kind", [Kind.EPIC, Kind.STORY, Kind.SUBTASK])
def test_a_number_that_was_made_and_deleted_in_between_is_not_used_again(
    tables: Tables, project: Path, kind: Kind
) -> None:
    parent, kinds = project, [Kind.EPIC, Kind.STORY, Kind.SUBTASK]
    for above in kinds[: kinds.index(kind)]:
        parent = add(tables, above, parent)
    before = counts(tables, project)

    def make_and_delete() -> None:
        tables.entries.delete(add(tables, kind, parent))

    assert add(tables, kind, parent, make_and_delete).number == 2
    assert sum(counts(tables, project)) == sum(before) + 1


def test_what_is_made_is_made_once_though_the_answer_was_lost(
    tables: Tables, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, lost = Transaction.commit, [Transient("The answer was lost."), Cancelled(["taken"])]

    def loses_its_answer(self: Transaction) -> None:
        commit(self)
        if lost:
            raise lost.pop()

    monkeypatch.setattr(Transaction, "commit", loses_its_answer)
    epics = [add(tables, Kind.EPIC, project) for _ in range(3)]
    assert lost == []
    assert [epic.numbers for epic in epics] == [(1,), (2,), (3,)]
    assert [epic.code for epic in tables.entries.iter_all(Kind.EPIC, project)] == ["E1", "E2", "E3"]
    assert tables.projects.counts(project.project_id).epics == 3


def test_what_is_made_below_a_parent_that_goes_meanwhile_is_refused(tables: Tables, project: Path) -> None:
    epic = add(tables, Kind.EPIC, project)
    with pytest.raises(NotFound):
        add(tables, Kind.STORY, epic, lambda: tables.entries.delete(epic))
    assert counts(tables, project) == (0, 0, 0, 0)


def test_lists_come_in_code_order_page_by_page(tables: Tables, project: Path) -> None:
    epic = add(tables, Kind.EPIC, project)
    made = [str(add(tables, Kind.STORY, epic)) for _ in range(12)]
    found, after = tables.entries.page(Kind.STORY, epic, None, 5)
    listed = [story.id for story in found]
    while after:
        found, after = tables.entries.page(Kind.STORY, epic, after, 5)
        listed += [story.id for story in found]
    assert listed == made


def test_a_page_that_ends_with_the_list_has_no_next(tables: Tables, project: Path) -> None:
    for _ in range(2):
        add(tables, Kind.EPIC, project)
    assert tables.entries.page(Kind.EPIC, project, None, 2)[1] is None


def test_counts_follow_every_change(tables: Tables, project: Path) -> None:
    tables.cards.import_cards(project.project_id, [NewCard(1, "Slow"), NewCard(2, "Blue")])
    epic = add(tables, Kind.EPIC, project)
    story = add(tables, Kind.STORY, epic)
    subtasks = [add(tables, Kind.SUBTASK, story) for _ in range(3)]
    assert counts(tables, project) == (2, 1, 1, 3)
    tables.entries.delete(subtasks[0])
    tables.entries.delete(Path(Kind.CARD, project.project_id, (1,)))
    assert counts(tables, project) == (1, 1, 1, 2)


def test_what_is_below_a_deleted_epic_is_gone_before_it_is_purged(tables: Tables, project: Path) -> None:
    epic, other = add(tables, Kind.EPIC, project), add(tables, Kind.EPIC, project)
    story, kept = add(tables, Kind.STORY, epic), add(tables, Kind.STORY, other)
    subtask = add(tables, Kind.SUBTASK, story)
    tables.entries.delete(epic)
    for path in (epic, story, subtask):
        with pytest.raises(NotFound):
            tables.entries.get(path)
    with pytest.raises(NotFound):
        add(tables, Kind.SUBTASK, story)
    assert [found.id for found in tables.entries.page(Kind.STORY, project, None, 50)[0]] == [str(kept)]
    assert list(tables.entries.iter_all(Kind.SUBTASK, project)) == []
    assert project.project_id in tables.purger.to_purge()


def test_a_purge_leaves_nothing_dead_and_counts_what_is_left(tables: Tables, project: Path) -> None:
    epic, other = add(tables, Kind.EPIC, project), add(tables, Kind.EPIC, project)
    for parent in (epic, other):
        story = add(tables, Kind.STORY, parent)
        for _ in range(2):
            add(tables, Kind.SUBTASK, story)
    tables.entries.delete(epic)
    assert not tables.purger.purge(project.project_id, always)
    assert tables.purger.purge(project.project_id, never)
    assert counts(tables, project) == (0, 1, 1, 2)
    assert not [sk for sk in rows(project) if sk[2:].startswith("000001")]
    assert project.project_id not in tables.purger.to_purge()
    assert ProjectRow.get(project.project_id, "P").retired is None
    assert tables.purger.purge(project.project_id, never)


def test_a_deleted_project_is_gone_at_once_and_leaves_no_row(tables: Tables, project: Path) -> None:
    tables.cards.import_cards(project.project_id, [NewCard(1, "Slow", external_id="a")])
    epic = add(tables, Kind.EPIC, project)
    run_row(run(project, RunType.GENERATE_EPICS, status=RunStatus.SUCCEEDED)).save()
    LockRow(f"{project}-R1", "M#00000", run_id="x", replaces=False).save()
    tables.projects.delete(project.project_id)
    with pytest.raises(NotFound):
        tables.projects.get(project.project_id)
    with pytest.raises(NotFound):
        tables.entries.get(epic)
    with pytest.raises(NotFound):
        tables.cards.import_cards(project.project_id, [NewCard(1, "Late")])
    assert tables.projects.page(None, 50)[0] == []
    assert tables.purger.to_purge() == [project.project_id]
    assert tables.purger.purge(project.project_id, never)
    assert rows(project) == []
    assert list(LockRow.query(project.project_id)) == list(LockRow.query(f"{project}-R1")) == []


def test_a_purge_that_comes_late_brings_no_project_back(tables: Tables, project: Path) -> None:
    epic = add(tables, Kind.EPIC, project)
    add(tables, Kind.STORY, epic)
    tables.entries.delete(epic)
    tables.projects.delete(project.project_id)
    assert tables.purger.purge(project.project_id, never)
    assert tables.purger.purge(project.project_id, never)
    assert rows(project) == []


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        (Kind.CARD, {RunType.ANALYZE_CARDS, RunType.GENERATE_EPICS}),
        (Kind.EPIC, {RunType.GENERATE_EPICS, RunType.GENERATE_STORIES, RunType.GENERATE_SUBTASKS}),
        (Kind.STORY, {RunType.GENERATE_STORIES, RunType.GENERATE_SUBTASKS}),
        (Kind.SUBTASK, {RunType.GENERATE_SUBTASKS}),
        (Kind.PROJECT, set(PIPELINE)),
    ],
)
@pytest.mark.parametrize("type_", PIPELINE)
def test_what_a_run_needs_is_not_deleted(
    tables: Tables, project: Path, kind: Kind, types: set[RunType], type_: RunType
) -> None:
    tables.cards.import_cards(project.project_id, [NewCard(1, "Slow")])
    epic = add(tables, Kind.EPIC, project)
    story = add(tables, Kind.STORY, epic)
    paths = {Kind.CARD: Path(Kind.CARD, project.project_id, (1,)), Kind.EPIC: epic, Kind.STORY: story}
    path = paths.get(kind) or add(tables, Kind.SUBTASK, story)
    before = counts(tables, project)
    lock(project, type_)

    def delete() -> None:
        if kind is Kind.PROJECT:
            tables.projects.delete(project.project_id)
        else:
            tables.entries.delete(path)

    if type_ not in types:
        delete()
        return
    with pytest.raises(BacklogInUse) as refusal:
        delete()
    assert refusal.value.details == {"runId": f"{project}-R1"}
    assert counts(tables, project) == before


def test_an_external_id_is_imported_once_and_free_again_after_its_card(tables: Tables, project: Path) -> None:
    cards = [NewCard(1, "Slow", external_id="a"), NewCard(2, "Blue"), NewCard(3, "Red", external_id="b")]
    first = tables.cards.import_cards(project.project_id, cards)
    second = tables.cards.import_cards(project.project_id, [NewCard(1, "Changed", external_id="a")])
    assert (first.created, first.duplicates, second.created, second.duplicates) == (3, 0, 0, 1)
    assert [card.text for card in cards_of(tables, project)] == ["Slow", "Blue", "Red"]
    tables.entries.delete(Path(Kind.CARD, project.project_id, (1,)))
    assert tables.cards.import_cards(project.project_id, cards[:1]).created == 1
    assert counts(tables, project)[0] == 3


def test_an_import_larger_than_a_transaction_arrives_whole_and_in_order(tables: Tables, project: Path) -> None:
    small = [NewCard(n, f"Card {n}", external_id=str(n)) for n in range(100)]
    large = [NewCard(n, "ä" * 10_000, metadata={"more": "😀" * 15_000}) for n in range(30)]
    assert tables.cards.import_cards(project.project_id, [*small, *large]).created == 130
    assert [card.text for card in cards_of(tables, project)] == [card.text for card in [*small, *large]]
    assert counts(tables, project)[0] == 130


def test_an_edit_leaves_alone_what_it_does_not_name(tables: Tables, project: Path) -> None:
    tables.cards.import_cards(project.project_id, [NewCard(1, "Slow", source="mail", metadata={"stars": 2})])
    path = Path(Kind.CARD, project.project_id, (1,))
    CardRow(project.project_id, "C#000000001").update(actions=[CardRow.analysis.set(stored_analysis(ANALYSIS))])
    same = tables.entries.update(path, {"source": None, "text": "Slow"})
    assert isinstance(same, Card)
    assert (same.analysis, same.source, same.metadata) == (ANALYSIS, None, {"stars": 2})
    other = tables.entries.update(path, {"text": "Slower"})
    assert isinstance(other, Card)
    assert other.analysis is None
    assert tables.entries.get(path) == other


def test_what_is_not_there_cannot_be_edited(tables: Tables, project: Path) -> None:
    with pytest.raises(NotFound):
        tables.entries.update(project.child(Kind.EPIC, 7), {"title": "X"})
    with pytest.raises(NotFound):
        tables.projects.update("23456789bc", {"name": "X"})
    assert rows(project) == ["P"]


def run(project: Path, type_: RunType, status: RunStatus = RunStatus.RUNNING) -> Run:
    made = Run(
        id=f"{project}-R1",
        type=type_,
        created_at=1,
        options=RunOptions(),
        ai="mock",
        model="m",
        total=3,
    )
    return replace(made, status=status, created=5, deleted=2)


def test_an_active_run_counts_before_it_has_ended(tables: Tables, project: Path) -> None:
    epic = add(tables, Kind.EPIC, project)
    add(tables, Kind.STORY, epic)
    lock(project, RunType.GENERATE_STORIES)
    run_row(run(project, RunType.GENERATE_STORIES)).save()
    assert tables.projects.counts(project.project_id) == Counts(epics=1, stories=4)
    run_row(run(project, RunType.GENERATE_STORIES, RunStatus.SUCCEEDED)).save()
    assert tables.projects.counts(project.project_id) == Counts(epics=1, stories=1)


def test_an_id_that_is_none_is_not_found_and_not_asked_for(tables: Tables) -> None:
    for text in ("", "PROJECTS", "x" * 3_000):
        with pytest.raises(NotFound):
            tables.projects.get(text)
