"""Validation rules of plans, each with its stable code."""

from itertools import pairwise

import pytest
from hypothesis import given

from groundwork.plans.errors import InvalidPlan
from groundwork.plans.model import Condition, Plan
from groundwork.plans.operations import ChangeDependencies, UpdateTask, apply
from groundwork.plans.validation import FaultCode, check, faults
from tests.plans.plans import draft, empty, id_of, phase, plan_of, plans


def codes(plan: Plan, complete: bool = False) -> list[FaultCode]:
    return [fault.code for fault in faults(plan, complete)]


@given(plans())
def test_a_plan_whose_tasks_depend_on_earlier_ones_is_valid(plan: Plan) -> None:
    assert faults(plan) == []


def test_an_unknown_dependency_is_named() -> None:
    plan = plan_of(phase("One", draft("a", "nothing")))
    (fault,) = faults(plan)
    assert (fault.code, fault.field) == (FaultCode.UNKNOWN_DEPENDENCY, "phases[0].tasks[0].dependsOn")
    assert "nothing" in fault.message


def test_a_task_cannot_depend_on_itself() -> None:
    assert codes(plan_of(phase("One", draft("a", "a"), mode="parallel"))) == [FaultCode.SELF_DEPENDENCY]


def test_a_cycle_is_told_with_its_path() -> None:
    plan = plan_of(phase("One", draft("a", "c"), draft("b", "a"), draft("c", "b"), mode="parallel"))
    (fault,) = faults(plan)
    assert fault.code is FaultCode.CYCLE
    assert fault.path[0] == fault.path[-1]
    needs = {"a": "c", "b": "a", "c": "b"}
    assert all(needs[later] == earlier for earlier, later in pairwise(fault.path))


def test_a_dependency_on_a_later_phase_is_refused() -> None:
    assert codes(plan_of(phase("One", draft("a", "b")), phase("Two", draft("b")))) == [FaultCode.LATER_PHASE]


def test_in_a_sequential_phase_nothing_waits_for_what_comes_after_it() -> None:
    assert codes(plan_of(phase("One", draft("a", "b"), draft("b")))) == [FaultCode.LATER_IN_PHASE]
    assert codes(plan_of(phase("One", draft("a", "b"), draft("b"), mode="parallel"))) == []


def test_two_tasks_with_one_key_are_refused_whatever_its_case() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b")))
    twice = apply(plan, UpdateTask(task_id=id_of(plan, "b"), fields={"key": "A"}))
    assert codes(twice) == [FaultCode.DUPLICATE_KEY]
    with pytest.raises(InvalidPlan) as refused:
        plan_of(phase("One", draft("a"), draft("A")))
    assert refused.value.details[0]["code"] == "DUPLICATE_KEY"


def test_an_empty_phase_is_only_wrong_where_the_plan_has_to_be_complete() -> None:
    plan = plan_of(phase("One"), phase("Two", draft("a")))
    assert (codes(plan), codes(plan, complete=True)) == ([], [FaultCode.EMPTY_PHASE])
    assert codes(empty(), complete=True) == [FaultCode.NO_PHASE]


def test_500_tasks_are_the_limit() -> None:
    first = [draft(f"a{number}") for number in range(500)]
    assert codes(plan_of(phase("One", *first))) == []
    assert codes(plan_of(phase("One", *first), phase("Two", draft("b")))) == [FaultCode.TOO_MANY_TASKS]


def test_51_phases_are_too_many() -> None:
    assert codes(plan_of(*[phase(str(number), draft(f"t{number}")) for number in range(51)])) == [
        FaultCode.TOO_MANY_PHASES
    ]


def test_texts_are_held_to_their_limits_however_they_came() -> None:
    plan = plan_of(phase("One", draft("a")))
    long = apply(plan, UpdateTask(task_id=id_of(plan, "a"), fields={"description": "x" * 5_001}))
    (fault,) = faults(long)
    assert (fault.code, fault.field) == (FaultCode.TEXT, "phases[0].tasks[0].description")


def test_a_plan_of_long_texts_is_told_apart_from_one_of_long_text() -> None:
    texts = [draft(f"a{number}", description="x" * 5_000) for number in range(450)]
    assert codes(plan_of(phase("One", *texts))) == [FaultCode.TOO_LARGE]


def test_a_dependency_named_twice_is_refused() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b")))
    task = plan.task(id_of(plan, "b"))
    assert task is not None
    twice = UpdateTask(task_id=task.id, fields={"depends_on": (id_of(plan, "a"),) * 2})
    assert codes(apply(plan, twice)) == [FaultCode.DUPLICATE_DEPENDENCY]


def test_a_condition_looks_back() -> None:
    good = phase("Two", draft("b"), condition=Condition(task_id="a", outcome="COMPLETED"))
    assert codes(plan_of(phase("One", draft("a")), good)) == []
    assert codes(plan_of(phase("One", draft("a"), condition=Condition(task_id="a")))) == [FaultCode.UNKNOWN_CONDITION]
    needing = draft("b", "a", condition=Condition(task_id="a", outcome="FAILED"))
    assert codes(plan_of(phase("One", draft("a"), needing))) == []


def test_what_is_refused_says_so_in_the_contracts_form() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b", "a"), mode="parallel"))
    cyclic = apply(plan, ChangeDependencies(task_id=id_of(plan, "a"), depends_on=("b",)))
    with pytest.raises(InvalidPlan) as refused:
        check(cyclic)
    (detail,) = refused.value.details
    assert (refused.value.status, refused.value.code) == (422, "INVALID")
    assert set(detail) == {"field", "message", "code", "path"}
    assert set(detail["path"]) == {"a", "b"}
