"""Concurrent writers on DynamoDB Local: its transactions are atomic, unlike those of moto."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.new_cards import NewCard
from groundwork.errors import NotFound
from groundwork.ids import Kind, Path
from tests.adapters.dynamodb.test_backlog import add, cards_of, counts, never, rows
from tests.tables import make_tables

THREADS = 20


@pytest.fixture
def tables(dynamodb_local: str) -> Tables:
    return make_tables(dynamodb_local)


@pytest.fixture
def project(tables: Tables) -> Path:
    return Path(Kind.PROJECT, tables.projects.create("Shop", "").id)


def at_once[T](act: Callable[[int], T], times: int = THREADS) -> list[T]:
    """Run all calls at the same time; return their results."""
    barrier = Barrier(times)

    def start(number: int) -> T:
        barrier.wait(30)
        return act(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(start, range(times)))


def test_an_external_id_that_all_import_at_once_makes_one_card(tables: Tables, project: Path) -> None:
    cards = [NewCard(n, f"Card {n}", external_id=str(n)) for n in range(5)]
    imported = at_once(lambda n: tables.cards.import_cards(project.project_id, [*cards, NewCard(9, f"Mine {n}")]))
    assert sum(one.created for one in imported) == 5 + THREADS
    assert sum(one.duplicates for one in imported) == 5 * (THREADS - 1)
    found = cards_of(tables, project)
    assert len({card.id for card in found}) == len(found) == 5 + THREADS == counts(tables, project)[0]


@pytest.mark.slow(reason="many threads on DynamoDB Local")
def test_everything_made_at_once_gets_a_number_of_its_own(tables: Tables, project: Path) -> None:
    epics = at_once(lambda n: add(tables, Kind.EPIC, project), THREADS)
    assert sorted(epic.number for epic in epics) == list(range(1, THREADS + 1))
    stories = at_once(lambda n: add(tables, Kind.STORY, epics[0]), THREADS)
    assert sorted(story.number for story in stories) == list(range(1, THREADS + 1))
    assert counts(tables, project) == (0, THREADS, THREADS, 0)


def test_numbers_deleted_at_once_are_not_used_again(tables: Tables, project: Path) -> None:
    epics = [add(tables, Kind.EPIC, project) for _ in range(6)]
    at_once(lambda n: tables.entries.delete(epics[n]), 6)
    assert add(tables, Kind.EPIC, project).number == 7
    assert counts(tables, project)[1] == 1


def test_one_of_two_who_delete_the_same_is_told_that_it_is_gone(tables: Tables, project: Path) -> None:
    epic = add(tables, Kind.EPIC, project)

    def delete(_: int) -> bool:
        try:
            tables.entries.delete(epic)
        except NotFound:
            return False
        return True

    assert sum(at_once(delete, 6)) == 1
    assert counts(tables, project) == (0, 0, 0, 0)


def test_patches_of_different_fields_both_stay(tables: Tables, project: Path) -> None:
    epic = add(tables, Kind.EPIC, project)
    fields = ["title", "description", "goal"]
    at_once(lambda n: tables.entries.update(epic, {fields[n % 3]: "new"}), 12)
    found = tables.entries.get(epic).model_dump()
    assert [found[field] for field in fields] == ["new"] * 3


def test_purgers_and_writers_together_leave_exact_counts(tables: Tables, project: Path) -> None:
    dead, alive = add(tables, Kind.EPIC, project), add(tables, Kind.EPIC, project)
    for _ in range(3):
        story = add(tables, Kind.STORY, dead)
        for _ in range(3):
            add(tables, Kind.SUBTASK, story)
    tables.entries.delete(dead)

    def work(number: int) -> None:
        if number % 2:
            add(tables, Kind.STORY, alive)
        else:
            tables.purger.purge(project.project_id, never)

    at_once(work, 8)
    assert tables.purger.purge(project.project_id, never)
    assert counts(tables, project) == (0, 1, 4, 0)
    assert sorted(sk[0] for sk in rows(project)) == ["E", "P", "S", "S", "S", "S"]


def test_a_project_deleted_during_imports_leaves_nothing(tables: Tables, project: Path) -> None:
    def work(number: int) -> None:
        try:
            if number == 0:
                tables.projects.delete(project.project_id)
                tables.purger.purge(project.project_id, never)
            else:
                tables.cards.import_cards(project.project_id, [NewCard(n, "x", external_id=str(n)) for n in range(50)])
        except NotFound:
            return

    at_once(work, 6)
    assert rows(project) == []
