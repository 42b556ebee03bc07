"""Upgrade in the middle: rows of 29c4d3d continue beside a neighbour release.

Both releases share the tables. The older one can read all rows written here, and a newer one's fields are kept: see
`tests.simulation.releases`. The other simulations draw a neighbour from their seed too.
"""

import pytest

from groundwork.runs.model import RunStatus, RunType
from tests.records.recorded import moment_of, recorded, rows_of
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.simulation import simulate_execution
from tests.simulation.execution.worlds import World
from tests.simulation.faults import Faults
from tests.simulation.known import Violation
from tests.simulation.records import MOMENTS
from tests.simulation.releases import NEW, Neighbour, drawn, enriched, unknown_fields_stay
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import simulate

RUNS, EXECUTIONS = recorded("runs"), recorded("executions")
OTHER = Scenario(RunType.GENERATE_SUBTASKS, 12, {"pacing": "normal"}, 60.0, 4.0)
ENDED_BEFORE = {"29c4d3d cancelled": {"R1": RunStatus.CANCELLED}, "29c4d3d retrying": {"R1": RunStatus.PARTIAL}}
ENDED_BEFORE["29c4d3d retried"] = {"R1": RunStatus.PARTIAL, "R2": RunStatus.FAILED}


def scenario_of(name: str) -> Scenario:
    moment = name.split()[1]
    return MOMENTS[moment][0] if moment in MOMENTS else OTHER


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_the_older_release_has_begun_ends_right(name: str) -> None:
    rows, scenario = rows_of(RUNS[name]), scenario_of(name)
    calm = simulate(1, lambda drawn: scenario, lambda faults: Faults(), rows, neighbour=Neighbour.OLDER)
    assert not calm.broken, calm
    before = ENDED_BEFORE.get(name, {})
    assert before.items() <= calm.ended.items()
    assert {status for run, status in calm.ended.items() if run not in before} <= {RunStatus.SUCCEEDED}
    for seed, neighbour in ((2, Neighbour.OLDER), (3, Neighbour.NEWER), (4, Neighbour.NEWER), (5, Neighbour.OLDER)):
        report = simulate(seed, lambda drawn: scenario, rows=rows, neighbour=neighbour)
        assert not report.broken, report


@pytest.mark.parametrize("name", EXECUTIONS)
def test_a_plan_that_the_older_release_has_begun_is_carried_out(name: str) -> None:
    world, moment = World((), limit=4, invocation_s=420.0), moment_of(EXECUTIONS[name])
    calm = simulate_execution(1, lambda drawn: world, lambda faults: ExecutionFaults(), Neighbour.OLDER, moment)
    assert not calm.broken, calm
    assert set(calm.ended.values()) == {"COMPLETED"}
    for seed, neighbour in ((2, Neighbour.OLDER), (3, Neighbour.NEWER), (4, Neighbour.NEWER)):
        report = simulate_execution(seed, lambda drawn: world, neighbour=neighbour, moment=moment)
        assert not report.broken, report


@pytest.mark.parametrize("name", ["29c4d3d working", "29c4d3d merging"])
def test_the_newer_release_has_written_in_between(name: str) -> None:
    """Without writes by the newer release, this one would not be tested."""
    rows, scenario = rows_of(RUNS[name]), scenario_of(name)
    reports = [
        simulate(s, lambda drawn: scenario, lambda f: Faults(), rows, neighbour=Neighbour.NEWER) for s in range(6)
    ]
    assert {status for report in reports for status in report.ended.values()} == {RunStatus.SUCCEEDED}
    assert sum(report.foreign for report in reports) > 0


def test_every_kind_of_neighbour_is_drawn() -> None:
    assert {drawn(seed) for seed in range(1, 31)} == {None, *Neighbour}


def test_the_judge_of_unknown_fields_finds_one_that_is_lost() -> None:
    known = {"a": None, "rollback": {"number": None}}
    document = {"a": 1, "rollback": {"number": 1}}
    before = enriched(document, known)
    assert before["rollback"][NEW]
    unknown_fields_stay(before, before | {"a": 2}, known, "here")
    unknown_fields_stay(before, before | {"rollback": {"number": 2}}, known, "here")
    for after in (document, before | {"rollback": {"number": 1}}):
        with pytest.raises(Violation, match="unknown_fields_stay"):
            unknown_fields_stay(before, after, known, "here")
