"""GENERATE_STORIES: user stories from an epic and its cards; the mode sets their number."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from groundwork.backlog.model import Card, Effort, Epic, Mode, Priority
from groundwork.generation.answer_fields import (
    Answer,
    Line,
    Ref,
    Title,
    Urgency,
    check_count,
    check_distinct,
    check_refs,
    number_refs,
)
from groundwork.generation.prompts import write_stories
from groundwork.llm.port import ModelTask, Question
from groundwork.text import one_line, shorten

MAX_CARDS = 60
MAX_QUOTE_CHARACTERS = 300
_GIVEN_WHEN_THEN = re.compile(r"\bgiven\b.*\bwhen\b.*\bthen\b", re.IGNORECASE | re.DOTALL)
_SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class StoryDraft:
    """A story before it has an id."""

    title: str
    role: str
    want: str
    benefit: str
    acceptance_criteria: tuple[str, ...]
    priority: Priority
    effort: Effort
    card_ids: tuple[str, ...]


class WrittenStory(Answer):
    title: Title
    role: Line
    want: Line
    benefit: Line
    acceptance_criteria: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=1_000)]], Field(min_length=1, max_length=6)
    ]
    priority: Urgency
    effort: Effort
    cards: list[Ref]


class WrittenStories(Answer):
    stories: list[WrittenStory]


def question(epic: Epic, cards: Sequence[Card], mode: Mode) -> Question:
    """Return the question. Of the epic's `cards` the most severe ones are sent."""
    return Question(
        task=ModelTask.WRITE_STORIES,
        instructions=write_stories(mode),
        material={
            "stories_wanted": {"fewest": mode.children[0], "most": mode.children[1]},
            "epic": {
                "title": epic.title,
                "description": epic.description,
                "goal": epic.goal,
                "priority": epic.priority,
            },
            "cards": [_brief(ref, card) for ref, card in number_refs(most_severe(cards)).items()],
        },
        answer=WrittenStories,
        max_tokens=600 + 700 * mode.children[1],
    )


def interpret(epic: Epic, cards: Sequence[Card], mode: Mode, answer: WrittenStories) -> list[StoryDraft]:
    """Return drafts. Raises ValueError: wrong count, loose criteria, equal titles, unknown refs."""
    check_count("stories", len(answer.stories), *mode.children)
    check_distinct(f"stories of {epic.code}", [story.title for story in answer.stories])
    # the order of the question: in any other the refs would name other cards
    by_ref = number_refs(most_severe(cards))
    return [_draft(story, by_ref) for story in answer.stories]


def most_severe(cards: Sequence[Card]) -> list[Card]:
    """Return at most MAX_CARDS cards, the most severe first, otherwise in the given order."""
    return sorted(cards, key=_severity_rank)[:MAX_CARDS]


def _severity_rank(card: Card) -> int:
    return _SEVERITIES.index(card.analysis.severity) if card.analysis else len(_SEVERITIES)


def _brief(ref: str, card: Card) -> dict[str, Any]:
    quote = shorten(one_line(card.text), MAX_QUOTE_CHARACTERS)
    if card.analysis is None:
        return {"ref": ref, "text": quote}
    analysis = card.analysis
    return {
        "ref": ref,
        "kind": analysis.kind,
        "severity": analysis.severity,
        "summary": analysis.summary,
        "text": quote,
    }


def _draft(story: WrittenStory, by_ref: dict[str, Card]) -> StoryDraft:
    refs = check_refs(story.cards, by_ref, f"story {story.title!r}")
    # a story without a card is an invention; an epic made by hand may have no cards at all
    if by_ref and not refs:
        raise ValueError(f"story {story.title!r} rests on no card")
    criteria = tuple(one_line(text) for text in story.acceptance_criteria)
    if loose := [text for text in criteria if not _GIVEN_WHEN_THEN.search(text)]:
        raise ValueError(f"story {story.title!r} has a criterion without Given, When, Then: {loose[0][:100]!r}")
    return StoryDraft(
        title=story.title,
        role=story.role,
        want=story.want,
        benefit=story.benefit,
        acceptance_criteria=criteria,
        priority=story.priority,
        effort=story.effort,
        card_ids=tuple(by_ref[ref].id for ref in refs),
    )
