"""Cancellation of runs: its promise, and lost answers."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import RunNotActive
from groundwork.runs.cancel import cancel
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import Run, RunStatus, RunType
from groundwork.runs.ports import Changes
from tests.fakes.model import ScriptedModel
from tests.runs.doubles import Behind, LosesAnswers
from tests.runs.world import World

pytestmark = pytest.mark.usefixtures("quick")


def test_a_cancel_whose_answer_was_lost_is_a_cancel_and_no_refusal(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_epics(1)
    world.add_stories(1, 3)
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    store: Any = LosesAnswers(simulated_tables.runs)
    cancelled = cancel(store, run_id, lambda: 1_000, sleep=lambda seconds: None)
    assert cancelled.status is RunStatus.CANCELLED
    assert simulated_tables.runs.load(run_id) == cancelled
    with pytest.raises(RunNotActive):
        cancel(simulated_tables.runs, run_id, lambda: 2_000, sleep=lambda seconds: None)


async def test_a_worker_whose_run_was_cancelled_before_its_last_write_knows_it(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_cards(3)
    run_id = world.start(RunType.ANALYZE_CARDS)
    runs = simulated_tables.runs

    def finish(run: Run, before: Run, changes: Changes) -> None:
        cancel(runs, run_id, world.clock_ms, lambda seconds: None)
        runs.finish(run, before, changes)

    store: Any = Behind(runs, finish=finish)
    assert await replace(world.worker(), store=store).hop(run_id) is HopEnd.LEASE_LOST
    assert world.run(run_id).status is RunStatus.CANCELLED
    assert not [line for line in world.logs(run_id) if "The run ended" in line.message]


async def test_a_cancel_is_answered_when_no_call_can_begin_any_more(simulated_tables: Tables) -> None:
    """Calls start a second apart: none may start after the answer to the cancel."""
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
