"""Gates: open and shut, conditions, approvals, progress."""

from collections.abc import Callable
from typing import Any

import pytest

from groundwork.execution import commands
from groundwork.execution.errors import NotItsTurn, WrongStatus, WrongTaskStatus
from groundwork.execution.gates import condition_met, due_tasks
from groundwork.execution.progress import progress, remaining_ms
from groundwork.execution.state import Execution, ExecutionState, TaskExecution
from groundwork.execution.worker import Completed, Failed
from groundwork.plans.model import Condition, Plan, PlanStatus, TaskStatus
from groundwork.plans.operations import UpdateTask, apply
from tests.execution.scripted_plan import Play
from tests.fakes.executions import MemoryExecutions
from tests.plans.plans import draft, id_of, phase, plan_of


def execution_state_of(plan: Plan, **states: TaskExecution) -> ExecutionState:
    by_id = {id_of(plan, key): state for key, state in states.items()}
    return ExecutionState(plan, Execution(status=PlanStatus.RUNNING, number=1), by_id)


def ended(**fields: Any) -> TaskExecution:
    return TaskExecution(**{"status": TaskStatus.COMPLETED, **fields})


@pytest.mark.parametrize(
    ("state", "outcome", "glob", "held"),
    [
        (ended(), "COMPLETED", None, True),
        (ended(), "SKIPPED", None, False),
        (ended(status=TaskStatus.SKIPPED), "SKIPPED", None, True),
        (ended(status=TaskStatus.SKIPPED, skipped_after_failure=True), "FAILED", None, True),
        (ended(status=TaskStatus.SKIPPED), "FAILED", None, False),
        (ended(files=("docs/a.md", "src/deep/b.py")), None, "src/**/*.py", True),
        (ended(files=("docs/a.md",)), None, "src/**", False),
        (ended(files=("src/b.py",)), "SKIPPED", "src/*.py", False),
        (ended(), None, "*", False),
    ],
)
def test_a_condition_looks_at_what_has_come_of_a_task(
    state: TaskExecution, outcome: Any, glob: str | None, held: bool
) -> None:
    plan = plan_of(phase("One", draft("a")))
    condition = Condition(task_id=id_of(plan, "a"), outcome=outcome, files_changed=glob)
    assert condition_met(execution_state_of(plan, a=state), condition) is held


def test_a_task_whose_condition_does_not_hold_is_skipped_and_what_depends_on_it_goes_on() -> None:
    condition = Condition(task_id="a", files_changed="db/**")
    one = phase("One", draft("a"), draft("migrate", "a", condition=condition), draft("ship", "migrate"))
    play = Play(plan_of(one))
    play.execute()
    play.work(Completed("sha", files=("src/a.py",)))
    play.to_the_end()
    assert play.statuses() == {"a": "COMPLETED", "migrate": "SKIPPED", "ship": "COMPLETED"}


def test_a_phase_whose_condition_does_not_hold_is_skipped_whole() -> None:
    condition = Condition(task_id="a", outcome="FAILED")
    two = phase("Repair", draft("b"), draft("c"), condition=condition, mode="manual", pause_after=True)
    play = Play(plan_of(phase("One", draft("a")), two, phase("Three", draft("d", "c"))))
    play.execute()
    play.to_the_end()
    assert play.status is PlanStatus.COMPLETED
    assert play.statuses() == {"a": "COMPLETED", "b": "SKIPPED", "c": "SKIPPED", "d": "COMPLETED"}


def test_what_most_is_waiting_behind_goes_first() -> None:
    tasks = [draft("small", effort="XS"), draft("big", effort="XL"), draft("root", effort="XS")]
    plan = plan_of(phase("One", *tasks, draft("after", "root", effort="XL"), mode="parallel"))
    assert [task.key for _, task in due_tasks(execution_state_of(plan))] == ["root", "big", "small"]


def test_no_more_tasks_begin_than_the_plan_and_the_account_let() -> None:
    tasks = [draft(f"t{n}") for n in range(6)]
    play = Play(plan_of(phase("One", *tasks, mode="parallel"), max_parallel=4), MemoryExecutions(limit=3))
    play.execute()
    assert len(play.execution_state.running) == 3
    play = Play(plan_of(phase("One", *tasks, mode="parallel"), max_parallel=2))
    play.execute()
    assert len(play.execution_state.running) == 2


def by_hand() -> Play:
    play = Play(plan_of(phase("One", draft("a"), draft("b"), mode="manual")))
    play.execute()
    assert play.statuses()["a"] == "AWAITING_APPROVAL"
    return play


def test_an_approval_lapses_when_the_task_is_edited() -> None:
    play = by_hand()
    a = id_of(play.plan, "a")
    assert play.ask(lambda execution_state: commands.pause(execution_state, play.asked()))
    assert play.ask(lambda execution_state: commands.approve(execution_state, a, play.asked()))
    edited = apply(play.execution_state.plan, UpdateTask(task_id=a, fields={"title": "Something else"}))
    play.store.standings[play.plan.id] = ExecutionState(
        edited, play.execution_state.execution, play.execution_state.states
    )
    assert play.ask(lambda execution_state: commands.resume(execution_state, play.asked()))
    assert play.statuses()["a"] == "AWAITING_APPROVAL"
    assert play.ask(lambda execution_state: commands.approve(execution_state, a, play.asked()))
    assert play.statuses()["a"] == "RUNNING"


def test_a_rejected_task_asks_for_approval_again_when_it_is_retried() -> None:
    play = by_hand()
    a = id_of(play.plan, "a")
    assert play.ask(lambda execution_state: commands.reject(execution_state, a, play.asked(), "Too early"))
    assert (play.status, play.execution_state.of(a).error_msg) == (PlanStatus.PAUSED, "Rejected by somebody: Too early")
    assert play.ask(lambda execution_state: commands.retry(execution_state, a, play.asked()))
    assert play.statuses()["a"] == "AWAITING_APPROVAL"


def test_a_person_completes_only_what_could_be_begun() -> None:
    play = by_hand()
    b = id_of(play.plan, "b")
    with pytest.raises(NotItsTurn) as refused:
        commands.complete(play.execution_state, b, play.asked())
    assert refused.value.details == {"taskIds": [id_of(play.plan, "a")]}


@pytest.mark.parametrize("act", [commands.pause, commands.resume, commands.cancel])
def test_a_plan_that_has_ended_takes_no_more_orders(act: Callable[..., ExecutionState]) -> None:
    play = Play(plan_of(phase("One", draft("a"))))
    play.execute()
    play.to_the_end()
    with pytest.raises(WrongStatus):
        act(play.execution_state, play.asked())
    with pytest.raises(WrongStatus):
        commands.execute(play.execution_state, play.asked())
    with pytest.raises(WrongStatus):
        commands.skip(play.execution_state, id_of(play.plan, "a"), play.asked())


def test_a_task_at_work_is_neither_skipped_nor_completed_nor_retried_by_a_person() -> None:
    play = Play(plan_of(phase("One", draft("a"))))
    play.execute()
    a = id_of(play.plan, "a")
    for act in (commands.skip, commands.complete, commands.retry, commands.approve):
        with pytest.raises(WrongTaskStatus):
            act(play.execution_state, a, play.asked())


def test_a_failure_seen_to_lets_the_plan_go_on_unless_a_person_has_paused_it() -> None:
    def failed() -> Play:
        play = Play(plan_of(phase("One", draft("a"), draft("b"))))
        play.execute()
        for _ in range(3):
            play.work(Failed("No."))
        return play

    play = failed()
    a = id_of(play.plan, "a")
    assert play.ask(lambda execution_state: commands.skip(execution_state, a, play.asked(), "run"))
    assert play.status is PlanStatus.RUNNING
    play = failed()
    assert play.ask(lambda execution_state: commands.pause(execution_state, play.asked()))
    assert play.ask(lambda execution_state: commands.skip(execution_state, a, play.asked(), "run"))
    assert play.status is PlanStatus.PAUSED


def test_progress_counts_what_has_ended_and_says_what_waits_for_what() -> None:
    play = Play(plan_of(phase("One", draft("a"), draft("b", "a"), mode="parallel"), phase("Two", draft("c"))))
    play.execute()
    play.work()
    shown = progress(play.execution_state, [], lambda task: 60.0, 61_000)
    assert (shown["progress"], shown["taskCounts"]) == (33, {"COMPLETED": 1, "RUNNING": 1, "PENDING": 1})
    assert [one["status"] for one in shown["phases"]] == ["RUNNING", "PENDING"]
    assert shown["currentPhaseId"] == play.plan.phases[0].id
    assert shown["branch"] == f"groundwork/{play.plan.id}"
    fresh = progress(Play(play.plan).execution_state, [], lambda task: 60.0, 1)
    assert [task["waitsFor"] for task in fresh["tasks"]] == [[], [id_of(play.plan, "a")], []]


def test_the_time_left_is_that_of_the_critical_path_of_what_is_left() -> None:
    play = Play(plan_of(phase("One", draft("a"), draft("b", "a"), draft("c"), mode="parallel")))
    play.execute()
    started = play.execution_state.of(id_of(play.plan, "a")).started_at
    assert started is not None
    assert remaining_ms(play.execution_state, lambda task: 60.0, started) == 120_000
    assert remaining_ms(play.execution_state, lambda task: 60.0, started + 30_000) == 90_000
    # an overdue task is assumed to take a little longer
    assert remaining_ms(play.execution_state, lambda task: 60.0, started + 600_000) == 66_000
    play.to_the_end()
    assert remaining_ms(play.execution_state, lambda task: 60.0, started) == 0
