"""Regression tests for faults in suggestions and operations, found by review."""

import pytest

from groundwork.plans.errors import StaleSuggestion
from groundwork.plans.model import Condition
from groundwork.plans.operations import AddTask, MoveTask, RemovePhase, RemoveTask, SplitTask, apply
from groundwork.plans.suggestions import apply_chosen, find_conflicts, is_stale, make_suggestion
from groundwork.plans.validation import faults
from tests.plans.plans import draft, id_of, phase, plan_of


def test_two_additions_each_keep_their_place() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b"), draft("c")))
    first = plan.phases[0].id
    chosen = [
        make_suggestion(plan, AddTask(phase_id=first, task=draft("x"), position=1, needed_by=(id_of(plan, "b"),)), "r"),
        make_suggestion(
            plan,
            AddTask(phase_id=first, task=draft("y", id_of(plan, "b")), position=2, needed_by=(id_of(plan, "c"),)),
            "r",
        ),
    ]
    assert find_conflicts({0: chosen[0].operation, 1: chosen[1].operation}) == []
    after = apply_chosen(plan, chosen, [0, 1]).plan
    assert [task.key for task in after.tasks] == ["a", "x", "b", "y", "c"]


def test_an_addition_keeps_its_neighbour_after_an_edit() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b"), draft("c")))
    first = plan.phases[0].id
    one = make_suggestion(plan, AddTask(phase_id=first, task=draft("y", id_of(plan, "b")), position=2), "r")
    edited = apply(plan, AddTask(phase_id=first, task=draft("new"), position=0))
    assert not is_stale(edited, one)
    after = apply_chosen(edited, [one], [0]).plan
    assert [task.key for task in after.tasks] == ["new", "a", "b", "y", "c"]


def test_an_addition_is_stale_when_what_needs_it_is_gone() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b"), mode="parallel"))
    one = make_suggestion(
        plan, AddTask(phase_id=plan.phases[0].id, task=draft("y"), needed_by=(id_of(plan, "b"),)), "r"
    )
    edited = apply(plan, RemoveTask(task_id=id_of(plan, "b")))
    with pytest.raises(StaleSuggestion):
        apply_chosen(edited, [one], [0])


def test_an_addition_is_stale_when_what_it_depends_on_is_gone() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b"), mode="parallel"))
    one = make_suggestion(plan, AddTask(phase_id=plan.phases[0].id, task=draft("y", id_of(plan, "b"))), "r")
    edited = apply(plan, RemoveTask(task_id=id_of(plan, "b")))
    with pytest.raises(StaleSuggestion):
        apply_chosen(edited, [one], [0])


def test_a_move_is_stale_when_the_phase_it_goes_to_is_gone() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b")), phase("Two", draft("c")))
    one = make_suggestion(plan, MoveTask(task_id=id_of(plan, "b"), phase_id=plan.phases[1].id), "r")
    edited = apply(plan, RemovePhase(phase_id=plan.phases[1].id))
    with pytest.raises(StaleSuggestion):
        apply_chosen(edited, [one], [0])


def test_an_addition_is_stale_once_it_has_been_applied() -> None:
    plan = plan_of(phase("One", draft("a")))
    one = make_suggestion(plan, AddTask(phase_id=plan.phases[0].id, task=draft("y")), "r")
    after = apply_chosen(plan, [one], [0]).plan
    assert is_stale(after, one)


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


def test_two_moves_keep_their_places() -> None:
    plan = plan_of(phase("One", draft("m"), draft("n")), phase("Two", draft("a"), draft("b"), draft("c")))
    two = plan.phases[1].id
    chosen = [
        make_suggestion(plan, MoveTask(task_id=id_of(plan, "m"), phase_id=two, position=1), "r"),
        make_suggestion(plan, MoveTask(task_id=id_of(plan, "n"), phase_id=two, position=2), "r"),
    ]
    after = apply_chosen(plan, chosen, [0, 1]).plan
    assert [task.key for task in after.phases[1].tasks] == ["a", "m", "b", "n", "c"]
