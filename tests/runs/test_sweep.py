"""The scheduled sweep, and runs waiting for it."""

from dataclasses import replace

import pytest

from groundwork.adapters.dynamodb.backlog_rows import PURGE, ProjectRow
from groundwork.adapters.dynamodb.run_rows import RunRow, run_key
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import Transient
from groundwork.generation.registry import run_handlers
from groundwork.runs.model import RunStatus, RunType
from groundwork.runs.progress import progress_of
from groundwork.runs.start import RunRequest
from tests.runs.doubles import sweeper
from tests.runs.world import World

pytestmark = pytest.mark.usefixtures("quick")


ANALYSIS = run_handlers()[RunType.ANALYZE_CARDS]


async def test_a_row_that_cannot_be_read_does_not_stop_the_sweep(simulated_tables: Tables) -> None:
    """As after a rollback: a newer release has written an unknown phase."""
    world, other = World(simulated_tables), World(simulated_tables)
    world.add_cards(3)
    other.add_cards(3)
    bad, good = world.start(RunType.ANALYZE_CARDS), other.start(RunType.ANALYZE_CARDS)
    RunRow(*run_key(bad)).update(actions=[RunRow.phase.set("PONDERING")])
    swept = sweeper(world).sweep()
    assert (swept.revived, swept.deferred) == ([good], [bad])


async def test_a_trigger_that_failed_once_is_not_what_progress_says_for_ever(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_cards(3)

    def refused(run_id: str) -> None:
        raise Transient("Lambda: TooManyRequestsException")

    starter = replace(world.starter, invoke=refused)
    run_id = starter.start(world.project_id, RunRequest(type=RunType.ANALYZE_CARDS)).run_id
    waiting = progress_of(world.run(run_id), world.clock_ms(), ANALYSIS)
    assert "could not be triggered" in waiting["phaseDetail"]
    run = await world.to_the_end(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert "could not be triggered" not in progress_of(run, world.clock_ms(), ANALYSIS)["phaseDetail"]


def test_a_purger_lost_before_it_could_say_that_it_is_done_leaves_no_project_on_the_list(
    simulated_tables: Tables,
) -> None:
    world = World(simulated_tables)
    # the last dead prefix has gone from the project's row, and then its worker was killed
    ProjectRow(world.project_id).update(actions=[ProjectRow.attention.set(PURGE), ProjectRow.attention_at.set(1)])
    assert world.tables.purger.to_purge() == [world.project_id]
    assert world.tables.purger.purge(world.project_id, lambda: False)
    assert world.tables.purger.to_purge() == []
