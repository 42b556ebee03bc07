"""A small project with tests of its own, as a repository with checks."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dulwich.objects import Commit
from dulwich.refs import Ref
from dulwich.repo import Repo

from groundwork.agent.commit_message import trailers
from local.system import LocalSystem
from tests.plans.world import make_repository
from tests.system.client import PATIENCE_S, POLL_S, Client
from tests.system.executor import Executor

VERIFY = "python3 -m unittest -q"
FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": "def total(prices):\n    return sum(prices)\n",
    "tests/__init__.py": "",
    "tests/test_prices.py": (
        "import unittest\n\nfrom shop import prices\n\n\nclass Prices(unittest.TestCase):\n"
        "    def test_total(self):\n        self.assertEqual(prices.total([1, 2]), 3)\n\n"
        # a function added by the mock breaks this one
        "    def test_functions(self):\n"
        "        self.assertEqual([name for name in vars(prices) if name[0] != '_'], ['total'])\n"
    ),
}


class CheckedExecutor(Executor):
    """Plans on a repository with `checks`, which begins with `files`."""

    def __init__(self, client: Client, folder: Path, files: dict[str, str] | None = None, **checks: Any) -> None:
        super().__init__(client, str(make_repository(folder, FILES | (files or {}))))
        if checks:
            client.ok(self.http.patch(f"/api/repositories/{self.repository}", json={"checks": checks}))

    def baseline(self) -> str:
        """Start a baseline; return its status at the end."""
        path = f"/api/repositories/{self.repository}/baseline"
        status: str = self.client.ok(self.http.post(path), 202)["status"]
        ends = time.monotonic() + PATIENCE_S
        while status in ("queued", "running"):
            assert time.monotonic() < ends, "the baseline has not ended"
            time.sleep(POLL_S)
            status = self.client.ok(self.http.get(path))["status"]
        return status

    def executed(self, *phases: dict[str, Any], **fields: Any) -> tuple[str, dict[str, dict[str, Any]]]:
        """Execute a plan to its end; return its id, and its tasks by key."""
        plan = self.plan(*phases, **fields)
        self.ask(f"/api/plans/{plan['id']}/execute")
        return plan["id"], self.completed(plan["id"])

    def completed(self, plan_id: str) -> dict[str, dict[str, Any]]:
        ended = self.ended(plan_id)
        found = self.tasks_in_progress(plan_id)
        assert ended["status"] == "COMPLETED", found
        return found

    def tasks_in_progress(self, plan_id: str) -> dict[str, dict[str, Any]]:
        """Return the tasks as the progress of the plan shows them, by key."""
        shown = {one["id"]: one for one in self.progress(plan_id)["tasks"]}
        return {key: one | shown[one["id"]] for key, one in self.tasks(plan_id).items()}

    @staticmethod
    def machines(system: LocalSystem) -> dict[str, str]:
        """Return the states of all sandboxes by id."""
        found = system.client("lambda-microvms").list_microvms()["items"]
        return {one["microvmId"]: one["state"] for one in found}

    def until_checking(self, system: LocalSystem, plan_id: str, key: str, activity: str) -> None:
        """Wait until the task's activity begins so, and a new sandbox runs."""
        before = self.machines(system)

        def is_checking(_: dict[str, Any]) -> bool:
            task = self.tasks_in_progress(plan_id)[key]
            assert task["status"] != "COMPLETED", "the check has ended"
            new = {id_: state for id_, state in self.machines(system).items() if before.get(id_) != "RUNNING"}
            return (task["activity"] or "").startswith(activity) and "RUNNING" in new.values()

        self.until(plan_id, is_checking)

    def checks(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        return self.client.every(f"/api/plan-tasks/{task['id']}/checks")

    def trailers_of(self, task: dict[str, Any]) -> dict[str, str]:
        with Repo(self.path) as repo:
            commit = repo[task["commitSha"].encode()]
            assert isinstance(commit, Commit)
            return dict(trailers(commit.message.decode()))

    def has_branch(self, plan_id: str) -> bool:
        with Repo(self.path) as repo:
            return Ref(f"refs/heads/groundwork/{plan_id}".encode()) in repo.refs.allkeys()

    def head_of(self, plan_id: str, folder: Path) -> "HeadTree":
        command = ["git", "clone", "-q", "--branch", f"groundwork/{plan_id}", self.path, str(folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return HeadTree(folder)


class HeadTree:
    """Files of a branch's head."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self) -> set[str]:
        paths = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return {str(path) for path in paths if not {".git", "__pycache__"} & set(path.parts)}

    def passes(self) -> bool:
        command = [sys.executable, "-m", "unittest", "-q"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, timeout=60).returncode == 0
