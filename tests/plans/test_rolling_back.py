"""What is taken back with what, and in which order."""

from hypothesis import given
from hypothesis import strategies as st

from groundwork.plans.model import Plan, TaskState, TaskStatus
from groundwork.plans.rolling_back import named_first, taken_back
from tests.plans.plans import draft, id_of, phase, plan_of, plans

DONE = TaskState(status=TaskStatus.COMPLETED, commit_sha="1" * 40)


def test_what_builds_on_a_task_goes_before_it_and_is_named() -> None:
    plan = plan_of(
        phase("One", draft("a"), draft("b", "a"), draft("c")), phase("Two", draft("d", "b"), draft("e", "c"))
    )
    states = dict.fromkeys((task.id for task in plan.tasks), DONE)
    chosen = {id_of(plan, "a")}
    assert [task.key for task in taken_back(plan, states, chosen)] == ["d", "b", "a"]
    assert [task.key for task in named_first(plan, states, chosen)] == ["d", "b"]


def test_what_has_no_commit_is_not_taken_back() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b", "a")))
    states = {id_of(plan, "a"): DONE, id_of(plan, "b"): TaskState(status=TaskStatus.SKIPPED)}
    assert [task.key for task in taken_back(plan, states, {id_of(plan, "a")})] == ["a"]
    assert taken_back(plan, {}, {id_of(plan, "a")}) == ()


@given(plans(), st.data())
def test_no_task_goes_before_one_that_builds_on_it_and_none_is_left_standing(plan: Plan, data: st.DataObject) -> None:
    ids = [task.id for task in plan.tasks]
    chosen = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    states = dict.fromkeys(data.draw(st.sets(st.sampled_from(ids))) if ids else (), DONE)
    order = [task.id for task in taken_back(plan, states, chosen)]
    for task in plan.tasks:
        for needed in task.depends_on:
            if needed in order and task.id in states:
                assert order.index(task.id) < order.index(needed)
    assert chosen & set(states) <= set(order) <= set(states)
