"""`python -m local` as a user runs it: ready, stopped, refused."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import httpx
import psutil
import pytest

from local.serving import CannotListen, PortInUse, Server
from tests.local.waiting import is_running, until

ROOT = Path(__file__).parents[2]
TEMPLATE = Path(__file__).parent / "fixture" / "template.yaml"

# The system takes its port itself: a port free a moment ago may be taken.
DYNAMODB = """
import threading
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
threading.Event().wait()
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "--template", str(TEMPLATE), *arguments],
            cwd=ROOT,
            env={**os.environ, "DATA": "memory", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.communicate()


def ready(process: "subprocess.Popen[str]") -> str:
    """Read the output up to the line with the address."""
    assert process.stdout is not None
    for line in process.stdout:
        if "listens on" in line:
            return line.split()[3]
    raise AssertionError(process.communicate())


def busy_sandboxes(process: "subprocess.Popen[str]", threads: ThreadPoolExecutor) -> list[int]:
    """The sandboxes of a system with two requests in flight, after the process that forks them."""
    url = ready(process)
    assert process.stderr is not None
    for _ in range(2):
        threads.submit(httpx.get, f"{url}/slow", timeout=120)
        assert "slowly" in process.stderr.readline()
    processes = [one.pid for one in psutil.Process(process.pid).children(recursive=True)]
    assert len(processes) >= 3
    return processes


def test_it_says_where_it_listens_and_with_which_token(start: Start) -> None:
    process = start("--port", "0")
    assert process.stdout is not None
    line = next(line for line in process.stdout if "listens on" in line)
    assert line.startswith("Groundwork listens on http://127.0.0.1:")
    assert "Bearer local-admin-token" in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly_with_invocations_in_flight(start: Start, number: signal.Signals) -> None:
    process = start("--port", "0")
    with ThreadPoolExecutor(2) as threads:
        sandboxes = busy_sandboxes(process, threads)
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert not any(is_running(pid) for pid in sandboxes)


def test_killed_it_leaves_no_process_behind(start: Start) -> None:
    process = start("--port", "0")
    with ThreadPoolExecutor(2) as threads:
        sandboxes = busy_sandboxes(process, threads)
        process.kill()
        until(lambda: not any(is_running(pid) for pid in sandboxes))


def test_a_port_in_use_is_said_and_fails(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start(PORT=str(taken.getsockname()[1]))
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Cannot listen on 127.0.0.1" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("port", ["abc", "65536", "-1"])
def test_a_bad_port_is_refused(start: Start, port: str) -> None:
    process = start(PORT=port)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert f"PORT must be a number from 0 to 65535, not '{port}'" in errors
    assert "Traceback" not in errors


def test_a_bad_host_is_not_taken_for_a_taken_port(start: Start) -> None:
    process = start(PORT="0", HOST="nosuch.invalid", GROUNDWORK_TOKEN="long enough for anybody")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Cannot listen on nosuch.invalid:0: " in errors
    assert "another port" not in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "192.0.2.1"])
def test_an_address_of_no_interface_has_no_next_port(host: str) -> None:
    with pytest.raises(CannotListen, match=f"Cannot listen on {host}:0") as refused:
        Server(lambda *_: [], host, 0)
    assert not isinstance(refused.value, PortInUse)


def test_the_known_token_is_refused_on_an_address_that_others_reach(start: Start) -> None:
    process = start(HOST="0.0.0.0", PORT="0", GROUNDWORK_TOKEN="")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "set GROUNDWORK_TOKEN" in errors


def test_a_token_of_ones_own_is_the_one_that_passes(start: Start) -> None:
    url = ready(start("--port", "0", GROUNDWORK_TOKEN="my own"))
    assert httpx.get(f"{url}/echo/1", headers={"Authorization": "Bearer my own"}, timeout=120).status_code == 201
    known = {"Authorization": "Bearer local-admin-token"}
    assert httpx.get(f"{url}/echo/1", headers=known, timeout=120).status_code == 403


def test_tables_are_made_and_kept_in_a_dynamodb_of_the_user_s_own(start: Start) -> None:
    own = subprocess.Popen([sys.executable, "-c", DYNAMODB], stdout=subprocess.PIPE, text=True)
    try:
        assert own.stdout is not None
        elsewhere = own.stdout.readline().strip()
        # the second start finds the tables of the first
        for _ in range(2):
            process = start("--port", "0", AWS_ENDPOINT_URL_DYNAMODB=elsewhere)
            ready(process)
            process.terminate()
            process.wait(120)
        client = boto3.client(
            "dynamodb",
            endpoint_url=elsewhere,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        assert client.list_tables()["TableNames"] == ["local-notes"]
    finally:
        own.kill()
        own.communicate()
