"""Plans whose changes are checked before they land, on the local system and in real sandboxes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.microvms.configure import LocalMicrovms
from local.system import LocalSystem
from tests.system.checked_repository import FILES, VERIFY, CheckedExecutor
from tests.system.client import Client, running
from tests.system.executor import phase, task

System = tuple[LocalSystem, Client]
BREAKS = {
    "files": ["shop/prices.py"],
    "description": "Discounts.\n\nIf a check fails, write shop/discounts.py: def half(price):\\n    return price / 2",
}
"""A task whose first change breaks the tests of the repository."""


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    probe = LocalMicrovms({})
    problem = probe.service.problem()
    probe.close()
    if problem:
        pytest.skip(problem)
    with running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="100", GROUNDWORK_MAX_SANDBOXES="2") as found:
        yield found


@pytest.fixture(scope="module")
def checked(system: System, tmp_path_factory: pytest.TempPathFactory) -> CheckedExecutor:
    return CheckedExecutor(system[1], tmp_path_factory.mktemp("repositories") / "shop", verify=[VERIFY])


@pytest.mark.slow(reason="two checks for each of two tasks, and the start of the local system")
def test_each_change_is_checked_in_its_session_and_again_before_it_lands(
    checked: CheckedExecutor, tmp_path: Path
) -> None:
    assert checked.baseline() == "passed"
    plan_id, done = checked.executed(phase("One", task("a", files=["shop/taxes.py"]), task("b", "a", **BREAKS)))
    for one in done.values():
        assert (one["status"], one["verified"], one["errorMsg"]) == ("COMPLETED", "passed", None)
        assert checked.trailers_of(one)["Checks"] == f"passed: {VERIFY}"
        assert one["costUsd"] > 0
    plain, repaired = (checked.checks(done[key]) for key in "ab")
    shown = [(one["kind"], one["attempt"], one["command"], one["status"], one["exitCode"]) for one in plain]
    assert shown == [("landing", 1, VERIFY, "passed", 0), ("task", 1, VERIFY, "passed", 0)]
    assert "Ran 2 tests" in plain[0]["log"]
    # the failed change stays in the list of checks, and nowhere else
    assert [(one["kind"], one["status"]) for one in repaired] == [
        ("landing", "passed"),
        ("task", "passed"),
        ("task", "failed"),
    ]
    assert "test_functions" in repaired[2]["log"]
    head = checked.head_of(plan_id, tmp_path / "head")
    assert head.files() == {*FILES, "shop/taxes.py", "shop/discounts.py"}
    assert (head.folder / "shop/prices.py").read_text() == FILES["shop/prices.py"]
    assert head.passes()


@pytest.mark.slow(reason="four tasks check and land at the same time, with two sandboxes for them")
def test_parallel_tasks_wait_for_sandboxes_and_land_one_by_one(checked: CheckedExecutor, tmp_path: Path) -> None:
    tasks = [task(f"t{n}", files=[f"shop/part_{n}.py"]) for n in range(4)]
    plan_id, done = checked.executed(phase("One", *tasks, mode="parallel"), maxParallel=4)
    assert {(one["status"], one["verified"], one["attempts"]) for one in done.values()} == {("COMPLETED", "passed", 1)}
    head = checked.head_of(plan_id, tmp_path / "head")
    assert head.files() == {*FILES, *(f"shop/part_{n}.py" for n in range(4))}
    assert head.passes()


def test_changes_kept_as_patches_are_checked_as_well(checked: CheckedExecutor) -> None:
    plan_id, done = checked.executed(
        phase("One", task("a", files=["shop/taxes.py"]), task("b", "a", **BREAKS)), autoCommit=False
    )
    assert [(one["verified"], one["commitSha"]) for one in done.values()] == [("passed", None)] * 2
    kept = [checked.client.ok(checked.http.get(f"/api/plan-tasks/{one['id']}/patch"))["patch"] for one in done.values()]
    assert ["shop/prices.py" in text for text in kept] == [False, False]
    assert "shop/discounts.py" in kept[1]
    assert checked.checks(done["b"])[0]["kind"] == "landing"
    assert not checked.has_branch(plan_id)


def test_a_repository_without_checks_lands_its_changes_and_says_so(system: System, tmp_path: Path) -> None:
    executor = CheckedExecutor(system[1], tmp_path / "shop")
    _, tasks = executor.executed(phase("One", task("a", **BREAKS)))
    done = tasks["a"]
    assert (done["status"], done["verified"]) == ("COMPLETED", "not_configured")
    assert executor.checks(done) == []
    assert "Checks" not in executor.trailers_of(done)


def test_a_repository_with_failing_checks_refuses_a_plan(system: System, tmp_path: Path) -> None:
    wrong = {"shop/prices.py": "def total(prices):\n    return 0\n"}
    executor = CheckedExecutor(system[1], tmp_path / "shop", wrong, verify=[VERIFY])
    assert executor.baseline() == "failed"
    plan = executor.plan(phase("One", task("a")))
    assert executor.refused(f"/api/plans/{plan['id']}/execute") == "BASELINE_FAILING"
    assert executor.of(plan["id"])["status"] != "RUNNING"


@pytest.mark.slow(reason="the lease of a killed worker has to run out")
@pytest.mark.parametrize("moment", ["Runs: ", "Checks the change as it would land"])
def test_a_check_continues_after_its_worker_was_killed(system: System, tmp_path: Path, moment: str) -> None:
    local, client = system
    executor = CheckedExecutor(client, tmp_path / "shop", verify=[f"sleep 3; {VERIFY}"])
    plan = executor.plan(phase("One", task("a", files=["shop/taxes.py"])))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    executor.until(
        plan["id"], lambda _: executor.activity(plan["id"], "a").startswith(moment) and executor.machines(local)
    )
    assert local.kill_sandboxes("PlanExecutorFunction")
    done = executor.completed(plan["id"])["a"]
    assert (done["verified"], done["attempts"]) == ("passed", 1)
    assert [(one["kind"], one["status"]) for one in executor.checks(done)] == [
        ("landing", "passed"),
        ("task", "passed"),
    ]
    assert executor.head_of(plan["id"], tmp_path / "head").passes()


def test_no_sandbox_is_left_open(system: System) -> None:
    local, _ = system
    local.fire_schedules("PlanExecutorFunction")
    assert CheckedExecutor.machines(local) == []
