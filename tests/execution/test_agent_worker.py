"""Tasks run by sessions of the mock model, through gates, on a repository in memory."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from groundwork.agent.commit_message import TASK, task_message, trailers
from groundwork.agent.patches import Patch, PatchRef
from groundwork.agent.repository import CommitGone, RepositoryRefused, RepositoryUnreachable
from groundwork.agent.session import Session
from groundwork.checks.model import CheckSettings
from groundwork.checks.ports import CheckRunner
from groundwork.execution import commands, rollback
from groundwork.execution.agent_worker import AgentWorker
from groundwork.execution.commands import Actor
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.git_reverter import GitReverter
from groundwork.execution.rollback_runner import RollbackRunner
from groundwork.execution.state import ExecutionState, RepositoryChecks, TaskExecution
from groundwork.execution.step_handler import StepHandler
from groundwork.execution.worker import TurnReport as TaskTurn
from groundwork.llm.conversation import Conversation, Turn, TurnEnd
from groundwork.llm.mock.model import MockModel
from groundwork.llm.port import Misconfigured, Usage
from groundwork.llm.prices import cost_micro_usd
from groundwork.plans.model import Plan, PlanStatus, TaskStatus
from groundwork.plans.repositories import Repository
from tests.agent.world import MODEL
from tests.execution.test_step_handler import repository
from tests.fakes.executions import MemoryExecutions, MemoryMachine
from tests.fakes.upstream import FakeServer, FakeUpstream
from tests.plans.plans import draft, id_of, phase, plan_of

FILES = {"README.md": "# App\n", "src/app.py": '"""App."""\n\n\ndef run() -> int:\n    return 1\n'}


@dataclass
class KeptSessions:
    """The port `SessionStore`, in memory, as JSON."""

    kept: dict[tuple[str, int], str] = field(default_factory=dict)
    patches: dict[str, Patch] = field(default_factory=dict)
    earlier: dict[PatchRef, Patch] = field(default_factory=dict)

    def load(self, task_id: str, attempt: int) -> Session | None:
        text = self.kept.get((task_id, attempt))
        return Session.model_validate_json(text) if text else None

    def save(self, session: Session) -> None:
        self.kept[session.brief.task_id, session.brief.attempt] = session.model_dump_json(by_alias=True)

    def save_patch(self, patch: Patch) -> None:
        kept = Patch.model_validate_json(patch.model_dump_json(by_alias=True))
        self.patches[patch.task_id] = self.earlier[PatchRef(task_id=patch.task_id, attempt=patch.attempt)] = kept

    def load_patch(self, under: PatchRef) -> Patch | None:
        return self.earlier.get(under)


@dataclass
class Faulty:
    """The mock model; faults come first, one per turn. `script` may answer in its place."""

    faults: list[Exception] = field(default_factory=list)
    asked: int = 0
    name: str = "mock"
    model_id: str = MODEL
    script: Callable[[Conversation], Turn | None] = lambda conversation: None

    def __post_init__(self) -> None:
        self._mock = MockModel(MODEL, latency_ms=0)

    async def turn(self, conversation: Conversation) -> Turn:
        self.asked += 1
        if self.faults:
            raise self.faults.pop(0)
        if (scripted := self.script(conversation)) is not None:
            return scripted
        return await self._mock.turn(conversation)

    async def close(self) -> None:
        return None


class World:
    """Plan under execution. `left_ms` is the time of each invocation."""

    def __init__(
        self,
        plan: Plan,
        settings: CheckSettings | None = None,
        checks: CheckRunner | None = None,
        red_baseline: bool = False,
        tests: int | None = None,
    ) -> None:
        self.plan, self.left_ms, self.checks = plan, 900_000, checks
        self.chosen: list[tuple[str | None, str | None]] = []
        known = tuple(
            RepositoryChecks(repository_id=plan.repository_id, settings=one, red_baseline=red_baseline, tests=tests)
            for one in ([settings] if settings else [])
        )
        self.server, self.sessions, self.model = FakeServer.of(FILES), KeptSessions(), Faulty()
        self.others: dict[str, FakeServer] = {}
        self.store, self.machine = MemoryExecutions(), MemoryMachine()
        self.store.add(plan)
        self.change(
            lambda execution_state: commands.execute(execution_state, Actor("somebody", 1_000), checks=tuple(known))
        )
        for task in plan.tasks:
            self.handler.wait_at_gate(plan.id, 1, task.id, f"token {task.id}")

    @property
    def coordinator(self) -> ExecutionCoordinator:
        return ExecutionCoordinator(self.store, self.machine, lambda: 1_000, sleep=lambda seconds: None)

    @property
    def handler(self) -> StepHandler:
        worker = AgentWorker(self.opened, self.model_of, cost_micro_usd, self.sessions, self.open_checks)
        return StepHandler(
            store=self.store,
            coordinator=self.coordinator,
            worker=worker,
            repository=repository,
            now_ms=lambda: 1_000,
            left_ms=lambda: self.left_ms,
            poll_s=0.01,
        )

    @property
    def open_checks(self) -> Callable[[], CheckRunner] | None:
        checks = self.checks
        return (lambda: checks) if checks else None

    def model_of(self, model_id: str | None, effort: str | None) -> Faulty:
        self.chosen.append((model_id, effort))
        return self.model

    @contextmanager
    def opened(self, repository: Repository, folder: Path) -> Iterator[FakeUpstream]:
        yield FakeUpstream(self.others.get(repository.id, self.server))

    def change(self, act: Any) -> ExecutionState:
        return self.coordinator.change(self.plan.id, act)

    async def work(self, key: str) -> str:
        """Returns the next step of the state machine."""
        answer = await self.handler.run_task(self.plan.id, 1, id_of(self.plan, key))
        return str(answer["next"])

    def state(self, key: str) -> TaskExecution:
        return self.store.read(self.plan.id).of(id_of(self.plan, key))

    def commits(self) -> list[str]:
        """Keys of tasks with commits on the plan's branch, oldest first."""
        keys = {task.id: task.key for task in self.plan.tasks}
        history = self.server.history(f"groundwork/{self.plan.id}")
        return [keys[id_] for commit in reversed(history) if (id_ := trailers(commit.text).get(TASK))]


def one(**fields: Any) -> World:
    return World(plan_of(phase("One", draft("a", files=("src/new.py",))), **fields))


async def test_a_task_becomes_a_commit_and_says_what_it_did_and_cost() -> None:
    world = one()
    assert await world.work("a") == "DONE"
    state = world.state("a")
    assert world.commits() == ["a"]
    assert (state.status, state.commit_sha) == (
        TaskStatus.COMPLETED,
        world.server.branches[f"groundwork/{world.plan.id}"],
    )
    assert state.files == ("src/new.py",)
    assert state.summary
    assert (state.turns, state.usage.calls) == (world.model.asked, world.model.asked)
    assert state.usage.cost_micro_usd > 0


async def test_what_a_model_says_is_shown_without_the_secrets_it_quotes() -> None:
    world, key = one(), "AKIA" + "QYLPMN5HFIXTEBZ2"
    turn, told = world.model._mock.turn, list[str]()

    async def telling(conversation: Conversation) -> Turn:
        answer = await turn(conversation)
        return replace(answer, content=({"type": "text", "text": f"I found {key}."}, *answer.content))

    def kept(plan_id: str, task_id: str, turn: TaskTurn, at_ms: int) -> None:
        told.append(turn.message)

    world.model._mock.turn = telling  # type: ignore[method-assign]
    world.store.record_turn = kept  # type: ignore[method-assign]
    assert await world.work("a") == "DONE"
    assert "I found [an AWS access key]." in "".join(told)
    assert key not in "".join(told)


async def test_a_task_that_asks_for_no_change_is_done_without_a_commit_and_reports() -> None:
    tasks = (draft("look", files=("src/app.py",), change_asked=False), draft("act", "look", files=("src/new.py",)))
    world = World(plan_of(phase("One", *tasks)))
    assert await world.work("look") == "DONE"
    state = world.state("look")
    assert (state.status, state.commit_sha, state.files) == (TaskStatus.COMPLETED, None, ())
    assert state.summary
    assert world.commits() == []
    assert await world.work("act") == "DONE"
    assert world.commits() == ["act"]


async def test_a_task_that_asks_for_no_change_keeps_no_patch_either() -> None:
    world = World(plan_of(phase("One", draft("look", change_asked=False)), auto_commit=False))
    assert await world.work("look") == "DONE"
    assert world.sessions.patches == {}


async def test_a_session_goes_on_in_another_invocation_from_its_last_turn() -> None:
    world = one()
    world.left_ms = 0
    assert await world.work("a") == "WORK"
    assert world.model.asked == 0
    world.left_ms = 900_000
    assert await world.work("a") == "DONE"
    assert world.state("a").attempts == 1


async def test_a_server_out_of_reach_uses_up_no_attempt_and_a_refusal_asks_a_person_at_once() -> None:
    world = one()
    world.server.faults = [RepositoryUnreachable("The server died.")]
    assert await world.work("a") == "LATER"
    assert (world.state("a").attempts, world.state("a").status) == (1, TaskStatus.RUNNING)
    world.server.faults = [RepositoryRefused("The branch is protected.")]
    assert await world.work("a") == "GATE"
    state = world.state("a")
    assert (state.status, state.attempts, state.error_msg) == (TaskStatus.FAILED, 1, "The branch is protected.")
    assert world.store.read(world.plan.id).status is PlanStatus.PAUSED


async def test_a_model_that_cannot_be_asked_asks_a_person_at_once() -> None:
    world = one()
    world.model.faults = [Misconfigured("The key is wrong.")]
    assert await world.work("a") == "GATE"
    assert world.state("a").status is TaskStatus.FAILED


async def test_a_push_whose_answer_was_lost_is_found_and_not_made_twice() -> None:
    world = one()
    upstream = FakeUpstream(world.server)
    land = FakeUpstream.land

    def lost(self: FakeUpstream, *given: Any) -> Any:
        land(upstream, *given)
        raise RepositoryUnreachable("The answer was lost.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeUpstream, "land", lost)
        assert await world.work("a") == "LATER"
    asked = world.model.asked
    assert await world.work("a") == "DONE"
    assert (world.commits(), world.model.asked) == (["a"], asked)


async def test_an_attempt_whose_base_is_gone_begins_anew() -> None:
    world = one()
    world.left_ms = 0
    await world.work("a")
    world.left_ms = 900_000
    world.server.faults = [CommitGone()]
    assert await world.work("a") == "WORK"
    assert await world.work("a") == "DONE"


async def test_a_cancel_stops_a_session_before_it_commits() -> None:
    world = one()
    turn = world.model._mock.turn

    async def cancelled(conversation: Conversation) -> Turn:
        if world.store.read(world.plan.id).status is PlanStatus.RUNNING and world.model.asked > 1:
            world.change(lambda execution_state: commands.cancel(execution_state, Actor("somebody", 1_000)))
            await asyncio.sleep(60)
        return await turn(conversation)

    world.model._mock.turn = cancelled  # type: ignore[method-assign]
    assert await asyncio.wait_for(world.work("a"), 50) == "DONE"
    assert world.state("a").status is TaskStatus.CANCELLED
    assert world.commits() == []


async def test_a_plan_without_commits_keeps_a_patch() -> None:
    world = one(auto_commit=False)
    assert await world.work("a") == "DONE"
    assert world.state("a").commit_sha is None
    assert list(world.sessions.patches) == [id_of(world.plan, "a")]
    assert f"groundwork/{world.plan.id}" not in world.server.branches


async def test_twenty_tasks_at_once_on_the_same_and_other_files_land_once_each() -> None:
    tasks = [draft(f"t{n}", files=("src/app.py",) if n % 4 == 0 else (f"src/own_{n}.py",)) for n in range(20)]
    world = World(plan_of(phase("One", *tasks, mode="parallel"), max_parallel=20))

    async def to_the_end(key: str) -> None:
        while await world.work(key) == "WORK":
            pass

    await asyncio.gather(*(to_the_end(f"t{n}") for n in range(20)))
    assert sorted(world.commits()) == sorted(
        f"t{n}" for n in range(20) if world.state(f"t{n}").status is TaskStatus.COMPLETED
    )
    done = [n for n in range(20) if world.state(f"t{n}").status is TaskStatus.COMPLETED]
    assert {n for n in range(20) if n % 4} <= set(done)
    tree = world.server.history(f"groundwork/{world.plan.id}")[0].tree
    assert set(tree) == {*FILES, *(f"src/own_{n}.py" for n in range(20) if n % 4)}
    failed = [n for n in range(20) if n not in done]
    assert world.store.read(world.plan.id).status is (PlanStatus.PAUSED if failed else PlanStatus.COMPLETED)


async def test_tasks_of_one_plan_land_each_in_its_own_repository() -> None:
    other = "rebbbbbbbbbb"
    world = World(plan_of(phase("One", draft("a"), draft("b", "a", repository_id=other))))
    world.others[other] = FakeServer.of({"README.md": "# Another\n"})
    for key in ("a", "b"):
        assert await world.work(key) == "DONE"
    branch = f"groundwork/{world.plan.id}"
    assert world.commits() == ["a"]
    assert trailers(world.others[other].history(branch)[0].text)[TASK] == id_of(world.plan, "b")
    runner = RollbackRunner(
        world.store, world.coordinator, GitReverter(world.opened, world.sessions), repository, lambda: 1_000
    )
    world.change(lambda now: rollback.roll_back(now, Actor("somebody", 1_000), None, None, with_dependents=False))
    assert runner.run(world.plan.id) == "DONE"
    assert world.server.history(branch)[0].tree == {path: text.encode() for path, text in FILES.items()}
    assert set(world.others[other].history(branch)[0].tree) == {"README.md"}


async def test_a_plan_begun_anew_does_its_work_again_on_another_branch() -> None:
    world = one()
    await world.work("a")
    first = world.state("a").commit_sha
    world.change(lambda now: commands.execute(now, Actor("somebody", 1_000), again=True))
    world.handler.wait_at_gate(world.plan.id, 2, id_of(world.plan, "a"), "again")
    await world.handler.run_task(world.plan.id, 2, id_of(world.plan, "a"))
    state = world.state("a")
    assert (state.status, state.attempts, state.attempts_before_round) == (TaskStatus.COMPLETED, 2, 1)
    assert state.commit_sha != first
    assert world.server.branches[f"groundwork/{world.plan.id}-2"] == state.commit_sha


async def test_a_plan_that_was_merged_and_is_begun_anew_does_its_work_again() -> None:
    world = one()
    await world.work("a")
    first = world.state("a").commit_sha
    world.server.branches["main"] = first or ""
    world.change(lambda now: commands.execute(now, Actor("somebody", 1_000), again=True))
    world.handler.wait_at_gate(world.plan.id, 2, id_of(world.plan, "a"), "again")
    await world.handler.run_task(world.plan.id, 2, id_of(world.plan, "a"))
    assert world.state("a").commit_sha not in (None, first)


async def test_a_cancel_that_comes_while_a_commit_is_being_pushed_keeps_it_back() -> None:
    world = one()
    land = FakeUpstream.land

    def cancelled(self: FakeUpstream, *given: Any) -> Any:
        world.change(lambda execution_state: commands.cancel(execution_state, Actor("somebody", 1_000)))
        going = given[-1]
        ends = time.monotonic() + 30
        while going() and time.monotonic() < ends:
            time.sleep(0.01)
        return land(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeUpstream, "land", cancelled)
        assert await world.work("a") == "DONE"
    assert (world.state("a").status, world.commits()) == (TaskStatus.CANCELLED, [])


async def test_a_commit_of_another_attempt_that_landed_meanwhile_is_the_tasks_with_its_own_files() -> None:
    world = one()
    branch = f"groundwork/{world.plan.id}"
    world.server.branches[branch] = world.server.branches["main"]
    sessions_keep = world.sessions.save

    def late(session: Session) -> None:
        # another worker, with another attempt, is faster
        text = task_message("feat: late", "", replace(session.brief.marks, attempt=2))
        if len(world.server.history(branch)) == 1:
            FakeUpstream(world.server).land(branch, session.base, {"late.py": b"late\n"}, text)
        sessions_keep(session)

    world.sessions.save = late  # type: ignore[method-assign]
    assert await world.work("a") == "DONE"
    state = world.state("a")
    assert (world.commits(), state.files) == (["a"], ("late.py",))
    assert state.commit_sha == world.server.branches[branch]


async def test_a_rollback_that_meets_another_change_fails_and_says_where() -> None:
    world = one()
    await world.work("a")
    branch = f"groundwork/{world.plan.id}"
    head = world.server.history(branch)[0]
    world.server.commit(branch, head.sha, head.tree | {"src/new.py": b"somebody else's\n"}, "theirs\n")
    world.change(lambda now: rollback.roll_back(now, Actor("somebody", 1_000), None, None, with_dependents=False))
    runner = RollbackRunner(
        world.store, world.coordinator, GitReverter(world.opened, world.sessions), repository, lambda: 1_000
    )
    assert runner.run(world.plan.id) == "FAILED"
    kept = world.store.read(world.plan.id).execution.rollback
    assert kept is not None
    assert "src/new.py" in (kept.error or "")
    assert world.state("a").status is TaskStatus.COMPLETED


@pytest.mark.parametrize("count", [4, pytest.param(10, marks=pytest.mark.full)])
async def test_parallel_tasks_that_all_add_to_a_change_log_lose_no_attempt(count: int) -> None:
    keys = [f"t{n}" for n in range(count)]
    world = World(plan_of(phase("One", *(draft(key) for key in keys), mode="parallel"), max_parallel=count))
    log = "# Changes\n- first\n"
    head = world.server.history("main")[0]
    world.server.commit("main", head.sha, head.tree | {"CHANGELOG.md": log.encode()}, "log\n")
    world.model.script = _adds_to_the_log
    await begin(world, *keys)
    assert [await world.work(key) for key in keys] == ["DONE"] * count
    assert [world.state(key).attempts for key in keys] == [1] * count
    lines = world.server.history(f"groundwork/{world.plan.id}")[0].tree["CHANGELOG.md"].decode().splitlines()
    assert sorted(lines[1:-1]) == sorted(f"- {key}" for key in keys)


async def begin(world: World, *keys: str) -> None:
    """Run the first turn of each task, so that all start on one head."""
    script = world.model.script

    def only_one(conversation: Conversation) -> Turn | None:
        world.left_ms = 0
        return script(conversation)

    world.model.script = only_one
    for key in keys:
        world.left_ms = 900_000
        assert await world.work(key) == "WORK"
    world.left_ms, world.model.script = 900_000, script


def _adds_to_the_log(conversation: Conversation) -> Turn:
    key = re.search(r'"key": ?"(t\d+)"', str(conversation.messages[0].content[0]["text"]))
    assert key
    turns = len(conversation.messages) // 2
    given: dict[str, Any] = {"file_path": "CHANGELOG.md"}
    name, arguments = (
        ("edit", given | {"old_string": "# Changes\n", "new_string": f"# Changes\n- {key[1]}\n"})
        if not turns
        else ("finish", {"summary": "Done.", "criteria": []})
    )
    block = {"type": "tool_use", "id": f"toolu_{turns}", "name": name, "input": arguments}
    return Turn((block,), TurnEnd.CALLS, Usage(10, 10, calls=1), MODEL)


async def test_a_conflict_with_another_task_costs_no_attempt() -> None:
    tasks = [draft(key, files=("src/app.py",)) for key in ("a", "b")]
    world = World(plan_of(phase("One", *tasks, mode="parallel")))
    await begin(world, "a", "b")
    assert await world.work("a") == "DONE"
    assert await world.work("b") == "WORK"
    state = world.state("b")
    assert (state.attempts, state.max_attempts) == (1, 4)
    assert await world.work("b") == "DONE"
