"""A repository on disk, plans on real tables, and workers to write and review them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from threading import Lock
from typing import Any

from dulwich import porcelain
from dulwich.refs import Ref

from groundwork.adapters.dynamodb.backlog_rows import EpicRow, ProjectRow, StoryRow, SubtaskRow, row_of
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.adapters.git import surveyor
from groundwork.backlog.model import Story, Subtask
from groundwork.generation.registry import run_handlers
from groundwork.ids import Kind, Path, new_project_id, new_repository_id
from groundwork.llm.mock.model import MockModel
from groundwork.llm.port import Model
from groundwork.llm.prices import cost_micro_usd
from groundwork.plans.editor import Editor
from groundwork.plans.generate import GenerateRequest, GenerationStarted, Generator
from groundwork.plans.history import Iteration
from groundwork.plans.model import Plan
from groundwork.plans.ports import PlanServices
from groundwork.plans.repo_survey import Surveyor, cache_surveys
from groundwork.plans.repositories import Repository
from groundwork.plans.reviews import Choice, Reviewer, ReviewRequest, apply_suggestions
from groundwork.plans.suggestions import Suggestion
from groundwork.runs.hop import HopEnd, HopRunner
from groundwork.runs.model import Run
from groundwork.runs.start import Starter
from tests.runs.clock import monotonic, now_ms
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.tables import settings_at

CREATED = "2026-01-01T00:00:00.000Z"
FILES = {
    "README.md": "# Downloads\n\nKeeps what was downloaded.\n",
    "src/downloads/resume.py": "def resume(): ...\n",
    "src/downloads/list.py": "ROWS = []\n",
    "tests/test_resume.py": "def test_it(): ...\n",
}


@contextmanager
def tables_in_memory() -> Iterator[Tables]:
    """The simulation's model of DynamoDB, used by one thread at a time."""
    database, one = Database(), Lock()

    def send(operation: str, sent: dict[str, Any]) -> Any:
        with one:
            return database.carry_out(operation, sent)

    with in_place_of_aws(send):
        yield open_tables(settings_at("backlog", "runs"))


def no_secret(name: str) -> str:
    raise AssertionError(f"nobody should ask for {name}")


def make_repository(folder: FilePath, files: Mapping[str, str] = FILES, branch: str = "main") -> FilePath:
    """A git repository with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with porcelain.init(str(folder)) as repo:
        repo.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(f"refs/heads/{branch}".encode()))
        porcelain.add(repo, [str(folder / name) for name in files])
        porcelain.commit(repo, message=b"All", author=b"A <a@b.example>", committer=b"A <a@b.example>")
    return folder


@dataclass
class PlanWorld:
    """`folder` gets a repository, `model` answers, `survey` reads the repository."""

    tables: Tables
    folder: FilePath
    model: Model = field(default_factory=lambda: MockModel("claude-sonnet-5-5", 0))
    survey: Surveyor = field(default_factory=lambda: surveyor(no_secret, True))
    triggered: list[str] = field(default_factory=list)
    hop_ms: int = 60_000
    project_id: str = field(default_factory=new_project_id)

    def __post_init__(self) -> None:
        if not (self.folder / ".git").exists():
            make_repository(self.folder)
        ProjectRow(self.project_id, name="Test", created_at=1).save()
        repository = Repository(id=new_repository_id(), name="Downloads", url=str(self.folder), created_at=CREATED)
        self.repository = self.tables.repositories.create(repository)

    # the backlog

    def story(self, number: int = 1, subtasks: int = 3) -> str:
        epic = Path(Kind.EPIC, self.project_id, (1,))
        EpicRow(self.project_id, "E#000001", title="Downloads", priority="high", created_at=1).save()
        path = epic.child(Kind.STORY, number)
        story = Story(
            id=str(path),
            epic_id=str(epic),
            project_id=self.project_id,
            code=path.code,
            title=f"Resume a download where it stopped, part {number}",
            role="commuter",
            want="to resume a download",
            benefit="I do not start over",
            acceptance_criteria=("Given an interruption, when it is back, then it goes on.",),
            created_at=CREATED,
        )
        row_of(story).save()
        for n in range(1, subtasks + 1):
            below = path.child(Kind.SUBTASK, n)
            subtask = Subtask(
                id=str(below),
                story_id=str(path),
                project_id=self.project_id,
                code=below.code,
                title=f"Store part {n} of the position",
                description="So that it survives.",
                created_at=CREATED,
            )
            row_of(subtask).save()
        return str(path)

    # plans

    @property
    def generator(self) -> Generator:
        return Generator(
            plans=self.tables.plans,
            backlog=self.tables.backlog,
            template=self.tables.templates.get,
            trigger=self.triggered.append,
            now_ms=now_ms,
            ai_and_model=lambda asked: ("mock", asked or "claude-sonnet-5-5"),
        )

    @property
    def reviewer(self) -> Reviewer:
        return Reviewer(
            store=self.tables.plans,
            trigger=self.triggered.append,
            now_ms=now_ms,
            ai_and_model=lambda asked: ("mock", asked or "claude-sonnet-5-5"),
        )

    def editor(self, who: str = "somebody") -> Editor:
        return Editor(self.tables.plans, self.tables.entries, now_ms, who)

    def ask(self, **fields: Any) -> GenerationStarted:
        asked: dict[str, Any] = {
            "repository_id": self.repository.id,
            "title": "Resume downloads",
            "description": "Downloads resume after an interruption. The list shows what was interrupted and why.",
        }
        return self.generator.generate(GenerateRequest(**asked | fields), "somebody")

    async def generated(self, **fields: Any) -> Plan:
        accepted = self.ask(**fields)
        await self.to_the_end(accepted.run_id)
        return self.plan(accepted.plan_id)

    async def reviewed(self, plan_id: str, review_type: str, **fields: Any) -> tuple[Iteration, list[Suggestion]]:
        request = ReviewRequest.model_validate({"reviewType": review_type} | fields)
        accepted = self.reviewer.review(plan_id, request, "somebody")
        await self.to_the_end(accepted.run_id)
        iteration = self.tables.plans.iteration(accepted.iteration_id)
        return iteration, self.tables.plans.suggestions(iteration)

    def apply(self, iteration: Iteration, indices: list[int], expected: Any = None) -> Plan:
        choice = Choice(iteration_id=iteration.id, suggestion_indices=indices)
        return apply_suggestions(self.tables.plans, self.editor(), iteration.plan_id, choice, expected)

    def plan(self, plan_id: str) -> Plan:
        return self.tables.plans.load(plan_id)

    def rows(self, letter: str) -> list[Any]:
        row: Any = {"E": EpicRow, "S": StoryRow, "T": SubtaskRow}[letter]
        return list(row.query(self.project_id, row.sk.startswith(f"{letter}#"), consistent_read=True))

    # runs

    @property
    def starter(self) -> Starter:
        return Starter(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(),
            counts=self.tables.projects.counts,
            invoke=self.triggered.append,
            now_ms=now_ms,
            ai_and_model=lambda asked: ("mock", asked or "claude-sonnet-5-5"),
        )

    def worker(self, owner: str = "worker", invoke: Callable[[str], None] | None = None) -> HopRunner:
        ends = monotonic() + self.hop_ms / 1000
        services = PlanServices(self.tables.plans, cache_surveys(self.survey), self.tables.templates.get)
        return HopRunner(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(self.tables.runs, services),
            model_for=lambda run: self.model,
            price=cost_micro_usd,
            invoke=invoke or self.triggered.append,
            now_ms=now_ms,
            left_ms=lambda: max(0, round((ends - monotonic()) * 1000)),
            request_id=owner,
        )

    async def to_the_end(self, run_id: str, most_hops: int = 30) -> Run:
        for number in range(most_hops):
            if await self.worker(f"worker-{number}").hop(run_id) is HopEnd.ENDED:
                break
        return self.run(run_id)

    def run(self, run_id: str) -> Run:
        return self.tables.runs.load(run_id)
