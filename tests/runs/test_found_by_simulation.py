"""Bugs that the simulator has found, each shown by itself. docs/reference/past-bugs.md tells how they were found."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, HTTPClientError, ReadTimeoutError

from groundwork.adapters.dynamodb.backlog_rows import PURGE, ProjectRow
from groundwork.adapters.dynamodb.run_rows import run_row
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.errors import Transient
from groundwork.runs import leases
from groundwork.runs.cancel import cancel
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import Claim, Lease, RunPhase, RunStatus, RunType
from tests.fakes.model import ScriptedModel
from tests.runs.world import World, dies
from tests.simulation.dynamodb import in_place_of_aws
from tests.simulation.faults import Faults
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import simulate
from tests.tables import settings_at


@pytest.mark.parametrize("fault", [ReadTimeoutError, ConnectTimeoutError])
def test_a_connection_that_breaks_is_tried_again_and_no_fault_of_ours(fault: type[HTTPClientError]) -> None:
    def send(operation: str, sent: Any) -> Any:
        raise fault(endpoint_url="dynamodb")

    with in_place_of_aws(send):
        tables = open_tables(settings_at("backlog", "runs"))
        with pytest.raises(Transient, match=fault.__name__):
            tables.runs.load("bcdfghjkmn-R1")


async def test_two_deliveries_of_one_event_hold_no_lease_together(simulated_tables: Tables) -> None:
    world = World(simulated_tables, model=ScriptedModel(seconds=0.2))
    world.add_epics(1)
    world.add_stories(1, 12)
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    ends = await asyncio.gather(*(world.hop(run_id, "the-same-request") for _ in range(4)))
    assert ends.count(HopEnd.ENDED) == 1
    assert set(ends) <= {HopEnd.ENDED, HopEnd.LEASE_LOST, HopEnd.NOT_TAKEN}
    world.check(run_id)
    assert world.model.calls == 12


def test_no_two_invocations_have_one_name() -> None:
    names = {leases.invocation_id("one-request") for _ in range(100)}
    assert len(names) == 100


async def test_a_cancel_is_answered_when_no_call_can_begin_any_more(simulated_tables: Tables) -> None:
    """Calls are a second apart: those that were about to begin when the cancel came must not begin after its answer."""
    world = World(simulated_tables, model=ScriptedModel(seconds=30))
    world.add_epics(1)
    world.add_stories(1, 12)
    run_id = world.start(RunType.GENERATE_SUBTASKS, pacing="normal")
    hop = asyncio.create_task(world.hop(run_id))
    while not world.model.calls and not hop.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.to_thread(cancel, world.tables.runs, run_id, world.clock_ms)
    calls = world.model.calls
    assert await hop is HopEnd.LEASE_LOST
    assert world.model.calls == calls


def test_a_waiting_run_is_cancelled_without_waiting(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_cards(1)
    run_id = world.start(RunType.ANALYZE_CARDS)
    waits: list[float] = []
    assert cancel(world.tables.runs, run_id, world.clock_ms, waits.append).status is RunStatus.CANCELLED
    assert waits == []


async def test_a_run_given_up_before_its_items_were_queued_is_retried_whole(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    cards = world.add_cards(5)
    run_id = world.start(RunType.ANALYZE_CARDS, item_ids=[card.id for card in cards[:3]])
    run = world.run(run_id)
    # five hops in a row that could not even write the manifest
    lost = Lease(5, "lost/1", 1)
    run_row(replace(run, hops=5, stalled_hops=5, phase=RunPhase.QUEUEING, lease=lost)).save()
    given_up = await world.to_the_end(run_id)
    assert (given_up.status, given_up.phase, given_up.queued) == (RunStatus.FAILED, RunPhase.QUEUEING, 0)
    assert given_up.next_retry_at is not None
    again = world.starter.retry(run_id, automatic=True)
    assert again.total == 3
    run = await world.to_the_end(again.run_id)
    assert (run.status, run.completed, run.total) == (RunStatus.SUCCEEDED, 3, 3)


async def test_what_was_in_flight_with_a_lost_worker_goes_on_side_by_side(simulated_tables: Tables) -> None:
    """Only what has lost two workers is suspect and runs alone: a deployment takes dozens of innocent items with it."""
    world = World(simulated_tables, model=ScriptedModel(seconds=0.05))
    world.add_epics(1)
    world.add_stories(1, 8)
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    run = await dies(world, run_id, lambda run: bool(run.claims))
    claims = {index: Claim(1, 5) for index in range(4)} | {index: Claim(2, 5) for index in range(4, 8)}
    run_row(replace(run, claims=claims, cursor=8, lease=Lease(run.lease.epoch, "lost/1", 1))).save()
    run = await world.to_the_end(run_id)
    assert (run.status, run.completed) == (RunStatus.SUCCEEDED, 8)
    assert world.model.at_once >= 4
    attempts = {entry.index: entry.attempts for entry in world.entries(run_id)}
    assert attempts == dict.fromkeys(range(4), 2) | dict.fromkeys(range(4, 8), 3)


async def test_what_is_queued_in_part_goes_on_where_it_stopped_though_the_backlog_has_grown(
    simulated_tables: Tables,
) -> None:
    """Also in the middle: the new story comes before the ones that are not queued yet."""
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
    """Where there are more batches than a page: those of the first page are fixed, the rest is shared out anew."""
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


def test_a_purger_lost_before_it_could_say_that_it_is_done_leaves_no_project_on_the_list(
    simulated_tables: Tables,
) -> None:
    world = World(simulated_tables)
    # the last dead prefix has gone from the project's row, and then its worker was killed
    ProjectRow(world.project_id).update(actions=[ProjectRow.attention.set(PURGE), ProjectRow.attention_at.set(1)])
    assert world.tables.purger.to_purge() == [world.project_id]
    assert world.tables.purger.purge(world.project_id, lambda: False)
    assert world.tables.purger.to_purge() == []


@pytest.mark.parametrize(("type_", "items"), [(RunType.GENERATE_STORIES, 230), (RunType.ANALYZE_CARDS, 310)])
def test_whole_pages_of_items_that_are_skipped_hold_nothing_up(type_: RunType, items: int) -> None:
    """The only item that is left to do stands behind them; each hop is shorter than the time to a heartbeat."""
    options = {"pacing": "fast", "mode": "compact"}
    scenario = Scenario(type_, items, options, hop_s=12.0, call_s=0.5, children=items - 1)
    report = simulate(1, lambda drawn: scenario, lambda faults: Faults())
    assert (report.broken, report.ended) == ("", {"R1": RunStatus.SUCCEEDED})
    assert report.hops == 1


async def test_a_run_stopped_by_its_cost_limit_stays_stopped_though_its_worker_was_lost_before_its_end(
    simulated_tables: Tables,
) -> None:
    """The last item is in the journal and the run is not ended: who ends it must know why it had been stopped."""
    world = World(simulated_tables)
    world.add_epics(1)
    world.add_stories(1, 60)
    run_id = world.start(RunType.GENERATE_SUBTASKS, max_cost_usd=0.0005)
    finish = simulated_tables.runs.finish
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated_tables.runs, "finish", _lost)
        with pytest.raises(SystemError):
            await world.hop(run_id)
    assert simulated_tables.runs.finish == finish
    run = world.run(run_id)
    assert run.ended == run.total
    run_row(replace(run, lease=replace(run.lease, until=1), retryable=1)).save()
    assert await world.hop(run_id) is HopEnd.ENDED
    ended = world.run(run_id)
    assert ended.status is RunStatus.PARTIAL
    assert ended.error == "The run has reached its limit of 0.0005 US dollars."
    assert ended.next_retry_at is None


def _lost(*arguments: Any) -> None:
    raise SystemError("the worker is lost")
