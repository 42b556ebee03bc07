"""Selective application: any subset or nothing; stale and conflicting ones are refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.errors import Refusal
from groundwork.plans.errors import ConflictingSuggestions, InvalidPlan, StaleSuggestion
from groundwork.plans.model import Plan
from groundwork.plans.operations import (
    AddTask,
    ChangeDependencies,
    MoveTask,
    Operation,
    RemovePhase,
    RemoveTask,
    Reorder,
    SplitTask,
    UpdateTask,
    apply,
)
from groundwork.plans.suggestions import (
    Suggestion,
    apply_chosen,
    combined_schedule,
    find_conflicts,
    is_stale,
    make_suggestion,
    select_applicable,
)
from groundwork.plans.validation import check, faults
from tests.plans.plans import draft, id_of, operations, phase, plan_of, plans


def a_plan() -> Plan:
    return plan_of(
        phase("One", draft("a"), draft("b", "a"), draft("c", "b"), mode="parallel"),
        phase("Two", draft("d", "c"), draft("e"), mode="parallel"),
        version=7,
    )


def suggested(plan: Plan, *operations: Operation) -> list[Suggestion]:
    return [make_suggestion(plan, operation, "Because.") for operation in operations]


def update(plan: Plan, key: str, **fields: str) -> UpdateTask:
    return UpdateTask(task_id=id_of(plan, key), fields=fields)


def test_before_and_after_show_the_same_part_of_the_plan() -> None:
    plan = a_plan()
    one, two, three = suggested(
        plan,
        update(plan, "a", title="Better"),
        ChangeDependencies(task_id=id_of(plan, "c"), depends_on=("a",)),
        SplitTask(task_id=id_of(plan, "e"), parts=(draft("e1"), draft("e2", "e1"))),
    )
    assert (one.before, one.after) == (
        {"taskId": id_of(plan, "a"), "title": "Do a"},
        {"taskId": id_of(plan, "a"), "title": "Better"},
    )
    assert two.before
    assert two.after
    assert (two.before["dependsOn"], two.after["dependsOn"]) == ([id_of(plan, "b")], [id_of(plan, "a")])
    assert two.schedule
    assert two.schedule["after"]["criticalPathSeconds"] < two.schedule["before"]["criticalPathSeconds"]
    assert three.before
    assert three.after
    assert [task["key"] for task in three.before["tasks"]] == ["e"]
    assert [(task["key"], task["dependsOn"]) for task in three.after["tasks"]] == [("e1", []), ("e2", ["e1"])]
    assert one.version == 7


def test_any_subset_can_be_applied() -> None:
    plan = a_plan()
    all_of_them = suggested(
        plan, update(plan, "a", title="A"), update(plan, "b", title="B"), RemoveTask(task_id=id_of(plan, "e"))
    )
    after = apply_chosen(plan, all_of_them, [2, 0]).plan
    assert [task.title for task in after.tasks] == ["A", "Do b", "Do c", "Do d"]


def test_a_suggestion_is_stale_once_what_it_changes_has_changed() -> None:
    plan = a_plan()
    both = suggested(plan, update(plan, "a", title="Better"), update(plan, "b", title="Better too"))
    edited = apply(plan, update(plan, "a", title="Mine")).changed(version=8)
    with pytest.raises(StaleSuggestion) as refused:
        apply_chosen(edited, both, [0, 1])
    assert refused.value.details == {"suggestionIndices": [0], "version": 8}
    assert [task.title for task in apply_chosen(edited, both, [1]).plan.tasks][:2] == ["Mine", "Better too"]


def test_a_suggestion_survives_edits_elsewhere_in_its_own_task() -> None:
    plan = a_plan()
    (one,) = suggested(plan, update(plan, "a", title="Better"))
    assert not is_stale(apply(plan, update(plan, "a", description="More.")), one)


def test_a_suggestion_for_a_deleted_task_is_stale() -> None:
    plan = a_plan()
    (one,) = suggested(plan, MoveTask(task_id=id_of(plan, "e"), phase_id=plan.phases[0].id))
    assert is_stale(apply(plan, RemoveTask(task_id=id_of(plan, "e"))), one)


@pytest.mark.parametrize("second", ["update", "split", "uses", "order"])
def test_suggestions_that_cannot_go_together_are_named_in_pairs(second: str) -> None:
    plan = a_plan()
    a, c, first = id_of(plan, "a"), id_of(plan, "c"), plan.phases[0].id
    pairs: dict[str, tuple[Operation, Operation, str]] = {
        "update": (update(plan, "a", title="One"), update(plan, "a", title="Two"), a),
        "split": (update(plan, "a", title="One"), SplitTask(task_id=a, parts=(draft("x"), draft("y"))), a),
        "uses": (RemoveTask(task_id=a), ChangeDependencies(task_id=c, depends_on=(a,)), a),
        "order": (Reorder(phase_id=first, task_ids=(c, a)), MoveTask(task_id=c, phase_id=plan.phases[1].id), c),
    }
    one, other, target = pairs[second]
    three = suggested(plan, one, update(plan, "d", title="Harmless"), other)
    with pytest.raises(ConflictingSuggestions) as refused:
        apply_chosen(plan, three, [0, 1, 2])
    assert refused.value.details == {"pairs": [{"suggestionIndices": [0, 2], "targets": [target]}]}
    assert apply_chosen(plan, three, [0, 1]).plan != plan


def test_two_that_are_fine_alone_and_a_cycle_together_change_nothing() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b"), mode="parallel"))
    a, b = id_of(plan, "a"), id_of(plan, "b")
    both = suggested(
        plan,
        ChangeDependencies(task_id=a, depends_on=(b,)),
        ChangeDependencies(task_id=b, depends_on=(a,)),
    )
    with pytest.raises(InvalidPlan) as refused:
        apply_chosen(plan, both, [0, 1])
    assert refused.value.details[0]["code"] == "CYCLE"
    assert apply_chosen(plan, both, [0]).plan != plan


def test_what_could_not_be_applied_is_not_offered() -> None:
    plan = a_plan()
    proposed: list[tuple[Operation, str]] = [
        (update(plan, "a", title="Better"), "Clearer."),
        (ChangeDependencies(task_id=id_of(plan, "a"), depends_on=(id_of(plan, "d"),)), "A cycle."),
        (update(plan, "b", title="Do b"), "No change at all."),
    ]
    kept, dropped = select_applicable(plan, proposed)
    assert [one.reason for one in kept] == ["Clearer."]
    assert len(dropped) == 1


def test_the_schedule_of_all_that_goes_together_comes_from_code() -> None:
    plan = a_plan()
    kept, _ = select_applicable(
        plan, [(ChangeDependencies(task_id=id_of(plan, "c"), depends_on=()), "They are independent.")]
    )
    shown = combined_schedule(plan, kept)
    assert shown
    assert shown["after"]["seconds"] < shown["before"]["seconds"]
    assert shown["suggestionIndices"] == [0]


@given(st.data())
def test_applying_is_all_or_nothing_and_always_leaves_a_valid_plan(data: st.DataObject) -> None:
    plan = data.draw(plans())
    proposed = [(data.draw(operations(plan)), "") for _ in range(data.draw(st.integers(0, 5)))]
    kept, _ = select_applicable(plan, proposed)
    kept = [one for one in kept if one.before is not None]
    now = plan
    for _ in range(data.draw(st.integers(0, 2))):
        with suppress(Refusal):
            now = check(apply(now, data.draw(operations(now))))
    chosen = data.draw(st.lists(st.integers(0, len(kept) - 1), max_size=4)) if kept else []
    content = now.content()
    try:
        after = apply_chosen(now, kept, chosen).plan
    except Refusal:
        assert now.content() == content
        return
    assert faults(after) == []
    for index in set(chosen):
        one = kept[index]
        if isinstance(one.operation, UpdateTask):
            task = after.task(one.operation.task_id)
            assert task is not None
            assert task.title == one.operation.fields["title"]
        if isinstance(one.operation, RemoveTask):
            assert after.task(one.operation.task_id) is None
        if isinstance(one.operation, AddTask):
            assert any(task.key == one.operation.task.key for task in after.tasks)


@given(st.data())
def test_a_fresh_suggestion_is_never_stale(data: st.DataObject) -> None:
    plan = data.draw(plans())
    kept, _ = select_applicable(plan, [(data.draw(operations(plan)), "") for _ in range(4)])
    assert not any(is_stale(plan, one) for one in kept if one.before is not None)


# places and neighbours


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


def test_two_moves_keep_their_places() -> None:
    plan = plan_of(phase("One", draft("m"), draft("n")), phase("Two", draft("a"), draft("b"), draft("c")))
    two = plan.phases[1].id
    chosen = [
        make_suggestion(plan, MoveTask(task_id=id_of(plan, "m"), phase_id=two, position=1), "r"),
        make_suggestion(plan, MoveTask(task_id=id_of(plan, "n"), phase_id=two, position=2), "r"),
    ]
    after = apply_chosen(plan, chosen, [0, 1]).plan
    assert [task.key for task in after.phases[1].tasks] == ["a", "m", "b", "n", "c"]
