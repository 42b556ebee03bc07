"""The mock model: deterministic and valid for any input."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.backlog.model import Card, CardAnalysis, Epic, Mode, Story
from groundwork.generation import analyze_cards, epics, stories, subtasks, token_estimates
from groundwork.generation.epics import EpicDraft
from groundwork.generation.stories import StoryDraft
from groundwork.llm.mock import model
from groundwork.llm.mock.cards import GENERAL, analysis, theme_of
from groundwork.llm.mock.model import MockModel
from groundwork.llm.port import Question, Stop
from tests.llm.questions import EPIC, PROJECT, STORY, analysed, cards, drafts, every_question, some_cards
from tests.llm.test_prompt import HOSTILE

REAL = [
    'Helps with the hard to find SoNGs..."',
    "respectable app : ) but no : D in galaxy s4",
    "good",
    "👍👍👍",
    "...",
    "5",
    "Excelente aplicación, pero no funciona sin conexión",
    "アプリが落ちます。直してください。",
    "Sehr gut, aber die Werbung nervt",
    "it's &quot;ok&quot; i guess &amp; free",
    "WORST APP EVER!!!!!! UNINSTALL",
    'He said ""hi"", then it crashed',
]


def read[T](question: Question, interpret: Callable[[Any], T]) -> T:
    """Through JSON and validation, as an answer of a real model goes."""
    return interpret(question.answer.model_validate_json(json.dumps(model.answer(question), ensure_ascii=False)))


def read_cards(given_cards: list[Card]) -> list[Card]:
    found: list[Card] = []
    for batch in analyze_cards.batches(given_cards):
        outcomes = read(analyze_cards.question(batch), partial(analyze_cards.interpret, batch))
        for one in batch:
            outcome = outcomes[one.id]
            assert isinstance(outcome, CardAnalysis), outcome
            found.append(one.model_copy(update={"analysis": outcome}))
    return found


def varied(count: int, seed: int = 7) -> list[str]:
    """Texts of words, marks and scripts, from one word to thousands of characters."""
    chance = random.Random(seed)
    pool = " ".join([*REAL, *HOSTILE[:-4], "crash login slow love 🙂 é — please"]).split()
    return [" ".join(chance.choices(pool, k=chance.choice((1, 3, 8, 30, 200))))[:10_000] for _ in range(count)]


def test_every_one_of_hundreds_of_varied_texts_is_analysed() -> None:
    texts = REAL + HOSTILE + varied(400)
    assert len(read_cards(cards(*texts))) == len(texts)


@given(st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=5))
def test_any_text_at_all_is_analysed(texts: list[str]) -> None:
    assert len(read_cards(cards(*texts))) == len(texts)


@pytest.mark.parametrize("count", [1, 2, 5, 29, 30, 60, 250])
def test_epics_of_any_number_of_cards_are_valid(count: int) -> None:
    for some in (some_cards(count), [analysed(n, "one theme") for n in range(1, count + 1)]):
        read(epics.propose(some, []), partial(epics.interpret_proposals, some))


def test_epics_of_nothing_but_praise_and_of_very_many_themes_are_valid() -> None:
    praise = [analysed(n, kind="praise") for n in range(1, 40)]
    many = [analysed(n, f"theme {n}") for n in range(1, 101)]
    for some in (praise, many):
        read(epics.propose(some, []), partial(epics.interpret_proposals, some))


@pytest.mark.parametrize("count", [1, 2, 3, 13, 40, 200])
def test_merges_of_any_number_of_drafts_are_valid(count: int) -> None:
    same = [EpicDraft("Same", "What.", "Why.", "low", (f"{PROJECT}-C{n}",)) for n in range(count)]
    for some in (drafts(count), same):
        read(epics.merge(some), partial(epics.interpret_merge, some))


def test_existing_epics_are_not_proposed_again() -> None:
    first = read(epics.propose(some_cards(40), []), partial(epics.interpret_proposals, some_cards(40)))
    titles = [draft.title for draft in first]
    again = read(epics.propose(some_cards(40), titles), partial(epics.interpret_proposals, some_cards(40)))
    assert not {draft.title for draft in again} & set(titles)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("count", [0, 1, 7, 90])
def test_stories_of_any_epic_are_valid(mode: Mode, count: int) -> None:
    for title in ("Sign-in that works on the first try", "x" * 120, "Ein Epos mit Ünïcode 🎉", "A, part 2"):
        epic = EPIC.model_copy(update={"title": title})
        some = [analysed(n, kind=("bug", "feature", "experience")[n % 3], text="y" * 500) for n in range(1, count + 1)]
        written = read(stories.question(epic, some, mode), partial(stories.interpret, epic, some, mode))
        traced = {card_id for story in written for card_id in story.card_ids}
        assert len(traced) == min(count, stories.MAX_CARDS), "every card that was sent is behind a story"


@pytest.mark.parametrize("mode", list(Mode))
def test_subtasks_of_any_story_are_valid(mode: Mode) -> None:
    bare = STORY.model_copy(update={"want": "", "acceptance_criteria": (), "title": "{0} {braces}"})
    for story in (STORY, bare, STORY.model_copy(update={"want": "z" * 1_000})):
        read(subtasks.question(story, EPIC, mode), partial(subtasks.interpret, story, mode))


def test_the_whole_pipeline_runs_on_what_the_mock_wrote() -> None:
    read_ones = read_cards(cards(*REAL, *varied(60)))
    proposed = read(epics.propose(read_ones, []), partial(epics.interpret_proposals, read_ones))
    coverage = epics.coverage(read_ones, proposed)
    assert (coverage.covered, coverage.rest_ids) == (coverage.stated, ())
    for draft in proposed:
        epic = Epic.model_validate(EPIC.model_dump() | {"title": draft.title, "description": draft.description})
        linked = [card for card in read_ones if card.id in draft.card_ids]
        for story in read(
            stories.question(epic, linked, Mode.COMPACT),
            partial(stories.interpret, epic, linked, Mode.COMPACT),
        ):
            written = _story(story)
            read(
                subtasks.question(written, epic, Mode.COMPACT),
                partial(subtasks.interpret, written, Mode.COMPACT),
            )


def _story(draft: StoryDraft) -> Story:
    return STORY.model_copy(
        update={"title": draft.title, "want": draft.want, "acceptance_criteria": draft.acceptance_criteria}
    )


@pytest.mark.parametrize("question", every_question(), ids=lambda question: question.task.value)
async def test_the_same_question_gets_the_same_answer_at_the_same_price(question: Question) -> None:
    first, second = [await MockModel("claude-sonnet-5-5", 0).reply(question) for _ in range(2)]
    assert first == second
    assert first.stop is Stop.END
    assert (first.usage.calls, first.usage.output) == (1, len(first.text) // 4 + 1)
    assert first.usage.input > 0


async def test_a_call_takes_the_simulated_delay() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await MockModel("claude-sonnet-5-5", 800, sleep).reply(every_question()[0])
    assert slept == [0.8]


@pytest.mark.parametrize(
    ("text", "kind", "theme", "severity", "sentiment"),
    [
        ("Constant app crashes on Galaxy S9+", "bug", "crashes and freezes", "high", "negative"),
        ("Please add a dark theme to the menu", "feature", "look and handling", "low", "neutral"),
        ("Love it, but please add offline sync", "feature", "devices and sync", "low", "positive"),
        ("Great!", "praise", GENERAL, "low", "positive"),
        ("👍👍", "praise", GENERAL, "low", "positive"),
        ("Not good", "other", GENERAL, "low", "neutral"),
        (
            "I was charged twice, this is fraud and I want a refund",
            "feature",
            "payments and plans",
            "critical",
            "neutral",
        ),
        ("Downloading uploads quickly", "other", "search and content", "low", "neutral"),
        ("It is an average experience in all", "experience", GENERAL, "low", "neutral"),
    ],
)
def test_cards_are_read_by_their_words(text: str, kind: str, theme: str, severity: str, sentiment: str) -> None:
    read_as = analysis({"ref": "1", "text": text})
    assert (read_as["kind"], read_as["theme"], read_as["severity"], read_as["sentiment"]) == (
        kind,
        theme,
        severity,
        sentiment,
    )


def test_a_word_inside_another_word_is_not_found() -> None:
    assert theme_of("Quickly loads and paints, misreads nothing") == GENERAL


def test_the_summary_is_the_sentence_that_says_most() -> None:
    read_as = analysis({"ref": "1", "text": "Hello there. since the update login fails! Bye."})
    assert read_as["summary"] == "Since the update login fails!"


def test_estimates_are_of_the_size_of_what_the_mock_measures() -> None:
    """Within a factor of three both ways: rough, but of the right order."""
    texts = [f"The player number {n} stops when the screen turns off, please fix it soon." for n in range(10)]
    measured = {
        token_estimates.analyze_call(sum(map(len, texts)), 10): analyze_cards.question(cards(*texts)),
        token_estimates.epics_call(200): epics.propose([analysed(n, f"theme {n % 12}") for n in range(200)], []),
        token_estimates.merge_call(24): epics.merge(
            [replace(draft, description="x" * 300, goal="y" * 80) for draft in drafts(24)]
        ),
        token_estimates.stories_call(60, Mode.STANDARD): stories.question(EPIC, some_cards(60), Mode.STANDARD),
        token_estimates.subtasks_call(Mode.STANDARD): subtasks.question(STORY, EPIC, Mode.STANDARD),
    }
    for (asked, answered), question in measured.items():
        text = question.instructions + json.dumps(question.material)
        assert 1 / 3 < asked / (len(text) / 4) < 3, question.task
        assert 1 / 3 < answered / (len(json.dumps(model.answer(question))) / 4) < 3, question.task
