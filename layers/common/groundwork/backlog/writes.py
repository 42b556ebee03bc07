"""Writes of runs to the backlog, each within the commit of the item `index`."""

from dataclasses import dataclass
from typing import ClassVar

from groundwork.backlog.model import Artifact, CardAnalysis
from groundwork.ids import Path


@dataclass(frozen=True, slots=True)
class PutArtifact:
    """Create an artifact. Conflicts if its id exists."""

    index: int
    artifact: Artifact
    actions: ClassVar[int] = 1
    made: ClassVar[int] = 1
    deleted: ClassVar[int] = 0

    @property
    def weight(self) -> int:
        return len(self.artifact.model_dump_json().encode())


@dataclass(frozen=True, slots=True)
class DeleteArtifact:
    """Delete an artifact. Conflicts if it does not exist.

    Its descendants are dead from this commit on.
    """

    index: int
    path: Path
    actions: ClassVar[int] = 1
    made: ClassVar[int] = 0
    deleted: ClassVar[int] = 1
    # a delete sends a key, no row
    weight: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class SetAnalysis:
    """Set a card's analysis. Conflicts if the card's text is no longer `text`, the analysed one."""

    index: int
    card: Path
    analysis: CardAnalysis
    text: str
    actions: ClassVar[int] = 1
    made: ClassVar[int] = 0
    deleted: ClassVar[int] = 0

    @property
    def weight(self) -> int:
        # the text is sent twice: as part of the row, and in the condition
        return 2 * len(self.text.encode())
