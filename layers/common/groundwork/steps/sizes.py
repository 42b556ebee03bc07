"""How many tokens a call takes, roughly: (input, output) for each kind of question.

Four characters count as a token, as Anthropic says of English; outputs are what answers of the given counts measure.
"""

from groundwork.backlog import Mode
from groundwork.steps import instructions
from groundwork.steps.stories import MOST_CARDS

CHARACTERS_A_TOKEN = 4
FIXED = 450
"""Instructions and schema, in tokens."""


def analyze_call(characters: int, cards: int) -> tuple[int, int]:
    return FIXED + len(instructions.ANALYZE_CARDS) // CHARACTERS_A_TOKEN + characters // CHARACTERS_A_TOKEN, 110 * cards


def epics_call(cards: int) -> tuple[int, int]:
    return FIXED + 45 * cards, 800 + 5 * cards


def merge_call(drafts: int) -> tuple[int, int]:
    return FIXED + 120 * drafts, 1_000 + 5 * drafts


def stories_call(cards: int, mode: Mode) -> tuple[int, int]:
    return FIXED + 250 + 70 * min(cards, MOST_CARDS), 260 * sum(mode.children) // 2


def subtasks_call(mode: Mode) -> tuple[int, int]:
    return FIXED + 350, 90 * sum(mode.children) // 2
