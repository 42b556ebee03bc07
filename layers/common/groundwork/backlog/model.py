"""The backlog as values: cards, epics, stories, subtasks."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from groundwork.values import Stored, stored_as
from groundwork.values import Value as Value

MAX_CARD_TEXT = 10_000
MAX_CARDS_A_CALL = 5_000
# an event of Lambda has at most 6 MB, and the body is only a part of it
MAX_IMPORT_BYTES = 5 * 1024 * 1024

CardKind = Literal["bug", "feature", "experience", "praise", "other"]
Severity = Literal["low", "medium", "high", "critical"]
Sentiment = Literal["positive", "neutral", "negative", "mixed"]
Priority = Literal["low", "medium", "high", "critical"]
Effort = Literal["XS", "S", "M", "L", "XL"]

ShortText = Annotated[str, Field(min_length=1, max_length=300)]
LongText = Annotated[str, Field(max_length=5_000)]

MadeBy = str | None
"""Origin of an item: `import`, `person`, `mock`, or a model's id.

It stays when a person edits the item. None in rows of earlier releases.
"""

BY_IMPORT = "import"
BY_PERSON = "person"
BY_MOCK = "mock"


class Mode(StrEnum):
    """Granularity: the number of children of a parent."""

    COMPACT = "compact"
    STANDARD = "standard"
    DETAILED = "detailed"

    @property
    def children(self) -> tuple[int, int]:
        """Return the minimum and maximum number of children of a parent."""
        return {"compact": (3, 5), "standard": (5, 8), "detailed": (8, 12)}[self.value]


class CardAnalysis(Stored):
    summary: Annotated[ShortText, stored_as("summary")]
    theme: Annotated[Annotated[str, Field(min_length=1, max_length=60)], stored_as("theme")]
    kind: Annotated[CardKind, stored_as("kind")]
    severity: Annotated[Severity, stored_as("severity")]
    sentiment: Annotated[Sentiment, stored_as("sentiment")]
    keywords: Annotated[
        Annotated[tuple[Annotated[str, Field(min_length=1, max_length=60)], ...], Field(max_length=12)],
        stored_as("keywords"),
    ]
    made_by: Annotated[MadeBy, stored_as("madeBy")] = None


class Counts(Value):
    cards: int = 0
    epics: int = 0
    stories: int = 0
    subtasks: int = 0


class Project(Value):
    id: str
    name: str
    description: str = ""
    created_at: str
    counts: Counts = Counts()


class Card(Value):
    id: str
    project_id: str
    text: Annotated[str, Field(min_length=1, max_length=MAX_CARD_TEXT)]
    source: str | None = None
    external_id: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    posted_at: str | None = None
    made_by: MadeBy = None
    analysis: CardAnalysis | None = None


class Epic(Value):
    id: str
    project_id: str
    code: str
    title: ShortText
    description: LongText = ""
    goal: LongText = ""
    card_ids: tuple[str, ...] = ()
    priority: Priority = "medium"
    run_id: str | None = None
    made_by: MadeBy = None
    created_at: str


class Story(Value):
    id: str
    epic_id: str
    project_id: str
    code: str
    title: ShortText
    role: Annotated[str, Field(max_length=300)] = ""
    want: Annotated[str, Field(max_length=1_000)] = ""
    benefit: Annotated[str, Field(max_length=1_000)] = ""
    acceptance_criteria: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=1_000)], ...], Field(max_length=20)
    ] = ()
    priority: Priority = "medium"
    effort: Effort = "M"
    card_ids: tuple[str, ...] = ()
    run_id: str | None = None
    made_by: MadeBy = None
    created_at: str


class Subtask(Value):
    id: str
    story_id: str
    project_id: str
    code: str
    title: ShortText
    description: LongText = ""
    effort: Effort = "M"
    run_id: str | None = None
    made_by: MadeBy = None
    created_at: str


Artifact = Epic | Story | Subtask


def rfc3339(ms: int) -> str:
    """Format milliseconds since the epoch for the API: 2026-11-21T09:30:00.123Z."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
