"""ANALYZE_CARDS: one question about several cards.

Each gets a summary, theme, kind and more.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from groundwork.backlog.model import Card, CardAnalysis, CardKind, Sentiment, Severity
from groundwork.generation.answer_fields import Answer, Line, number_refs
from groundwork.generation.prompts import ANALYZE_CARDS
from groundwork.llm.port import ModelTask, Question
from groundwork.llm.structured_output import describe_fault
from groundwork.text import clean, one_line

CARDS_PER_CALL = 10
CHARACTERS_PER_CALL = 4_000
MAX_KNOWN_THEMES = 40


def _theme(value: object) -> object:
    return one_line(value).lower() if isinstance(value, str) else value


def _keywords(value: object) -> object:
    """Drop repeated and empty words, and those beyond the twelfth.

    Such words must not cost a card.
    """
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        return value
    return list(dict.fromkeys(filter(None, (one_line(word)[:60] for word in value))))[:12]


class CardEntry(Answer):
    """One card's analysis as the model writes it."""

    # models write a ref as a number too
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    ref: str
    summary: Line
    theme: Annotated[Annotated[str, Field(min_length=1, max_length=60)], BeforeValidator(_theme)]
    kind: CardKind
    severity: Severity
    sentiment: Sentiment
    keywords: Annotated[list[str], BeforeValidator(_keywords)]

    def analysis(self) -> CardAnalysis:
        return CardAnalysis.model_validate(self.model_dump(exclude={"ref"}))


class AnalyzedCards(Answer):
    """The answer. Its schema requires CardEntry.

    Entries are validated one by one, so a bad one costs one card.
    """

    cards: Annotated[list[Any], WithJsonSchema({"type": "array", "items": CardEntry.model_json_schema()})]


def batches(cards: Sequence[Card]) -> list[list[Card]]:
    """Group consecutive cards into calls.

    A card longer than the limit of a call is alone in its group.
    """
    groups: list[list[Card]] = []
    room = 0
    for card in cards:
        size = len(card.text)
        if groups and size <= room and len(groups[-1]) < CARDS_PER_CALL:
            groups[-1].append(card)
            room -= size
        else:
            groups.append([card])
            room = CHARACTERS_PER_CALL - size
    return groups


def question(cards: Sequence[Card], known_themes: Sequence[str] = ()) -> Question:
    """Return the question; similar cards are to get the same of the `known_themes`."""
    return Question(
        task=ModelTask.ANALYZE_CARDS,
        instructions=ANALYZE_CARDS,
        material={
            "known_themes": list(known_themes)[:MAX_KNOWN_THEMES],
            "cards": [{"ref": ref, "text": clean(card.text)} for ref, card in number_refs(cards).items()],
        },
        answer=AnalyzedCards,
        # three times the usual answer: a cut-off one costs a second call
        max_tokens=400 + 300 * len(cards),
    )


def interpret(cards: Sequence[Card], answer: AnalyzedCards) -> dict[str, CardAnalysis | str]:
    """Return each card's analysis, or the reason for none, by card id.

    Raises ValueError if nothing is usable.
    """
    entries: dict[str, list[Any]] = {}
    for entry in answer.cards:
        ref = str(entry.get("ref", "")).strip() if isinstance(entry, dict) else ""
        entries.setdefault(ref, []).append(entry)
    outcomes = {card.id: _outcome(entries.get(ref, [])) for ref, card in number_refs(cards).items()}
    faults = [outcome for outcome in outcomes.values() if isinstance(outcome, str)]
    # a correction is worth its price only for all: one faulty card is asked alone later
    if len(faults) == len(outcomes):
        raise ValueError(f"no card has a usable analysis; the first: {faults[0]}" if faults else "there are no cards")
    return outcomes


def _outcome(entries: list[Any]) -> CardAnalysis | str:
    """Return the analysis of one card, or the fault.

    Two entries with one ref are both rejected as mixed up.
    """
    if len(entries) != 1:
        return "the model's answer leaves this card out" if not entries else "the model's answer has this card twice"
    try:
        return CardEntry.model_validate(entries[0]).analysis()
    except ValidationError as fault:
        return f"the model's analysis of this card is not valid: {describe_fault(fault)}"
