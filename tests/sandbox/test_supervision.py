"""Troubles of the agent: each command keeps its limits, and no set-up fills the proxy."""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.sandbox.agent import commands, egress
from groundwork.sandbox.agent.boxes import Boxes
from groundwork.sandbox.agent.commands import RunningCommand
from groundwork.sandbox.agent.egress import Egress, ProxyServer

HANGS = ["/bin/sh", "-c", "echo $$; sleep 600"]


def command_of(folder: Path, argv: list[str], confined: bool = False) -> RunningCommand:
    boxes = Boxes({}, str(folder))
    # measured as in a box, whose memory is watched from outside
    boxes.confined = confined
    return RunningCommand("c1", {"argv": argv, "limits": {"timeoutS": 1}}, boxes)


def pid_of(command: RunningCommand) -> int:
    return int(command.log.read(0)[0].split()[0])


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_command_does_not_outlive_its_supervision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = command_of(tmp_path, HANGS)

    def fails() -> None:
        if command.log.total:
            raise OSError(24, "Too many open files")

    monkeypatch.setattr(command, "_hold", fails)
    assert command.run() == ("killed", None, "Too many open files")
    assert not is_alive(pid_of(command))


def test_a_measurement_that_fails_leaves_the_other_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(pid: int) -> list[int]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(commands, "descendants", fails)
    command = command_of(tmp_path, HANGS, confined=True)
    assert command.run()[0] == "timeout"
    assert not is_alive(pid_of(command))


BOX = """
import os, signal, sys, time
box = os.fork()
if box == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    time.sleep(30)
    os._exit(0)
time.sleep(0.5)
os.write(int(sys.argv[1]), b'{ "child-pid": %d }\\n' % box)
os.kill(os.getpid(), signal.SIGKILL)
"""


class DyingBubblewrap(Boxes):
    """Bubblewrap killed before its box would die with it."""

    confined = True

    def command(self, *_: Any, fds: tuple[int, int | None], **__: Any) -> list[str]:
        return [sys.executable, "-c", BOX, str(fds[0])]


def test_a_box_does_not_outlive_bubblewrap(tmp_path: Path) -> None:
    command = RunningCommand("c1", {"argv": ["true"], "limits": {"timeoutS": 20}}, DyingBubblewrap({}, str(tmp_path)))
    assert command.run() == ("killed", None, "The box was ended by signal 9.")
    assert command.seconds < 10
    assert not is_alive(pid_of(command))


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "socket")
    with ProxyServer(path, Egress(), max_connections=2) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield path
        server.shutdown()


def connect(path: str) -> socket.socket:
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(5)
    one.connect(path)
    return one


def test_a_connection_beyond_the_limit_is_closed_and_its_place_is_free_later(proxy: str) -> None:
    with connect(proxy), connect(proxy), connect(proxy) as third:
        assert third.recv(1) == b""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        # one that is refused may be reset while it sends
        with contextlib.suppress(OSError), connect(proxy) as again:
            again.sendall(b"CONNECT example.com:443 HTTP/1.1\r\n\r\n")
            if again.recv(12) == b"HTTP/1.1 403":
                return
    raise AssertionError("no place is free again")


def test_a_connection_without_a_request_is_closed_soon(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert egress.ProxyHandler.timeout <= 10
    monkeypatch.setattr(egress.ProxyHandler, "timeout", 0.1)
    with connect(proxy) as silent:
        assert silent.recv(25) == b"HTTP/1.1 502 TimeoutError"
