"""Cost of a run in DynamoDB, and time of a parallel phase of a plan.

python -m benchmarks [ITEMS ...]

Runs use AWS's own engine (DynamoDB Local). Every figure is a count, except the overhead: a ratio of two times from the
same process.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.counting import item_units, metered, size_of
from benchmarks.gates import GateFigures, gate_figures
from groundwork.adapters.dynamodb.backlog_rows import row_of
from groundwork.adapters.dynamodb.client import Transaction
from groundwork.adapters.dynamodb.run_rows import RunRow, run_key
from groundwork.adapters.dynamodb.tables import connection
from groundwork.backlog.model import Subtask
from groundwork.ids import Kind
from groundwork.ids import Path as IdPath
from groundwork.llm.port import Question, Reply
from groundwork.runs.model import Run, RunStatus, RunType
from tests.dynamodb_local import fetched, running
from tests.fakes.model import ScriptedModel, text
from tests.runs.world import CREATED, World
from tests.tables import make_tables

SIZES = (50, 1_000, 10_000)
CHILDREN = 6
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figures:
    """One run of GENERATE_SUBTASKS with six children an item. Units and requests are per item."""

    items: int
    pacing: str
    requests: float
    write_units: float
    progress_read_units: float
    largest_run_row_bytes: int
    seconds: float
    times_a_bare_transaction: float


def six_subtasks(call: int, question: Question) -> Reply:
    subtasks = [
        {
            "title": f"Step {n} of the work that has to be done",
            "description": "What is to be done here. " * 6,
            "effort": "M",
        }
        for n in range(CHILDREN)
    ]
    return text(json.dumps({"subtasks": subtasks}))


def measured(endpoint: str, items: int, pacing: str) -> Figures:
    world = World(make_tables(endpoint), model=ScriptedModel(six_subtasks), hop_ms=3_600_000)
    epics = -(-items // 900)
    world.add_epics(epics)
    for epic in range(1, epics + 1):
        world.add_stories(epic, min(900, items - 900 * (epic - 1)))
    with metered() as meter:
        run_id = world.start(RunType.GENERATE_SUBTASKS, pacing=pacing)
        began = time.monotonic()
        run = asyncio.run(world.to_the_end(run_id))
        seconds = time.monotonic() - began
    assert run.status is RunStatus.SUCCEEDED, run.error
    largest = _run_row_bytes(run)
    return Figures(
        items=items,
        pacing=pacing,
        requests=round(meter.bill.requests / items, 2),
        write_units=round(meter.bill.write_units / items, 2),
        progress_read_units=0.5 * -(-largest // 4096),
        largest_run_row_bytes=largest,
        seconds=round(seconds, 1),
        times_a_bare_transaction=round(seconds / items / bare_transaction_s(world), 2),
    )


def _run_row_bytes(run: Run) -> int:
    item = RunRow.get(*run_key(run.id)).serialize()
    assert item_units(item) == 1, "the run's row must stay within one write unit"
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


def bare_transaction_s(world: World, repeats: int = 200) -> float:
    """Measure the seconds of one transaction with six subtasks."""
    story = IdPath(Kind.STORY, world.project_id, (99, 1))
    began = time.monotonic()
    for repeat in range(repeats):
        transaction = Transaction(connection())
        for n in range(CHILDREN):
            path = story.child(Kind.SUBTASK, repeat * CHILDREN + n + 1)
            subtask = Subtask(
                id=str(path),
                story_id=str(story),
                project_id=world.project_id,
                code=path.code,
                title="Step of the work that has to be done",
                description="What is to be done here. " * 6,
                created_at=CREATED,
            )
            transaction.put(row_of(subtask))
        transaction.commit()
    return (time.monotonic() - began) / repeats


def show(title: str, figures: Sequence[Figures | GateFigures]) -> None:
    table = Table(title=title)
    for name in asdict(figures[0]):
        table.add_column(name.replace("_", " "), justify="right")
    for figure in figures:
        table.add_row(*(str(value) for value in asdict(figure).values()))
    Console().print(table)


def main(arguments: list[str]) -> int:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ[name] = "test"
    sizes = [int(argument) for argument in arguments] or list(SIZES)
    with running(fetched()) as endpoint:
        figures = [measured(endpoint, items, "fast") for items in sizes]
        # one call at a time: nothing to group, so the dearest case; few items, for its starts are 2 s apart
        figures.append(measured(endpoint, 25, "safe"))
    show("A run of GENERATE_SUBTASKS with 6 children an item, on DynamoDB Local", figures)
    gates = [gate_figures(tasks=tasks, width=width) for tasks, width in ((20, 20), (60, 60), (60, 4))]
    show("A parallel phase on random graphs, as multiples of its critical path", gates)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "gates.json").write_text(json.dumps([asdict(figure) for figure in gates], indent=1) + "\n")
    (RESULTS / "runs.json").write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
