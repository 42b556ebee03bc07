"""Changes between two versions in the history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.plans.history import MAX_LISTED, change_fields, compare, summary_of
from groundwork.plans.model import Plan
from groundwork.plans.operations import (
    AddTask,
    MovePhase,
    MoveTask,
    Operation,
    RemoveTask,
    Reorder,
    UpdateTask,
    apply,
)
from tests.plans.plans import draft, id_of, phase, plan_of, plans


def a_plan() -> Plan:
    return plan_of(phase("First", *(draft(key) for key in "abcde")), phase("Second", draft("f")), phase("Third"))


def changed(plan: Plan, *operations: Operation) -> list[tuple[str, str]]:
    """Kind and title of each change."""
    after = plan
    for operation in operations:
        after = apply(after, operation)
    return [(change.kind, change.title) for change in compare(plan, after)]


@pytest.mark.parametrize(("key", "position"), [("e", 0), ("a", 4), ("b", 3)])
def test_what_another_is_put_before_has_not_moved(key: str, position: int) -> None:
    plan = a_plan()
    move = MoveTask(task_id=id_of(plan, key), phase_id=plan.phases[0].id, position=position)
    assert changed(plan, move) == [("moved", f"Do {key}")]


def test_what_came_after_a_deleted_task_has_not_moved() -> None:
    plan = a_plan()
    assert changed(plan, RemoveTask(task_id=id_of(plan, "b"))) == [("removed", "Do b")]


def test_what_comes_after_a_new_task_has_not_moved() -> None:
    plan = a_plan()
    assert changed(plan, AddTask(phase_id=plan.phases[0].id, task=draft("x"), position=1)) == [("added", "Do x")]


def test_a_task_in_another_phase_has_moved() -> None:
    plan = a_plan()
    move = MoveTask(task_id=id_of(plan, "c"), phase_id=plan.phases[1].id, position=0)
    assert changed(plan, move) == [("moved", "Do c")]


def test_a_phase_that_moved_takes_its_tasks_along() -> None:
    plan = a_plan()
    assert changed(plan, MovePhase(phase_id=plan.phases[2].id, position=0)) == [("moved", "Third")]


def test_of_two_that_changed_places_one_has_moved() -> None:
    plan = a_plan()
    first, second = id_of(plan, "a"), id_of(plan, "b")
    assert len(changed(plan, Reorder(phase_id=plan.phases[0].id, task_ids=(second, first)))) == 1


def test_a_change_tells_only_what_differs() -> None:
    plan = a_plan()
    (change,) = compare(plan, apply(plan, UpdateTask(task_id=id_of(plan, "a"), fields={"effort": "XL"})))
    assert change.with_sides()["before"] == {"effort": "M"}
    assert change.with_sides()["after"] == {"effort": "XL"}
    assert summary_of([change]) == "Changed 'Do a' (effort)"


@given(st.data(), plans())
def test_two_versions_differ_just_where_something_is_told(data: st.DataObject, plan: Plan) -> None:
    phases = [
        one.model_copy(update={"tasks": tuple(data.draw(st.permutations(one.tasks)))}) if one.tasks else one
        for one in data.draw(st.permutations(plan.phases))
    ]
    after = plan.changed(phases=tuple(phases))
    assert (compare(plan, after) == []) is (plan.content() == after.content())


def test_a_long_list_of_changes_is_cut_and_counted() -> None:
    empty = plan_of()
    many = plan_of(phase("One", *(draft(f"t{n}", description="Long. " * 200) for n in range(100))))
    found = change_fields(compare(empty, many))
    assert (len(found["changes"]), found["change_count"]) == (MAX_LISTED, 101)
    assert len(str(found["changes"])) < 60_000
    assert "before" not in found["changes"][-1]
