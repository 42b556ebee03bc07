"""Plans executed in memory: gates, commands, attempts."""

from groundwork.execution import commands
from groundwork.execution.attempt_result import record_outcome
from groundwork.execution.state import Cause
from groundwork.execution.worker import Failed, Suspended, TransientFailure
from groundwork.plans.model import PlanStatus
from tests.execution.scripted_plan import Play
from tests.plans.plans import draft, id_of, phase, plan_of


def three_tasks() -> Play:
    play = Play(plan_of(phase("One", draft("a"), draft("b", "a"), draft("c", "b"))))
    play.execute()
    return play


def test_a_plan_of_three_tasks_is_completed_through_its_gates() -> None:
    play = three_tasks()
    assert play.statuses() == {"a": "RUNNING", "b": "PENDING", "c": "PENDING"}
    play.to_the_end()
    assert play.status is PlanStatus.COMPLETED
    assert play.commits == {task.id: 1 for task in play.plan.tasks}
    assert play.closed


def test_a_task_is_tried_three_times_and_then_a_person_is_asked() -> None:
    play = three_tasks()
    for _ in range(3):
        assert play.status is PlanStatus.RUNNING
        play.work(Failed("It does not compile."))
    assert (play.status.value, play.execution_state.execution.cause) == ("PAUSED", Cause.FAILURE)
    assert play.statuses() == {"a": "FAILED", "b": "PENDING", "c": "PENDING"}
    assert not play.work()
    a = id_of(play.plan, "a")
    assert [attempt.number for attempt in play.execution_state.of(a).failed] == [1, 2, 3]
    assert play.ask(lambda execution_state: commands.retry(execution_state, a, play.asked()))
    play.to_the_end()
    assert play.status is PlanStatus.COMPLETED
    assert play.execution_state.of(a).attempts == 4


def test_what_is_not_the_tasks_fault_uses_up_no_attempt() -> None:
    play = three_tasks()
    a = id_of(play.plan, "a")
    for _ in range(10):
        play.work(TransientFailure("Too many requests"))
        play.work(Suspended())
    assert play.execution_state.of(a).attempts == 1
    for _ in range(30):
        play.work(TransientFailure("Too many requests"))
    assert play.statuses()["a"] == "FAILED"
    assert "25" in (play.execution_state.of(a).error_msg or "") or "26" in (play.execution_state.of(a).error_msg or "")


def test_a_plan_that_only_failed_tasks_hold_up_waits_for_a_person_again() -> None:
    play = Play(plan_of(phase("One", draft("a"), draft("b"), draft("c", "a"), mode="parallel"), max_parallel=1))
    play.execute()
    for _ in range(3):
        play.work(Failed("No."))
    assert play.status is PlanStatus.PAUSED
    assert play.ask(lambda execution_state: commands.resume(execution_state, play.asked()))
    play.to_the_end()
    assert play.statuses() == {"a": "FAILED", "b": "COMPLETED", "c": "WAITING"}
    assert (play.status.value, play.execution_state.execution.cause) == ("PAUSED", Cause.FAILURE)


def test_what_was_let_go_on_but_has_not_begun_stays_behind_its_gate_when_the_plan_is_paused() -> None:
    play = three_tasks()
    assert play.statuses()["a"] == "RUNNING"
    assert play.ask(lambda execution_state: commands.pause(execution_state, play.asked()))
    assert play.status is PlanStatus.PAUSED
    play.work()
    assert play.execution_state.of(id_of(play.plan, "a")).attempts == 0
    assert play.ask(lambda execution_state: commands.resume(execution_state, play.asked()))
    play.to_the_end()
    assert play.status.value == "COMPLETED"


def test_a_worker_that_is_lost_each_time_uses_up_the_attempt() -> None:
    play = three_tasks()
    a = id_of(play.plan, "a")
    for _ in range(4 * 3):
        for one in play.working():
            play.claim(one)
        play.now += 100_000
    assert play.statuses()["a"] == "FAILED"
    assert [attempt.number for attempt in play.execution_state.of(a).failed] == [1, 2, 3]
    assert "lost" in (play.execution_state.of(a).error_msg or "")


def test_a_plan_whose_execution_dies_while_a_task_has_failed_can_be_seen_to_after_it_is_resumed() -> None:
    play = three_tasks()
    a = id_of(play.plan, "a")
    for _ in range(3):
        play.work(Failed("No."))
    play.die()
    assert play.status.value == "FAILED"
    assert not play.ask(lambda execution_state: commands.skip(execution_state, a, play.asked(), "run"))
    assert play.ask(lambda execution_state: commands.resume(execution_state, play.asked()))
    assert (play.status.value, play.execution_state.execution.cause) == ("PAUSED", Cause.FAILURE)
    assert play.ask(lambda execution_state: commands.skip(execution_state, a, play.asked(), "run"))
    play.to_the_end()
    assert play.status.value == "COMPLETED"


def waits_after(trouble: TransientFailure, faults: int, *shares: float) -> list[int]:
    """Waits of the state machine for workers with different jitter."""
    play = three_tasks()
    a = id_of(play.plan, "a")
    execution_state = play.execution_state.with_task(a, consecutive_faults=faults - 1, attempt_open=True)
    return [record_outcome(execution_state, a, trouble, play.now, jitter=share).wait_s for share in shares]


def test_tasks_that_one_fault_has_met_do_not_come_back_in_the_same_second() -> None:
    assert waits_after(TransientFailure("The server is away."), 4, 0.0, 0.5, 1.0) == [8, 16, 24]
    assert waits_after(TransientFailure("The server is away."), 25, 0.0, 1.0) == [200, 600]
    assert waits_after(TransientFailure("The server is away."), 1, 0.0) == [1]


def test_nobody_comes_back_sooner_than_the_provider_has_asked() -> None:
    assert waits_after(TransientFailure("Too many requests", 90.0), 4, 0.0, 1.0) == [90, 106]
    assert waits_after(TransientFailure("Too many requests", 3_600.0), 4, 0.0, 1.0) == [600, 600]
