"""Cost limits of plans and tasks: reservations, and pauses at the limit."""

from typing import Any

import pytest

from groundwork.execution import budget, commands
from groundwork.execution.state import Cause, ExecutionState, TaskUsage
from groundwork.execution.worker import Completed, Failed, TaskOutcome, TurnReport
from groundwork.plans.edit_guard import changed_elements
from groundwork.plans.errors import PlanNotEditable
from groundwork.plans.model import PlanStatus, TaskStatus
from tests.execution.scripted_plan import Play
from tests.execution.test_agent_worker import World
from tests.plans.plans import draft, id_of, phase, plan_of

FAILED = Failed("It does not compile.")
DONE = Completed("sha")


def play_of(count: int = 3, max_cost_usd: float | None = None, **fields: Any) -> Play:
    tasks = [draft(f"t{n}", **fields) for n in range(count)]
    play = Play(plan_of(phase("One", *tasks, mode="parallel"), max_cost_usd=max_cost_usd))
    play.execute()
    return play


def attempt(play: Play, usd: float, outcome: TaskOutcome) -> None:
    """Run an attempt of the first running task at this cost."""
    one = play.working()[0]
    epoch = play.claim(one)
    assert epoch
    usage = TaskUsage(calls=1, cost_micro_usd=budget.micro_usd(usd))
    play.store.record_turn(play.plan.id, one.task_id, TurnReport(len(play.store.told), usage=usage), 1)
    play.finish(one, epoch, outcome)


def running(play: Play) -> list[str]:
    return sorted(key for key, status in play.statuses().items() if status == "RUNNING")


def reserved(play: Play) -> list[int]:
    return [play.execution_state.of(task.id).max_cost for task in play.plan.tasks]


def test_a_plan_without_a_limit_reserves_nothing() -> None:
    play = play_of()
    assert running(play) == ["t0", "t1", "t2"]
    assert reserved(play) == [0, 0, 0]


def test_tasks_in_parallel_start_only_as_far_as_their_limits_fit_together() -> None:
    # an attempt of effort M may cost 3 USD
    play = play_of(max_cost_usd=7.0)
    assert running(play) == ["t0", "t1", "t2"]
    assert reserved(play) == [3_000_000, 3_000_000, 1_000_000]
    assert running(play_of(max_cost_usd=6.0)) == ["t0", "t1"]
    assert running(play_of(max_cost_usd=2.0)) == ["t0"]


def test_money_that_an_attempt_has_not_spent_is_free_for_the_next_task() -> None:
    play = play_of(max_cost_usd=3.0)
    assert running(play) == ["t0"]
    attempt(play, 0.5, DONE)
    assert play.statuses()["t0"] == "COMPLETED"
    assert running(play) == ["t1"]
    assert reserved(play)[1] == 2_500_000


def test_a_plan_at_its_limit_pauses_with_the_reason_and_resumes_with_a_higher_one() -> None:
    play = play_of(max_cost_usd=3.0)
    attempt(play, 2.99, DONE)
    execution = play.execution_state.execution
    assert (execution.status, execution.cause) == (PlanStatus.PAUSED, Cause.LIMIT)
    assert "2.99 of at most 3.00 USD" in (execution.reason or "")
    # resumed as it is, it pauses again
    assert play.ask(lambda state: commands.resume(state, play.asked()))
    assert play.status.value == "PAUSED"
    state = play.execution_state
    raised = ExecutionState(state.plan.changed(max_cost_usd=20.0), state.execution, state.states)
    play.store.standings[play.plan.id] = raised
    assert play.ask(lambda state: commands.resume(state, play.asked()))
    play.to_the_end()
    assert play.status is PlanStatus.COMPLETED


def test_the_next_attempt_of_a_task_reserves_again() -> None:
    play = play_of(1, max_cost_usd=4.0)
    attempt(play, 1.5, FAILED)
    play.work()
    state = play.execution_state.of(id_of(play.plan, "t0"))
    assert (state.attempts, state.max_cost, state.cost_before) == (2, 2_500_000, 1_500_000)


def test_an_attempt_beyond_the_plans_limit_does_not_start() -> None:
    play = play_of(1, max_cost_usd=3.0)
    attempt(play, 2.99, FAILED)
    play.work()
    assert (play.status, play.execution_state.execution.cause) == (PlanStatus.PAUSED, Cause.LIMIT)
    assert play.execution_state.of(id_of(play.plan, "t0")).attempts == 1


def test_a_task_at_its_own_limit_fails_with_the_reason() -> None:
    play = play_of(1, max_cost_usd=None)
    play = Play(plan_of(phase("One", draft("t0", max_cost_usd=1.0))))
    play.execute()
    assert reserved(play) == [1_000_000]
    attempt(play, 1.0, FAILED)
    play.work()
    state = play.execution_state.of(id_of(play.plan, "t0"))
    assert (state.status, state.attempts) == (TaskStatus.FAILED, 1)
    assert "cost limit" in (state.error_msg or "")
    assert play.status is PlanStatus.PAUSED


def test_of_a_plans_own_fields_only_the_cost_limit_may_change_during_its_execution() -> None:
    plan = plan_of(phase("One", draft("a"))).changed(status=PlanStatus.PAUSED)
    assert changed_elements(plan, plan.changed(max_cost_usd=5.0)).ids == ()
    with pytest.raises(PlanNotEditable):
        changed_elements(plan, plan.changed(model="claude-opus-5-5"))


async def test_a_session_has_the_limit_of_its_attempt() -> None:
    world = World(plan_of(phase("One", draft("a", files=("src/a.py",))), max_cost_usd=0.06))
    await world.work("a")
    session = world.sessions.load(id_of(world.plan, "a"), 1)
    assert session
    assert session.limits.cost_micro_usd == 60_000


async def test_the_model_and_effort_of_the_task_or_else_of_the_plan_are_used() -> None:
    tasks = (draft("a", files=("a.py",)), draft("b", files=("b.py",), model="claude-opus-5-5", model_effort="max"))
    world = World(plan_of(phase("One", *tasks), model="claude-haiku-5", model_effort="low"))
    for key in ("a", "b"):
        assert await world.work(key) == "DONE"
    assert world.chosen == [("claude-haiku-5", "low"), ("claude-opus-5-5", "max")]


async def test_a_plan_or_a_task_may_ask_for_a_review() -> None:
    tasks = (draft("a", files=("a.py",)), draft("b", files=("b.py",), review=False))
    world = World(plan_of(phase("One", *tasks), review=True))
    for key in ("a", "b"):
        assert await world.work(key) == "DONE"
    assert [bool(world.state(key).reviewed) for key in ("a", "b")] == [True, False]
