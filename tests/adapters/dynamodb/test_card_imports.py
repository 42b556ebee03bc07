"""Imports count once, by id, by text and by part; cards of older releases are known."""

from collections import Counter
from typing import Any

import pytest

from groundwork.adapters.dynamodb import older_cards
from groundwork.adapters.dynamodb.backlog_rows import (
    CardRow,
    ContentHashRow,
    ExternalIdRow,
    ProjectRow,
    external_key,
    hash_key,
)
from groundwork.adapters.dynamodb.import_parts import ImportPart
from groundwork.adapters.dynamodb.older_cards import DynamoOlderCards
from groundwork.adapters.dynamodb.tables import Tables, connection
from groundwork.backlog.new_cards import NewCard, OlderCardsUnfinished, content_hash
from groundwork.errors import IdempotencyKeyReused, NotFound
from groundwork.ids import Kind, Path
from tests.adapters.dynamodb.test_backlog import cards_of, counts, never, rows
from tests.adapters.dynamodb.test_backlog_concurrency import at_once
from tests.tables import make_tables

PART = ImportPart("file-1", "f")


@pytest.fixture
def project(tables: Tables) -> Path:
    return Path(Kind.PROJECT, tables.projects.create("Shop", "").id)


@pytest.fixture
def old_project(tables: Tables, project: Path) -> Path:
    """A project as an older release has left it."""
    ProjectRow(project.project_id).update(actions=[ProjectRow.trimmed_to.remove(), ProjectRow.hashed_to.remove()])
    return project


def older_card(project: Path, number: int, text: str, external_id: str | None = None) -> None:
    CardRow(project.project_id, f"C#{number:09d}", text=text, external_id=external_id).save()
    if external_id:
        ExternalIdRow(project.project_id, external_key(external_id), number=number).save()
    ProjectRow(project.project_id).update(actions=[ProjectRow.cards.add(1), ProjectRow.last_card.add(1)])


def hashes_are_right(tables: Tables, project: Path) -> bool:
    """Compare the stored counts with the cards."""
    expected = Counter(content_hash(card.text) for card in cards_of(tables, project))
    stored = {
        row.sk: int(row.cards) for row in ContentHashRow.query(project.project_id, ContentHashRow.sk.startswith("H#"))
    }
    return {sk: count for sk, count in stored.items() if count} == {
        hash_key(one): count for one, count in expected.items()
    }


def test_the_counts_of_texts_follow_imports_edits_and_deletions(tables: Tables, project: Path) -> None:
    tables.cards.import_cards(project.project_id, [NewCard(1, "Slow"), NewCard(2, "Slow"), NewCard(3, "Blue")])
    assert hashes_are_right(tables, project)
    tables.entries.update(Path(Kind.CARD, project.project_id, (1,)), {"text": "Fast", "source": "mail"})
    assert hashes_are_right(tables, project)
    tables.entries.update(Path(Kind.CARD, project.project_id, (1,)), {"text": " Fast "})
    tables.entries.delete(Path(Kind.CARD, project.project_id, (2,)))
    assert hashes_are_right(tables, project)


def test_equal_texts_are_duplicates_where_asked(tables: Tables, project: Path) -> None:
    tables.cards.import_cards(project.project_id, [NewCard(1, "Grüße\nSlow")])
    new = [NewCard(1, "Gru\u0308ße\r\nSlow"), NewCard(2, "Red"), NewCard(3, "Red"), NewCard(4, "Blue")]
    result = tables.cards.import_cards(project.project_id, new, by_content=True)
    assert (result.created, result.duplicates) == (2, 2)
    assert hashes_are_right(tables, project)


def test_the_first_import_by_content_knows_the_cards_of_older_releases(tables: Tables, old_project: Path) -> None:
    for number in range(1, 101):
        older_card(old_project, number, f"Old {number % 40}")
    new = [NewCard(1, "Old 7"), NewCard(2, "New")]
    assert tables.cards.import_cards(old_project.project_id, new, by_content=True).created == 1
    assert hashes_are_right(tables, old_project)
    assert tables.cards.import_cards(old_project.project_id, new, by_content=True).created == 0


def test_the_filling_in_stops_in_time_and_goes_on_where_it_was(
    tables: Tables, old_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older_cards, "PAGE", 10)
    for number in range(1, 26):
        older_card(old_project, number, f"Old {number}")
    ticks = iter(range(0, 100_000, 100))
    hasty = DynamoOlderCards(connection, lambda: next(ticks))
    for reached in (10, 20):
        with pytest.raises(OlderCardsUnfinished):
            hasty.fill_hashes(tables.projects.row(old_project.project_id))
        assert tables.projects.row(old_project.project_id).hashed_to == reached
    hasty.fill_hashes(tables.projects.row(old_project.project_id))
    assert hashes_are_right(tables, old_project)


def test_an_edit_or_a_deletion_of_an_older_card_leaves_the_counts_right(tables: Tables, old_project: Path) -> None:
    for number in (1, 2, 3):
        older_card(old_project, number, "Old")
    tables.entries.update(Path(Kind.CARD, old_project.project_id, (1,)), {"text": "New"})
    tables.entries.delete(Path(Kind.CARD, old_project.project_id, (2,)))
    tables.cards.import_cards(old_project.project_id, [NewCard(1, "Old")], by_content=True)
    assert [card.text for card in cards_of(tables, old_project)] == ["New", "Old"]
    assert hashes_are_right(tables, old_project)


def test_an_id_with_spaces_of_an_older_card_is_known(tables: Tables, old_project: Path) -> None:
    older_card(old_project, 1, "Slow", " 7")
    older_card(old_project, 2, "Blue", "8")
    new = [NewCard(1, "Slow", external_id="7"), NewCard(2, "Blue", external_id="8"), NewCard(3, "Red", external_id="9")]
    assert tables.cards.import_cards(old_project.project_id, new).created == 1
    tables.entries.delete(Path(Kind.CARD, old_project.project_id, (1,)))
    assert tables.cards.import_cards(old_project.project_id, new).created == 1


def test_of_two_older_cards_with_one_trimmed_id_the_first_keeps_it(tables: Tables, old_project: Path) -> None:
    older_card(old_project, 1, "Slow", "7")
    older_card(old_project, 2, "Slow", " 7")
    new = [NewCard(1, "Slow", external_id="7")]
    assert tables.cards.import_cards(old_project.project_id, new).created == 0
    tables.entries.delete(Path(Kind.CARD, old_project.project_id, (2,)))
    assert tables.cards.import_cards(old_project.project_id, new).created == 0


def test_a_part_that_was_cut_off_is_continued(tables: Tables, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = [NewCard(n, f"Card {n % 60}", external_id=str(n) if n % 2 else None) for n in range(100)]
    tables.cards.import_cards(project.project_id, [NewCard(1, "Known", external_id="99")])

    class Lost(Exception):
        """The worker is gone."""

    put, calls = tables.cards._put_cards, iter(range(10))

    def cut_off(*arguments: Any) -> int | None:
        if next(calls) == 2:
            raise Lost
        return put(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(tables.cards, "_put_cards", cut_off)
        with pytest.raises(Lost):
            tables.cards.import_cards(project.project_id, new, part=PART)
    assert 1 < len(cards_of(tables, project)) < 100
    for _ in range(2):
        result = tables.cards.import_cards(project.project_id, new, part=PART)
        assert (result.created, result.duplicates) == (99, 1)
    assert [card.text for card in cards_of(tables, project)] == ["Known", *[card.text for card in new[:99]]]
    assert hashes_are_right(tables, project)


def test_a_part_counts_once_even_after_its_cards_were_deleted(tables: Tables, project: Path) -> None:
    new = [NewCard(1, "Slow", external_id="a"), NewCard(2, "Blue")]
    for _ in range(2):
        assert tables.cards.import_cards(project.project_id, new, part=PART).created == 2
    tables.entries.delete(Path(Kind.CARD, project.project_id, (1,)))
    assert tables.cards.import_cards(project.project_id, new, part=PART).created == 2
    assert counts(tables, project)[0] == 1
    known = [NewCard(2, "Blue")]
    for _ in range(2):
        result = tables.cards.import_cards(project.project_id, known, by_content=True, part=ImportPart("2", "g"))
        assert (result.created, result.duplicates) == (0, 1)


def test_a_key_with_another_body_is_refused(tables: Tables, project: Path) -> None:
    tables.cards.import_cards(project.project_id, [NewCard(1, "Slow")], part=PART)
    with pytest.raises(IdempotencyKeyReused):
        tables.cards.import_cards(project.project_id, [NewCard(1, "Blue")], part=ImportPart("file-1", "g"))


def test_nothing_of_an_import_is_left_of_a_deleted_project(tables: Tables, project: Path) -> None:
    tables.cards.import_cards(project.project_id, [NewCard(1, "Slow", external_id="a")], part=PART)
    tables.projects.delete(project.project_id)
    with pytest.raises(NotFound):
        tables.cards.import_cards(project.project_id, [NewCard(1, "Slow")], part=PART)
    assert tables.purger.purge(project.project_id, never)
    assert rows(project) == []


class TestAtOnce:
    """Many at once, on an engine whose transactions are atomic."""

    @pytest.fixture
    def tables(self, dynamodb_local: str) -> Tables:
        return make_tables(dynamodb_local)

    def test_a_part_that_all_send_at_once_makes_each_card_once(self, tables: Tables, project: Path) -> None:
        new = [NewCard(n, f"Card {n % 30}", external_id=str(n) if n % 3 else None) for n in range(70)]
        imported = at_once(lambda _: tables.cards.import_cards(project.project_id, new, part=PART), 8)
        assert {(one.created, one.duplicates) for one in imported} == {(70, 0)}
        assert [card.text for card in cards_of(tables, project)] == [card.text for card in new]
        assert counts(tables, project)[0] == 70
        assert hashes_are_right(tables, project)

    def test_texts_that_all_import_at_once_make_one_card_each(self, tables: Tables, project: Path) -> None:
        new = [NewCard(n, f"Card {n}") for n in range(40)]
        imported = at_once(lambda _: tables.cards.import_cards(project.project_id, new, by_content=True), 8)
        assert sum(one.created for one in imported) == 40 == counts(tables, project)[0]
        assert sorted(card.text for card in cards_of(tables, project)) == sorted(card.text for card in new)
        assert hashes_are_right(tables, project)

    def test_older_cards_are_counted_once_whoever_fills_them_in(self, tables: Tables, old_project: Path) -> None:
        for number in range(1, 61):
            older_card(old_project, number, f"Old {number % 25}")
        new = [NewCard(1, "Old 3"), NewCard(2, "New")]

        def act(number: int) -> int:
            if number < 6:
                return tables.cards.import_cards(old_project.project_id, new, by_content=True).created
            path = Path(Kind.CARD, old_project.project_id, (number,))
            if number % 2:
                tables.entries.delete(path)
            else:
                tables.entries.update(path, {"text": "Edited"})
            return 0

        assert sum(at_once(act, 12)) == 1
        assert hashes_are_right(tables, old_project)
