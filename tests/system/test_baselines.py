"""Baselines over HTTP on the local system, in real sandboxes."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import Blob, Commit, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from local.microvms.configure import LocalMicrovms
from local.system import LocalSystem
from tests.system.client import PATIENCE_S, POLL_S, Client, running
from tests.system.executor import Executor, phase, task

System = tuple[LocalSystem, Client]

TEST = """import unittest

class T(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(1 + 1, {result})
"""


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    probe = LocalMicrovms({})
    problem = probe.service.problem()
    probe.close()
    if problem:
        pytest.skip(problem)
    with running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="100", GROUNDWORK_MAX_SANDBOXES="2") as found:
        yield found


def commit(path: Path, files: dict[str, tuple[str, int]]) -> str:
    """Commit files of the root, with their modes, to the branch main."""
    path.mkdir(parents=True, exist_ok=True)
    with Repo(str(path)) if (path / ".git").exists() else Repo.init(str(path), default_branch=b"main") as repo:
        tree = Tree()
        for name, (text, mode) in files.items():
            blob = Blob.from_string(text.encode())
            repo.object_store.add_object(blob)
            tree.add(name.encode(), mode, blob.id)
        repo.object_store.add_object(tree)
        made = Commit()
        made.tree, made.message = tree.id, b"Change"
        made.author = made.committer = b"T <t@example.com>"
        made.commit_time = made.author_time = 1_700_000_000
        made.commit_timezone = made.author_timezone = 0
        ref = Ref(b"refs/heads/main")
        made.parents = [repo.refs[ref]] if ref in repo.refs else []
        repo.object_store.add_object(made)
        repo.refs[ref] = made.id
        return made.id.decode()


class Repository:
    """A repository with its checks."""

    def __init__(self, client: Client, path: Path, **checks: Any) -> None:
        self.client, self.http, self.path = client, client.http, path
        self.head = commit(
            path, {"test_sum.py": (TEST.format(result=2), 0o100644), "run.sh": ("#!/bin/sh\necho run\n", 0o100755)}
        )
        body = {"name": "R", "url": str(path)} | ({"checks": checks} if checks else {})
        self.id = client.ok(self.http.post("/api/repositories", json=body), 201)["id"]

    def baseline(self) -> dict[str, Any]:
        """Start a baseline and wait for its end."""
        self.client.ok(self.http.post(f"/api/repositories/{self.id}/baseline"), 202)
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            found: dict[str, Any] = self.client.ok(self.http.get(f"/api/repositories/{self.id}/baseline"))
            if found["status"] not in ("queued", "running"):
                return found
            time.sleep(POLL_S)
        raise AssertionError(f"the baseline has not ended: {found}")


@pytest.mark.slow(reason="starts the local system, and two sandboxes one after another")
def test_checks_pass_on_the_head_of_the_default_branch(system: System, tmp_path: Path) -> None:
    repository = Repository(
        system[1],
        tmp_path / "r",
        setup=["echo tools > tools"],
        verify=["python3 -m unittest -q", "./run.sh && cat tools"],
    )
    found = repository.baseline()
    assert (found["status"], found["commit"], found["reason"]) == ("passed", repository.head, None)
    assert [(one["command"], one["setup"], one["why"], one["exitCode"]) for one in found["steps"]] == [
        ("echo tools > tools", True, "exit", 0),
        ("python3 -m unittest -q", False, "exit", 0),
        ("./run.sh && cat tools", False, "exit", 0),
    ]
    assert found["steps"][2]["log"] == "run\ntools\n"
    assert found["suggested"] == {"setup": [], "verify": ["python3 -m unittest"]}
    assert found["seconds"] > 0
    assert found["costUsd"] > 0
    again = repository.baseline()
    # the kept set-up is restored
    assert [one["command"] for one in again["steps"]] == ["python3 -m unittest -q", "./run.sh && cat tools"]
    assert again["status"] == "passed"


def test_a_red_baseline_refuses_execute_until_it_is_allowed_or_repaired(system: System, tmp_path: Path) -> None:
    repository = Repository(system[1], tmp_path / "r", verify=["python3 -m unittest -q"])
    commit(repository.path, {"test_sum.py": (TEST.format(result=3), 0o100644)})
    found = repository.baseline()
    assert found["status"] == "failed"
    assert "2 != 3" in found["steps"][0]["log"]
    executor = Executor(system[1], str(repository.path))
    executor.repository = repository.id
    plan = executor.plan(phase("One", task("a"), mode="manual"))
    assert executor.refused(f"/api/plans/{plan['id']}/execute") == "BASELINE_FAILING"
    commit(repository.path, {"test_sum.py": (TEST.format(result=2), 0o100644)})
    assert repository.baseline()["status"] == "passed"
    assert executor.ask(f"/api/plans/{plan['id']}/execute")["status"] == "RUNNING"
    executor.ask(f"/api/plans/{plan['id']}/cancel")
    commit(repository.path, {"test_sum.py": (TEST.format(result=3), 0o100644)})
    assert repository.baseline()["status"] == "failed"
    checks = {"verify": ["python3 -m unittest -q"], "allowRedBaseline": True}
    system[1].ok(system[1].http.patch(f"/api/repositories/{repository.id}", json={"checks": checks}))
    # the baseline of other settings says nothing about these
    assert repository.baseline()["status"] == "failed"
    assert executor.ask(f"/api/plans/{plan['id']}/execute", {"again": True})["status"] == "RUNNING"
    executor.ask(f"/api/plans/{plan['id']}/cancel")


def test_a_failure_gone_in_a_second_run_is_flaky(system: System, tmp_path: Path) -> None:
    line = "test -e ~/second || { touch ~/second; echo no; exit 1; }"
    found = Repository(system[1], tmp_path / "r", verify=[line]).baseline()
    assert found["status"] == "passed"
    assert [(one["flaky"], one["log"]) for one in found["steps"]] == [(True, "no\n")]


def test_a_baseline_that_repairs_its_files_is_red(system: System, tmp_path: Path) -> None:
    line = "grep -q neat run.sh || { echo neat >> run.sh; echo repaired; exit 1; }"
    found = Repository(system[1], tmp_path / "r", verify=[line]).baseline()
    assert found["status"] == "failed"
    assert [(one["flaky"], one["log"]) for one in found["steps"]] == [(False, "repaired\n")]


@pytest.mark.parametrize(
    ("checks", "why"),
    [
        ({"verify": ["sleep 60"], "timeoutS": 1}, "timeout"),
        ({"verify": ["yes"]}, "output"),
        ({"setup": ["exit 1"], "verify": ["true"]}, "exit"),
    ],
)
def test_a_check_without_an_end_of_its_own_could_not_run(
    system: System, tmp_path: Path, checks: dict[str, Any], why: str
) -> None:
    found = Repository(system[1], tmp_path / "r", **checks).baseline()
    assert (found["status"], found["steps"][-1]["why"]) == ("could_not_run", why)


def test_without_commands_the_baseline_only_suggests_some(system: System, tmp_path: Path) -> None:
    found = Repository(system[1], tmp_path / "r").baseline()
    assert (found["status"], found["steps"]) == ("could_not_run", [])
    assert found["reason"] == "No commands are configured."
    assert found["suggested"]["verify"] == ["python3 -m unittest"]


def test_a_mistyped_path_is_told_soon_after_the_creation(system: System, tmp_path: Path) -> None:
    client = system[1]
    body = {"name": "R", "url": str(tmp_path / "nothing-here")}
    id_ = client.ok(client.http.post("/api/repositories", json=body), 201)["id"]
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        found = client.ok(client.http.get(f"/api/repositories/{id_}/baseline"))
        if found["status"] == "could_not_run":
            break
        time.sleep(POLL_S)
    assert found["reason"]
    assert found["reason"] != "No commands are configured."


def test_a_repository_that_cannot_be_read_is_told(system: System, tmp_path: Path) -> None:
    repository = Repository(system[1], tmp_path / "r", verify=["true"])
    system[1].ok(system[1].http.patch(f"/api/repositories/{repository.id}", json={"defaultBranch": "none"}))
    found = repository.baseline()
    assert found["status"] == "could_not_run"
    assert "none" in found["reason"]


@pytest.mark.slow(reason="executes a plan and runs three checks in sandboxes")
def test_the_head_after_a_rollback_is_checked_and_told(system: System, tmp_path: Path) -> None:
    repository = Repository(system[1], tmp_path / "r", verify=["echo looks; test -e src/a.py"])
    executor = Executor(system[1], str(repository.path))
    executor.repository = repository.id
    plan = executor.plan(phase("One", task("a", files=["src/a.py"])))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
    (done,) = executor.progress(plan["id"])["tasks"]
    assert done["verified"] == "passed"
    executor.ask(f"/api/plans/{plan['id']}/rollback")
    executor.until(plan["id"], lambda plan: executor.progress(plan["id"])["rollback"]["verified"] is not None)
    progress = executor.progress(plan["id"])
    told = progress["rollback"]
    assert (told["status"], told["error"], told["verified"]) == ("DONE", None, "failed")
    (reverted,) = progress["tasks"]
    assert [(head["commit"], head["verified"]) for head in told["heads"]] == [(reverted["revertSha"], "failed")]
    assert "exit code 1" in told["heads"][0]["reason"]
    assert progress["events"][0]["what"] == "ROLLBACK_CHECK_FAILED"
    checks = system[1].ok(system[1].http.get(f"/api/plan-tasks/{done['id']}/checks"))["items"]
    assert (checks[0]["kind"], checks[0]["log"]) == ("rollback", "looks\n")


def test_nothing_is_left_open(system: System) -> None:
    local, _ = system
    local.fire_schedules("PlanExecutorFunction")
    client = local.client("lambda-microvms")
    assert {one["state"] for one in client.list_microvms()["items"]} <= {"TERMINATED"}
