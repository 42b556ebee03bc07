"""Imports on real tables and a bucket in memory, with workers to run, kill and race."""

from dataclasses import dataclass, field, replace
from typing import Any

from groundwork.backlog.model import Card
from groundwork.generation.registry import run_handlers
from groundwork.ids import Kind, Path
from groundwork.imports.model import ImportRecord
from groundwork.imports.ports import ImportFiles, ImportServices, RejectedImportRow
from groundwork.imports.requests import ImportParameters, NewImport
from groundwork.imports.service import Imports
from groundwork.runs.hop import HopRunner
from groundwork.runs.model import Run
from tests.fakes.import_files import MemoryFiles
from tests.runs.world import World


@dataclass
class ImportWorld(World):
    files: MemoryFiles = field(default_factory=MemoryFiles)

    @property
    def bucket(self) -> ImportFiles:
        return self.files

    @property
    def imports(self) -> Imports:
        return Imports(self.tables.imports, self.bucket, self.tables.runs, self.triggered.append, self.clock_ms)

    def worker(self, owner: str = "worker", invoke: Any = None) -> HopRunner:
        services = ImportServices(self.tables.imports, self.bucket, self.tables.cards)
        return replace(super().worker(owner, invoke), handlers=run_handlers(self.tables.runs, imports=services))

    def upload(self, body: bytes, name: str = "feedback.csv", **parameters: Any) -> ImportRecord:
        """Create an import, and put its file into the bucket."""
        asked = NewImport(name=name, size=len(body), parameters=ImportParameters.model_validate(parameters))
        made, _ = self.imports.create(self.project_id, asked)
        self.files.objects[made.key] = body
        return made

    def begin(self, body: bytes, **parameters: Any) -> tuple[ImportRecord, str]:
        """Return an import and its run."""
        made = self.upload(body, **parameters)
        return made, self.imports.start(made.id).run_id

    async def imported(self, body: bytes, **parameters: Any) -> tuple[ImportRecord, Run]:
        """Import a file to the end; return its record and its run."""
        made, run_id = self.begin(body, **parameters)
        run = await self.to_the_end(run_id)
        return self.tables.imports.load(made.id), run

    def cards(self) -> list[Card]:
        return [row.entity() for row in self.rows("C")]

    def texts(self) -> list[str]:
        return [card.text for card in self.cards()]

    def counts(self) -> int:
        """Return the project's count of cards, as its route shows it."""
        return self.tables.projects.counts(self.project_id).cards

    def rejected(self, made: ImportRecord) -> list[RejectedImportRow]:
        return self.tables.imports.rejected(made.id, 0, 1_000_000)

    def path(self, number: int) -> str:
        return str(Path(Kind.CARD, self.project_id, (number,)))
