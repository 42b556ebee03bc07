"""Cards in batches, and one bad entry costs one card."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.backlog.model import CardAnalysis
from groundwork.generation import analyze_cards
from groundwork.generation.analyze_cards import AnalyzedCards, batches
from tests.llm.questions import PROJECT, card, cards

ENTRY = {
    "ref": "1",
    "summary": "It crashes.",
    "theme": "search",
    "kind": "bug",
    "severity": "high",
    "sentiment": "negative",
    "keywords": ["crash"],
}
TWO = cards("It crashes", "Great")


def entry(ref: str, **changes: Any) -> dict[str, Any]:
    return {**ENTRY, "ref": ref, **changes}


def outcome(*entries: Any) -> dict[str, CardAnalysis | str]:
    return analyze_cards.interpret(TWO, AnalyzedCards(cards=list(entries)))


def of(number: int) -> str:
    return f"{PROJECT}-C{number}"


def test_each_card_gets_its_own_analysis_whatever_the_order() -> None:
    found = outcome(entry("2", kind="praise"), entry("1"))
    first, second = found[of(1)], found[of(2)]
    assert isinstance(first, CardAnalysis)
    assert isinstance(second, CardAnalysis)
    assert (first.kind, second.kind) == ("bug", "praise")


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (None, "leaves this card out"),
        (entry("2", kind="complaint"), "kind: Input should be"),
        (entry("2", summary=" \x00 "), "summary: String should have at least 1"),
        (entry("2", summary="x" * 301), "summary: String should have at most 300"),
        (entry("2", theme="x" * 61), "theme"),
        (entry("2", note="more"), "note: Extra inputs are not permitted"),
        ("2", "leaves this card out"),
    ],
)
def test_a_bad_entry_costs_its_own_card_only(second: Any, reason: str) -> None:
    found = outcome(entry("1"), *([second] if second else []))
    assert isinstance(found[of(1)], CardAnalysis)
    assert reason in str(found[of(2)])


def test_two_entries_for_one_card_are_not_trusted() -> None:
    found = outcome(entry("1"), entry("2"), entry("2", kind="praise"))
    assert found[of(2)] == "the model's answer has this card twice"


def test_entries_for_cards_that_were_not_asked_about_change_nothing() -> None:
    assert set(outcome(entry("1"), entry("2"), entry("3"))) == {of(1), of(2)}


@pytest.mark.parametrize("entries", [(), ("x", None, 3), (entry("7"),), (entry("1", kind="x"),)])
def test_an_answer_without_a_usable_entry_is_invalid(entries: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="no card has a usable analysis"):
        outcome(*entries)


def test_themes_come_out_alike() -> None:
    found = outcome(entry("1", theme="  Sign-in  and\nAccounts "), entry("2"))
    first = found[of(1)]
    assert isinstance(first, CardAnalysis)
    assert first.theme == "sign-in and accounts"


def test_needless_keywords_cost_nothing() -> None:
    found = outcome(entry("1", keywords=["a", "a", " ", *(f"w{n}" for n in range(20))]), entry("2"))
    first = found[of(1)]
    assert isinstance(first, CardAnalysis)
    assert len(first.keywords) == 12


def test_our_ids_are_not_sent() -> None:
    question = analyze_cards.question(TWO, ["search"])
    assert PROJECT not in str(question.material)
    assert question.material["known_themes"] == ["search"]


def test_short_cards_share_a_call_and_a_long_one_goes_alone() -> None:
    texts = ["x" * 1_500, "x" * 1_500, "x" * 1_500, "x" * 9_000, "x"]
    assert [[len(c.text) for c in batch] for batch in batches(cards(*texts))] == [
        [1_500, 1_500],
        [1_500],
        [9_000],
        [1],
    ]


@given(st.lists(st.integers(1, 6_000), max_size=60))
def test_batches_keep_every_card_in_order_and_stay_small(sizes: list[int]) -> None:
    given_cards = [card(number, "x" * size) for number, size in enumerate(sizes, start=1)]
    groups = batches(given_cards)
    assert [c for group in groups for c in group] == given_cards
    for group in groups:
        assert len(group) <= 10
        assert len(group) == 1 or sum(len(c.text) for c in group) <= 4_000
