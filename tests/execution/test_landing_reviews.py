"""Reviews of changes before they land: reasons, decisions, cost."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from groundwork.agent.brief import review_cost_for
from groundwork.agent.commit_message import CHECKS, trailers
from groundwork.agent.review import DECIDE
from groundwork.checks.model import CommandResult, Verified
from groundwork.execution.attempt_result import fail_attempt
from groundwork.llm.conversation import Conversation, Turn, TurnEnd
from groundwork.llm.port import Unavailable, Usage
from groundwork.llm.prices import cost_micro_usd
from tests.agent.world import MODEL
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
from tests.execution.test_agent_worker import FILES, World
from tests.fakes.checks import exits
from tests.fakes.upstream import FakeServer
from tests.plans.plans import draft, id_of, phase, plan_of

DEAR = Usage(100_000, 10_000, calls=1)


def is_review(conversation: Conversation) -> bool:
    return DECIDE in {tool.name for tool in conversation.tools}


def undecided(usage: Usage) -> Turn:
    """Return a turn of a reviewer that talks, and does not decide."""
    return Turn(({"type": "text", "text": "Hm."},), TurnEnd.SAID, usage, MODEL)


def decision(approve: bool) -> Turn:
    given = {"approve": approve, "reason": "The test was weakened." if not approve else "It does what the task asks."}
    block = {"type": "tool_use", "id": "toolu_1", "name": DECIDE, "input": given}
    return Turn((block,), TurnEnd.CALLS, Usage(10, 10, calls=1), MODEL)


@dataclass
class Reviewer:
    """Answers reviews, and leaves sessions to the mock. `shown` holds first messages."""

    approves: bool = True
    shown: list[str] = field(default_factory=list)

    def __call__(self, conversation: Conversation) -> Turn | None:
        if not is_review(conversation):
            return None
        self.shown.append(str(conversation.messages[0].content[0]["text"]))
        return decision(self.approves)


def reviewed_world(
    path: str, approves: bool = True, red_baseline: bool = False, **fields: Any
) -> tuple[World, Reviewer]:
    reviewer = Reviewer(approves)
    settings, plan = SETTINGS.model_copy(update=fields), plan_of(phase("One", draft("a", files=(path,))))
    world = World(plan, settings, LandingChecks(passing), red_baseline)
    world.model.script = reviewer
    return world, reviewer


@pytest.mark.parametrize("path", ["conftest.py", "tests/conftest.py", "pyproject.toml"])
async def test_a_change_to_what_configures_the_tests_is_shown_and_reviewed(path: str) -> None:
    world, reviewer = reviewed_world(path)
    assert await to_the_end(world) == "DONE"
    state = world.state("a")
    assert state.findings == (f"{path} configures tests or builds.",)
    assert state.reviewed == "Approved: It does what the task asks."
    assert f"diff --git a/{path}" in reviewer.shown[0]
    assert f"{path} configures tests" in reviewer.shown[0]


async def test_a_rejected_change_does_not_land_and_the_reason_reaches_the_next_attempt() -> None:
    world, reviewer = reviewed_world("conftest.py", approves=False)
    assert await world.work("a") == "WORK"
    assert world.commits() == []
    assert "The test was weakened." in world.state("a").failed[0].reason
    reviewer.approves = True
    assert await to_the_end(world) == "DONE"


async def test_fewer_tests_than_before_need_a_review() -> None:
    def counts(command: str, files: Files) -> CommandResult:
        return exits(command, 0, f"== {2 if 'src/b.py' in files else 5} passed in 1.00s ==")

    world = world_of(counts, tasks=("a", "b"))
    world.model.script = Reviewer()
    assert await to_the_end(world, "a") == "DONE"
    assert (world.state("a").findings, world.state("a").reviewed) == ((), "")
    assert await to_the_end(world, "b") == "DONE"
    assert world.state("b").findings == ("Fewer tests ran: 2 instead of 5.",)
    assert world.state("b").reviewed


async def test_the_first_change_is_compared_with_the_tests_of_the_baseline() -> None:
    plan = plan_of(phase("One", draft("a", files=("src/a.py",))))
    world = World(plan, SETTINGS, LandingChecks(passing), tests=4)
    world.model.script = Reviewer()
    assert await to_the_end(world) == "DONE"
    assert world.state("a").findings == ("Fewer tests ran: 3 instead of 4.",)
    assert world.state("a").reviewed


async def test_with_a_red_baseline_nothing_is_called_passed_and_each_change_is_reviewed() -> None:
    for code, shown in ((0, None), (1, Verified.FAILED)):
        world, reviewer = reviewed_world("src/a.py", red_baseline=True, allow_red_baseline=True)
        world.checks = LandingChecks(lambda command, files, code=code: exits(command, code))  # type: ignore[misc]
        assert await to_the_end(world) == "DONE"
        assert (world.state("a").verified, len(reviewer.shown)) == (shown, 1)
        told = "failed: run-tests" if code else "not proven: red baseline"
        assert trailers(head_of(world).text)[CHECKS] == told


async def test_with_a_red_baseline_a_lost_answer_tells_the_same_as_one_that_arrives() -> None:
    world, reviewer = reviewed_world("conftest.py", red_baseline=True, allow_red_baseline=True)
    await lose_the_answer(world)
    assert await to_the_end(world) == "DONE"
    state = world.state("a")
    assert (state.verified, state.tests, len(reviewer.shown)) == (None, 3, 1)
    assert state.findings == ("conftest.py configures tests or builds.",)
    assert state.reviewed == "Approved: It does what the task asks."


async def test_a_commit_found_by_the_next_attempt_keeps_the_proof_of_its_own() -> None:
    world, _ = reviewed_world("conftest.py")
    await lose_the_answer(world)
    task_id = id_of(world.plan, "a")
    world.change(lambda state: fail_attempt(state, task_id, "The worker was lost.", 1_000))
    assert await to_the_end(world) == "DONE"
    state = world.state("a")
    assert (state.attempts, state.verified, state.tests) == (2, Verified.PASSED, 3)
    assert state.findings == ("conftest.py configures tests or builds.",)
    assert state.reviewed == "Approved: It does what the task asks."


def moves_before_the_push(world: World) -> Callable[[Conversation], Turn | None]:
    """The branch moves once, while the first reviewer reads."""
    reviewer = world.model.script

    def script(conversation: Conversation) -> Turn | None:
        answer, branch = reviewer(conversation), f"groundwork/{world.plan.id}"
        head = world.server.history(branch)[0]
        if answer and "theirs" not in head.tree:
            world.server.commit(branch, head.sha, head.tree | {"theirs": b"x"}, "theirs\n")
        return answer

    return script


async def test_findings_that_are_new_after_a_move_of_the_branch_are_reviewed_as_well() -> None:
    world, reviewer = reviewed_world("conftest.py")

    def counts(command: str, files: Files) -> CommandResult:
        return exits(command, 0, f"== {1 if 'theirs' in files else 5} passed in 1.00s ==")

    world = World(world.plan, SETTINGS, LandingChecks(counts), tests=5)
    world.model.script = reviewer
    world.model.script = moves_before_the_push(world)
    assert await to_the_end(world) == "DONE"
    assert len(reviewer.shown) == 2
    assert "Fewer tests ran" not in reviewer.shown[0]
    assert "Fewer tests ran: 1 instead of 5." in reviewer.shown[1]
    assert world.state("a").findings[0] == "Fewer tests ran: 1 instead of 5."


async def test_the_same_findings_after_a_move_of_the_branch_need_no_second_review() -> None:
    world, reviewer = reviewed_world("conftest.py")
    world.model.script = moves_before_the_push(world)
    assert await to_the_end(world) == "DONE"
    assert (len(checks_of(world).checked), len(reviewer.shown)) == (2, 1)


async def test_a_second_review_has_what_the_first_left_of_their_share_of_the_cost() -> None:
    world, _ = reviewed_world("conftest.py")

    def counts(command: str, files: Files) -> CommandResult:
        return exits(command, 0, f"== {1 if 'theirs' in files else 5} passed in 1.00s ==")

    world = World(world.plan, SETTINGS, LandingChecks(counts), tests=5)
    each, most = cost_micro_usd(MODEL, DEAR), review_cost_for("M")
    first, asked = most // each, []

    def talks(conversation: Conversation) -> Turn | None:
        if not is_review(conversation):
            return None
        asked.append(conversation)
        if len(asked) == first:
            return replace(decision(approve=True), usage=DEAR)
        return undecided(DEAR)

    world.model.script = talks
    world.model.script = moves_before_the_push(world)
    assert await world.work("a") == "WORK"
    assert "limit of its cost" in world.state("a").failed[0].reason
    assert len(asked) == first + 1


def deletes(path: str) -> Callable[[Conversation], Turn | None]:
    """A session that deletes a file and finishes."""

    def script(conversation: Conversation) -> Turn | None:
        if is_review(conversation):
            return decision(approve=True)
        turns = len(conversation.messages) // 2
        steps: tuple[tuple[str, dict[str, Any]], ...] = (
            ("delete", {"file_path": path}),
            ("check", {}),
            ("finish", {"summary": "Done.", "criteria": []}),
        )
        name, arguments = steps[min(turns, 2)]
        block = {"type": "tool_use", "id": f"toolu_{turns}", "name": name, "input": arguments}
        return Turn((block,), TurnEnd.CALLS, Usage(10, 10, calls=1), MODEL)

    return script


async def test_a_deleted_test_is_seen_while_no_number_of_tests_is_known() -> None:
    path = "tests/test_app.py"
    world = World(plan_of(phase("One", draft("a", files=(path,)))), SETTINGS, LandingChecks(passing))
    world.server = FakeServer.of(FILES | {path: "def test_app() -> None: ...\n"})
    world.model.script = deletes(path)
    assert await to_the_end(world) == "DONE"
    assert path not in head_of(world).tree
    assert world.state("a").findings == (f"{path} was deleted: it may have held tests.",)
    assert world.state("a").reviewed


async def test_where_the_baseline_is_not_red_the_permission_lets_no_failed_check_land() -> None:
    world, _ = reviewed_world("src/a.py", allow_red_baseline=True)
    world.checks = LandingChecks(lambda command, files: exits(command, 1))
    assert await world.work("a") == "WORK"
    assert (world.commits(), world.state("a").verified) == ([], Verified.FAILED)


async def test_a_repository_may_ask_for_a_review_of_every_change() -> None:
    world, reviewer = reviewed_world("src/a.py", require_review=True)
    assert await to_the_end(world) == "DONE"
    assert len(reviewer.shown) == 1
    assert world.state("a").usage.calls == world.model.asked


async def test_a_reviewer_that_does_not_decide_approves_nothing() -> None:
    world, _ = reviewed_world("conftest.py")
    chatter = undecided(Usage(1, 1, calls=1))
    world.model.script = lambda conversation: chatter if is_review(conversation) else None
    assert await world.work("a") == "WORK"
    assert "no decision" in world.state("a").failed[0].reason
    assert world.commits() == []


async def test_a_review_ends_at_its_share_of_the_cost() -> None:
    world, _ = reviewed_world("conftest.py")
    asked = []

    def talks(conversation: Conversation) -> Turn | None:
        if not is_review(conversation):
            return None
        asked.append(conversation)
        return undecided(DEAR)

    world.model.script = talks
    assert await world.work("a") == "WORK"
    assert "limit of its cost" in world.state("a").failed[0].reason
    each = cost_micro_usd(MODEL, DEAR)
    most = review_cost_for("M")
    assert (len(asked) - 1) * each < most <= len(asked) * each
    assert world.state("a").usage.cost_micro_usd >= len(asked) * each
    assert world.commits() == []


async def test_an_interrupted_review_leaves_only_the_rest_of_its_share() -> None:
    world, _ = reviewed_world("conftest.py")
    asked = []

    def fails_in_the_second_turn(conversation: Conversation) -> Turn | None:
        if not is_review(conversation):
            return None
        asked.append(len(conversation.messages))
        if len(asked) == 2:
            raise Unavailable("busy")
        return undecided(DEAR)

    world.model.script = fails_in_the_second_turn
    while not world.state("a").failed:
        await world.work("a")
    each = cost_micro_usd(MODEL, DEAR)
    # the turn with the fault is free
    assert (len(asked) - 2) * each < review_cost_for("M") <= (len(asked) - 1) * each
    assert asked[2] == 1


async def test_a_reviewer_cannot_write() -> None:
    world, _ = reviewed_world("conftest.py")
    results: list[str] = []

    def writes_first(conversation: Conversation) -> Turn | None:
        if not is_review(conversation):
            return None
        if len(conversation.messages) > 1:
            results.append(json.dumps([dict(block) for block in conversation.messages[-1].content]))
            return decision(approve=True)
        block = {"type": "tool_use", "id": "t", "name": "write", "input": {"file_path": "x", "content": "x"}}
        return Turn((block,), TurnEnd.CALLS, Usage(1, 1, calls=1), MODEL)

    world.model.script = writes_first
    assert await to_the_end(world) == "DONE"
    assert "A reviewer has only" in results[0]
    assert "x" not in head_of(world).tree
