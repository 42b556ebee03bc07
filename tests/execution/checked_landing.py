"""Plans with landings whose checks are scripted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from groundwork.agent.repository import RepositoryUnreachable
from groundwork.checks.model import CheckSettings, CommandResult
from groundwork.checks.ports import CheckJob, CheckProgress, OwnerKind
from groundwork.sandbox.verdict import Verdict
from tests.execution.test_agent_worker import World
from tests.fakes.checks import ScriptedChecks, exits
from tests.fakes.upstream import FakeUpstream
from tests.plans.plans import draft, phase, plan_of

SETTINGS = CheckSettings(verify=("run-tests",))
Files = Mapping[str, bytes]


@dataclass
class LandingChecks(ScriptedChecks):
    """Checks of sessions pass at once; `script`, `waits` and `before` are those of landings."""

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        if job.owner.kind is not OwnerKind.LANDING:
            return CheckProgress(tuple(exits(command, 0) for command in job.commands), Verdict.PASSED)
        return super().advance(job, seconds)


def passing(command: str, files: Files) -> CommandResult:
    return exits(command, 0, "== 3 passed in 0.1s ==")


def world_of(
    script: Callable[[str, Files], CommandResult] = passing,
    settings: CheckSettings = SETTINGS,
    tasks: tuple[str, ...] = ("a",),
    **fields: Any,
) -> World:
    drafts = [draft(key, files=(f"src/{key}.py",)) for key in tasks]
    plan = plan_of(phase("One", *drafts, mode="parallel"), **fields)
    return World(plan, settings, LandingChecks(script))


def checks_of(world: World) -> LandingChecks:
    assert isinstance(world.checks, LandingChecks)
    return world.checks


def head_of(world: World) -> Any:
    return world.server.history(f"groundwork/{world.plan.id}")[0]


async def to_the_end(world: World, key: str = "a", steps: int = 40) -> str:
    for _ in range(steps):
        step = await world.work(key)
        if step not in ("WORK", "LATER"):
            return step
    raise AssertionError("it does not end")


async def lose_the_answer(world: World) -> None:
    """Work until the change is pushed, and lose the answer."""
    push = FakeUpstream.push

    def lost(self: FakeUpstream, prepared: Any) -> Any:
        push(self, prepared)
        raise RepositoryUnreachable("The answer was lost.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeUpstream, "push", lost)
        assert await world.work("a") == "LATER"
    assert world.commits() == ["a"]
