"""Plans with checks before each landing, on the local system and in real sandboxes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

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

SETTINGS: dict[str, Any] = {"setup": ["echo tools > .tools"], "verify": [VERIFY, "cat .tools"]}
ONE_PART = {
    "tests/test_parts.py": (
        "import pathlib\nimport unittest\n\n\nclass Parts(unittest.TestCase):\n    def test_one(self):\n"
        "        parts = pathlib.Path(__file__).parents[1].glob('shop/part_*.py')\n"
        "        self.assertLessEqual(sum('def ' in part.read_text() for part in parts), 1)\n"
    )
}
"""A test that one part passes, and two do not."""


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
    return CheckedExecutor(system[1], tmp_path_factory.mktemp("repositories") / "shop", **SETTINGS)


@pytest.mark.slow(reason="two checks for each of two tasks, and the start of the local system")
def test_each_change_is_checked_in_its_session_and_again_before_it_lands(
    checked: CheckedExecutor, tmp_path: Path
) -> None:
    assert checked.baseline() == "passed"
    plan_id, done = checked.executed(phase("One", task("a", files=["shop/taxes.py"]), task("b", "a", **BREAKS)))
    for one in done.values():
        assert (one["status"], one["verified"], one["errorMsg"]) == ("COMPLETED", "passed", None)
        assert checked.trailers_of(one)["Checks"] == f"passed: {VERIFY}; cat .tools"
        assert one["costUsd"] > 0
    plain, repaired = (checked.checks(done[key]) for key in "ab")
    shown = [(one["kind"], one["attempt"], one["command"], one["status"], one["exitCode"]) for one in plain]
    # the set-up is restored from the baseline's
    commands = [(VERIFY, "passed", 0), ("cat .tools", "passed", 0)]
    assert shown == [(kind, 1, *command) for kind in ("landing", "task") for command in commands]
    assert "Ran 2 tests" in plain[0]["log"]
    # the failed change stays in the list of checks, and nowhere else
    assert [(one["kind"], one["status"]) for one in repaired] == [
        *[("landing", "passed")] * 2,
        *[("task", "passed")] * 2,
        ("task", "failed"),
        ("task", "passed"),
    ]
    assert "test_functions" in repaired[4]["log"]
    head = checked.head_of(plan_id, tmp_path / "head")
    assert head.files() == {*FILES, "shop/taxes.py", "shop/discounts.py"}
    assert (head.folder / "shop/prices.py").read_text() == FILES["shop/prices.py"]
    assert head.passes()


@pytest.mark.slow(reason="three tasks check and land at the same time, with two sandboxes for them")
def test_changes_of_parallel_tasks_that_pass_only_alone_do_not_land_together(system: System, tmp_path: Path) -> None:
    executor = CheckedExecutor(system[1], tmp_path / "shop", ONE_PART, verify=[VERIFY])
    assert executor.baseline() == "passed"
    parts = [f"shop/part_{key}.py" for key in "ab"]
    about = "Part.\n\nIf a check fails, write {}: NOTHING = 0"
    tasks = [task(path[-4], files=[path], description=about.format(path)) for path in parts]
    plan_id, done = executor.executed(phase("One", *tasks, task("c"), mode="parallel"))
    assert {one["verified"] for one in done.values()} == {"passed"}
    # in the landing, or in the session of a task that began after the other has landed
    assert ["failed" in [check["status"] for check in executor.checks(done[key])] for key in "abc"].count(True) == 1
    head = executor.head_of(plan_id, tmp_path / "head")
    assert head.files() == {*FILES, *ONE_PART, *parts, "notes/c.md"}
    assert sorted("def " in (head.folder / path).read_text() for path in parts) == [False, True]
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


def test_a_repository_with_failing_checks_refuses_a_plan_until_that_is_allowed(system: System, tmp_path: Path) -> None:
    wrong = {"shop/prices.py": "def total(prices):\n    return 0\n"}
    executor = CheckedExecutor(system[1], tmp_path / "shop", wrong, verify=[VERIFY])
    assert executor.baseline() == "failed"
    plan = executor.plan(phase("One", task("a")))
    assert executor.refused(f"/api/plans/{plan['id']}/execute") == "BASELINE_FAILING"
    assert executor.of(plan["id"])["status"] != "RUNNING"
    checks = {"verify": [VERIFY], "allowRedBaseline": True}
    executor.client.ok(executor.http.patch(f"/api/repositories/{executor.repository}", json={"checks": checks}))
    assert executor.baseline() == "failed"
    executor.ask(f"/api/plans/{plan['id']}/execute")
    done = executor.completed(plan["id"])["a"]
    assert (done["verified"], done["reviewed"][:9]) == ("failed", "Approved:")


def test_a_change_to_what_configures_the_tests_is_reviewed(checked: CheckedExecutor) -> None:
    _, tasks = checked.executed(phase("One", task("a", files=["conftest.py"])))
    done = tasks["a"]
    assert (done["verified"], done["findings"]) == ("passed", ["conftest.py configures tests or builds."])
    assert done["reviewed"].startswith("Approved:")


@pytest.mark.slow(reason="the state machine waits before it invokes a killed function again")
def test_checks_continue_in_their_sandboxes_after_their_worker_was_killed(system: System, tmp_path: Path) -> None:
    local, client = system
    executor = CheckedExecutor(client, tmp_path / "shop", verify=[f"sleep 4; {VERIFY}"])
    assert executor.baseline() == "passed"
    before, used = executor.machines(local), set[str]()
    plan = executor.plan(phase("One", task("a", files=["shop/taxes.py"])))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    for activity in ("Running sleep", "Checking the rebased change"):
        executor.until_checking(local, plan["id"], "a", activity)
        assert local.kill_sandboxes("PlanExecutorFunction")
        used |= executor.machines(local).keys()
    done = executor.completed(plan["id"])["a"]
    assert (done["verified"], done["attempts"]) == ("passed", 1)
    assert [(one["kind"], one["status"]) for one in executor.checks(done)] == [
        ("landing", "passed"),
        ("task", "passed"),
    ]
    # one for the session and one for the landing
    assert len((used | executor.machines(local).keys()) - before.keys()) == 2
    assert executor.head_of(plan["id"], tmp_path / "head").passes()


def test_a_cancel_in_the_middle_of_a_check_closes_its_sandbox(system: System, tmp_path: Path) -> None:
    local, client = system
    executor = CheckedExecutor(client, tmp_path / "shop", verify=["test ! -e shop/slow.py || sleep 300"])
    assert executor.baseline() == "passed"
    plan_id = executor.plan(phase("One", task("a", files=["shop/slow.py"])))["id"]
    executor.ask(f"/api/plans/{plan_id}/execute")
    executor.until_checking(local, plan_id, "a", "Running test")
    executor.ask(f"/api/plans/{plan_id}/cancel")
    assert executor.execution_ended(local, plan_id) in ("SUCCEEDED", "ABORTED")
    local.fire_schedules("PlanExecutorFunction")
    executor.until(plan_id, lambda _: "RUNNING" not in executor.machines(local).values())
    cancelled = executor.tasks(plan_id)["a"]
    assert (cancelled["status"], cancelled["verified"]) == ("CANCELLED", None)
    assert "running" not in [one["status"] for one in executor.checks(cancelled)]
    assert executor.head_of(plan_id, tmp_path / "head").files() == set(FILES)


def test_no_sandbox_is_left_open(system: System) -> None:
    local, _ = system
    local.fire_schedules("PlanExecutorFunction")
    assert set(CheckedExecutor.machines(local).values()) <= {"TERMINATED"}
