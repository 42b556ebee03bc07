"""Estimates of plans from assumptions and from measurements."""

from typing import Any

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.model import Effort
from groundwork.llm.port import Usage
from groundwork.plans.estimate import MIN_MEASURED_TASKS, TaskMeasurements, assume_task, estimate_of_plan
from groundwork.plans.graph import SECONDS
from groundwork.plans.model import Plan, TaskState, TaskStatus
from tests.plans.plans import draft, id_of, phase, plan_of

MODEL = "claude-sonnet-5-5"
PAST = TaskMeasurements(4, 400.0, Usage(input=4_000, output=8_000, cache_read=40_000, cache_write=12_000, calls=40))


def a_plan() -> Plan:
    return plan_of(
        phase("One", draft("a", effort="M"), draft("b", "a", effort="S"), pause_after=True),
        phase("Two", draft("c", effort="M"), draft("d", effort="M"), draft("e", "c", effort="S"), mode="parallel"),
        phase("Three", draft("f", effort="XS"), mode="manual"),
    )


def estimate(plan: Plan, history: dict[Effort, TaskMeasurements] | None = None, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"states": {}, "ai": "anthropic", "model": MODEL, "latency_ms": 0}
    return estimate_of_plan(plan, history=history or {}, **given | more)


def test_without_a_history_everything_is_assumed_and_said_to_be() -> None:
    found = estimate(a_plan())
    assert found["basis"] == "assumed"
    assert {line["basis"] for line in found["efforts"]} == {"assumed"}
    m, s, xs = (assume_task(effort).usage for effort in ("M", "S", "XS"))
    assert found["calls"] == 3 * m.calls + 2 * s.calls + xs.calls
    assert found["outputTokens"] == 3 * m.output + 2 * s.output + xs.output
    assert found["costUsd"] > 0
    assert found["tasks"] == 6


def test_time_is_that_of_the_critical_path_and_all_the_work_is_told_beside_it() -> None:
    found = estimate(a_plan())
    m, s, xs = SECONDS["M"], SECONDS["S"], SECONDS["XS"]
    assert found["criticalPathSeconds"] == found["seconds"] == (m + s) + (m + s) + xs
    assert found["workSeconds"] == 3 * m + 2 * s + xs
    assert found["maxParallelism"] == 2
    assert found["stops"] == 2


def test_what_was_measured_replaces_what_was_assumed() -> None:
    found = estimate(a_plan(), {"M": PAST})
    assert found["basis"] == "mixed"
    (medium,) = (line for line in found["efforts"] if line["effort"] == "M")
    assert (medium["basis"], medium["measuredTasks"], medium["seconds"], medium["calls"]) == ("measured", 4, 100, 10)
    every: dict[Effort, TaskMeasurements] = {"XS": PAST, "S": PAST, "M": PAST}
    assert estimate(a_plan(), every)["basis"] == "measured"
    assert estimate(a_plan(), every)["seconds"] == 500


def test_a_few_tasks_are_not_yet_a_history() -> None:
    few = TaskMeasurements(MIN_MEASURED_TASKS - 1, 1.0, Usage(calls=1))
    assert estimate(a_plan(), {"M": few}) == estimate(a_plan())


def test_what_has_ended_costs_nothing_more() -> None:
    plan = a_plan()
    states = {id_of(plan, key): TaskState(status=TaskStatus.COMPLETED) for key in "ab"}
    found = estimate(plan, states=states)
    assert found["tasks"] == 4
    assert found["seconds"] == SECONDS["M"] + SECONDS["S"] + SECONDS["XS"]
    assert found["stops"] == 1
    assert estimate(plan, states={task.id: TaskState(status=TaskStatus.SKIPPED) for task in plan.tasks})["costUsd"] == 0


def test_an_empty_plan_takes_nothing() -> None:
    found = estimate(plan_of())
    assert (found["tasks"], found["calls"], found["costUsd"], found["seconds"]) == (0, 0, 0, 0)


def test_the_mock_takes_its_latency() -> None:
    found = estimate(a_plan(), ai="mock", latency_ms=100)
    assert found["workSeconds"] == round(found["calls"] / 10)


def test_long_sessions_are_not_priced_as_one_long_prompt() -> None:
    haiku = estimate(plan_of(phase("One", draft("a", effort="XL"))), model="claude-haiku-5-5")
    used = assume_task("XL").usage
    plain = used.input * 0.1 + used.output * 0.5 + used.cache_read * 0.01 + used.cache_write * 0.125
    assert haiku["costUsd"] == pytest.approx(plain / 1_000_000, rel=0.05)


@pytest.mark.parametrize("effort", list(SECONDS))
def test_larger_efforts_are_assumed_to_take_more(effort: Effort) -> None:
    efforts: list[Effort] = ["XS", "S", "M", "L", "XL"]
    smaller = efforts[: efforts.index(effort)]
    assert all(assume_task(one).usage.cache_read < assume_task(effort).usage.cache_read for one in smaller)


def test_measures_add_up_by_repository_and_effort(tables: Tables) -> None:
    one = TaskMeasurements(1, 12.5, Usage(1, 2, 3, 4, 5))
    for _ in range(3):
        tables.measures.add("rek3v9x2m4q8", "M", one)
    tables.measures.add("re2222222222", "S", one)
    assert tables.measures.of_repository("rek3v9x2m4q8") == {"M": TaskMeasurements(3, 37.5, Usage(3, 6, 9, 12, 15))}
    assert tables.measures.of_repository("re3333333333") == {}
