"""Plans carried out on the local system: the real state machine in moto's interpreter, the real functions."""

from collections.abc import Iterator

import pytest

from local.system import LocalSystem
from tests.plans.world import make_repository
from tests.system.carrying import Executor, phase, task
from tests.system.client import Client, running


@pytest.fixture(scope="module")
def system() -> Iterator[tuple[LocalSystem, Client]]:
    with running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="100") as found:
        yield found


@pytest.fixture(scope="module")
def executor(system: tuple[LocalSystem, Client], tmp_path_factory: pytest.TempPathFactory) -> Executor:
    path = make_repository(tmp_path_factory.mktemp("repositories") / "downloads")
    return Executor(system[1], str(path))


def test_a_plan_of_three_tasks_is_carried_out_through_its_gates(executor: Executor) -> None:
    plan = executor.plan(phase("One", task("a"), task("b", "a")), phase("Two", task("c", "b"), mode="parallel"))
    assert executor.ask(f"/api/plans/{plan['id']}/execute")["status"] == "RUNNING"
    done = executor.ended(plan["id"])
    assert done["status"] == "COMPLETED"
    assert {task["status"] for task in executor.tasks(plan["id"]).values()} == {"COMPLETED"}
