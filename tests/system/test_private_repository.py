"""A private repository on the local system, with a password given by `make secret`."""

import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.data import DataFolder
from local.storage import Storage
from local.system import LocalSystem
from tests.adapters.git.server import EXPECTED, SECRET, TOKEN, USER, GitServer, serving_git
from tests.plans.world import FILES
from tests.system.client import Client
from tests.system.executor import Executor, phase, task

ROOT = Path(__file__).parents[2]
FORBIDDEN = (TOKEN, EXPECTED.removeprefix("Basic "))
"""The token, and its form in an HTTP header."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with serving_git(tmp_path_factory.mktemp("server"), FILES) as server:
        yield server


@dataclass
class Kept:
    """A system with a data folder, and the lines of its functions."""

    data: Path
    client: Client
    system: LocalSystem
    lines: list[str] = field(default_factory=list)

    def make_secret(self, name: str, value: str) -> str:
        """Run `make secret` with the value from a pipe; return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "local.secret_file", name],
            cwd=ROOT,
            env={**os.environ, "DATA": str(self.data)},
            input=value,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout + done.stderr

    def rows(self) -> str:
        """Every row of every table, as text."""
        dynamodb = self.system.client("dynamodb")
        pages = [
            page
            for table in dynamodb.list_tables()["TableNames"]
            for page in dynamodb.get_paginator("scan").paginate(TableName=table)
        ]
        return "".join(_text(row) for page in pages for row in page["Items"])


def _text(row: dict[str, Any]) -> str:
    return json.dumps(row, default=_unpacked)


def _unpacked(value: object) -> str:
    """Sessions of Claude are stored compressed."""
    if not isinstance(value, bytes):
        return str(value)
    with suppress(zlib.error):
        value = zlib.decompress(value)
    return value.decode(errors="replace")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    data = tmp_path_factory.mktemp("kept") / "data"
    shell = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GROUNDWORK_", "ANTH"))}
    mock = {"GROUNDWORK_AI": "mock", "GROUNDWORK_MOCK_LATENCY_MS": "50"}
    lines: list[str] = []
    with (
        LocalSystem(
            ROOT / "template.yaml",
            env=shell | mock,
            storage=Storage(DataFolder(data), None),
            retry_delays=(0.1, 0.2),
            poll_interval=0.4,
            log=lambda function, line: lines.append(f"[{function}] {line}"),
        ) as system,
        httpx.Client(base_url=system.url, headers={"Authorization": f"Bearer {system.token}"}, timeout=120) as http,
    ):
        yield Kept(data, Client(http), system, lines)


@pytest.fixture(scope="module")
def private(kept: Kept, served: GitServer) -> Executor:
    executor = Executor(kept.client, served.url, "Private")
    body = {"credentialsSecret": SECRET}
    kept.client.ok(kept.client.http.patch(f"/api/repositories/{executor.repository}", json=body))
    return executor


def generated(executor: Executor) -> dict[str, Any]:
    """Generate a plan from the repository's files; return the run's last progress."""
    body = {"repositoryId": executor.repository, "title": "Resume", "description": "Downloads resume."}
    accepted = executor.client.ok(executor.http.post("/api/plans/generate", json=body), 202)
    progress = executor.client.ended(accepted["runId"])
    return progress | {"planId": accepted["planId"]}


@pytest.mark.slow(reason="the first test of its module starts the engine, the system and a git server")
def test_without_its_secret_a_private_repository_is_refused_with_the_reason(kept: Kept, private: Executor) -> None:
    progress = generated(private)
    assert progress["status"] == "FAILED"
    assert SECRET in progress["errorMessage"]


@pytest.mark.slow(reason="plans are generated until the secret is read, then one is executed")
def test_with_its_secret_plans_are_generated_and_executed(kept: Kept, private: Executor, served: GitServer) -> None:
    said = kept.make_secret(SECRET, f"{USER}:{TOKEN}\n")
    assert (kept.data / "secrets.toml").stat().st_mode & 0o777 == 0o600
    # A running system reads the file again within seconds.
    ends = time.monotonic() + 60
    while (progress := generated(private))["status"] != "SUCCEEDED":
        assert time.monotonic() < ends, progress
    plan = private.plan(phase("One", task("a"), task("b", "a")))
    private.ask(f"/api/plans/{plan['id']}/execute")
    assert private.ended(plan["id"])["status"] == "COMPLETED"
    commits = {one["commitSha"] for one in private.tasks(plan["id"]).values()}
    branch = f"groundwork/{plan['id']}"
    assert commits == set(served.log(branch, "%H")) - {served.git("rev-parse", "main")}
    logs = [kept.client.every(f"/api/plan-tasks/{one['id']}/log") for one in private.tasks(plan["id"]).values()]
    shown = [private.of(plan["id"]), private.progress(plan["id"]), logs, private.of(progress["planId"])]
    repositories = kept.client.ok(kept.client.http.get("/api/repositories"))
    everything = {
        "output of make secret": said,
        "log": "\n".join(kept.lines),
        "answers": json.dumps([shown, repositories]),
        "rows": kept.rows(),
        "commits": served.git("log", "-p", "--all", "--format=fuller"),
    }
    assert all(len(text) > 50 for text in everything.values()), {name: len(text) for name, text in everything.items()}
    assert [name for name, text in everything.items() for secret in FORBIDDEN if secret in text] == []


@pytest.mark.slow(reason="plans are generated until the replaced secret is read")
def test_a_replaced_secret_is_used_and_a_wrong_one_shows_the_reason(kept: Kept, private: Executor) -> None:
    wrong = "robot:revoked-token-of-yesterday"
    kept.make_secret(SECRET, wrong)
    # Functions keep a secret for a while, so a new process reads the new one.
    ends = time.monotonic() + 60
    while True:
        kept.system.kill_sandboxes("ProcessNextFunction")
        if (progress := generated(private))["status"] == "FAILED":
            break
        assert time.monotonic() < ends, progress
    assert "rejects" in progress["errorMessage"]
    assert "revoked-token" not in "\n".join([progress["errorMessage"], kept.rows(), *kept.lines])
