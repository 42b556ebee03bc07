"""Records of a release: rows left in the middle of its runs, for later releases to continue.

`python -m tests.simulation --record 0.1.0` writes them, once for each release. They are never changed afterwards.
"""

import asyncio
import gzip
import json
import random as randomness
from pathlib import Path

from groundwork.runs.model import RunType
from tests.simulation.clock import on_virtual_time
from tests.simulation.dynamodb import Row
from tests.simulation.faults import Faults
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import Simulation, connected

RECORDS = Path(__file__).parent / "records"

_OPTIONS = {"pacing": "normal"}
MOMENTS: dict[str, tuple[Scenario, float]] = {
    "queued": (Scenario(RunType.GENERATE_SUBTASKS, 12, _OPTIONS, 60.0, 4.0), 0.26),
    "queueing": (Scenario(RunType.ANALYZE_CARDS, 400, _OPTIONS, 60.0, 4.0), 0.5),
    "analyzing": (Scenario(RunType.ANALYZE_CARDS, 120, _OPTIONS, 60.0, 4.0), 12.0),
    "working": (Scenario(RunType.GENERATE_SUBTASKS, 12, _OPTIONS, 60.0, 4.0), 8.0),
    "replacing": (Scenario(RunType.GENERATE_STORIES, 6, {**_OPTIONS, "existing_behavior": "replace"}, 60.0, 4.0), 6.0),
    "proposing": (Scenario(RunType.GENERATE_EPICS, 700, _OPTIONS, 60.0, 4.0), 5.0),
    "merging": (Scenario(RunType.GENERATE_EPICS, 700, _OPTIONS, 60.0, 4.0), 9.0),
}
"""Request, and seconds until everything stops, by name."""


def record(version: str) -> list[Path]:
    """Write one file for each moment.

    Raises FileExistsError if the release has records: they must not change.
    """
    folder = RECORDS / version
    folder.mkdir(parents=True)
    written = []
    for name, (scenario, seconds) in MOMENTS.items():
        path = folder / f"{name}.json.gz"
        path.write_bytes(gzip.compress(json.dumps(left_by(scenario, seconds)).encode(), mtime=0))
        written.append(path)
    return written


def left_by(scenario: Scenario, seconds: float) -> list[Row]:
    """Return the rows at that moment, in a world without faults."""
    with connected() as connect:
        simulation = Simulation(scenario, Faults(), randomness.Random(1))
        connect(simulation.cloud)
        simulation.prepare()

        async def until_then() -> None:
            started = asyncio.create_task(simulation.people.live())
            await asyncio.sleep(seconds)
            started.cancel()

        on_virtual_time(until_then(), simulation.loop)
        return simulation.cloud.database.dump()


def recorded() -> dict[str, Path]:
    """Return all records of all releases, by name."""
    return {f"{path.parent.name} {path.name.partition('.')[0]}": path for path in sorted(RECORDS.glob("*/*.json.gz"))}


def rows_of(path: Path) -> list[Row]:
    rows: list[Row] = json.loads(gzip.decompress(path.read_bytes()))
    return rows
