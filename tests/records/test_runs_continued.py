"""Runs left in the tables by 29c4d3d, read and ended by today's code."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from groundwork.adapters.dynamodb.tables import open_tables
from groundwork.runs.cancel import cancel
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import ItemStatus, RunStatus, RunType
from groundwork.runs.sweep import Sweeper
from tests.records.loading import load
from tests.records.recorded import recorded, rows_of
from tests.runs.world import World
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.simulation.simulation import PROJECT
from tests.tables import make_tables, settings_at

RUNS = recorded("runs")
UNDER_WAY = ["queued", "queueing", "analyzing", "working", "replacing", "proposing", "merging", "selected"]
LARGE = {"queueing", "analyzing", "proposing", "merging", "proposed"}
"""Records with hundreds of cards: moto would take a minute for each."""

RUN = f"{PROJECT}-R1"
type Left = Callable[[str], World]


def world_of(endpoint: str, name: str) -> World:
    world = World(make_tables(endpoint), project_id=PROJECT)
    load(endpoint, rows_of(RUNS[f"29c4d3d {name}"]))
    return world


@pytest.fixture
def left(request: pytest.FixtureRequest) -> Iterator[Left]:
    database = Database()

    def made(name: str) -> World:
        if name not in LARGE:
            return world_of(request.getfixturevalue("moto_server"), name)
        memory.enter_context(in_place_of_aws(database.carry_out))
        world = World(open_tables(settings_at("backlog", "runs")), project_id=PROJECT)
        database.load(rows_of(RUNS[f"29c4d3d {name}"]))
        return world

    with ExitStack() as memory:
        yield made


def sweep(world: World) -> None:
    tables = world.tables
    purger = tables.purger
    Sweeper(
        store=tables.runs,
        starter=world.starter,
        to_purge=purger.to_purge,
        purge=purger.purge,
        now_ms=world.clock_ms,
        left_ms=lambda: 60_000,
    ).sweep()


def test_every_record_of_a_run_is_continued() -> None:
    others = {"cancelled", "retrying", "retried", "proposed"}
    assert {name.split()[1] for name in RUNS} == {*UNDER_WAY, *others}


@pytest.mark.parametrize("name", UNDER_WAY)
async def test_a_run_under_way_goes_on_to_its_end(left: Left, name: str) -> None:
    world = left(name)
    before = world.run(RUN)
    assert before.status.active
    sweep(world)
    assert RUN in world.triggered
    after = await world.to_the_end(RUN)
    assert after.status is RunStatus.SUCCEEDED
    assert (after.hops, after.seq, after.lease.epoch) > (before.hops, before.seq, before.lease.epoch)
    assert after.completed >= before.completed
    assert after.cost >= before.cost
    assert not world.tables.runs.active_by_type(PROJECT)
    world.check(RUN)
    assert [run.id for run in world.tables.runs.runs_of(PROJECT, None, 10)] == [RUN]
    assert len(world.tables.runs.manifest(RUN, 0, after.total)) == after.total


async def test_a_run_under_way_is_cancelled_and_the_rest_done_by_another(left: Left) -> None:
    world = left("working")
    done = world.run(RUN).completed
    assert cancel(world.tables.runs, RUN, world.clock_ms, lambda seconds: None).status is RunStatus.CANCELLED
    assert await world.hop(RUN) is not HopEnd.CONTINUED
    again = world.start(RunType.GENERATE_SUBTASKS)
    after = await world.to_the_end(again)
    assert (after.status, after.skipped) == (RunStatus.SUCCEEDED, done)
    world.check(again)


async def test_a_cancelled_run_stays_as_it_is_and_what_is_left_of_it_can_be_done(left: Left) -> None:
    world = left("cancelled")
    before = world.run(RUN)
    assert before.status is RunStatus.CANCELLED
    await world.hop(RUN)
    assert world.run(RUN) == before
    assert (await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))).status is RunStatus.SUCCEEDED


async def test_a_retry_that_was_due_is_given_and_succeeds(left: Left) -> None:
    world = left("retrying")
    assert world.run(RUN).status is RunStatus.PARTIAL
    sweep(world)
    (again,) = world.triggered
    after = await world.to_the_end(again)
    assert (after.status, after.retry_of, after.total) == (RunStatus.SUCCEEDED, RUN, 1)


async def test_the_retry_of_a_retry_is_given_too(left: Left) -> None:
    world = left("retried")
    sweep(world)
    (again,) = world.triggered
    after = await world.to_the_end(again)
    assert (after.status, after.retry_of) == (RunStatus.SUCCEEDED, f"{PROJECT}-R2")


def test_what_an_ended_run_has_left_is_read(left: Left) -> None:
    world = left("proposed")
    run, entries = world.run(RUN), world.entries(RUN)
    assert run.status is RunStatus.SUCCEEDED
    assert {entry.status for entry in entries} == {ItemStatus.COMPLETED}
    assert world.tables.runs.drafts(RUN)
    assert world.tables.runs.uncovered_card_ids(RUN) is not None
    assert world.logs(RUN)
    world.check(RUN)


async def test_two_workers_at_once_end_each_item_once(dynamodb_local: str) -> None:
    world = world_of(dynamodb_local, "working")
    sweep(world)
    await asyncio.gather(*(world.hop(RUN, f"worker-{number}") for number in range(4)))
    assert (await world.to_the_end(RUN)).status is RunStatus.SUCCEEDED
    world.check(RUN)
