"""The agent in an image: two ports, hooks, settings in a variable."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.sandbox.program import agent_program

HOOKS = "/aws/lambda-microvms/runtime/v1/"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[tuple[int, int]]:
    program, root = tmp_path / "agent.pyz", tmp_path / "root"
    program.write_bytes(agent_program())
    serving, hooks = free_port(), free_port()
    config = {"driver": "open", "root": str(root), "listen": {"port": serving}, "hooks": {"port": hooks}}
    env = {"PATH": os.environ["PATH"], "GROUNDWORK_AGENT": json.dumps(config)}
    with subprocess.Popen([sys.executable, "-I", str(program), "serve"], env=env, stdin=subprocess.DEVNULL) as process:
        yield serving, hooks
        process.send_signal(signal.SIGKILL)


def ask(port: int, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, dict[str, Any]]:
    deadline = time.monotonic() + 20
    while True:
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request(method, path, json.dumps(body or {}), {"X-Groundwork-Token": token})
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read())
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_hooks_make_a_sandbox_ready_and_give_it_its_token_once(ports: tuple[int, int]) -> None:
    serving, hooks = ports
    assert ask(hooks, "POST", f"{HOOKS}ready")[0] == 200
    assert ask(hooks, "POST", f"{HOOKS}validate")[0] == 200
    assert ask(serving, "GET", "/v1/health", token="secret")[0] == 503
    digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    payload = {"microvmId": "m1", "runHookPayload": json.dumps({"tokenSha256": digest})}
    assert ask(hooks, "POST", f"{HOOKS}run", payload)[0] == 200
    assert ask(hooks, "POST", f"{HOOKS}run", payload)[0] == 200
    other = {"microvmId": "m1", "runHookPayload": json.dumps({"tokenSha256": "0" * 64})}
    assert ask(hooks, "POST", f"{HOOKS}run", other)[0] == 409
    status, health = ask(serving, "GET", "/v1/health", token="secret")
    assert (status, health["id"], health["confined"]) == (200, "m1", False)
    assert ask(serving, "GET", "/v1/health", token="wrong")[0] == 401


def test_a_caller_reaches_no_hook_and_a_hook_nothing_else(ports: tuple[int, int]) -> None:
    serving, hooks = ports
    payload = {"microvmId": "m1", "runHookPayload": json.dumps({"tokenSha256": "0" * 64})}
    assert ask(serving, "POST", f"{HOOKS}run", payload)[0] == 503
    assert ask(hooks, "GET", "/v1/health")[0] == 404
    assert ask(hooks, "POST", f"{HOOKS}suspend")[0] == 200


@pytest.mark.parametrize("wrong", [b"[1]", b"{", b'{"argv": [1]}', b'{"argv": []}', b'{"argv": ["a"], "env": 3}'])
def test_what_is_no_request_is_told(ports: tuple[int, int], wrong: bytes) -> None:
    serving, hooks = ports
    digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    ask(hooks, "POST", f"{HOOKS}run", {"microvmId": "m", "runHookPayload": json.dumps({"tokenSha256": digest})})
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", serving, timeout=10)) as connection:
        for _ in range(2):
            connection.request("PUT", "/v1/commands/c1", wrong, {"X-Groundwork-Token": "secret"})
            answer = connection.getresponse()
            assert (answer.status, "error" in json.loads(answer.read())) == (400, True)
