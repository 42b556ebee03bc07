"""The run engine under faults, with deliberate bugs, on earlier rows, and at its limits.

`make simulate SEEDS=10000` tries more seeds; `python -m tests.simulation --seed N` replays one with its trace.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from groundwork.runs.model import MAX_HOPS, RunStatus, RunType
from tests.runs.world import PIPELINE
from tests.simulation.blocks import in_blocks
from tests.simulation.faults import Faults
from tests.simulation.mutant import patched
from tests.simulation.mutant_seeds import first_of_all
from tests.simulation.mutants import MUTANTS, SEEDS, Mutant
from tests.simulation.records import MOMENTS, left_by, recorded, rows_of
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import Report, simulate

ROOT = Path(__file__).resolve().parents[2]
BLOCK = 50


def of(scenario: Scenario) -> Callable[[Scenario], Scenario]:
    return lambda drawn: scenario


def calm(faults: Faults) -> Faults:
    return Faults()


@pytest.mark.parametrize("first", in_blocks(range(1, 401, BLOCK)))
def test_no_fault_breaks_an_invariant(first: int) -> None:
    broken = [str(report) for report in map(simulate, range(first, first + BLOCK)) if report.broken]
    assert not broken, "\n".join(broken)


def test_a_seed_is_the_same_course_of_events_in_every_process() -> None:
    here = [simulate(seed).fingerprint for seed in (3, 12, 21)]
    command = "from tests.simulation.simulation import simulate; print([simulate(s).fingerprint for s in (3, 12, 21)])"
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
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--seeds", "4"], "4 seeds from 1: 0 violate an invariant."),
        (["--seed", "3"], "fingerprint "),
        (["--mutants", "lease taken from the living"], "1 of 1 mutants are caught"),
    ],
)
def test_the_command_says_what_it_has_found(asked: list[str], said: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *asked],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"layers/common{os.pathsep}."},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert said in answer.stdout


@pytest.mark.full
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_put_in_on_purpose_is_found(mutant: Mutant) -> None:
    report = mutant.caught(first_of_all(mutant.name, range(1, SEEDS + 1)))
    assert report is not None, mutant.what


def test_a_mutant_with_an_unexpected_crash_proves_nothing() -> None:
    misfit = Mutant("misfit", "takes no argument", patched("groundwork.runs.continuation.save_ms", lambda: 0))
    with pytest.raises(AssertionError, match="the mutant raises TypeError"):
        misfit.caught([1])
    assert replace(misfit, crash="TypeError").caught([1])


@pytest.mark.full
@pytest.mark.parametrize("name", recorded())
def test_runs_begun_by_an_earlier_release_end_right(name: str) -> None:
    rows = rows_of(recorded()[name])
    scenario, _ = MOMENTS[name.split()[1]]
    undisturbed = simulate(1, of(scenario), calm, rows)
    assert not undisturbed.broken, undisturbed
    assert set(undisturbed.ended.values()) == {RunStatus.SUCCEEDED}
    for seed in range(2, 12):
        report = simulate(seed, of(scenario), rows=rows)
        assert not report.broken, report


@pytest.mark.parametrize("name", MOMENTS)
def test_there_is_a_record_of_every_moment(name: str) -> None:
    """Each moment is true to its name: its rows differ from those of every other."""
    assert any(record.endswith(name) for record in recorded())
    statuses = {row["item"]["status"]["S"] for row in left_by(*MOMENTS[name]) if "epoch" in row["item"]}
    assert statuses == ({"QUEUED"} if name == "queued" else {"RUNNING"})


SUBTASKS = Scenario(RunType.GENERATE_SUBTASKS, 12, {"pacing": "safe", "mode": "compact"}, 5.0, 1.2)


def at_its_limits(scenario: Scenario) -> Report:
    report = simulate(1, of(scenario), calm)
    assert not report.broken, report
    return report


@pytest.mark.full
@pytest.mark.slow(reason="more than 800 hops")
def test_a_run_of_hundreds_of_hops_goes_on_to_its_end() -> None:
    report = at_its_limits(replace(SUBTASKS, items=1_200))
    assert report.ended == {"R1": RunStatus.SUCCEEDED}
    assert report.hops > 800


@pytest.mark.full
@pytest.mark.slow(reason="more than 1,000 hops")
def test_a_run_that_would_go_on_for_ever_ends_after_a_thousand_hops_with_all_items_accounted_for() -> None:
    report = at_its_limits(replace(SUBTASKS, items=1_600))
    assert report.ended == {"R1": RunStatus.PARTIAL}
    assert report.hops == MAX_HOPS + 1
    assert report.items == 1_600


@pytest.mark.full
@pytest.mark.slow(reason="10,000 items")
def test_a_run_has_ten_thousand_items() -> None:
    cards = replace(SUBTASKS, type=RunType.ANALYZE_CARDS, items=10_000, options={"pacing": "fast"}, hop_s=300.0)
    report = at_its_limits(cards)
    assert report.ended == {"R1": RunStatus.SUCCEEDED}
    assert report.items == 10_000


@pytest.mark.full
@pytest.mark.parametrize("type_", PIPELINE)
def test_texts_as_long_as_they_may_be_are_no_fault(type_: RunType) -> None:
    long = replace(SUBTASKS, type=type_, items=60, options={"pacing": "fast"}, hop_s=300.0, text="🪨" * 9_990)
    assert at_its_limits(long).ended == {"R1": RunStatus.SUCCEEDED}


def test_an_item_that_kills_its_process_each_time_fails_and_the_others_are_done() -> None:
    report = at_its_limits(replace(SUBTASKS, items=30, options={"pacing": "fast"}, hop_s=60.0, poisons=1))
    assert report.ended["R1"] is RunStatus.PARTIAL
    assert report.failures == {"WORKER_LOST": report.failed}
    assert report.failed == len(report.ended)


@pytest.mark.full
def test_what_is_given_up_before_it_was_queued_is_done_by_its_retry() -> None:
    """Every third request kills its worker: some runs are given up with an empty manifest."""
    dying = Faults(killed_before=0.3, until_s=1_500.0)
    reports = [simulate(seed, of(replace(SUBTASKS, hop_s=60.0)), lambda faults: dying) for seed in range(1, 12)]
    assert not [report for report in reports if report.broken]
    given_up = [list(report.ended.values()) for report in reports if not report.failures and len(report.ended) > 1]
    assert given_up
    assert all(statuses == [RunStatus.FAILED, RunStatus.SUCCEEDED] for statuses in given_up)
