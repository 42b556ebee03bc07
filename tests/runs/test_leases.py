"""Leases: one holder for a run, also if an event is delivered twice."""

import asyncio

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.runs import leases
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import RunType
from tests.fakes.model import ScriptedModel
from tests.runs.world import World


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
