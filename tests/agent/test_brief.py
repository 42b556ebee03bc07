"""Brief of a session."""

from groundwork.agent.brief import CompletedDependency, limits_for, make_brief, review_cost_for
from groundwork.agent.prompts import first_message, task_data
from groundwork.agent.session import FailedAttempt
from tests.plans.plans import draft, id_of, phase, plan_of

PLAN = plan_of(phase("One", draft("a"), draft("b"), draft("c", "a", "b", acceptance_criteria=("It holds.",))))


def test_a_task_is_told_what_it_builds_on_and_why_it_failed() -> None:
    task = PLAN.task(id_of(PLAN, "c"))
    assert task
    done = {id_of(PLAN, "a"): CompletedDependency(summary="Made a. " * 500, files=("a.py",))}
    told = task_data(
        make_brief(PLAN, task, 2, done, [FailedAttempt(attempt=1, reason="It did not hold.")], note="Mind the tests.")
    )
    (before,) = told["builds_on"]
    assert (before["key"], before["files"]) == ("a", ("a.py",))
    assert len(before["summary"]) <= 600
    assert [earlier["reason"] for earlier in told["earlier_attempts"]] == [
        "It did not hold.",
        "A user says: Mind the tests.",
    ]
    assert told["acceptance_criteria"] == [{"number": 1, "text": "It holds."}]


def test_whether_a_change_is_asked_for_is_told_where_none_is() -> None:
    plan = plan_of(phase("One", draft("look", change_asked=False), draft("act")))
    look, act = (task_data(make_brief(plan, task, 1, {})) for task in plan.tasks)
    assert look["asks_for_no_change"] is True
    assert "asks_for_no_change" not in act


def test_ids_are_not_told() -> None:
    task = PLAN.task(id_of(PLAN, "a"))
    assert task
    assert PLAN.id not in first_message(make_brief(PLAN, task, 1, {}))


def test_a_larger_task_may_take_more() -> None:
    sizes = [limits_for(effort) for effort in ("XS", "S", "M", "L", "XL")]
    for what in ("turns", "tokens", "cost_micro_usd", "seconds"):
        values = [getattr(size, what) for size in sizes]
        assert values == sorted(set(values))


def test_session_and_review_together_keep_to_the_limit_of_an_attempt() -> None:
    assert limits_for("M", 1_000_000).cost_micro_usd == 1_000_000
    session, review = limits_for("M", 1_000_000, reviewed=True).cost_micro_usd, review_cost_for("M", 1_000_000)
    assert (session, review) == (800_000, 200_000)
    # without a limit the review comes on top
    assert limits_for("M", None, reviewed=True) == limits_for("M")
