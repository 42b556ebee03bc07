"""Plans written by the model, from the request to the stored plan: on real tables, with the mock."""

from pathlib import Path

import pytest

from groundwork.plans.history import IterationKind, IterationStatus
from groundwork.plans.model import PlanStatus
from groundwork.plans.validating import faults
from groundwork.runs import RunType, Status
from groundwork.store.tables import Tables
from tests.plans.world import PlanWorld


@pytest.fixture
def world(moto_tables: Tables, tmp_path: Path) -> PlanWorld:
    return PlanWorld(moto_tables, tmp_path / "repository")


async def test_a_description_becomes_a_plan(world: PlanWorld) -> None:
    accepted = world.ask()
    assert world.plan(accepted.plan_id).status is PlanStatus.GENERATING
    assert world.triggered == [accepted.run_id]
    run = await world.to_the_end(accepted.run_id)
    assert (run.type, run.status, run.total, run.error) == (RunType.GENERATE_PLAN, Status.SUCCEEDED, 1, None)
    plan = world.plan(accepted.plan_id)
    assert (plan.status, plan.version, plan.title) == (PlanStatus.DRAFT, 1, "Resume downloads")
    assert faults(plan, complete=True) == []
    assert {phase.mode for phase in plan.phases} == {"sequential", "parallel"}
    for task in plan.tasks:
        assert task.description
        assert task.acceptance_criteria
    assert any("src/downloads/resume.py" in task.files for task in plan.tasks)
    iteration = world.tables.plans.iteration(accepted.iteration_id)
    assert (iteration.kind, iteration.status, iteration.who) == (
        IterationKind.GENERATED,
        IterationStatus.DONE,
        "somebody",
    )
    assert (iteration.from_version, iteration.version, iteration.run_id) == (0, 1, run.id)
    assert len(iteration.changes) == len(plan.phases) + sum(1 for _ in plan.tasks)
