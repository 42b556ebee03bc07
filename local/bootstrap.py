"""The process that forks the sandboxes; each runs awslambdaric's bootstrap over a socket.

Runs as a script. Arguments: the file descriptors of the socket for requests and of the lifeline. A request is one line
of JSON, and so is its answer. Imports nothing of this project: a function must see only the template's layers and its
own directory.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import site
import socket
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Any

from awslambdaric.lambda_runtime_client import InvocationRequest, LambdaRuntimeClient

NOT_DEPLOYED = ("awscrt", "OpenSSL")
"""Packages of moto and SAM CLI.

boto3 would load them, but a function's artifact has none of them.
"""

PRELOADED = (
    "aws_lambda_powertools.event_handler.openapi.models",
    "aws_lambda_powertools.logging",
    "boto3.session",
    "botocore.client",
    "pydantic",
    "pynamodb.models",
    "pynamodb.transactions",
)
"""Packages of the layer, loaded once for all sandboxes; none starts a thread.

Variables that they read at import, such as PYNAMODB_CONFIG, do not come from the function's environment.
"""


class SocketRuntimeClient(LambdaRuntimeClient):  # type: ignore[misc]
    """Runtime API client; a message is one line of JSON, then `length` bytes."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__("unused")
        self._stream = connection.makefile("rwb")
        self._ready = False

    def wait_next_invocation(self) -> InvocationRequest:
        if not self._ready:
            self._ready = True
            # Imported modules stay: without the freeze, collecting them takes a sixth of a short invocation.
            gc.collect()
            gc.freeze()
            self._send("ready")
        header = self._stream.readline()
        if not header:
            os._exit(0)
        request = json.loads(header)
        return InvocationRequest(
            invoke_id=request["requestId"],
            x_amzn_trace_id=None,
            invoked_function_arn=request["functionArn"],
            deadline_time_in_ms=request["deadlineMs"],
            client_context=None,
            cognito_identity=None,
            tenant_id=None,
            content_type="application/json",
            event_body=self._stream.read(request["length"]),
            invocation_id=None,
        )

    def post_invocation_result(self, invoke_id: str, result_data: Any, *_: Any) -> None:
        self._send("result", result_data)

    def post_invocation_error(self, invoke_id: str, error_response_data: str, *_: Any) -> None:
        self._send("error", error_response_data)

    def post_init_error(self, error_response_data: dict[str, Any], error_type_override: str | None = None) -> None:
        self._send("error", json.dumps(error_response_data))

    def _send(self, kind: str, payload: str | bytes = b"") -> None:
        body = payload.encode() if isinstance(payload, str) else payload
        # The function's output must be out before its response.
        sys.stdout.flush()
        sys.stderr.flush()
        self._stream.write(json.dumps({"kind": kind, "length": len(body)}).encode() + b"\n" + body)
        self._stream.flush()


def die_with_parent(lifeline: int) -> None:
    """Wait for the parent's end, even by SIGKILL, then kill this process and its children."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Fork:
    """A new sandbox; `connection` and `output` are file descriptors."""

    connection: int
    output: int
    handler: str
    environment: dict[str, str]

    def run(self, lifeline: int) -> None:
        """Become the sandbox: only loaded packages are left of the parent."""
        os.setpgid(0, 0)
        for standard in (1, 2):
            os.dup2(self.output, standard)
        os.close(self.output)
        # A child of the function must not keep the socket open.
        os.set_inheritable(self.connection, False)
        os.environ.clear()
        os.environ.update(self.environment)
        if sys.platform == "darwin":
            # Else urllib asks the system for its proxies, which crashes in a fork.
            os.environ.setdefault("no_proxy", "*")
        time.tzset()
        tempfile.tempdir = None
        layers = filter(None, self.environment.get("PYTHONPATH", "").split(os.pathsep))
        # Lambda has the function's folder in front; `-P` has kept this script's folder off the path.
        sys.path[:0] = [os.getcwd(), *layers]
        sys.argv = [self.handler]
        threading.Thread(target=die_with_parent, args=(lifeline,), daemon=True).start()
        # As a new interpreter does with the PYTHONPATH of a function.
        sys.modules.pop("sitecustomize", None)
        site.execsitecustomize()
        # Not before: it reads the log format from the environment.
        bootstrap = importlib.import_module("awslambdaric.bootstrap")
        bootstrap.run(self.handler, SocketRuntimeClient(socket.socket(fileno=self.connection)))


def serve(requests: socket.socket) -> Fork:
    """Fork a process for each request and tell the status of ended ones.

    Returns in each new process. The serving one exits when the other end is closed.
    """
    while True:
        line, descriptors = _receive(requests)
        if not line:
            sys.exit()
        request = json.loads(line)
        if "ended" in request:
            _answer(requests, status=_status(request["ended"]))
            continue
        try:
            os.chdir(request["directory"])
            pid = os.fork()
        except OSError as exc:
            _answer(requests, errno=exc.errno, reason=exc.strerror)
        else:
            if pid == 0:
                requests.close()
                connection, output = descriptors
                return Fork(connection, output, request["handler"], request["environment"])
            # Also here: with the answer, the sandbox can be killed as a group.
            with contextlib.suppress(OSError):
                os.setpgid(pid, pid)
            _answer(requests, pid=pid)
        for descriptor in descriptors:
            os.close(descriptor)


def _receive(requests: socket.socket) -> tuple[bytes, list[int]]:
    """Read one line, empty at the end; the descriptors come with its first bytes."""
    line, descriptors, *_ = socket.recv_fds(requests, 1 << 16, 2)
    while not line.endswith(b"\n"):
        received = requests.recv(1 << 16) if line else b""
        if not received:
            return b"", []
        line += received
    return line, descriptors


def _answer(requests: socket.socket, **answer: Any) -> None:
    # After the local system's end, the next request is the end.
    with contextlib.suppress(BrokenPipeError):
        requests.sendall(json.dumps(answer).encode() + b"\n")


def _status(pid: int) -> int | None:
    """Return the exit status of an ended process, a signal as a negative number.

    Also kill its children.
    """
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return None
    # Afterwards the id may be another process's.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    requests, lifeline = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(lifeline, False)
    # An ignored signal is inherited, and would take the exit status away.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # No descriptor received later may become a standard one.
    while os.open(os.devnull, os.O_RDWR) < 2:
        pass
    for name in NOT_DEPLOYED:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in PRELOADED:
        # A missing package fails in the function that imports it, with Lambda's error.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=requests)).run(lifeline)


if __name__ == "__main__":
    main()
