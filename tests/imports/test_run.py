"""Import runs from start to end on real tables: every row counts once, whatever happens."""

import gzip

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.imports.model import RowCounts
from groundwork.runs.model import RunStatus
from tests.imports.world import ImportWorld


@pytest.fixture
def world(moto_tables: Tables) -> ImportWorld:
    return ImportWorld(moto_tables)


def csv(*rows: tuple[str, str]) -> bytes:
    return "".join(f"{one},{other}\n" for one, other in [("id", "text"), *rows]).encode()


def numbered(count: int, start: int = 1) -> bytes:
    return csv(*((str(number), f"Feedback {number} is long enough") for number in range(start, start + count)))


async def test_every_row_becomes_a_card_in_the_order_of_the_file(world: ImportWorld) -> None:
    made, run = await world.imported(numbered(100))
    assert (run.status, run.total, run.completed, run.created) == (RunStatus.SUCCEEDED, 4, 4, 100)
    assert world.texts() == [f"Feedback {number} is long enough" for number in range(1, 101)]
    assert (made.counts, world.counts()) == (RowCounts(created=100), 100)
    world.check(run.id)


async def test_a_compressed_file_is_imported_too(world: ImportWorld) -> None:
    made, run = await world.imported(gzip.compress(numbered(70)))
    assert (run.status, made.counts) == (RunStatus.SUCCEEDED, RowCounts(created=70))
