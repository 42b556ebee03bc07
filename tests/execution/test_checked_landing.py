"""Landings with checks: nothing lands unless exactly its tree has passed."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from groundwork.agent.commit_message import CHECKS, trailers
from groundwork.agent.landing import Landing
from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import CommandResult, Verified
from groundwork.checks.ports import CheckJob, CheckProgress, OwnerKind
from groundwork.execution import commands
from groundwork.execution.attempt_result import MAX_CONFLICTS
from groundwork.execution.commands import Actor
from groundwork.execution.landing import MAX_NOT_RUN
from groundwork.execution.state import Cause
from groundwork.plans.model import PlanStatus, TaskStatus
from groundwork.sandbox.errors import SandboxUnavailable
from groundwork.sandbox.model import Ending
from groundwork.sandbox.verdict import Verdict
from tests.execution.checked_landing import (
    SETTINGS,
    Files,
    LandingChecks,
    checks_of,
    head_of,
    lose_the_answer,
    passing,
    to_the_end,
    world_of,
)
from tests.execution.test_agent_worker import World
from tests.fakes.checks import exits
from tests.fakes.upstream import tree_id
from tests.plans.plans import draft, id_of, phase, plan_of


async def test_a_change_whose_tree_has_passed_lands_and_says_so() -> None:
    world = world_of()
    assert await world.work("a") == "DONE"
    state = world.state("a")
    assert (state.status, state.verified, state.tests) == (TaskStatus.COMPLETED, Verified.PASSED, 3)
    assert [tree for _, tree in checks_of(world).checked] == [tree_id(head_of(world).tree)]
    assert trailers(head_of(world).text)[CHECKS] == "passed: run-tests"
    assert checks_of(world).open == set()


async def test_a_failed_check_lands_nothing_and_the_next_attempt_goes_on_from_it_with_the_log() -> None:
    def fails_once(command: str, files: Files) -> CommandResult:
        return passing(command, files) if len(checks.checked) else exits(command, 1, "AssertionError: 1 != 2")

    world = world_of(fails_once)
    checks = checks_of(world)
    assert await world.work("a") == "WORK"
    assert world.commits() == []
    state = world.state("a")
    assert (state.verified, state.attempts) == (Verified.FAILED, 1)
    assert "AssertionError: 1 != 2" in state.failed[0].reason
    told: list[str] = []
    world.model.script = lambda conversation: told.append(json.dumps(conversation.messages[0].content[0]))
    assert await world.work("a") == "DONE"
    assert "AssertionError: 1 != 2" in told[0]
    assert "already in your files" in told[0]
    assert (world.state("a").verified, world.state("a").attempts) == (Verified.PASSED, 2)


async def test_a_branch_that_moves_during_the_check_is_checked_again_as_it_then_is() -> None:
    def moves(job: CheckJob) -> None:
        if not checks.checked:
            head = head_of(world)
            world.server.commit(f"groundwork/{world.plan.id}", head.sha, head.tree | {"theirs": b"x"}, "theirs\n")

    world = world_of()
    checks = checks_of(world)
    checks.before = moves
    assert await world.work("a") == "DONE"
    assert len(checks.checked) == 2
    assert checks.checked[1][1] == tree_id(head_of(world).tree)
    assert "theirs" in head_of(world).tree


async def test_a_branch_that_keeps_moving_pauses_the_plan_and_a_resume_tries_again() -> None:
    moving = True

    def moves(job: CheckJob) -> None:
        if moving:
            head = head_of(world)
            tree = head.tree | {"theirs": str(len(checks.checked)).encode()}
            world.server.commit(f"groundwork/{world.plan.id}", head.sha, tree, "theirs\n")

    world = world_of()
    checks = checks_of(world)
    checks.before = moves
    assert await to_the_end(world) == "GATE"
    execution = world.store.read(world.plan.id).execution
    assert (execution.status, execution.cause) == (PlanStatus.PAUSED, Cause.TROUBLE)
    assert "moved" in (execution.reason or "")
    assert world.state("a").attempts == 1
    moving = False
    world.change(lambda state: commands.resume(state, Actor("somebody", 1_000)))
    world.handler.wait_at_gate(world.plan.id, 1, id_of(world.plan, "a"), "again")
    assert await to_the_end(world) == "DONE"
    assert world.state("a").attempts == 1


async def test_a_branch_that_moves_during_each_long_check_pauses_the_plan_at_last() -> None:
    """The branch moves while the landing is put away, so that no check comes to its end."""
    world = world_of()
    checks_of(world).waits = 1
    for number in range(60):
        step = await world.work("a")
        if step == "GATE":
            break
        branch = f"groundwork/{world.plan.id}"
        head = world.server.history(branch)[0]
        world.server.commit(branch, head.sha, head.tree | {"theirs": str(number).encode()}, "theirs\n")
    execution = world.store.read(world.plan.id).execution
    assert (execution.status, execution.cause) == (PlanStatus.PAUSED, Cause.TROUBLE)
    assert "moved" in (execution.reason or "")
    assert (world.state("a").attempts, checks_of(world).open) == (1, set())


async def test_a_session_saved_by_an_outdated_worker_reuses_no_verdict() -> None:
    """The saved landing goes back by a round, and the branch has another head by then."""
    world = world_of()
    checks = checks_of(world)
    checks.waits = 1
    assert await world.work("a") == "LATER"
    task_id = id_of(world.plan, "a")
    outdated = world.sessions.load(task_id, 1)
    assert outdated
    world.sessions.save(outdated.changed(landing=Landing()))
    branch = f"groundwork/{world.plan.id}"
    # as the worker replaced it: the first round passed on the first head
    for job in list(checks.calls):
        checks.ended[job] = CheckProgress((exits("run-tests", 0),), Verdict.PASSED)
    head = world.server.history(branch)[0]
    world.server.commit(branch, head.sha, head.tree | {"theirs": b"x"}, "theirs\n")
    assert await to_the_end(world) == "DONE"
    assert checks.checked[-1][1] == tree_id(head_of(world).tree)


async def test_a_conflict_during_a_check_closes_its_sandbox_at_once() -> None:
    world = world_of()
    checks_of(world).waits = 1
    assert await world.work("a") == "LATER"
    assert len(checks_of(world).open) == 1
    branch = f"groundwork/{world.plan.id}"
    head = world.server.history(branch)[0]
    world.server.commit(branch, head.sha, head.tree | {"src/a.py": b"theirs"}, "theirs\n")
    assert await world.work("a") == "WORK"
    assert world.state("a").conflicts == 1
    assert checks_of(world).open == set()


async def test_a_long_check_puts_the_landing_away_and_later_invocations_go_on_with_it() -> None:
    world = world_of()
    checks_of(world).waits = 3
    assert await world.work("a") == "LATER"
    assert world.state("a").activity == "Running: run-tests (2 s)"
    asked = world.model.asked
    assert await to_the_end(world) == "DONE"
    assert (world.model.asked, world.state("a").attempts, len(checks_of(world).checked)) == (asked, 1, 1)


@pytest.mark.parametrize("ending", [Ending.TIMEOUT, Ending.LOST, Ending.KILLED, Ending.OUTPUT])
async def test_a_check_that_could_not_run_is_no_failure_and_uses_no_attempt(ending: Ending) -> None:
    def could_not(command: str, files: Files) -> CommandResult:
        return passing(command, files) if len(checks.checked) >= 2 else CommandResult(command=command, ending=ending)

    world = world_of(could_not)
    checks = checks_of(world)
    assert await world.work("a") == "LATER"
    assert "could not run" in (world.state("a").activity or "")
    assert await to_the_end(world) == "DONE"
    assert (world.state("a").attempts, world.state("a").failed) == (1, ())


NEVER_A_VERDICT = [
    *(CommandResult(command="run-tests", ending=one, log="Hangs.") for one in (Ending.TIMEOUT, Ending.OUTPUT)),
    CommandResult(command="run-tests", ending=Ending.KILLED, detail="It used too much memory.", log="Hangs."),
    CommandResult(command="install", setup=True, ending=Ending.EXIT, exit_code=7, log="No package leftpad==9."),
]


@dataclass
class UnfinishedLandings(LandingChecks):
    """`stops` may return the result of a command that keeps a landing's check from a verdict."""

    stops: Callable[[CheckJob], CommandResult | None] = lambda job: None

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        progress = super().advance(job, seconds)
        if job.owner.kind is OwnerKind.LANDING and (stopped := self.stops(job)):
            return CheckProgress((stopped,), Verdict.COULD_NOT_RUN)
        return progress


def unfinished_world(stops: Callable[[CheckJob], CommandResult | None]) -> World:
    plan = plan_of(phase("One", draft("a", files=("src/a.py",))))
    return World(plan, SETTINGS, UnfinishedLandings(passing, stops=stops))


@pytest.mark.parametrize("stopped", NEVER_A_VERDICT, ids=lambda one: str(one.ending))
async def test_a_change_whose_commands_never_come_to_a_verdict_goes_to_another_attempt(stopped: CommandResult) -> None:
    world = unfinished_world(lambda job: stopped if job.owner.number == 1 else None)
    while world.state("a").attempts < 2 and not world.state("a").failed:
        assert await world.work("a") in ("LATER", "WORK")
    state = world.state("a")
    assert len(checks_of(world).checked) == MAX_NOT_RUN
    # neither a failure of the change nor an attempt of the three
    assert (state.attempts, state.max_attempts, state.verified) == (1, 4, None)
    assert (state.failed[0].keep_changes, checks_of(world).open) == (True, set())
    assert "5 times in a row" in state.failed[0].reason
    told: list[str] = []
    world.model.script = lambda conversation: told.append(json.dumps(conversation.messages[0].content[0]))
    assert await to_the_end(world) == "DONE"
    assert stopped.log in told[0]
    assert "already in your files" in told[0]
    assert (world.state("a").verified, world.store.read(world.plan.id).execution.cause) == (Verified.PASSED, None)


async def test_changes_that_never_come_to_a_verdict_pause_the_plan_at_last_and_a_resume_makes_another() -> None:
    hangs = True
    world = unfinished_world(lambda job: NEVER_A_VERDICT[-1] if hangs else None)
    assert await to_the_end(world, steps=200) == "GATE"
    execution, state = world.store.read(world.plan.id).execution, world.state("a")
    assert (execution.status, execution.cause) == (PlanStatus.PAUSED, Cause.TROUBLE)
    assert "The set-up `install` failed with exit code 7." in (execution.reason or "")
    assert (state.status, state.attempts, state.attempt_open) == (TaskStatus.PENDING, MAX_CONFLICTS + 1, False)
    hangs = False
    world.change(lambda state: commands.resume(state, Actor("somebody", 1_000)))
    world.handler.wait_at_gate(world.plan.id, 1, id_of(world.plan, "a"), "again")
    assert await to_the_end(world) == "DONE"
    assert world.state("a").attempts == MAX_CONFLICTS + 2


async def test_a_lost_sandbox_does_not_count_for_the_commands() -> None:
    lost = CommandResult(command="run-tests", ending=Ending.LOST)
    world = unfinished_world(lambda job: lost if len(checks_of(world).checked) == 3 else NEVER_A_VERDICT[0])
    while not world.state("a").failed:
        assert await world.work("a") in ("LATER", "WORK")
    assert len(checks_of(world).checked) == MAX_NOT_RUN + 1


async def test_checks_that_never_run_pause_the_plan_with_the_reason() -> None:
    world = world_of(lambda command, files: CommandResult(command=command, ending=Ending.LOST, detail="gone"))
    assert await to_the_end(world) == "GATE"
    execution = world.store.read(world.plan.id).execution
    assert (execution.status, execution.cause) == (PlanStatus.PAUSED, Cause.TROUBLE)
    assert "5 times in a row" in (execution.reason or "")
    assert (world.state("a").attempts, world.state("a").failed, world.commits()) == (1, (), [])
    assert checks_of(world).open == set()


async def test_no_sandbox_pauses_the_plan_at_once() -> None:
    def unavailable(job: CheckJob) -> None:
        raise SandboxUnavailable("No sandbox can be started on this machine.")

    world = world_of()
    checks_of(world).before = unavailable
    assert await world.work("a") == "GATE"
    execution = world.store.read(world.plan.id).execution
    assert (execution.status, execution.cause) == (PlanStatus.PAUSED, Cause.TROUBLE)
    assert "No sandbox can be started" in (execution.reason or "")
    assert world.state("a").failed == ()


async def test_a_landing_that_has_lost_its_claim_pushes_nothing() -> None:
    def lost(job: CheckJob) -> None:
        raise ClaimLost

    world = world_of()
    checks_of(world).before = lost
    assert await world.work("a") == "WORK"
    assert world.commits() == []


async def test_a_cancel_during_the_check_lands_nothing_and_closes_the_sandbox() -> None:
    world = world_of()
    checks_of(world).waits = 2
    assert await world.work("a") == "LATER"
    assert checks_of(world).open
    world.change(lambda state: commands.cancel(state, Actor("somebody", 1_000)))
    assert await world.work("a") == "DONE"
    assert (world.commits(), checks_of(world).open) == ([], set())


async def test_a_pause_closes_the_sandbox_of_a_landing_and_a_resume_checks_again() -> None:
    world = world_of()
    checks_of(world).waits = 2
    assert await world.work("a") == "LATER"
    world.change(lambda state: commands.pause(state, Actor("somebody", 1_000)))
    assert await world.work("a") == "GATE"
    assert checks_of(world).open == set()
    world.change(lambda state: commands.resume(state, Actor("somebody", 1_000)))
    world.handler.wait_at_gate(world.plan.id, 1, id_of(world.plan, "a"), "again")
    assert await to_the_end(world) == "DONE"
    assert (world.state("a").attempts, world.state("a").verified) == (1, Verified.PASSED)


async def test_a_push_whose_answer_was_lost_is_neither_checked_nor_made_again() -> None:
    world = world_of()
    await lose_the_answer(world)
    assert await world.work("a") == "DONE"
    assert (world.commits(), len(checks_of(world).checked)) == (["a"], 1)
    assert (world.state("a").verified, world.state("a").tests) == (Verified.PASSED, 3)


async def test_the_tree_of_a_patch_on_its_stack_is_checked() -> None:
    seen: list[set[str]] = []

    def look(command: str, files: Files) -> CommandResult:
        seen.append({path for path in files if path.startswith("src/") and path != "src/app.py"})
        return passing(command, files)

    world = world_of(look, tasks=("a", "b"), auto_commit=False)
    for key in ("a", "b"):
        assert await to_the_end(world, key) == "DONE"
    assert seen == [{"src/a.py"}, {"src/a.py", "src/b.py"}]
    assert [world.state(key).verified for key in ("a", "b")] == [Verified.PASSED] * 2
    assert set(world.sessions.patches) == {id_of(world.plan, key) for key in ("a", "b")}


async def test_a_patch_that_has_failed_is_not_kept() -> None:
    world = world_of(lambda command, files: exits(command, 1), auto_commit=False)
    assert await world.work("a") == "WORK"
    assert world.sessions.patches == {}


async def test_a_second_landing_waits_its_turn_without_a_sandbox() -> None:
    world = world_of(tasks=("a", "b"))
    checks_of(world).waits = 1
    assert await world.work("a") == "LATER"
    assert await world.work("b") == "LATER"
    assert world.state("b").activity == "Waiting to land: 1 task is before it"
    assert len(checks_of(world).open) == 1
    assert await to_the_end(world, "a") == "DONE"
    assert await to_the_end(world, "b") == "DONE"
    assert sorted(world.commits()) == ["a", "b"]
    # in turn, no check was in vain
    assert len(checks_of(world).checked) == 2


async def test_a_repository_without_checks_lands_as_before_and_says_so() -> None:
    world = World(plan_of(phase("One", draft("a", files=("src/a.py",)))))
    assert await world.work("a") == "DONE"
    assert world.state("a").verified is Verified.NOT_CONFIGURED
    assert CHECKS not in trailers(head_of(world).text)


async def test_checks_turned_off_land_as_not_run() -> None:
    world = World(plan_of(phase("One", draft("a", files=("src/a.py",)))), SETTINGS)
    assert await world.work("a") == "DONE"
    assert world.state("a").verified is Verified.NOT_RUN
    assert trailers(head_of(world).text)[CHECKS] == "not_run"


async def test_checks_of_a_landing_end_at_the_cost_of_their_attempt() -> None:
    world = world_of(max_cost_usd=0.1)
    checks_of(world).waits, checks_of(world).wait_seconds = 100, 600.0
    looks = 0
    while await world.work("a") == "LATER":
        looks += 1
        assert looks < 10
    assert "limit of cost" in world.state("a").failed[0].reason
    assert (checks_of(world).open, world.commits()) == (set(), [])
