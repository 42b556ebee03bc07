"""Stories of an epic and subtasks of a story, as many as the mode says."""

from typing import Any

import pytest

from groundwork.backlog.model import Mode, Severity
from groundwork.generation import stories, subtasks
from groundwork.generation.stories import WrittenStories
from groundwork.generation.subtasks import WrittenSubtasks
from tests.llm.questions import EPIC, PROJECT, STORY, analysed, some_cards

CRITERION = "Given a list, when I search, then I find it."
CARDS = some_cards(4)


def written(count: int, **changes: Any) -> WrittenStories:
    def story(number: int) -> dict[str, Any]:
        return {
            "title": f"Story {number}",
            "role": "reader",
            "want": "to search",
            "benefit": "I find it",
            "acceptance_criteria": [CRITERION],
            "priority": "high",
            "effort": "M",
            "cards": ["2"],
            **changes,
        }

    return WrittenStories.model_validate({"stories": [story(n) for n in range(count)]})


@pytest.mark.parametrize("mode", list(Mode))
def test_the_mode_bounds_the_stories(mode: Mode) -> None:
    fewest, most = mode.children
    for count in (fewest, most):
        assert len(stories.interpret(EPIC, CARDS, mode, written(count))) == count
    for count in (0, fewest - 1, most + 1):
        with pytest.raises(ValueError, match=f"{count} stories given, {fewest} to {most} wanted"):
            stories.interpret(EPIC, CARDS, mode, written(count))


def test_a_story_names_the_cards_it_traces_to() -> None:
    draft = stories.interpret(EPIC, CARDS, Mode.COMPACT, written(3))[0]
    assert draft.card_ids == (f"{PROJECT}-C2",)
    assert draft.acceptance_criteria == (CRITERION,)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"cards": ["5"]}, "unknown refs: 5"),
        ({"cards": []}, "rests on no card"),
        ({"title": "Same"}, "same title"),
        ({"acceptance_criteria": [CRITERION, "It is fast."]}, "without Given, When, Then"),
        ({"acceptance_criteria": ["When I search, then given results."]}, "without Given, When, Then"),
    ],
)
def test_stories_that_cannot_be_kept_are_refused(changes: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        stories.interpret(EPIC, CARDS, Mode.COMPACT, written(3, **changes))


@pytest.mark.parametrize("count", [0, 7])
def test_a_story_has_one_to_six_criteria(count: int) -> None:
    with pytest.raises(ValueError, match="acceptance_criteria"):
        written(3, acceptance_criteria=[CRITERION] * count)


def test_an_epic_without_cards_has_stories_without_cards() -> None:
    found = stories.interpret(EPIC, [], Mode.COMPACT, written(3, cards=[]))
    assert [story.card_ids for story in found] == [(), (), ()]


def test_only_the_most_severe_cards_are_sent() -> None:
    severities: tuple[Severity, ...] = ("low", "critical", "medium", "high")
    cards = [analysed(n, severity=severities[n % 4], text="y" * 900) for n in range(1, 101)]
    sent = stories.question(EPIC, cards, Mode.STANDARD).material["cards"]
    assert len(sent) == 60
    assert [card["severity"] for card in sent] == ["critical"] * 25 + ["high"] * 25 + ["medium"] * 10
    assert all(len(card["text"]) <= 300 for card in sent)


def test_the_mode_is_in_the_instructions_and_in_the_material() -> None:
    question = stories.question(EPIC, CARDS, Mode.DETAILED)
    assert "Write 8 to 12 stories" in question.instructions
    assert question.material["stories_wanted"] == {"fewest": 8, "most": 12}
    assert "Write 3 to 5 subtasks" in subtasks.question(STORY, EPIC, Mode.COMPACT).instructions


def subtasks_written(count: int, **changes: Any) -> WrittenSubtasks:
    made = [{"title": f"Do {n}", "description": "So.", "effort": "S", **changes} for n in range(count)]
    return WrittenSubtasks.model_validate({"subtasks": made})


@pytest.mark.parametrize("mode", list(Mode))
def test_the_mode_bounds_the_subtasks(mode: Mode) -> None:
    fewest, most = mode.children
    for count in (fewest, most):
        assert len(subtasks.interpret(STORY, mode, subtasks_written(count))) == count
    for count in (0, fewest - 1, most + 1):
        with pytest.raises(ValueError, match=f"{count} subtasks given"):
            subtasks.interpret(STORY, mode, subtasks_written(count))


def test_subtasks_with_one_title_are_refused() -> None:
    with pytest.raises(ValueError, match="subtasks of S1 with the same title"):
        subtasks.interpret(STORY, Mode.COMPACT, subtasks_written(3, title="Do it"))


@pytest.mark.parametrize("changes", [{"title": ""}, {"title": "x" * 121}, {"description": "\x00"}, {"effort": "XXL"}])
def test_texts_and_efforts_have_limits(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        subtasks_written(3, **changes)
