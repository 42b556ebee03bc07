"""Rollback: dependents first, named in the refusal; and the tasks' states after it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from groundwork.errors import Refusal, Transient
from groundwork.execution import commands, rollback
from groundwork.execution.errors import DependentsFirst, NothingToRollBack, RollingBack
from groundwork.execution.rollback_runner import RollbackRunner
from groundwork.execution.state import ExecutionState
from groundwork.execution.step_handler import StepHandler
from groundwork.execution.worker import (
    Assignment,
    CommitToRevert,
    CompletedTask,
    NotReverted,
    TaskOutcome,
    WorkerContext,
)
from groundwork.plans.model import PlanStatus
from groundwork.plans.repositories import Repository
from tests.execution.scripted_plan import Play
from tests.plans.plans import NOW, draft, id_of, phase, plan_of

OTHER = "rebbbbbbbbbb"


@dataclass
class Reverts:
    """Reverter that records its calls; `fails` is raised once."""

    asked: list[tuple[str, list[str]]] = field(default_factory=list)
    fails: Exception | None = None

    def revert_commits(self, repository: Repository, branch: str, taken: Sequence[CommitToRevert]) -> dict[str, str]:
        self.asked.append((repository.id, [one.task.key for one in taken]))
        if self.fails:
            fails, self.fails = self.fails, None
            raise fails
        return {one.task.id: f"revert of {one.commit_sha}" for one in taken}

    def check_remaining_patches(self, repository: Repository, branch: str, left: Sequence[CompletedTask]) -> None:
        raise AssertionError("it makes commits")


def done(**fields: object) -> Play:
    """a ← b ← d, a ← c; e is independent, in another repository."""
    one = phase("One", draft("a"), draft("b", "a"), draft("c", "a"), mode="parallel")
    two = phase("Two", draft("d", "b"), draft("e", repository_id=OTHER), **fields)
    play = Play(plan_of(one, two))
    play.execute()
    return play


def ended() -> Play:
    play = done()
    play.to_the_end()
    assert play.status is PlanStatus.COMPLETED
    return play


def ask(play: Play, key: str | None = None, include: bool = False) -> ExecutionState:
    task_id = id_of(play.plan, key) if key else None
    return play.coordinator("somebody").change(
        play.plan.id, lambda execution_state: rollback.roll_back(execution_state, play.asked(), task_id, None, include)
    )


def undo(play: Play, reverts: Reverts) -> str:
    def repository(id_: str) -> Repository:
        return Repository(id=id_, name="R", url="https://example.com/r.git", created_at=NOW)

    return RollbackRunner(play.store, play.coordinator(), reverts, repository, lambda: play.now).run(play.plan.id)


def handler(play: Play) -> StepHandler:
    class Nobody:
        def release(self, plan_id: str, task_id: str, attempt: int, epoch: int) -> None:
            return None

        async def run_task(self, assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
            raise AssertionError("nobody works here")

    def repository(id_: str) -> Repository:
        raise AssertionError("nobody asks for it")

    return StepHandler(play.store, play.coordinator(), Nobody(), repository, lambda: play.now, lambda: 900_000)


def test_dependents_are_named_in_the_order_in_which_they_would_go() -> None:
    play = ended()
    with pytest.raises(DependentsFirst) as refused:
        ask(play, "a")
    keys = {task.id: task.key for task in play.plan.tasks}
    named = [keys[id_] for id_ in refused.value.details["taskIds"]]
    assert sorted(named) == ["b", "c", "d"]
    assert named.index("d") < named.index("b")


def test_a_task_is_taken_back_after_all_that_was_built_on_it() -> None:
    play, reverts = ended(), Reverts()
    ask(play, "a", include=True)
    assert play.machine.undone == [play.plan.id]
    assert undo(play, reverts) == "DONE"
    order = reverts.asked[0][1]
    assert (order.index("d") < order.index("b") < order.index("a"), order.index("c") < order.index("a")) == (True, True)
    assert play.statuses() == {"a": "SKIPPED", "b": "SKIPPED", "c": "SKIPPED", "d": "SKIPPED", "e": "COMPLETED"}
    assert play.execution_state.of(id_of(play.plan, "a")).revert_sha == "revert of sha"
    assert play.status is PlanStatus.COMPLETED
    with pytest.raises(NothingToRollBack):
        ask(play, "a")


def test_all_of_a_plan_is_taken_back_in_each_of_its_repositories() -> None:
    play, reverts = ended(), Reverts()
    ask(play)
    assert undo(play, reverts) == "DONE"
    assert sorted(repository for repository, _ in reverts.asked) == sorted([OTHER, play.plan.repository_id])
    assert set(play.statuses().values()) == {"SKIPPED"}


def test_in_a_plan_that_can_go_on_what_was_taken_back_is_done_again() -> None:
    play, reverts = done(), Reverts()
    for _ in range(3):
        play.work()
    assert play.ask(lambda execution_state: commands.pause(execution_state, play.asked()))
    ask(play, "b")
    with pytest.raises(RollingBack):
        play.coordinator().change(play.plan.id, lambda execution_state: commands.resume(execution_state, play.asked()))
    assert undo(play, reverts) == "DONE"
    assert play.statuses()["b"] == "PENDING"
    first = play.execution_state.of(id_of(play.plan, "b"))
    assert (first.attempts_before_round, first.attempts, first.commit_sha) == (1, 1, None)
    play.commits.clear()
    assert play.ask(lambda execution_state: commands.resume(execution_state, play.asked()))
    play.to_the_end()
    assert play.status.value == "COMPLETED"
    assert set(play.statuses().values()) == {"COMPLETED"}
    assert play.execution_state.execution.number == 2


def test_a_rollback_that_does_not_go_leaves_the_tasks_done_and_says_why() -> None:
    play, reverts = ended(), Reverts(fails=NotReverted("The branch has moved on."))
    ask(play, "d")
    assert undo(play, reverts) == "FAILED"
    kept = play.execution_state.execution.rollback
    assert kept is not None
    assert kept.error == "The branch has moved on."
    assert play.statuses()["d"] == "COMPLETED"
    ask(play, "d")
    assert undo(play, reverts) == "DONE"


def test_a_rollback_that_was_cut_off_goes_on_where_it_was() -> None:
    play, reverts = ended(), Reverts()
    ask(play)
    reverts.fails = Transient("The server died.")
    with pytest.raises(Transient):
        undo(play, reverts)
    play.coordinator().sweep(0, lambda: False)
    assert play.machine.undone == [play.plan.id, play.plan.id]
    assert undo(play, reverts) == "DONE"
    assert set(play.statuses().values()) == {"SKIPPED"}
    asked = len(reverts.asked)
    assert undo(play, reverts) == "DONE"
    assert len(reverts.asked) == asked


def test_a_plan_under_way_is_not_rolled_back() -> None:
    play = done()
    with pytest.raises(Refusal):
        ask(play)


def test_a_rollback_that_cannot_reach_its_repository_is_given_up_at_last_and_the_plan_is_free_again() -> None:
    play, reverts = done(), Reverts()
    play.work()
    assert play.ask(lambda execution_state: commands.pause(execution_state, play.asked()))
    ask(play, "a")
    for now in (play.now, play.now + 3_500_000):
        play.now, reverts.fails = now, Transient("Nobody answers.")
        with pytest.raises(Transient):
            undo(play, reverts)
    play.now, reverts.fails = play.now + 200_000, Transient("Nobody answers.")
    assert undo(play, reverts) == "FAILED"
    kept = play.execution_state.execution.rollback
    assert kept is not None
    assert kept.error == "Gave up after an hour: Nobody answers."
    assert play.ask(lambda execution_state: commands.resume(execution_state, play.asked()))
    play.to_the_end()
    assert play.status is PlanStatus.COMPLETED


def test_an_execution_that_ends_before_what_was_taken_back_is_done_again_is_no_failure() -> None:
    play, reverts = Play(plan_of(phase("One", draft("a"), pause_after=True), phase("Two", draft("b")))), Reverts()
    play.execute()
    play.work()
    assert play.status is PlanStatus.PAUSED
    ask(play, "a")
    assert undo(play, reverts) == "DONE"
    assert play.ask(lambda execution_state: commands.skip(execution_state, id_of(play.plan, "b"), play.asked()))
    assert play.closed
    # as seen by the state machine, the rule on its status, and the sweep
    assert handler(play).end(play.plan.id, 1) == {}
    play.die()
    play.machine.ended.append((play.plan.id, 1))
    play.coordinator().resync(play.plan.id)
    assert play.status is PlanStatus.PAUSED
    play.commits.clear()
    assert play.ask(lambda execution_state: commands.resume(execution_state, play.asked()))
    play.to_the_end()
    assert (play.status, play.statuses()) == (PlanStatus.COMPLETED, {"a": "COMPLETED", "b": "SKIPPED"})
