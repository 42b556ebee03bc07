"""Sandboxes of owners under faults from seeds and with deliberate bugs.

`python -m tests.simulation --sandboxes --seeds 1000` tries more seeds.
"""

from collections import Counter
from dataclasses import replace

import pytest

from groundwork.sandbox.verdict import Verdict
from tests.simulation.blocks import in_blocks
from tests.simulation.mutant import SEEDS
from tests.simulation.mutant_seeds import first_of_all
from tests.simulation.sandboxes.faults import SandboxFaults
from tests.simulation.sandboxes.mutants import MUTANTS, SandboxMutant
from tests.simulation.sandboxes.simulation import simulate_sandboxes

BLOCK = 10


@pytest.mark.parametrize("first", in_blocks(range(1, 31, BLOCK)))
def test_no_fault_loses_a_sandbox_or_bills_it_twice(first: int) -> None:
    reports = [simulate_sandboxes(seed) for seed in range(first, first + BLOCK)]
    assert not [str(report) for report in reports if report.broken]
    verdicts = Counter(verdict for report in reports for verdict in report.ended.values())
    assert verdicts[Verdict.PASSED] + verdicts[Verdict.FAILED] > BLOCK / 2


def test_an_owner_that_nothing_hinders_has_one_sandbox() -> None:
    report = simulate_sandboxes(
        3, lambda world: replace(world, owners=1, cancelled=0, paused=0), lambda faults: SandboxFaults()
    )
    assert not report.broken, report
    assert set(report.ended.values()) <= {Verdict.PASSED, Verdict.FAILED}


@pytest.mark.full
def test_a_seed_is_the_same_course_of_events() -> None:
    assert simulate_sandboxes(4).fingerprint == simulate_sandboxes(4).fingerprint


@pytest.mark.full
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_put_in_on_purpose_is_found(mutant: SandboxMutant) -> None:
    report = mutant.caught(first_of_all(mutant.name, range(1, SEEDS + 1)))
    assert report is not None, mutant.what
