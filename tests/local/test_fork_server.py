"""The fork server: isolation of the sandboxes, their exit status, and its own end."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.fork_server import ForkedProcess, ForkServer
from local.system import LocalSystem
from tests.local.waiting import is_running, until

Worker = Callable[..., tuple[Any, str | None]]


@pytest.fixture
def server() -> Iterator[ForkServer]:
    running = ForkServer()
    yield running
    running.close()


def fork(server: ForkServer, folder: Path, code: str, layer: str = "") -> ForkedProcess:
    """Start a sandbox that runs the code at its import; nobody reads its output."""
    (folder / "app.py").write_text(code)
    connection, other = socket.socketpair()
    with connection, other, open(os.devnull, "w") as output:
        return server.fork(folder, "app.handler", {"PYTHONPATH": layer}, connection.fileno(), output.fileno())


def test_a_sandbox_s_status_is_told_and_stays(server: ForkServer, tmp_path: Path) -> None:
    process = fork(server, tmp_path, "import os; os._exit(7)")
    assert until(process.poll) == 7
    assert process.kill() == 7


def test_a_layer_s_sitecustomize_runs_first(server: ForkServer, tmp_path: Path) -> None:
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / "sitecustomize.py").write_text("import sys; sys.exit_status = 5")
    process = fork(server, tmp_path, "import os, sys; os._exit(sys.exit_status)", str(tmp_path / "layer"))
    assert until(process.poll) == 5


def test_a_killed_sandbox_has_the_signal_as_its_status(server: ForkServer, tmp_path: Path) -> None:
    process = fork(server, tmp_path, "import time; time.sleep(300)")
    assert process.poll() is None
    assert process.kill() == process.kill() == -signal.SIGKILL
    assert not is_running(process.pid)


def test_a_kill_right_after_the_start_reaches_the_sandbox(server: ForkServer, tmp_path: Path) -> None:
    for _ in range(20):
        assert fork(server, tmp_path, "import time; time.sleep(300)").kill() == -signal.SIGKILL


def test_a_missing_folder_is_an_error_and_the_next_start_works(server: ForkServer, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"), open(os.devnull) as nothing:
        server.fork(tmp_path / "missing", "app.handler", {}, nothing.fileno(), nothing.fileno())
    assert fork(server, tmp_path, "import time; time.sleep(300)").poll() is None


def test_the_sandboxes_of_a_killed_server_count_as_killed_and_are(server: ForkServer, tmp_path: Path) -> None:
    process = fork(server, tmp_path, "import time; time.sleep(300)")
    parent = psutil.Process(process.pid).ppid()
    os.kill(parent, signal.SIGKILL)
    until(lambda: not is_running(parent))
    assert is_running(process.pid)
    assert process.poll() == -signal.SIGKILL
    until(lambda: not is_running(process.pid))
    assert fork(server, tmp_path, "import time; time.sleep(300)").poll() is None


def test_a_sandbox_without_its_local_system_ends(tmp_path: Path) -> None:
    server = ForkServer()
    process = fork(server, tmp_path, "import time; time.sleep(300)")
    server.close()
    until(lambda: not is_running(process.pid))
    with pytest.raises(ChildProcessError):
        fork(server, tmp_path, "")


def test_an_invocation_outlives_the_fork_server(
    system: LocalSystem, worker: Worker, logs: list[tuple[str, str]]
) -> None:
    before = worker()[0]["pid"]
    logs.clear()
    with ThreadPoolExecutor(1) as thread:
        invocation = thread.submit(worker, do="sleep", seconds=2)
        until(lambda: ("local-worker", "going to sleep") in list(logs))
        os.kill(psutil.Process(system.pids("WorkerFunction")[0]).ppid(), signal.SIGKILL)
        assert invocation.result() == (None, None)
    assert worker()[0]["pid"] != before
    until(lambda: not is_running(before))


def test_a_function_sees_no_more_than_its_own_environment_and_packages(worker: Worker) -> None:
    answer, _ = worker()
    assert {"HOME", "TMPDIR", "LAMBDA_TASK_ROOT"} <= set(answer["environment"])
    assert answer["environment"]["TMPDIR"] == answer["temporary"]
    # neither the shell's variables nor the project's folder
    assert not {"PYTEST_CURRENT_TEST", "VIRTUAL_ENV"} & set(answer["environment"])
    assert str(Path(__file__).parents[2]) not in answer["path"]
    assert not {"local", "tests", "samcli", "moto", "awscrt"} & set(answer["modules"])
    assert {"boto3", "pydantic", "pynamodb"} <= set(answer["modules"])
