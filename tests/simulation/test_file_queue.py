"""The queue of files under faults, and with deliberate bugs.

`python -m tests.simulation.file_queue 1 2000` tries more seeds.
"""

import pytest

from tests.simulation.blocks import in_blocks
from tests.simulation.file_queue import simulate
from tests.simulation.mutants_of_file_queue import OF_THE_QUEUE, SEEDS, QueueMutant

BLOCK = 50


@pytest.mark.parametrize("first", in_blocks(range(1, 201, BLOCK)))
def test_no_fault_loses_or_doubles_a_file(first: int) -> None:
    broken = [str(report) for report in map(simulate, range(first, first + BLOCK)) if report.broken]
    assert not broken, "\n".join(broken)


def test_a_seed_is_the_same_course_of_events() -> None:
    assert simulate(7).trace == simulate(7).trace


@pytest.mark.parametrize("mutant", OF_THE_QUEUE, ids=lambda mutant: mutant.name)
def test_a_bug_around_the_queue_is_found(mutant: QueueMutant) -> None:
    report = mutant.caught(range(1, SEEDS + 1))
    assert report is not None, mutant.what
    assert report.broken == mutant.caught_by, report
