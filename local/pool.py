"""The sandboxes of all functions: warm ones are used again, a busy function gets more of them."""

import os
import shutil
import tempfile
import threading
import uuid
from collections import defaultdict
from pathlib import Path

from local.sandbox import FunctionProcess, Log, Outcome, Sandbox


class PoolClosed(Exception):
    """The local system is stopping and runs no more functions."""


class SandboxPool:
    """Runs invocations, each in a process of its own.

    `idle` is how many warm sandboxes a function keeps. An invocation over the function's concurrency waits.
    """

    def __init__(self, log: Log, *, idle: int = 8) -> None:
        self._log = log
        self._idle_cap = idle
        self._lock = threading.Lock()
        self._idle: defaultdict[str, list[Sandbox]] = defaultdict(list)
        self._busy: defaultdict[str, set[Sandbox]] = defaultdict(set)
        self._slots: dict[str, threading.Semaphore] = {}
        self._closed = False
        self._scratch = Path(tempfile.mkdtemp(prefix="groundwork-"))
        # nothing is ever written: the sandboxes see its end when this process ends, even by SIGKILL
        self._lifeline, self._lifeline_held = os.pipe()

    def invoke(self, function: FunctionProcess, event: bytes, request_id: str | None = None) -> Outcome:
        """Runs the function on the event (JSON) and waits for it.

        Raises PoolClosed when the system stops before the invocation began.
        """
        with self._slots_of(function):
            sandbox = self._acquire(function)
            try:
                return sandbox.invoke(event, request_id or str(uuid.uuid4()))
            finally:
                self._release(sandbox)

    def pids(self, name: str) -> list[int]:
        """The processes of a function, busy and idle."""
        with self._lock:
            return [sandbox.pid for sandbox in (*self._busy[name], *self._idle[name])]

    def kill(self, name: str) -> int:
        """Ends a function's sandboxes with SIGKILL, as if they had crashed, and answers how many there were."""
        with self._lock:
            sandboxes = [*self._busy[name], *self._idle[name]]
        for sandbox in sandboxes:
            sandbox.kill()
        return len(sandboxes)

    def close(self) -> None:
        """Ends every sandbox, invocations in flight included."""
        with self._lock:
            self._closed = True
            busy = [sandbox for sandboxes in self._busy.values() for sandbox in sandboxes]
            idle = [sandbox for sandboxes in self._idle.values() for sandbox in sandboxes]
            self._idle.clear()
        for sandbox in busy:
            sandbox.kill()  # its invocation fails now, and closes it
        for sandbox in idle:
            sandbox.close()
        os.close(self._lifeline)
        os.close(self._lifeline_held)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _slots_of(self, function: FunctionProcess) -> threading.Semaphore:
        with self._lock:
            return self._slots.setdefault(function.name, threading.Semaphore(function.concurrency))

    def _acquire(self, function: FunctionProcess) -> Sandbox:
        with self._lock:
            if self._closed:
                raise PoolClosed
            sandbox = self._warm(function) or Sandbox(function, self._lifeline, self._scratch, self._log)
            self._busy[function.name].add(sandbox)
            return sandbox

    def _warm(self, function: FunctionProcess) -> Sandbox | None:
        """The most recently used sandbox of the function that still lives."""
        idle = self._idle[function.name]
        while idle:
            sandbox = idle.pop()
            if sandbox.alive:
                return sandbox
            sandbox.close()
        return None

    def _release(self, sandbox: Sandbox) -> None:
        name = sandbox.function.name
        with self._lock:
            self._busy[name].discard(sandbox)
            keep = not self._closed and sandbox.alive and len(self._idle[name]) < self._idle_cap
            if keep:
                self._idle[name].append(sandbox)
        if not keep:
            sandbox.close()
