"""Ports of imports, implemented by `groundwork.adapters` and by fakes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from groundwork.backlog.new_cards import KnownCards, NewCard
from groundwork.imports.model import ImportProblem, ImportRecord, Origin, StoredFile
from groundwork.runs.model import Run

if TYPE_CHECKING:
    # every function imports this module, and few of them read files
    from groundwork.backlog.card_import.content import Content
    from groundwork.backlog.card_import.layout import Layout


@dataclass(frozen=True, slots=True)
class PresignedUpload:
    """A presigned request to send the file with; `expires_at` in ms."""

    url: str
    method: str
    headers: dict[str, str]
    expires_at: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """Decision how to read a file, made once: all workers of an import use it.

    `layout` reads `file`: the import's own, or lines derived from it. A file that holds no feedback has a `problem`.
    """

    layout: "Layout | None" = None
    file: StoredFile | None = None
    problem: ImportProblem | None = None


@dataclass(frozen=True, slots=True)
class RejectedImportRow:
    row: int
    line: int | None
    reason: str


class ImportFiles(Protocol):
    """Objects of the bucket. Every method raises Transient."""

    def upload(self, key: str, size: int) -> PresignedUpload:
        """Sign a request that stores an object of exactly this size."""
        ...

    def find(self, key: str, version_id: str | None = None) -> StoredFile | None: ...
    def content(self, file: StoredFile) -> "Content":
        """Return the bytes of this version; reads of them raise FileChanged."""
        ...

    def store(self, key: str, chunks: Iterable[bytes]) -> StoredFile: ...


class ImportStore(Protocol):
    """Records of imports. Every method raises Transient."""

    def create(
        self, project_id: str, name: str, size: int, parameters: dict[str, Any], origin: Origin = "upload"
    ) -> ImportRecord:
        """Raises NotFound for a missing project."""
        ...

    def create_for(self, project_id: str, file: StoredFile, name: str, parameters: dict[str, Any]) -> ImportRecord:
        """Return the import of this version of an object, the earlier one if any. Raises NotFound."""
        ...

    def load(self, import_id: str) -> ImportRecord:
        """Strongly consistent. Raises NotFound."""
        ...

    def load_all(self, import_ids: Sequence[str]) -> dict[str, ImportRecord]:
        """Strongly consistent. Missing imports are left out."""
        ...

    def page(self, project_id: str, before: int | None, limit: int) -> list[ImportRecord]:
        """Return imports with a number below `before`, newest first."""
        ...

    def pin(self, import_id: str, file: StoredFile) -> ImportRecord:
        """Record the version of the file, unless a run was started; return the import."""
        ...

    def set_waiting(self, import_id: str, waiting: bool) -> None:
        """Put an import without a run into the queue of its project, or take it out."""
        ...

    def refuse(self, import_id: str, problem: ImportProblem) -> None:
        """Record why an import cannot start, and take it out of the queue."""
        ...

    def waiting(self, project_id: str) -> list[str]:
        """Return the ids of the project's waiting imports, oldest first."""
        ...

    def waiting_everywhere(self) -> list[str]:
        """Return the ids of all waiting imports, oldest first."""
        ...

    def latest_runs(self, run_ids: Sequence[str]) -> dict[str, Run]:
        """Return the last of each run and its retries, by the id of the first one.

        Missing runs are left out.
        """
        ...

    def inspection(self, import_id: str) -> Inspection | None: ...
    def record_inspection(self, import_id: str, inspection: Inspection) -> Inspection:
        """Store the inspection unless there is one; return the stored one."""
        ...

    def rejected(self, import_id: str, after: int, limit: int) -> list[RejectedImportRow]:
        """Return rejected rows with a number above `after`, in the order of the file."""
        ...


class CardImporter(Protocol):
    """Card numbers, and lookups of known cards.

    Every method raises Transient, and NotFound for a missing project.
    """

    def prepare(self, project_id: str, cards: Sequence[NewCard], by_content: bool) -> None:
        """Bring the cards of older releases up to date. Raises OlderCardsUnfinished."""
        ...

    def known(self, project_id: str, cards: Sequence[NewCard], by_content: bool) -> KnownCards:
        """Return the ids and texts of these cards known in the project."""
        ...

    def reserve(self, project_id: str, count: int) -> int:
        """Reserve card numbers; return the first."""
        ...


@dataclass(frozen=True, slots=True)
class ImportServices:
    """Dependencies of the worker of import runs."""

    store: ImportStore
    files: ImportFiles
    cards: CardImporter
