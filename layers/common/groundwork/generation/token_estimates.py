"""Rough estimates of a call's (input, output) tokens, by kind of question.

Four characters count as a token, Anthropic's figure for English. Inputs are measured from questions; outputs assume
answers of the length the instructions ask for. The fixed part counts in full, though most calls read it from the cache
at a lower price. Tokens for thinking are not included.
"""

from groundwork.backlog.model import Mode
from groundwork.generation import prompts
from groundwork.generation.epics import MAX_EPICS
from groundwork.generation.stories import MAX_CARDS

CHARACTERS_PER_TOKEN = 4
SCHEMA_TOKENS = 300
"""The answer's schema, and the addition to the prompt by structured outputs."""


def analyze_call(characters: int, cards: int) -> tuple[int, int]:
    """`characters`: the sum over all cards."""
    return _fixed(prompts.ANALYZE_CARDS) + characters // CHARACTERS_PER_TOKEN + 10 * cards, 100 * cards


def epics_call(cards: int) -> tuple[int, int]:
    return _fixed(prompts.PROPOSE_EPICS) + 38 * cards, _epics(cards) + 3 * cards


def merge_call(drafts: int) -> tuple[int, int]:
    return _fixed(prompts.MERGE_EPICS) + 120 * drafts, _epics(drafts) + 3 * drafts


def stories_call(cards: int, mode: Mode) -> tuple[int, int]:
    return _fixed(prompts.write_stories(mode)) + 150 + 75 * min(cards, MAX_CARDS), 240 * _children(mode)


def subtasks_call(mode: Mode) -> tuple[int, int]:
    return _fixed(prompts.write_subtasks(mode)) + 300, 90 * _children(mode)


def _fixed(text: str) -> int:
    return SCHEMA_TOKENS + len(text) // CHARACTERS_PER_TOKEN


def _epics(material: int) -> int:
    return 150 * min(MAX_EPICS, max(1, material))


def _children(mode: Mode) -> int:
    return sum(mode.children) // 2
