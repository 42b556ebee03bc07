"""Queueing over several hops: no item lost, none twice."""

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.runs.model import RunStatus, RunType
from tests.runs.world import World, dies
from tests.simulation.faults import Faults
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import simulate


async def test_what_is_queued_in_part_goes_on_where_it_stopped_though_the_backlog_has_grown(
    simulated_tables: Tables,
) -> None:
    """The backlog grows in the middle: the new story precedes those not queued yet."""
    world = World(simulated_tables)
    world.add_epics(2)
    world.add_stories(1, 75)
    world.add_stories(2, 75)
    run_id = world.start(RunType.GENERATE_SUBTASKS, mode="compact")
    assert (await dies(world, run_id, lambda run: run.queued > 100)).queued == 100
    world.add_stories(1, 76)
    run = await world.to_the_end(run_id)
    targets = world.tables.runs.manifest(run_id, 0, 1_000)
    assert [target.numbers for target in targets] == [(epic, n) for epic in (1, 2) for n in range(1, 76)]
    assert (run.status, run.completed) == (RunStatus.SUCCEEDED, 150)
    world.check(run_id)


async def test_a_manifest_that_was_complete_is_not_written_again(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_epics(12)
    run_id = world.start(RunType.GENERATE_STORIES, mode="compact")
    assert (await dies(world, run_id, lambda run: run.queued_all)).queued == 12
    world.add_epics(15)
    run = await world.to_the_end(run_id)
    assert (run.status, run.total, run.completed) == (RunStatus.SUCCEEDED, 12, 12)
    assert [target.numbers for target in world.tables.runs.manifest(run_id, 0, 100)] == [(n,) for n in range(1, 13)]
    world.check(run_id)


async def test_batches_of_cards_hold_no_card_twice_when_queueing_is_resumed(
    simulated_tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More batches than a page: the first page is fixed, the rest is split anew."""
    monkeypatch.setattr("groundwork.generation.epics.CARDS_PER_CHUNK", 10)
    world = World(simulated_tables)
    world.add_cards(1_250, analyzed=True)
    run_id = world.start(RunType.GENERATE_EPICS)
    batches = world.run(run_id).total - 1
    assert batches > 100
    assert (await dies(world, run_id, lambda run: run.queued > 100)).queued == 100
    world.add_cards(1_260, analyzed=True)
    await dies(world, run_id, lambda run: bool(run.claims))
    targets = world.tables.runs.manifest(run_id, 0, 1_000)
    cards = [number for target in targets for number in target.card_numbers]
    assert len(targets) == batches + 1
    assert sorted(cards) == list(range(1, 1_261))


@pytest.mark.parametrize(("type_", "items"), [(RunType.GENERATE_STORIES, 230), (RunType.ANALYZE_CARDS, 310)])
def test_whole_pages_of_items_that_are_skipped_hold_nothing_up(type_: RunType, items: int) -> None:
    """The only open item follows them; each hop is shorter than the heartbeat interval."""
    options = {"pacing": "fast", "mode": "compact"}
    scenario = Scenario(type_, items, options, hop_s=12.0, call_s=0.5, children=items - 1)
    report = simulate(1, lambda drawn: scenario, lambda faults: Faults())
    assert (report.broken, report.ended) == ("", {"R1": RunStatus.SUCCEEDED})
    assert report.hops == 1
