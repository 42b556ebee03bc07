"""GENERATE_EPICS: chunks of analysed cards by theme, epics for each chunk, their merge."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from groundwork.backlog.model import Card, CardAnalysis, Priority
from groundwork.generation.answer_fields import (
    Answer,
    Prose,
    Ref,
    Title,
    Urgency,
    check_count,
    check_distinct,
    check_refs,
    number_refs,
)
from groundwork.generation.prompts import MERGE_EPICS, PROPOSE_EPICS
from groundwork.llm.port import ModelTask, Question

CARDS_PER_CHUNK = 250
MIN_EPICS = 3
MAX_EPICS = 12
# with fewer cards, three epics may be more than the feedback supports
CARDS_FOR_MIN_EPICS = 30
ACTIONABLE_KINDS = frozenset({"bug", "feature"})
_MAX_EXISTING_TITLES = 100


@dataclass(frozen=True, slots=True)
class EpicDraft:
    """An epic before it has an id."""

    title: str
    description: str
    goal: str
    priority: Priority
    card_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EpicCoverage:
    """Cards with a bug or a wish.

    Their number, the number of those in an epic, and the ids of the rest.
    """

    stated: int
    covered: int
    rest_ids: tuple[str, ...]


class ProposedEpic(Answer):
    title: Title
    description: Prose
    goal: Prose
    priority: Urgency
    cards: list[Ref]


class ProposedEpics(Answer):
    epics: list[ProposedEpic]


class MergedEpic(Answer):
    title: Title
    description: Prose
    goal: Prose
    priority: Urgency
    drafts: list[Ref]


class MergedEpics(Answer):
    epics: list[MergedEpic]


def chunk_count(card_count: int) -> int:
    """Return the number of chunks for so many cards, at least one."""
    return max(1, -(-card_count // CARDS_PER_CHUNK))


def chunks(cards: Sequence[Card], count: int) -> list[list[Card]]:
    """Split the analysed cards, by theme and kind, into exactly `count` nearly equal chunks.

    Some may be empty.
    """
    ordered = _sorted(cards)
    edges = [len(ordered) * step // count for step in range(count + 1)]
    return [ordered[start:end] for start, end in pairwise(edges)]


def propose(cards: Sequence[Card], existing_titles: Sequence[str]) -> Question:
    """Return the question for epics of one chunk.

    It holds the cards' analyses by theme, not their texts.
    """
    minimum, maximum = _bounds(len(cards))
    refs = {card.id: ref for ref, card in number_refs(cards).items()}
    groups = groupby(_sorted(cards), key=lambda card: _analysis(card).theme)
    return Question(
        task=ModelTask.PROPOSE_EPICS,
        instructions=PROPOSE_EPICS,
        material={
            "epics_wanted": {"fewest": minimum, "most": maximum},
            "existing_epics": list(existing_titles)[:_MAX_EXISTING_TITLES],
            "themes": [{"theme": theme, "cards": [_brief(refs[c.id], c) for c in group]} for theme, group in groups],
        },
        answer=ProposedEpics,
        max_tokens=6_000 + 12 * len(cards),
    )


def interpret_proposals(cards: Sequence[Card], answer: ProposedEpics) -> list[EpicDraft]:
    """Return drafts. Raises ValueError: wrong count, missing or unknown refs, equal titles."""
    check_count("epics", len(answer.epics), *_bounds(len(cards)))
    check_distinct("epics", [epic.title for epic in answer.epics])
    by_ref = number_refs(cards)
    return [_draft(epic, _card_ids(epic, by_ref)) for epic in answer.epics]


def merge(drafts: Sequence[EpicDraft]) -> Question:
    """Return the question for one list of epics from the drafts of all chunks."""
    minimum, maximum = _merged_bounds(len(drafts))
    return Question(
        task=ModelTask.MERGE_EPICS,
        instructions=MERGE_EPICS,
        material={
            "epics_wanted": {"fewest": minimum, "most": maximum},
            "drafts": [_draft_brief(ref, draft) for ref, draft in number_refs(drafts).items()],
        },
        answer=MergedEpics,
        max_tokens=6_000 + 12 * len(drafts),
    )


def interpret_merge(drafts: Sequence[EpicDraft], answer: MergedEpics) -> list[EpicDraft]:
    """Return the merged epics with the cards of their drafts.

    Raises ValueError unless each draft is in one epic.
    """
    check_count("epics", len(answer.epics), *_merged_bounds(len(drafts)))
    check_distinct("epics", [epic.title for epic in answer.epics])
    by_ref = number_refs(drafts)
    placed = [ref for epic in answer.epics for ref in check_refs(epic.drafts, by_ref, f"epic {epic.title!r}")]
    # a draft in no epic would lose its cards without notice
    if missing := [ref for ref in by_ref if ref not in placed]:
        raise ValueError(f"drafts in no epic: {', '.join(missing[:20])}")
    if duplicates := sorted({ref for ref in placed if placed.count(ref) > 1}):
        raise ValueError(f"drafts in more than one epic: {', '.join(duplicates[:20])}")
    return [_draft(epic, _united(epic, by_ref)) for epic in answer.epics]


def coverage(cards: Sequence[Card], drafts: Sequence[EpicDraft]) -> EpicCoverage:
    """Return the drafts' coverage of the actionable cards."""
    stated = [card.id for card in cards if card.analysis and card.analysis.kind in ACTIONABLE_KINDS]
    linked = {card_id for draft in drafts for card_id in draft.card_ids}
    rest = tuple(card_id for card_id in stated if card_id not in linked)
    return EpicCoverage(len(stated), len(stated) - len(rest), rest)


def _bounds(card_count: int) -> tuple[int, int]:
    minimum = MIN_EPICS if card_count >= CARDS_FOR_MIN_EPICS else 1
    return minimum, max(minimum, min(MAX_EPICS, card_count))


def _merged_bounds(draft_count: int) -> tuple[int, int]:
    return min(MIN_EPICS, draft_count), min(MAX_EPICS, draft_count)


def _analysis(card: Card) -> CardAnalysis:
    if card.analysis is None:
        raise ValueError(f"card {card.id} is not analysed")
    return card.analysis


def _sorted(cards: Sequence[Card]) -> list[Card]:
    """Return the analysed cards by theme, kind and id.

    A total order, so every hop cuts the same chunks.
    """
    analysed = [(card.analysis, card) for card in cards if card.analysis]
    return [card for _, card in sorted(analysed, key=lambda pair: (pair[0].theme, pair[0].kind, pair[1].id))]


def _brief(ref: str, card: Card) -> dict[str, str]:
    analysis = _analysis(card)
    return {"ref": ref, "kind": analysis.kind, "severity": analysis.severity, "summary": analysis.summary}


def _draft_brief(ref: str, draft: EpicDraft) -> dict[str, Any]:
    return {
        "ref": ref,
        "title": draft.title,
        "description": draft.description,
        "goal": draft.goal,
        "priority": draft.priority,
        "cards": len(draft.card_ids),
    }


def _draft(epic: ProposedEpic | MergedEpic, card_ids: tuple[str, ...]) -> EpicDraft:
    return EpicDraft(epic.title, epic.description, epic.goal, epic.priority, card_ids)


def _card_ids(epic: ProposedEpic, by_ref: dict[str, Card]) -> tuple[str, ...]:
    refs = check_refs(epic.cards, by_ref, f"epic {epic.title!r}")
    if not refs:
        raise ValueError(f"epic {epic.title!r} rests on no card")
    return tuple(by_ref[ref].id for ref in refs)


def _united(epic: MergedEpic, by_ref: dict[str, EpicDraft]) -> tuple[str, ...]:
    refs = check_refs(epic.drafts, by_ref, f"epic {epic.title!r}")
    if not refs:
        raise ValueError(f"epic {epic.title!r} is made of no draft")
    return tuple(dict.fromkeys(card_id for ref in refs for card_id in by_ref[ref].card_ids))
