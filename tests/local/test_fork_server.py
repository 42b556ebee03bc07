"""The fork server: isolation of the sandboxes, their exit status, and its own end."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.fork_server import ForkedProcess, ForkServer
from local.system import LocalSystem
from tests.local.waiting import is_running, until

ROOT = Path(__file__).resolve().parents[2]

Worker = Callable[..., tuple[Any, str | None]]


@pytest.fixture
def server() -> Iterator[ForkServer]:
    running = ForkServer()
    yield running
    running.close()


def fork(server: ForkServer, folder: Path, code: str, layer: str = "") -> ForkedProcess:
    """Start a sandbox that runs the code at its import; nobody reads its output."""
    (folder / "app.py").write_text(code)
    process = server.fork(folder, "app.handler", {"PYTHONPATH": layer})
    process.output.close()
    process.connection.close()
    return process


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
    with pytest.raises(FileNotFoundError, match="missing"):
        server.fork(tmp_path / "missing", "app.handler", {})
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


def test_a_fork_whose_server_dies_before_it_answers_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two sandboxes never answer on one socket."""
    dying = tmp_path / "dying.py"
    dying.write_text(DYING.format(folder=str(ROOT / "local"), mark=str(tmp_path / "has died")))
    monkeypatch.setattr("local.fork_server._BOOTSTRAP", dying)
    (tmp_path / "app.py").write_text("def handler(event, context): return event")
    server = ForkServer()
    try:
        process = server.fork(tmp_path, "app.handler", {})
        with process.connection, process.output:
            assert process.connection.recv(100) == b'{"kind": "ready", "length": 0}\n'
            expected = {process.pid, server._process.pid}
            until(lambda: {one.pid for one in psutil.process_iter() if _is_in(one, tmp_path)} == expected)
            process.connection.settimeout(0.5)
            with pytest.raises(TimeoutError):
                process.connection.recv(100)
    finally:
        server.close()


DYING = """
import os, sys
sys.path.insert(0, {folder!r})
import bootstrap
sys.path.pop(0)
answer = bootstrap._answer
def dies_once(requests, **given):
    if "pid" in given and not os.path.exists({mark!r}):
        open({mark!r}, "w").close()
        os._exit(1)
    answer(requests, **given)
bootstrap._answer = dies_once
bootstrap.main()
"""


def _is_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd() == str(folder)
    except psutil.Error:
        return False


def test_a_stopped_server_is_replaced(server: ForkServer, tmp_path: Path) -> None:
    process = fork(server, tmp_path, "import time; time.sleep(300)")
    server._requests.settimeout(0.5)
    os.kill(psutil.Process(process.pid).ppid(), signal.SIGSTOP)
    assert process.poll() == -signal.SIGKILL
    until(lambda: not is_running(process.pid))
    assert fork(server, tmp_path, "import time; time.sleep(300)").poll() is None


def test_half_a_request_ends_the_server(server: ForkServer) -> None:
    server._requests.sendall(b'{"ended": ')
    server._requests.close()
    assert server._process.wait(60) == 0


def test_the_children_of_an_ended_sandbox_end(server: ForkServer, tmp_path: Path) -> None:
    code = "import os, subprocess; print(subprocess.Popen(['sleep', '300']).pid, flush=True); os._exit(3)"
    (tmp_path / "app.py").write_text(code)
    process = server.fork(tmp_path, "app.handler", {"PATH": os.environ["PATH"]})
    with process.connection, process.output:
        child = int(process.output.readline())
        assert is_running(child)
        assert until(process.poll) == 3
        until(lambda: not is_running(child))


def test_an_ignored_sigchld_does_not_hide_the_status(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        server = ForkServer()
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert until(fork(server, tmp_path, "import os; os._exit(7)").poll) == 7
    server.close()


def test_the_reused_id_of_an_orphan_is_left_alone(server: ForkServer) -> None:
    ended, other = subprocess.Popen(["true"]), subprocess.Popen(["sleep", "300"], start_new_session=True)
    ended.wait()
    connection, end = socket.socketpair()
    with connection, end, open(os.devnull) as output:
        assert ForkedProcess(server, ended, other.pid, connection, output).kill() == -signal.SIGKILL
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_sandbox_outlives_the_fork_server(system: LocalSystem, worker: Worker, logs: list[tuple[str, str]]) -> None:
    before = worker()[0]["pid"]
    logs.clear()
    with ThreadPoolExecutor(1) as thread:
        invocation = thread.submit(worker, do="sleep", seconds=2)
        until(lambda: ("local-worker", "going to sleep") in list(logs))
        os.kill(psutil.Process(system.pids("WorkerFunction")[0]).ppid(), signal.SIGKILL)
        assert invocation.result() == (None, None)
    assert worker()[0]["pid"] == before
    system.kill_sandboxes("WorkerFunction")
    until(lambda: not is_running(before))
    assert worker()[0]["pid"] != before


def test_a_sandbox_killed_while_idle_is_replaced(worker: Worker) -> None:
    before = worker()[0]["pid"]
    os.kill(before, signal.SIGKILL)
    until(lambda: not is_running(before))
    answer, error = worker()
    assert (error, answer["pid"] != before) == (None, True)


def test_a_function_sees_no_more_than_its_own_environment_and_packages(worker: Worker) -> None:
    answer, _ = worker()
    assert {"HOME", "TMPDIR", "LAMBDA_TASK_ROOT"} <= set(answer["environment"])
    assert answer["environment"]["TMPDIR"] == answer["temporary"]
    # neither the shell's variables nor the project's folder
    assert not {"PYTEST_CURRENT_TEST", "VIRTUAL_ENV"} & set(answer["environment"])
    assert str(ROOT) not in answer["path"]
    assert not {"local", "tests", "samcli", "moto", "awscrt"} & set(answer["modules"])
    assert {"boto3", "pydantic", "pynamodb"} <= set(answer["modules"])
