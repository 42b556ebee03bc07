"""Files put into the bucket by other programs: each version becomes one import.

Their keys are imports/PROJECT/NAME.

Events may come twice, late or out of order. The version id tells a repetition from a file that was put again.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from groundwork.errors import NotFound, Refusal
from groundwork.imports.model import MAX_NAME
from groundwork.imports.ports import ImportFiles
from groundwork.imports.service import Imports, problem_of

PREFIX = "imports/"


class DropEnd(StrEnum):
    """Result of one event."""

    STARTED = "started"
    WAITING = "waiting"
    REFUSED = "refused"
    NO_PROJECT = "no_project"
    GONE = "gone"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """One version of an object below the prefix; `put_at` in ms.

    The key is text, never a path of a file system.
    """

    key: str
    size: int
    put_at: int
    version_id: str | None = None

    @property
    def project_id(self) -> str:
        """Empty for a key that names none."""
        project_id, slash, _ = self.key.removeprefix(PREFIX).partition("/")
        return project_id if slash else ""

    @property
    def name(self) -> str:
        return self.key.removeprefix(PREFIX).partition("/")[2] or self.key.removeprefix(PREFIX)

    @property
    def is_folder(self) -> bool:
        """True for the empty object by which some programs show a folder."""
        return self.key.endswith("/") and self.size == 0


@dataclass(frozen=True, slots=True)
class UnassignedFile:
    """A file for no known project, kept for people to see."""

    key: str
    size: int
    reason: str
    created_at: str


class UnassignedFiles(Protocol):
    """Every method raises Transient."""

    def add(self, file: DroppedFile, reason: str) -> None:
        """Record a file; the same one again changes nothing."""
        ...

    def page(self, before: str | None, limit: int) -> tuple[list[UnassignedFile], str | None]:
        """Return files, newest first, and the position of the next page."""
        ...


def queue_file(dropped: DroppedFile, files: ImportFiles, imports: Imports, unassigned: UnassignedFiles) -> DropEnd:
    """Start the import of a file, or queue it behind the active one. Raises Transient."""
    if dropped.is_folder:
        return DropEnd.FOLDER
    file = files.find(dropped.key, dropped.version_id)
    if file is None:
        # deleted since; an import could not read it
        return DropEnd.GONE
    if not dropped.project_id:
        unassigned.add(dropped, f"The key names no project: it must be {PREFIX}PROJECT/NAME.")
        return DropEnd.NO_PROJECT
    try:
        record = imports.create_from_object(dropped.project_id, file, dropped.name[-MAX_NAME:])
    except NotFound:
        unassigned.add(dropped, f"There is no project {dropped.project_id!r}.")
        return DropEnd.NO_PROJECT
    try:
        started = imports.start_or_wait(record.id)
    except Refusal as refusal:
        # no program waits for an answer, so the record carries the reason
        imports.store.refuse(record.id, problem_of(refusal))
        return DropEnd.REFUSED
    return DropEnd.STARTED if started else DropEnd.WAITING
