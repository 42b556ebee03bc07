"""Cards, epics and stories to ask about, and one question of each kind."""

from collections.abc import Sequence
from dataclasses import replace

from groundwork.backlog.model import Card, CardAnalysis, CardKind, Epic, Mode, Severity, Story
from groundwork.generation import analyze_cards, epics, stories, subtasks
from groundwork.generation.epics import EpicDraft
from groundwork.llm.port import Question

PROJECT = "k3v9x2m4q8"


def card(number: int, text: str, analysis: CardAnalysis | None = None) -> Card:
    return Card(id=f"{PROJECT}-C{number}", project_id=PROJECT, text=text, analysis=analysis)


def cards(*texts: str) -> list[Card]:
    return [card(number, text) for number, text in enumerate(texts, start=1)]


def analysed(
    number: int, theme: str = "search", kind: CardKind = "bug", severity: Severity = "medium", text: str = "It fails."
) -> Card:
    analysis = CardAnalysis(
        summary=f"Summary {number}.", theme=theme, kind=kind, severity=severity, sentiment="negative", keywords=()
    )
    return card(number, text, analysis)


EPIC = Epic(
    id=f"{PROJECT}-E1",
    project_id=PROJECT,
    code="E1",
    title="Sign-in that works on the first try",
    description="Codes arrive late or never.",
    goal="Nine of ten sign-ins need one try.",
    card_ids=(f"{PROJECT}-C1", f"{PROJECT}-C2"),
    created_at="2026-11-21T09:30:00.000Z",
)
STORY = Story(
    id=f"{PROJECT}-E1-S1",
    epic_id=EPIC.id,
    project_id=PROJECT,
    code="S1",
    title="Sign in with a code that arrives",
    role="returning user",
    want="to sign in with a code sent by mail",
    benefit="I get back to my lists",
    acceptance_criteria=("Given I ask for a code, when it is sent, then it arrives within a minute.",),
    created_at="2026-11-21T09:30:00.000Z",
)


def drafts(count: int) -> list[EpicDraft]:
    return [EpicDraft(f"Draft {n}", "What.", "Why.", "medium", (f"{PROJECT}-C{n}",)) for n in range(1, count + 1)]


def some_cards(count: int) -> list[Card]:
    themes = ("search", "payments", "video playback", "sign-in and accounts")
    return [analysed(n, themes[n % 4]) for n in range(1, count + 1)]


def every_question(mode: Mode = Mode.STANDARD) -> list[Question]:
    linked: Sequence[Card] = some_cards(2)
    return [
        analyze_cards.question(cards("It crashes when I search.", "Great!"), ["search"]),
        epics.propose(some_cards(40), ["An epic that is there"]),
        epics.merge(drafts(9)),
        stories.question(EPIC, linked, mode),
        subtasks.question(STORY, EPIC, mode),
    ]


def roomy(question: Question) -> Question:
    return replace(question, max_tokens=10_000)
