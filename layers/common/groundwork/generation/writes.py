"""Writes of the epics run beside the backlog: drafts of a batch, and cards in no epic."""

from dataclasses import dataclass
from typing import ClassVar

from groundwork.generation.epics import EpicDraft


@dataclass(frozen=True, slots=True)
class StoreDrafts:
    """Store the drafts of one batch for the merge."""

    index: int
    drafts: tuple[EpicDraft, ...]
    actions: ClassVar[int] = 1
    made: ClassVar[int] = 0
    deleted: ClassVar[int] = 0
    weight: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class StoreUncovered:
    """Store the ids of the actionable cards without an epic."""

    index: int
    card_ids: tuple[str, ...]
    actions: ClassVar[int] = 1
    made: ClassVar[int] = 0
    deleted: ClassVar[int] = 0
    weight: ClassVar[int] = 0
