"""Effects of each edit on a plan, and invariants of all sequences of edits."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.errors import Refusal
from groundwork.plans.errors import HasDependents
from groundwork.plans.history import compare, restore
from groundwork.plans.model import Condition, Plan
from groundwork.plans.operations import (
    AddPhase,
    AddTask,
    MoveTask,
    RemovePhase,
    RemoveTask,
    Reorder,
    SplitTask,
    apply,
)
from groundwork.plans.validation import check, faults
from tests.plans.plans import draft, id_of, operations, phase, plan_of, plans


def keys(plan: Plan) -> list[list[str]]:
    return [[task.key for task in one.tasks] for one in plan.phases]


def needs(plan: Plan, key: str) -> list[str]:
    names = {task.id: task.key for task in plan.tasks}
    task = plan.task(id_of(plan, key))
    return [names[id_] for id_ in task.depends_on] if task else []


def chain() -> Plan:
    return plan_of(phase("One", draft("a"), draft("b", "a"), draft("c", "b")), phase("Two", draft("d", "c")))


def test_deleting_a_task_is_refused_where_another_depends_on_it() -> None:
    plan = chain()
    with pytest.raises(HasDependents) as refused:
        apply(plan, RemoveTask(task_id=id_of(plan, "b"), dependents="refuse"))
    assert refused.value.details == {"taskIds": [id_of(plan, "c")]}


def test_deleting_a_task_hands_on_what_it_depended_on() -> None:
    plan = chain()
    plan = check(apply(plan, RemoveTask(task_id=id_of(plan, "b"), dependents="repair")))
    assert (keys(plan), needs(plan, "c")) == ([["a", "c"], ["d"]], ["a"])


def test_a_condition_on_a_deleted_task_goes_with_it() -> None:
    plan = plan_of(phase("One", draft("a")), phase("Two", draft("b", condition=Condition(task_id="a"))))
    with pytest.raises(HasDependents):
        apply(plan, RemoveTask(task_id=id_of(plan, "a"), dependents="refuse"))
    plan = check(apply(plan, RemoveTask(task_id=id_of(plan, "a"), dependents="repair")))
    assert next(plan.tasks).condition is None


def test_deleting_a_phase_asks_only_after_those_outside_it() -> None:
    plan = chain()
    with pytest.raises(HasDependents) as refused:
        apply(plan, RemovePhase(phase_id=plan.phases[0].id))
    assert refused.value.details == {"taskIds": [id_of(plan, "d")]}
    repaired = check(apply(plan, RemovePhase(phase_id=plan.phases[0].id, dependents="repair")))
    assert (keys(repaired), needs(repaired, "d")) == ([["d"]], [])


def test_the_parts_of_a_task_take_its_place_and_its_links() -> None:
    plan = chain()
    parts = (draft("b1"), draft("b2", "b1"), draft("b3", "b1"))
    plan = check(apply(plan, SplitTask(task_id=id_of(plan, "b"), parts=parts)))
    assert keys(plan) == [["a", "b1", "b2", "b3", "c"], ["d"]]
    assert [needs(plan, key) for key in ("b1", "b2", "c")] == [["a"], ["b1"], ["b2", "b3"]]


def test_a_part_may_keep_the_key_of_the_whole() -> None:
    plan = chain()
    plan = check(apply(plan, SplitTask(task_id=id_of(plan, "b"), parts=(draft("b"), draft("b2", "b")))))
    assert needs(plan, "c") == ["b2"]


def test_a_task_moves_with_its_dependencies() -> None:
    plan = chain()
    two = plan.phases[1].id
    plan = check(apply(plan, MoveTask(task_id=id_of(plan, "c"), phase_id=two, position=0)))
    assert (keys(plan), needs(plan, "d")) == ([["a", "b"], ["c", "d"]], ["c"])


def test_a_new_task_can_be_put_in_between() -> None:
    plan = chain()
    new = AddTask(phase_id=plan.phases[0].id, task=draft("x", "a"), position=1, needed_by=(id_of(plan, "b"),))
    plan = check(apply(plan, new))
    assert (keys(plan), needs(plan, "b")) == ([["a", "x", "b", "c"], ["d"]], ["a", "x"])


def test_what_is_not_named_keeps_its_order_behind_the_rest() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b"), draft("c")))
    plan = apply(plan, Reorder(phase_id=plan.phases[0].id, task_ids=(id_of(plan, "c"),)))
    assert keys(plan) == [["c", "a", "b"]]


def test_a_phase_goes_where_it_is_put() -> None:
    plan = apply(chain(), AddPhase(phase=phase("New", draft("x")), position=0))
    assert [one.title for one in plan.phases] == ["New", "One", "Two"]


@given(st.data())
def test_no_sequence_of_edits_makes_an_invalid_plan_or_uses_an_id_again(data: st.DataObject) -> None:
    plan = data.draw(plans())
    versions = [plan]
    ever = {task.id for task in plan.tasks} | {one.id for one in plan.phases}
    for _ in range(data.draw(st.integers(1, 6))):
        before = plan
        with suppress(Refusal):
            plan = check(apply(plan, data.draw(operations(plan))))
        now = {task.id for task in plan.tasks} | {one.id for one in plan.phases}
        new = now - {task.id for task in before.tasks} - {one.id for one in before.phases}
        assert not new & ever, "an id was given twice"
        ever |= now
        versions.append(plan)
        assert faults(plan) == []
    for earlier in versions:
        again = restore(plan, earlier)
        assert again.content() == earlier.content()
        assert again.last_task >= plan.last_task
        assert compare(earlier, again) == []


@given(st.data())
def test_a_comparison_tells_of_every_difference_and_of_nothing_else(data: st.DataObject) -> None:
    before = data.draw(plans())
    after = before
    for _ in range(data.draw(st.integers(0, 4))):
        with suppress(Refusal):
            after = check(apply(after, data.draw(operations(after))))
    changes = compare(before, after)
    assert bool(changes) == (before.content() != after.content())
    old, new = ({task.id for task in plan.tasks} for plan in (before, after))
    tasks = [change for change in changes if "-T" in change.id]
    assert {change.id for change in tasks if change.kind == "added"} == new - old
    assert {change.id for change in tasks if change.kind == "removed"} == old - new


def test_a_task_with_a_condition_in_its_phase_can_be_split() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b", "a", condition=Condition(task_id="a", outcome="COMPLETED"))))
    after = apply(plan, SplitTask(task_id=id_of(plan, "b"), parts=(draft("b1"), draft("b2", "b1"))))
    assert faults(after) == []


def test_a_condition_on_a_task_that_is_split_is_not_lost() -> None:
    plan = plan_of(
        phase("One", draft("a")), phase("Two", draft("undo", condition=Condition(task_id="a", outcome="FAILED")))
    )
    after = apply(plan, SplitTask(task_id=id_of(plan, "a"), parts=(draft("a1"), draft("a2", "a1"))))
    (undo,) = after.phases[1].tasks
    assert undo.condition is not None
