"""Chunks by theme, proposals, their merge, and the coverage of cards."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.backlog.model import Card
from groundwork.generation import epics
from groundwork.generation.epics import MergedEpics, ProposedEpics
from tests.llm.questions import PROJECT, analysed, card, drafts, some_cards


def proposed(*refs: list[str], **changes: Any) -> ProposedEpics:
    made = [
        {"title": f"Epic {n}", "description": "What.", "goal": "Why.", "priority": "high", "cards": r, **changes}
        for n, r in enumerate(refs, start=1)
    ]
    return ProposedEpics.model_validate({"epics": made})


def merged(*refs: list[str]) -> MergedEpics:
    made = [
        {"title": f"Epic {n}", "description": "What.", "goal": "Why.", "priority": "low", "drafts": r}
        for n, r in enumerate(refs, start=1)
    ]
    return MergedEpics.model_validate({"epics": made})


@pytest.mark.parametrize(("cards", "count"), [(0, 1), (1, 1), (250, 1), (251, 2), (2_000, 8), (10_000, 40)])
def test_a_chunk_holds_at_most_250_cards(cards: int, count: int) -> None:
    assert epics.chunk_count(cards) == count


@given(st.integers(0, 700), st.integers(1, 12))
def test_chunks_hold_every_analysed_card_once_in_nearly_equal_runs(total: int, count: int) -> None:
    found = epics.chunks(some_cards(total), count)
    sizes = [len(chunk) for chunk in found]
    assert len(found) == count
    assert sorted(c.id for chunk in found for c in chunk) == sorted(c.id for c in some_cards(total))
    assert max(sizes) - min(sizes) <= 1


def test_chunks_keep_themes_together_and_do_not_depend_on_the_order_of_cards() -> None:
    cards = some_cards(40)
    found = epics.chunks(cards, 4)
    assert all(len({c.analysis.theme for c in chunk if c.analysis}) == 1 for chunk in found)
    assert found == epics.chunks(list(reversed(cards)), 4)


def test_cards_without_an_analysis_are_in_no_chunk() -> None:
    assert epics.chunks([card(1, "not analysed"), analysed(2)], 1) == [[analysed(2)]]


def test_only_the_analysis_goes_out_grouped_by_theme() -> None:
    question = epics.propose([analysed(1, "b", text="secret text"), analysed(2, "a"), analysed(3, "b")], ["Old epic"])
    assert question.material["existing_epics"] == ["Old epic"]
    assert [(g["theme"], [c["ref"] for c in g["cards"]]) for g in question.material["themes"]] == [
        ("a", ["2"]),
        ("b", ["1", "3"]),
    ]
    assert "secret text" not in str(question.material)
    assert PROJECT not in str(question.material)


def test_drafts_carry_the_ids_of_the_cards_they_name() -> None:
    (draft,) = epics.interpret_proposals(some_cards(3), proposed(["1", "3", "1"]))
    assert draft.card_ids == (f"{PROJECT}-C1", f"{PROJECT}-C3")


@pytest.mark.parametrize(
    ("cards", "answer", "error"),
    [
        (3, proposed(["1", "4", "9"]), "names unknown refs: 4, 9"),
        (3, proposed([]), "rests on no card"),
        (3, proposed(), "0 epics given, 1 to 3 wanted"),
        (3, proposed(["1"], ["2"], ["3"], ["1"]), "4 epics given, 1 to 3 wanted"),
        (30, proposed(["1"], ["2"]), "2 epics given, 3 to 12 wanted"),
        (30, proposed(*(["1"] for _ in range(13))), "13 epics given, 3 to 12 wanted"),
        (3, proposed(["1"], ["2"], title="Same"), "same title: same"),
    ],
)
def test_proposals_that_cannot_be_kept_are_refused(cards: int, answer: ProposedEpics, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        epics.interpret_proposals(some_cards(cards), answer)


def test_a_merged_epic_has_the_cards_of_all_its_drafts() -> None:
    found = epics.interpret_merge(drafts(5), merged(["1", "4"], ["2"], ["3", "5"]))
    assert [len(draft.card_ids) for draft in found] == [2, 1, 2]
    assert found[0].card_ids == (f"{PROJECT}-C1", f"{PROJECT}-C4")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (merged(["1"], ["2"], ["3"]), "drafts in no epic: 4, 5"),
        (merged(["1", "2"], ["2", "3"], ["4", "5"]), "drafts in more than one epic: 2"),
        (merged(["1", "2"], ["3", "9"], ["4", "5"]), "unknown refs: 9"),
        (merged(["1", "2"], ["3", "4", "5"]), "2 epics given, 3 to 5 wanted"),
        (merged(["1", "2", "3"], ["4", "5"], []), "made of no draft"),
    ],
)
def test_a_merge_that_loses_or_doubles_a_draft_is_refused(answer: MergedEpics, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        epics.interpret_merge(drafts(5), answer)


def test_two_drafts_may_stay_two_epics() -> None:
    assert len(epics.interpret_merge(drafts(2), merged(["1"], ["2"]))) == 2


def test_coverage_counts_bugs_and_wishes_and_lists_the_rest() -> None:
    cards: list[Card] = [
        analysed(1, kind="bug"),
        analysed(2, kind="feature"),
        analysed(3, kind="praise"),
        analysed(4, kind="bug"),
        card(5, "not analysed"),
    ]
    found = epics.coverage(cards, drafts(2))
    assert (found.stated, found.covered, found.rest_ids) == (3, 2, (f"{PROJECT}-C4",))
