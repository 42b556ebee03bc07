"""Files copied into the data folder of `make start`; a kill in the middle of an import."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from local.engine.java import system_java
from tests.local.waiting import until
from tests.system.client import Client

ROOT = Path(__file__).parents[2]
ROWS = 1_500

pytestmark = [
    pytest.mark.skipif(system_java() is None and not os.environ.get("CI"), reason="needs Java 17 or newer"),
    pytest.mark.full,
]

type Process = "subprocess.Popen[str]"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], tuple[Process, Client]]]:
    processes: list[Process] = []
    clients: list[httpx.Client] = []

    def run() -> tuple[Process, Client]:
        ours = ("AWS_ENDPOINT", "GROUNDWORK")
        shell = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "--port", "0"],
            cwd=ROOT,
            env=shell | {"DATA": str(tmp_path / "data"), "GROUNDWORK_AI": "mock"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        line = next(line for line in process.stdout if "listens on" in line)
        headers = {"Authorization": "Bearer local-admin-token"}
        client = httpx.Client(base_url=line.split()[3], headers=headers, timeout=120)
        clients.append(client)
        return process, Client(client)

    yield run
    for client in clients:
        client.close()
    for process in processes:
        process.terminate()
        process.communicate(timeout=120)


@pytest.mark.slow(reason="the system is killed, and the lease of its worker has to expire")
def test_a_dropped_file_is_imported_once_although_the_system_is_killed(
    start: Callable[[], tuple[Process, Client]], tmp_path: Path
) -> None:
    process, client = start()
    project = client.ok(client.http.post("/api/projects", json={"name": "Drops"}))["id"]
    folder = tmp_path / "data" / "objects" / "private-bucket" / "imports" / project
    folder.mkdir(parents=True)
    (folder / "large.csv").write_text("text\n" + "".join(f"Feedback {n} of a shop\n" for n in range(ROWS)))
    (folder / "small.csv").write_text("text\nThe last one\n")

    def imports() -> dict[str, tuple[str, int]]:
        found = client.every(f"/api/projects/{project}/imports")
        assert len(found) <= 2
        return {one["name"]: (one["status"], one["counts"]["created"]) for one in found}

    until(lambda: imports().get("large.csv", ("", 0))[1] > 100, 240)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, client = start()
    until(lambda: imports() == {"large.csv": ("SUCCEEDED", ROWS), "small.csv": ("SUCCEEDED", 1)}, 400)
    assert list(folder.iterdir()) == []
    texts = [card["text"] for card in client.every(f"/api/projects/{project}/cards")]
    assert len(texts) == len(set(texts)) == ROWS + 1
    assert len(client.every(f"/api/projects/{project}/runs")) == 2
