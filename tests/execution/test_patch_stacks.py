"""Plans without commits, on a real git server: each task builds on the patches before it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from groundwork.adapters.git.repository import GitUpstream, open_repository
from groundwork.agent.patches import Patch, PatchRef
from groundwork.execution import commands, rollback
from groundwork.execution.commands import Actor
from groundwork.execution.errors import DependentsFirst
from groundwork.execution.git_reverter import GitReverter
from groundwork.execution.rollback_runner import RollbackRunner
from groundwork.llm.conversation import Conversation, Turn
from groundwork.plans.model import Plan, PlanStatus, TaskStatus
from groundwork.plans.repositories import Repository
from tests.adapters.git.conftest import briefly
from tests.adapters.git.server import GitServer, git, secret, serving_git
from tests.execution.test_agent_worker import FILES, World
from tests.execution.test_step_handler import repository
from tests.plans.plans import draft, id_of, phase, plan_of

SHARED = ("src/app.py",)


class GitWorld(World):
    """Plan under execution on a git server."""

    def __init__(self, plan: Plan, served: GitServer) -> None:
        super().__init__(plan)
        self.served = served

    @contextmanager
    def opened(self, repository: Repository, folder: Path) -> Iterator[GitUpstream]:  # type: ignore[override]
        with open_repository(self.served.repository, secret, folder, local=True, sleep=briefly) as upstream:
            yield upstream

    def applied(self, folder: Path, *keys: str) -> Path:
        """Clone of a user, with the patches of these tasks applied in order by git itself."""
        git(folder, "clone", "-q", str(self.served.folder), str(folder / "person"))
        for key in keys:
            text = self.sessions.patches[id_of(self.plan, key)].text
            git(folder / "person", "apply", "--index", "-", stdin=text.encode())
        return folder / "person"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[GitServer]:
    with serving_git(tmp_path / "server", FILES) as server:
        yield server


def defined(text: str) -> list[str]:
    return [line.removeprefix("def ").partition("(")[0] for line in text.splitlines() if line.startswith("def ")]


async def test_a_later_task_builds_on_the_patches_of_those_before_it_and_keeps_its_own_change_only(
    served: GitServer, tmp_path: Path
) -> None:
    phases = (
        phase("One", draft("a", files=SHARED), draft("b", files=SHARED)),
        phase("Two", draft("c", "a", files=SHARED), draft("d", files=("src/d.py",)), mode="parallel"),
    )
    world = GitWorld(plan_of(*phases, auto_commit=False), served)
    for key in ("a", "b", "c", "d"):
        assert await world.work(key) == "DONE"
    assert world.store.read(world.plan.id).status is PlanStatus.COMPLETED
    for key, own in (("a", "a"), ("b", "b"), ("c", "c")):
        added = [
            line[1:] for line in world.sessions.patches[id_of(world.plan, key)].text.splitlines() if line[:1] == "+"
        ]
        assert defined("\n".join(added)) == [own]
    clone = world.applied(tmp_path, "a", "b", "c", "d")
    assert defined((clone / "src/app.py").read_text()) == ["run", "a", "b", "c"]
    assert (clone / "src/d.py").exists()
    assert served.git("branch", "--format=%(refname:short)") == "main"
    assert not any("receive-pack" in request for request in served.requests)


async def test_a_session_goes_on_on_the_same_patches_in_another_invocation(served: GitServer, tmp_path: Path) -> None:
    tasks = (draft("a", files=SHARED), draft("b", files=SHARED))
    world = GitWorld(plan_of(phase("One", *tasks), auto_commit=False), served)
    await world.work("a")
    turn, answers = world.model._mock.turn, ["WORK"]

    async def the_only_one(conversation: Conversation) -> Turn:
        world.left_ms = 0
        return await turn(conversation)

    world.model._mock.turn = the_only_one  # type: ignore[method-assign]
    while answers[-1] == "WORK" and len(answers) < 20:
        world.left_ms = 900_000
        answers.append(await world.work("b"))
    assert answers == [*["WORK"] * (len(answers) - 1), "DONE"]
    assert len(answers) > 3
    assert defined((world.applied(tmp_path, "a", "b") / "src/app.py").read_text()) == ["run", "a", "b"]


async def test_tasks_at_the_same_time_are_put_together_or_tried_again_on_what_is_there(
    served: GitServer, tmp_path: Path
) -> None:
    tasks = (draft("a", files=SHARED), draft("b", files=SHARED), draft("c", files=("src/c.py",)))
    phases = (phase("One", *tasks, mode="parallel"), phase("Two", draft("d", files=SHARED)))
    world = GitWorld(plan_of(*phases, auto_commit=False), served)
    turn, meanwhile = world.model._mock.turn, ["a", "c"]

    async def meanwhile_others_end(conversation: Conversation) -> Turn:
        if meanwhile and "Do b" in str(conversation.messages[0].content) and len(conversation.messages) > 1:
            assert await world.work(meanwhile.pop()) == "DONE"
        return await turn(conversation)

    world.model._mock.turn = meanwhile_others_end  # type: ignore[method-assign]
    assert await world.work("b") == "WORK"
    state = world.state("b")
    assert "conflicts in src/app.py" in state.failed[0].reason
    assert await world.work("b") == "DONE"
    assert await world.work("d") == "DONE"
    clone = world.applied(tmp_path, "c", "a", "b", "d")
    assert defined((clone / "src/app.py").read_text()) == ["run", "a", "b", "d"]


async def test_a_patch_is_put_on_what_others_have_done_meanwhile_elsewhere_in_the_file(
    served: GitServer, tmp_path: Path
) -> None:
    tasks = (draft("a", files=("CHANGELOG.md",)), draft("b", files=("src/b.py",)))
    world = GitWorld(plan_of(phase("One", *tasks, mode="parallel"), auto_commit=False), served)
    turn, meanwhile = world.model._mock.turn, ["a"]

    async def meanwhile_others_end(conversation: Conversation) -> Turn:
        if meanwhile and "Do b" in str(conversation.messages[0].content):
            assert await world.work(meanwhile.pop()) == "DONE"
        return await turn(conversation)

    world.model._mock.turn = meanwhile_others_end  # type: ignore[method-assign]
    assert await world.work("b") == "DONE"
    kept = world.sessions.patches[id_of(world.plan, "b")]
    assert [under.task_id for under in kept.base_patches] == [id_of(world.plan, "a")]
    assert set(kept.changes) == {"src/b.py"}
    world.applied(tmp_path, "a", "b")


async def test_what_a_person_has_done_by_hand_is_under_nobodys_work(served: GitServer) -> None:
    phases = (phase("One", draft("a", files=SHARED), mode="manual"), phase("Two", draft("b", files=SHARED)))
    world = GitWorld(plan_of(*phases, auto_commit=False), served)
    world.change(lambda now: commands.complete(now, id_of(world.plan, "a"), Actor("somebody", 1_000), "1" * 40))
    assert await world.work("b") == "DONE"
    assert world.sessions.patches[id_of(world.plan, "b")].base_patches == ()


@pytest.mark.parametrize("commits", [True, False])
async def test_a_branch_that_is_gone_with_the_plans_work_is_not_made_again_without_it(
    served: GitServer, commits: bool
) -> None:
    tasks = (draft("a", files=SHARED), draft("b", files=SHARED))
    world = GitWorld(plan_of(phase("One", *tasks)), served)
    assert await world.work("a") == "DONE"
    served.git("branch", "-D", f"groundwork/{world.plan.id}")
    world.store.standings[world.plan.id] = with_plan(world, auto_commit=commits)
    assert await world.work("b") == "GATE"
    state = world.state("b")
    assert (state.status, state.attempts) == (TaskStatus.FAILED, 1)
    assert "is gone" in (state.error_msg or "")
    assert served.git("branch", "--format=%(refname:short)") == "main"


def with_plan(world: World, **fields: Any) -> Any:
    execution_state = world.store.read(world.plan.id)
    return replace(execution_state, plan=execution_state.plan.changed(**fields))


async def test_tasks_that_end_at_the_same_moment_land_one_after_the_other(served: GitServer, tmp_path: Path) -> None:
    tasks = (draft("a", files=SHARED), draft("b", files=SHARED))
    world = GitWorld(
        plan_of(phase("One", *tasks, mode="parallel"), phase("Two", draft("c", files=SHARED)), auto_commit=False),
        served,
    )
    keep, loop, meanwhile = world.sessions.save_patch, asyncio.get_running_loop(), ["a"]

    def another_ends_first(patch: Patch) -> None:
        if meanwhile and patch.task_id == id_of(world.plan, "b"):
            other = asyncio.run_coroutine_threadsafe(world.work(meanwhile.pop()), loop)
            assert other.result(60) == "DONE"
        keep(patch)

    world.sessions.save_patch = another_ends_first  # type: ignore[method-assign]
    assert await world.work("b") == "WORK"
    # it has no result yet: its rebase onto the other patch conflicts
    assert (world.state("b").failed, world.state("b").status) == ((), TaskStatus.RUNNING)
    assert await world.work("b") == "WORK"
    assert "conflicts in src/app.py" in world.state("b").failed[0].reason
    for key in ("b", "c"):
        assert await world.work(key) == "DONE"
    clone = world.applied(tmp_path, "a", "b", "c")
    assert defined((clone / "src/app.py").read_text()) == ["run", "a", "b", "c"]


# rollback


def base_patches(world: World, key: str) -> list[tuple[str, int]]:
    """Patches under a task's own patch."""
    return [(one.task_id[-2:], one.attempt) for one in world.sessions.patches[id_of(world.plan, key)].base_patches]


def paused(world: World) -> None:
    world.change(lambda now: commands.pause(now, Actor("somebody", 1_000)))


def taken_back(world: World, key: str, include: bool = False) -> str:
    """Roll back a task and return the status of the rollback."""
    asked = Actor("somebody", 1_000)
    world.change(lambda now: rollback.roll_back(now, asked, id_of(world.plan, key), None, include))
    reverter = GitReverter(world.opened, world.sessions)
    return RollbackRunner(world.store, world.coordinator, reverter, repository, lambda: 1_000).run(world.plan.id)


async def went_on(world: World, *keys: str) -> None:
    """Continue in another execution: the previous one has passed the tasks to redo."""
    world.change(lambda now: commands.resume(now, Actor("somebody", 1_000)))
    number = world.store.read(world.plan.id).execution.number
    for key in keys:
        id_ = id_of(world.plan, key)
        world.handler.wait_at_gate(world.plan.id, number, id_, f"token {id_} {number}")
        assert (await world.handler.run_task(world.plan.id, number, id_))["next"] == "DONE", key


async def test_a_patch_that_was_taken_back_is_under_nobodys_work_any_more(served: GitServer, tmp_path: Path) -> None:
    tasks = (
        draft("a", files=("src/a.py",)),
        draft("b", files=SHARED),
        draft("c", files=("src/c.py",)),
        draft("d", files=SHARED),
    )
    world = GitWorld(plan_of(phase("One", *tasks), auto_commit=False), served)
    for key in ("a", "b", "c"):
        assert await world.work(key) == "DONE"
    paused(world)
    assert taken_back(world, "a") == "DONE"
    first = world.sessions.patches[id_of(world.plan, "a")]
    state = world.state("a")
    assert (state.status, state.withdrawn, state.revert_sha) == (TaskStatus.PENDING, 1, None)
    events = [event.what for _, event in world.store.events if event.task_id == id_of(world.plan, "a")]
    assert events[-1] == "ROLLED_BACK"
    await went_on(world, "a", "d")
    # b and c were built on the first patch and still need it; new tasks build on the second
    assert base_patches(world, "c") == [("T1", 1), ("T2", 1)]
    assert base_patches(world, "d") == [("T2", 1), ("T3", 1), ("T1", 2)]
    assert first == world.sessions.load_patch(PatchRef(task_id=id_of(world.plan, "a"), attempt=1))
    assert world.store.read(world.plan.id).status is PlanStatus.COMPLETED
    clone = world.applied(tmp_path, "b", "c", "a", "d")
    assert defined((clone / "src/app.py").read_text()) == ["run", "b", "d"]


async def test_what_depends_on_a_patch_is_named_and_goes_first(served: GitServer) -> None:
    tasks = (draft("a", files=("src/a.py",)), draft("b", "a", files=("src/b.py",)), draft("c", files=("src/c.py",)))
    world = GitWorld(plan_of(phase("One", *tasks), auto_commit=False), served)
    for key in ("a", "b", "c"):
        assert await world.work(key) == "DONE"
    with pytest.raises(DependentsFirst) as refused:
        taken_back(world, "a")
    assert refused.value.details == {"taskIds": [id_of(world.plan, "b")]}
    assert taken_back(world, "a", include=True) == "DONE"
    statuses = [world.state(key).status for key in ("a", "b", "c")]
    assert statuses == [TaskStatus.SKIPPED, TaskStatus.SKIPPED, TaskStatus.COMPLETED]
    assert world.store.read(world.plan.id).status is PlanStatus.COMPLETED


async def test_a_patch_that_others_have_changed_the_same_lines_on_is_not_taken_back_under_them(
    served: GitServer,
) -> None:
    tasks = (draft("a", files=("new.md",)), draft("b", files=("new.md",)))
    world = GitWorld(plan_of(phase("One", *tasks), auto_commit=False), served)
    for key in ("a", "b"):
        assert await world.work(key) == "DONE"
    assert taken_back(world, "a") == "FAILED"
    after = world.store.read(world.plan.id)
    assert after.execution.rollback
    assert "conflicts with earlier patches" in (after.execution.rollback.error or "")
    assert [world.state(key).status for key in ("a", "b")] == [TaskStatus.COMPLETED] * 2
