"""A process running one function, one invocation at a time."""

import contextlib
import json
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.fork_server import ForkServer

# Lambda's own figure, 6291556, has these 100 bytes too.
_ANSWER_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of a response, as in Lambda."""

_INIT_SECONDS = 60.0
"""Lambda allows 10 s, but a cold import on a busy laptop may take longer."""

Log = Callable[[str, str], None]
"""Receives a function's name and one line of its output."""


@dataclass(frozen=True, slots=True)
class FunctionProcess:
    """The description of a function for its sandboxes; `timeout` in seconds."""

    name: str
    arn: str
    handler: str
    directory: Path
    timeout: float
    environment: Mapping[str, str]
    concurrency: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an invocation: the response, or Lambda's error JSON with `failed` set."""

    payload: bytes
    failed: bool = False


class SandboxDied(Exception):
    """The sandbox's process ended before its response."""


class Sandbox:
    """A running process of a function, started at once; `prepare` waits until it is ready.

    Raises OSError if the process cannot be started.
    """

    def __init__(self, function: FunctionProcess, server: ForkServer, scratch: Path, log: Log) -> None:
        self.function = function
        # The counterpart of Lambda's /tmp; new for every sandbox.
        self._home = Path(tempfile.mkdtemp(prefix=f"{function.name}-", dir=scratch))
        self._received = bytearray()
        self._log = log
        environment = {**function.environment, "HOME": str(self._home), "TMPDIR": str(self._home)}
        try:
            self._process = server.fork(function.directory, function.handler, environment)
        except OSError:  # such as a missing directory
            shutil.rmtree(self._home, ignore_errors=True)
            raise
        self._socket = self._process.connection
        threading.Thread(target=_forward, args=(self._process.output, function.name, log), daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process, idle now, still has its socket open."""
        try:
            self._socket.settimeout(0)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        # The end of the stream: an idle process sends nothing.
        return False

    def prepare(self) -> Outcome | None:
        """Wait until the function is imported; return the error if the import failed."""
        try:
            kind, payload = self._receive(time.monotonic() + _INIT_SECONDS)
        except TimeoutError:
            self.kill()
            return self._failed("Sandbox.Timedout", f"Init timed out after {_INIT_SECONDS:.0f} seconds")
        except SandboxDied:
            return self._failed("Runtime.ExitError", self._exit_reason())
        if kind == "ready":
            return None
        self.kill()
        return Outcome(payload, failed=True)

    def invoke(self, event: bytes, request_id: str) -> Outcome:
        """Run the handler on the event. A timeout or a crash ends the process."""
        try:
            return self._run(event, request_id)
        except TimeoutError:
            self.kill()
            return self._failed(
                "Sandbox.Timedout", f"Task timed out after {self.function.timeout:.2f} seconds", request_id
            )
        except SandboxDied:
            return self._failed("Runtime.ExitError", self._exit_reason(), request_id)

    def kill(self) -> None:
        """Kill the process and its children."""
        self._process.kill()
        # Wakes a thread waiting for the response.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Kill the process and free its resources."""
        self.kill()
        self._socket.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def _failed(self, error_type: str, reason: str, request_id: str = "") -> Outcome:
        """Return Lambda's error and log the same line as Lambda."""
        message = f"RequestId: {request_id} Error: {reason}" if request_id else f"INIT_REPORT Error: {reason}"
        self._log(self.function.name, f"{message} ({error_type})")
        return _error(error_type, message)

    def _run(self, event: bytes, request_id: str) -> Outcome:
        deadline = time.monotonic() + self.function.timeout
        header = {
            "requestId": request_id,
            "functionArn": self.function.arn,
            "deadlineMs": int((time.time() + self.function.timeout) * 1000),
            "length": len(event),
        }
        # A large event fills the socket's buffer: a hanging process must not block the sender for ever.
        self._socket.settimeout(self.function.timeout)
        try:
            self._socket.sendall(json.dumps(header).encode() + b"\n" + event)
        except ConnectionError as exc:
            raise SandboxDied from exc
        kind, payload = self._receive(deadline)
        if len(payload) > _ANSWER_LIMIT:
            message = f"Response payload size exceeded maximum allowed payload size ({_ANSWER_LIMIT} bytes)."
            return _error("Function.ResponseSizeTooLarge", message)
        return Outcome(payload, failed=kind == "error")

    def _receive(self, deadline: float) -> tuple[str, bytes]:
        while b"\n" not in self._received:
            self._read_more(deadline)
        line, _, rest = self._received.partition(b"\n")
        header = json.loads(line)
        self._received = rest
        while len(self._received) < header["length"]:
            self._read_more(deadline)
        payload, self._received = bytes(self._received[: header["length"]]), self._received[header["length"] :]
        return header["kind"], payload

    def _read_more(self, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)
        try:
            chunk = self._socket.recv(1 << 20)
        except ConnectionError as exc:
            raise SandboxDied from exc
        if not chunk:
            raise SandboxDied
        self._received += chunk

    def _exit_reason(self) -> str:
        status = self._process.kill()
        if status < 0:
            return f"Runtime exited with error: signal: {signal.Signals(-status).name.removeprefix('SIG').lower()}"
        return f"Runtime exited with error: exit status {status}" if status else "Runtime exited without a reason"


def _error(error_type: str, message: str) -> Outcome:
    body = {"errorType": error_type, "errorMessage": message}
    return Outcome(json.dumps(body).encode(), failed=True)


def _forward(output: IO[str], name: str, log: Log) -> None:
    with output:
        for line in output:
            if line.strip():
                log(name, line.rstrip())
