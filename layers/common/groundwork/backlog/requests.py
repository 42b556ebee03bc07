"""Request bodies (POST and PATCH) of the backlog, and the items made from them."""

import json
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from groundwork.backlog.card_import.limits import MAX_METADATA, MAX_SOURCE
from groundwork.backlog.model import (
    BY_PERSON,
    MAX_CARD_TEXT,
    Artifact,
    Effort,
    Epic,
    LongText,
    Priority,
    ShortText,
    Story,
    Subtask,
    Value,
)
from groundwork.ids import Kind, Path, path_of


def check_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Raise ValueError for values JSON or UTF-8 cannot hold, and for too long ones."""
    text = json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    # raises for half a surrogate pair
    text.encode()
    if len(text) > MAX_METADATA:
        raise ValueError(f"must be at most {MAX_METADATA} characters as JSON")
    return metadata


Metadata = Annotated[dict[str, Any], AfterValidator(check_metadata)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Title = Annotated[ShortText, Field(pattern=r"\S")]
Ids = Annotated[tuple[str, ...], Field(max_length=5_000)]
Criteria = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=1_000)], ...], Field(max_length=20)]


class NewProject(Value):
    name: Name
    description: LongText = ""


class PartialUpdate(Value):
    """A partial update; omitted fields stay unchanged."""

    @model_validator(mode="after")
    def something(self) -> "PartialUpdate":
        if not self.model_fields_set:
            raise ValueError("has no field to change")
        return self

    def changes(self) -> dict[str, Any]:
        """Return the fields sent, as Python values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


# defaults of patches only make fields optional: `changes` ignores them
class ProjectPatch(PartialUpdate):
    name: Name = ""
    description: LongText = ""


class CardPatch(PartialUpdate):
    text: Annotated[str, Field(min_length=1, max_length=MAX_CARD_TEXT, pattern=r"\S")] = ""
    source: Annotated[str, Field(max_length=MAX_SOURCE)] | None = None
    metadata: Metadata = Field(default_factory=dict)


class EpicPatch(PartialUpdate):
    title: Title = ""
    description: LongText = ""
    goal: LongText = ""
    card_ids: Ids = ()
    priority: Priority = "medium"


class StoryPatch(PartialUpdate):
    title: Title = ""
    role: Annotated[str, Field(max_length=300)] = ""
    want: Annotated[str, Field(max_length=1_000)] = ""
    benefit: Annotated[str, Field(max_length=1_000)] = ""
    acceptance_criteria: Criteria = ()
    priority: Priority = "medium"
    effort: Effort = "M"
    card_ids: Ids = ()


class SubtaskPatch(PartialUpdate):
    title: Title = ""
    description: LongText = ""
    effort: Effort = "M"


class NewEpic(EpicPatch):
    title: Title


class NewStory(StoryPatch):
    title: Title


class NewSubtask(SubtaskPatch):
    title: Title


class StoryOfEpic(NewStory):
    """A story posted to the project's list; the body names its epic."""

    epic_id: str

    def without_parent(self) -> NewStory:
        return NewStory.model_validate(self.model_dump(exclude={"epic_id"}, exclude_unset=True))


class SubtaskOfStory(NewSubtask):
    story_id: str

    def without_parent(self) -> NewSubtask:
        return NewSubtask.model_validate(self.model_dump(exclude={"story_id"}, exclude_unset=True))


def new_artifact(body: NewEpic | NewStory | NewSubtask, path: Path, created_at: str) -> Artifact:
    """Build the item for a POST."""
    common = {
        "id": str(path),
        "project_id": path.project_id,
        "code": path.code,
        "made_by": BY_PERSON,
        "created_at": created_at,
    }
    match body:
        case NewEpic():
            return Epic(**common, **body.changes())
        case NewStory():
            return Story(**common, epic_id=str(path.parent), **body.changes())
        case NewSubtask():
            return Subtask(**common, story_id=str(path.parent), **body.changes())


def unknown_card_ids(
    card_ids: Sequence[str], project_id: str, known: Callable[[Sequence[Path]], Collection[Path]]
) -> list[dict[str, str]]:
    """Return a problem for each id of no card in this project.

    `known` returns the existing paths among those given.
    """
    paths = [path_of(Kind.CARD, id_) for id_ in card_ids]
    existing = known([path for path in paths if path and path.project_id == project_id])
    return [
        {"field": f"cardIds[{position}]", "message": "is not a card of this project"}
        for position, path in enumerate(paths)
        if path not in existing
    ]
