"""A project on real tables, with workers to run, kill and race."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from groundwork.adapters.dynamodb.backlog_rows import CardRow, EpicRow, ProjectRow, StoryRow, SubtaskRow, row_of
from groundwork.adapters.dynamodb.run_rows import run_row
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.model import Card, CardAnalysis, CardKind, Counts, Epic, Story, Subtask
from groundwork.generation.registry import run_handlers
from groundwork.ids import Kind, Path, new_project_id, path_of
from groundwork.llm.port import Usage
from groundwork.runs.hop import HopEnd, HopRunner
from groundwork.runs.model import ItemStatus, JournalEntry, Run, RunOptions, RunType
from groundwork.runs.ports import Changes, RunLogLine
from groundwork.runs.start import RunRequest, Starter
from tests.fakes.model import ScriptedModel
from tests.runs import clock

PIPELINE = (
    RunType.ANALYZE_CARDS,
    RunType.GENERATE_EPICS,
    RunType.GENERATE_STORIES,
    RunType.GENERATE_SUBTASKS,
)
"""The run types of a project, each reading the output of those before it."""

CREATED = "2026-01-01T00:00:00.000Z"


def _subtask(path: Path, number: int) -> Subtask:
    return Subtask(
        id=str(path),
        story_id=str(path.parent),
        project_id=path.project_id,
        code=f"ST{number}",
        title=f"Subtask {number}",
        created_at=CREATED,
    )


def price(model: str, usage: Usage) -> int:
    return usage.input * 2 + usage.output * 10


@dataclass
class World:
    tables: Tables
    project_id: str = field(default_factory=new_project_id)
    model: ScriptedModel = field(default_factory=ScriptedModel)
    triggered: list[str] = field(default_factory=list)
    hop_ms: int = 60_000
    ai: str = "mock"
    clock_ms: Callable[[], int] = clock.now_ms

    def __post_init__(self) -> None:
        ProjectRow(self.project_id, name="Test", created_at=1).save()

    # the backlog

    def add_cards(self, count: int, analyzed: bool = False, text: str = "Card") -> list[Card]:
        cards = [self._card(number, analyzed, text) for number in range(1, count + 1)]
        with CardRow.batch_write() as batch:
            for card in cards:
                batch.save(row_of(card))
        self._count(cards=count)
        return cards

    def _card(self, number: int, analyzed: bool, text: str) -> Card:
        kinds: tuple[CardKind, ...] = ("bug", "feature", "praise")
        analysis = CardAnalysis(
            summary=f"About {number}",
            theme=f"Theme {number % 5}",
            kind=kinds[number % 3],
            severity="high",
            sentiment="neutral",
            keywords=("word",),
        )
        id_ = str(Path(Kind.CARD, self.project_id, (number,)))
        return Card(
            id=id_, project_id=self.project_id, text=f"{text} {number}", analysis=analysis if analyzed else None
        )

    def add_epics(self, count: int) -> list[str]:
        ids = [str(Path(Kind.EPIC, self.project_id, (n,))) for n in range(1, count + 1)]
        for n, id_ in enumerate(ids, 1):
            row_of(Epic(id=id_, project_id=self.project_id, code=f"E{n}", title=f"Epic {n}", created_at=CREATED)).save()
        self._count(epics=count)
        return ids

    def add_stories(self, epic: int, count: int) -> list[str]:
        path = Path(Kind.EPIC, self.project_id, (epic,))
        ids = [str(path.child(Kind.STORY, n)) for n in range(1, count + 1)]
        with StoryRow.batch_write() as batch:
            for n, id_ in enumerate(ids, 1):
                story = Story(
                    id=id_,
                    epic_id=str(path),
                    project_id=self.project_id,
                    code=f"S{n}",
                    title=f"Story {n}",
                    created_at=CREATED,
                )
                batch.save(row_of(story))
        self._count(stories=count)
        return ids

    def add_subtasks(self, story_id: str, count: int) -> None:
        path = path_of(Kind.STORY, story_id)
        assert path
        with SubtaskRow.batch_write() as batch:
            for n in range(1, count + 1):
                batch.save(row_of(_subtask(path.child(Kind.SUBTASK, n), n)))
        self._count(subtasks=count)

    def _count(self, **counts: int) -> None:
        actions = [getattr(ProjectRow, name).add(count) for name, count in counts.items()]
        ProjectRow(self.project_id).update(actions=actions)

    def project(self) -> Counts:
        return ProjectRow.get(self.project_id, "P", consistent_read=True).entity().counts

    def rows(self, letter: str) -> list[Any]:
        row: Any = {"C": CardRow, "E": EpicRow, "S": StoryRow, "T": SubtaskRow}[letter]
        return list(row.query(self.project_id, row.sk.startswith(f"{letter}#"), consistent_read=True))

    # runs

    @property
    def starter(self) -> Starter:
        return Starter(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(),
            counts=lambda project_id: self.project(),
            invoke=self.triggered.append,
            now_ms=self.clock_ms,
            ai_and_model=lambda asked: (self.ai, asked or "claude-sonnet-5-5"),
        )

    def start(self, type_: RunType, key: str | None = None, **options: object) -> str:
        fields = {name: options.pop(name) for name in ("item_ids", "epic_id") if name in options}
        defaults: dict[str, object] = {"pacing": "fast"}
        request = RunRequest(type=type_, options=RunOptions.model_validate(defaults | options), **fields)
        return self.starter.start(self.project_id, request, key).run_id

    def worker(self, owner: str = "worker", invoke: Callable[[str], None] | None = None) -> HopRunner:
        ends = clock.monotonic() + self.hop_ms / 1000
        return HopRunner(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(self.tables.runs),
            model_for=lambda run: self.model,
            price=price,
            invoke=invoke or self.triggered.append,
            now_ms=self.clock_ms,
            left_ms=lambda: max(0, round((ends - clock.monotonic()) * 1000)),
            request_id=owner,
        )

    async def hop(self, run_id: str, owner: str = "worker") -> HopEnd:
        return await self.worker(owner).hop(run_id)

    async def to_the_end(self, run_id: str, most_hops: int = 50) -> Run:
        for number in range(most_hops):
            end = await self.hop(run_id, f"worker-{number}")
            if end is HopEnd.ENDED:
                break
        return self.run(run_id)

    def run(self, run_id: str) -> Run:
        return self.tables.runs.load(run_id)

    def entries(self, run_id: str) -> list[JournalEntry]:
        return list(self.tables.runs.journal(run_id))

    def logs(self, run_id: str) -> list[RunLogLine]:
        return self.tables.runs.logs(run_id, 0, 200)

    def check(self, run_id: str) -> None:
        """Check the counters against the items."""
        run, entries = self.run(run_id), self.entries(run_id)
        assert len({entry.index for entry in entries}) == len(entries), "an item ended twice"
        assert run.completed == sum(entry.status is ItemStatus.COMPLETED for entry in entries)
        assert run.failed == sum(entry.status is ItemStatus.FAILED for entry in entries)
        assert run.created == sum(entry.created for entry in entries)
        assert run.deleted == sum(entry.deleted for entry in entries)
        skipped = [target for target in self.tables.runs.manifest(run_id, 0, run.total) if target.skipped]
        assert run.skipped == len(skipped)
        assert run.pending >= 0


async def killed_after(seconds: float, coroutine: asyncio.Task[HopEnd]) -> None:
    """Cancel a worker in the middle: nothing of it runs any more, not even its cleanup."""
    await asyncio.sleep(seconds)
    coroutine.cancel()
    await asyncio.gather(coroutine, return_exceptions=True)


async def dies(world: World, run_id: str, when: Callable[[Run], bool]) -> Run:
    """Return the run after its worker died at the first write with such a state."""
    save = world.tables.runs.save

    def dying(run: Run, before: Run, changes: Changes) -> None:
        if when(run):
            raise SystemError("the worker is lost")
        save(run, before, changes)

    world.tables.runs.save = dying  # type: ignore[method-assign]
    try:
        with pytest.raises(SystemError):
            await world.hop(run_id)
    finally:
        world.tables.runs.save = save  # type: ignore[method-assign]
    run = world.run(run_id)
    run_row(replace(run, lease=replace(run.lease, until=1))).save()
    return run
