"""Starts sandboxes as forks of one process in which the functions' packages are loaded.

A start does not load boto3, pydantic, pynamodb and Powertools again, and the sandboxes share their memory.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_POLL_S = 0.002
_PATIENCE_S = 60.0
"""Seconds for an answer; the first one comes after the packages are loaded."""


class Orphaned(Exception):
    """The process that forked this one has ended, so its exit status is unknown."""


class ForkServer:
    """The forking process, until `close`.

    A killed one is replaced at the next start of a sandbox. Its sandboxes serve until they are killed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        # Nothing is ever written: the pipe closes when this process ends, even by SIGKILL, and the sandboxes see it.
        self._lifeline, self._lifeline_writer = os.pipe()
        self._start()

    def fork(self, directory: Path, handler: str, environment: Mapping[str, str]) -> "ForkedProcess":
        """Start a sandbox in this directory. Raises OSError if it cannot be started."""
        request = {"directory": str(directory), "handler": handler, "environment": dict(environment)}
        with self._lock:
            if self._closed:
                raise ChildProcessError("The local system is stopping.")
            forked = self._fork(request)
            if forked is None:
                self._start()
                forked = self._fork(request)
        if forked is None:
            raise ChildProcessError("The process that starts the functions has ended.")
        return forked

    def status(self, parent: "subprocess.Popen[bytes]", pid: int) -> int | None:
        """Return the exit status of a fork of `parent`, or None while it runs. Raises Orphaned."""
        with self._lock:
            answer = self._ask({"ended": pid}) if parent is self._process else None
        if answer is None:
            raise Orphaned
        status: int | None = answer["status"]
        return status

    def close(self) -> None:
        """End the process, and every sandbox that is left."""
        with self._lock:
            self._closed = True
            self._stop()
        os.close(self._lifeline)
        os.close(self._lifeline_writer)

    def _start(self) -> None:
        self._requests, theirs = socket.socketpair()
        self._requests.settimeout(_PATIENCE_S)
        # What the packages read at import must not come from the user's own home.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_BOOTSTRAP), str(theirs.fileno()), str(self._lifeline)],
                env={**environment, "LANG": "en_US.UTF-8", "PYTHONUNBUFFERED": "1"},
                pass_fds=(theirs.fileno(), self._lifeline),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _stop(self) -> None:
        self._requests.close()
        self._process.kill()
        self._process.wait()

    def _fork(self, request: Mapping[str, Any]) -> "ForkedProcess | None":
        """Return None if the server has ended. The caller holds the lock.

        Each attempt has descriptors of its own, as a server may have forked without an answer: that sandbox ends by
        itself when they close.
        """
        with ExitStack() as ours, ExitStack() as theirs:
            connection, other = socket.socketpair()
            ours.enter_context(connection)
            theirs.enter_context(other)
            readable, writable = os.pipe()
            output = ours.enter_context(os.fdopen(readable, errors="replace"))
            theirs.enter_context(os.fdopen(writable, "w"))
            answer = self._ask(request, [other.fileno(), writable])
            if answer is None:
                return None
            if "pid" not in answer:
                raise OSError(answer["errno"], answer["reason"], request["directory"])
            ours.pop_all()
            return ForkedProcess(self, self._process, answer["pid"], connection, output)

    def _ask(self, request: Mapping[str, Any], descriptors: list[int] | None = None) -> Any:
        """Return the answer, or None if the server has ended. The caller holds the lock."""
        line = json.dumps(request).encode() + b"\n"
        answer = b""
        try:
            sent = socket.send_fds(self._requests, [line], descriptors or [])
            self._requests.sendall(line[sent:])
            while not answer.endswith(b"\n"):
                received = self._requests.recv(1 << 16)
                if not received:
                    raise EOFError
                answer += received
        except (OSError, EOFError):
            # A late answer would be taken for the next one.
            self._stop()
            return None
        return json.loads(answer)


class ForkedProcess:
    """A running sandbox, the leader of a process group.

    `connection` and `output` are our ends; the caller closes them.
    """

    def __init__(
        self,
        server: ForkServer,
        parent: "subprocess.Popen[bytes]",
        pid: int,
        connection: socket.socket,
        output: IO[str],
    ) -> None:
        self.pid, self.connection, self.output = pid, connection, output
        self._server, self._parent = server, parent
        self._lock = threading.Lock()
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, a signal as a negative number, or None while the process runs.

        Kills the process if its server has ended, as its status cannot be known any more.
        """
        with self._lock:
            if self._status is None:
                try:
                    self._status = self._server.status(self._parent, self.pid)
                except Orphaned:
                    self._kill()
                    self._status = -signal.SIGKILL
            return self._status

    def kill(self) -> int:
        """Kill the process with its children; return its exit status."""
        with self._lock:
            if self._status is None:
                self._kill()
        while (status := self.poll()) is None:
            time.sleep(_POLL_S)
        return status

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # The id of an orphan may be another process's by now.
            if os.getsid(self.pid) == self._parent.pid:
                os.killpg(self.pid, signal.SIGKILL)
