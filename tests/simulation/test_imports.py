"""Import runs under faults: lost workers, cancels, lost files, cards sent meanwhile."""

from collections import Counter

import pytest

from groundwork.runs.model import RunStatus
from tests.simulation.blocks import in_blocks
from tests.simulation.imports import ImportSimulation
from tests.simulation.simulation import Report, simulate

BLOCK = 20


def simulated(seed: int) -> Report:
    return simulate(seed, kind=ImportSimulation)


@pytest.mark.parametrize("first", in_blocks(range(1, 101, BLOCK)))
def test_no_fault_breaks_an_import(first: int) -> None:
    reports = list(map(simulated, range(first, first + BLOCK)))
    assert not [str(report) for report in reports if report.broken]
    ends = Counter(status for report in reports for status in report.ended.values())
    # the seeds must cover success as well as failure
    assert ends[RunStatus.SUCCEEDED] > 5
    assert ends.total() - ends[RunStatus.SUCCEEDED] > 1
