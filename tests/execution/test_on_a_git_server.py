"""Tasks from their gates to a git server over HTTP with a password, many at once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.plans.model import PlanStatus, TaskStatus
from tests.adapters.git.server import GitServer, serving_git
from tests.execution.test_agent_worker import FILES
from tests.execution.test_patch_stacks import GitWorld, defined
from tests.plans.plans import draft, id_of, phase, plan_of

TASKS = 20
SHARED = [n for n in range(TASKS) if n % 4 == 0]
LOSSES = ["after", "before", "half", "status"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[GitServer]:
    with serving_git(tmp_path / "server", FILES) as server:
        yield server


async def test_of_twenty_tasks_at_once_on_the_same_and_other_files_the_branch_holds_what_has_succeeded(
    served: GitServer,
) -> None:
    tasks = [draft(f"t{n}", files=("src/app.py",) if n in SHARED else (f"src/own_{n}.py",)) for n in range(TASKS)]
    world = GitWorld(plan_of(phase("One", *tasks, mode="parallel"), max_parallel=TASKS), served)
    # a server that sometimes loses a push, before or after its effect
    served.faults["push"] = LOSSES * 3

    async def to_the_end(key: str) -> None:
        while await world.work(key) in ("WORK", "LATER"):
            pass

    await asyncio.gather(*(to_the_end(f"t{n}") for n in range(TASKS)))
    branch, execution_state = f"groundwork/{world.plan.id}", world.store.read(world.plan.id)
    done = [n for n in range(TASKS) if world.state(f"t{n}").status is TaskStatus.COMPLETED]
    assert {n for n in range(TASKS) if n not in SHARED} <= set(done)
    assert set(done) & set(SHARED)
    landed = served.log(branch, "%(trailers:key=Task-Id,valueonly,separator=)")
    assert sorted(filter(None, landed)) == sorted(id_of(world.plan, f"t{n}") for n in done)
    shas = {world.state(f"t{n}").commit_sha for n in done}
    assert shas == set(served.log(branch, "%H")) - {served.git("rev-parse", "main")}
    assert served.paths(branch) == {*FILES, *(f"src/own_{n}.py" for n in done if n not in SHARED)}
    assert set(defined(served.show(branch, "src/app.py"))) == {"run", *(f"t{n}" for n in done if n in SHARED)}
    assert served.git("log", "--merges", branch) == ""
    served.git("fsck", "--strict")
    # three attempts may be too few for the last of five on one line: a user decides, and nothing of it remains;
    # the pause then sends others, between two attempts, back to their gates
    left = [n for n in range(TASKS) if n not in done]
    statuses = {world.state(f"t{n}").status for n in left}
    assert statuses <= {TaskStatus.FAILED, TaskStatus.PENDING}
    assert not left or TaskStatus.FAILED in statuses
    assert execution_state.status is (PlanStatus.PAUSED if left else PlanStatus.COMPLETED)
