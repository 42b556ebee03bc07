"""Executions of plans under faults from seeds and with deliberate bugs.

`python -m tests.simulation --executions --seeds 1000` tries more seeds.
"""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from groundwork.plans.model import PlanStatus
from tests.simulation.blocks import in_blocks
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.mutant import ExecutionMutant
from tests.simulation.execution.mutants import EXECUTION_MUTANTS
from tests.simulation.execution.simulation import simulate_execution
from tests.simulation.execution.worlds import World
from tests.simulation.mutant import SEEDS
from tests.simulation.mutant_seeds import first_of_all

ROOT = Path(__file__).resolve().parents[2]
BLOCK = 3
FOUND = (8, 10, 46, 332)
"""Seeds of past bugs, explained in docs/reference/past-bugs.md.

The simulator has grown since.
"""


@pytest.mark.slow(reason="a plan that is carried out takes seconds to simulate")
@pytest.mark.parametrize("first", in_blocks(range(1, 31, BLOCK)))
def test_no_fault_breaks_a_plan_that_is_carried_out(first: int) -> None:
    reports = [simulate_execution(seed) for seed in range(first, first + BLOCK)]
    assert not [str(report) for report in reports if report.broken]
    ends = Counter(status for report in reports for status in report.ended.values())
    assert set(ends) <= {PlanStatus.COMPLETED, PlanStatus.CANCELLED}
    assert ends[PlanStatus.COMPLETED] > BLOCK / 2


@pytest.mark.full
@pytest.mark.parametrize("seed", FOUND)
@pytest.mark.slow(reason="a plan that is executed takes seconds to simulate")
def test_what_a_seed_has_found_stays_mended(seed: int) -> None:
    report = simulate_execution(seed)
    assert not report.broken, report


def test_a_plan_that_nothing_hinders_is_carried_out_by_one_execution() -> None:
    def alone(world: World) -> World:
        return replace(world, clicks=0, edits=0, moves=0, rollbacks=0, checked=())

    report = simulate_execution(2, alone, lambda faults: ExecutionFaults())
    assert not report.broken, report
    assert set(report.ended.values()) == {PlanStatus.COMPLETED}
    assert sum("start_execution" in line for line in report.trace if "-2" in line) == 0


@pytest.mark.full
def test_a_seed_is_the_same_course_of_events_in_every_process() -> None:
    here = [simulate_execution(seed).fingerprint for seed in (2, 5)]
    command = (
        "from tests.simulation.execution.simulation import simulate_execution as s; "
        "print([s(seed).fingerprint for seed in (2, 5)])"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"layers/common{os.pathsep}.", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert elsewhere.stdout.strip() == str(here)


@pytest.mark.full
@pytest.mark.parametrize("mutant", EXECUTION_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_put_in_on_purpose_is_found(mutant: ExecutionMutant) -> None:
    report = mutant.caught(first_of_all(mutant.name, range(mutant.first, mutant.first + SEEDS)))
    assert report is not None, mutant.what
