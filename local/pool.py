"""The sandboxes of all functions: invocations wait in line for a warm one; where none comes free, more are started."""

import os
import shutil
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from local.sandbox import FunctionProcess, Log, Outcome, Sandbox

CORES = os.cpu_count() or 1
PATIENCE_S = 0.25
"""Beyond one sandbox a core, another is started only after so long without one coming free: a burst of short
invocations is served faster by a few warm processes than by many cold ones."""


class PoolClosed(Exception):
    """The local system is stopping and runs no more functions."""


class _Waiter:
    """A place in a function's line: filled once, with a sandbox, or with the reason why there is none."""

    def __init__(self) -> None:
        self._filled = threading.Event()
        self.filling: Sandbox | Outcome | Exception | None = None

    def fill(self, filling: Sandbox | Outcome | Exception) -> None:
        self.filling = filling
        self._filled.set()

    def wait(self, seconds: float) -> bool:
        return self._filled.wait(seconds)


@dataclass(slots=True, eq=False)
class _Fleet:
    """The sandboxes of one function, and the line of invocations in front of them."""

    function: FunctionProcess
    idle: list[Sandbox] = field(default_factory=list)
    busy: set[Sandbox] = field(default_factory=set)
    starting: set[Sandbox] = field(default_factory=set)
    line: deque[_Waiter] = field(default_factory=deque)
    moved: float = float("-inf")

    @property
    def all(self) -> list[Sandbox]:
        return [*self.busy, *self.idle, *self.starting]

    def take_idle(self) -> Sandbox | None:
        """Remove and return the most recently used sandbox that still lives."""
        while self.idle:
            sandbox = self.idle.pop()
            if sandbox.alive:
                return sandbox
            sandbox.close()
        return None

    def wants_another(self, now: float, cores: int) -> bool:
        size = len(self.busy) + len(self.idle) + len(self.starting)
        if len(self.starting) >= len(self.line) or size >= self.function.concurrency:
            return False
        return size < cores or now - self.moved >= PATIENCE_S


class SandboxPool:
    """Runs invocations, each in a process of its own.

    `idle` is how many warm sandboxes a function keeps. At most one sandbox a core starts at a time.
    """

    def __init__(self, log: Log, *, idle: int = 2 * CORES, cores: int = CORES) -> None:
        self._log_line = log
        self._idle_cap, self._cores = idle, cores
        self._lock = threading.Lock()
        self._fleets: dict[str, _Fleet] = {}
        self._starting = 0
        self._closed = threading.Event()
        self._scratch = Path(tempfile.mkdtemp(prefix="groundwork-"))
        # nothing is ever written: the sandboxes see its end when this process ends, even by SIGKILL
        self._lifeline, self._lifeline_held = os.pipe()

    def invoke(self, function: FunctionProcess, event: bytes, request_id: str | None = None) -> Outcome:
        """Run the function on the event (JSON) and wait for it.

        The wait for a sandbox does not count against the function's timeout. Raises PoolClosed when the system stops
        before the invocation began, and OSError for a function that cannot be started.
        """
        request_id = request_id or str(uuid.uuid4())
        sandbox = self._acquire(function)
        if isinstance(sandbox, Outcome):
            return sandbox
        try:
            return sandbox.invoke(event, request_id)
        finally:
            self._release(sandbox)

    def warm(self, functions: Iterable[FunctionProcess]) -> None:
        """Start one sandbox of each function in the background, in this order."""
        threading.Thread(target=self._warm_all, args=(list(functions),), daemon=True).start()

    def pids(self, name: str) -> list[int]:
        """The processes of a function, busy and idle."""
        with self._lock:
            fleet = self._fleets.get(name)
            return [sandbox.pid for sandbox in (*fleet.busy, *fleet.idle)] if fleet else []

    def kill(self, name: str) -> int:
        """End a function's sandboxes with SIGKILL, as if they had crashed; return how many there were."""
        with self._lock:
            fleet = self._fleets.get(name)
            sandboxes = fleet.all if fleet else []
        for sandbox in sandboxes:
            sandbox.kill()
        return len(sandboxes)

    def close(self) -> None:
        """End every sandbox, invocations in flight included."""
        with self._lock:
            self._closed.set()
            running = [sandbox for fleet in self._fleets.values() for sandbox in (*fleet.busy, *fleet.starting)]
            idle = [sandbox for fleet in self._fleets.values() for sandbox in fleet.idle]
            for fleet in self._fleets.values():
                fleet.idle.clear()
                while fleet.line:
                    fleet.line.popleft().fill(PoolClosed())
        for sandbox in running:
            sandbox.kill()  # its invocation fails now, and closes it
        for sandbox in idle:
            sandbox.close()
        os.close(self._lifeline)
        os.close(self._lifeline_held)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _log(self, function: str, line: str) -> None:
        """Sandboxes that are ended with the system have not failed."""
        if not self._closed.is_set():
            self._log_line(function, line)

    # the line

    def _acquire(self, function: FunctionProcess) -> Sandbox | Outcome:
        waiter = _Waiter()
        with self._lock:
            fleet = self._fleet_of(function)
            if not fleet.line and (sandbox := fleet.take_idle()):
                fleet.busy.add(sandbox)
                return sandbox
            fleet.line.append(waiter)
            self._grow(fleet)
        while not waiter.wait(PATIENCE_S):
            with self._lock:
                self._grow(fleet)
        if isinstance(waiter.filling, Exception):
            raise waiter.filling
        assert waiter.filling is not None
        return waiter.filling

    def _fleet_of(self, function: FunctionProcess) -> _Fleet:
        if self._closed.is_set():
            raise PoolClosed
        return self._fleets.setdefault(function.name, _Fleet(function))

    def _release(self, sandbox: Sandbox) -> None:
        with self._lock:
            fleet = self._fleets[sandbox.function.name]
            fleet.busy.discard(sandbox)
            kept = self._place(fleet, sandbox)
            self._grow(fleet)
        if not kept:
            sandbox.close()

    def _place(self, fleet: _Fleet, sandbox: Sandbox) -> bool:
        """Hand a free sandbox to the first in line, or keep it warm; False where it is of no more use."""
        fleet.moved = time.monotonic()
        if self._closed.is_set() or not sandbox.alive:
            return False
        if fleet.line:
            fleet.busy.add(sandbox)
            fleet.line.popleft().fill(sandbox)
            return True
        if len(fleet.idle) >= self._idle_cap:
            return False
        fleet.idle.append(sandbox)
        return True

    # starts

    def _grow(self, fleet: _Fleet) -> None:
        """Start another sandbox where the line calls for one; the lock is held."""
        if self._starting >= self._cores or self._closed.is_set():
            return
        if not fleet.wants_another(time.monotonic(), self._cores):
            return
        try:
            sandbox = self._begin(fleet)
        except OSError as exc:  # such as a directory that is not there
            _refuse_all(fleet, exc)
            return
        threading.Thread(target=self._finish_start, args=(fleet, sandbox), daemon=True).start()

    def _begin(self, fleet: _Fleet) -> Sandbox:
        sandbox = Sandbox(fleet.function, self._lifeline, self._scratch, self._log)
        fleet.starting.add(sandbox)
        fleet.moved = time.monotonic()
        self._starting += 1
        return sandbox

    def _finish_start(self, fleet: _Fleet, sandbox: Sandbox) -> None:
        failure = sandbox.prepare()
        with self._lock:
            fleet.starting.discard(sandbox)
            self._starting -= 1
            kept = failure is None and self._place(fleet, sandbox)
            if failure is not None and not self._closed.is_set():
                _refuse_all(fleet, failure)
            for other in self._fleets.values():
                self._grow(other)
        if not kept:
            sandbox.close()

    def _warm_all(self, functions: list[FunctionProcess]) -> None:
        for function in functions:
            with self._lock:
                if self._closed.is_set():
                    return
                fleet = self._fleet_of(function)
                if fleet.all or self._starting >= self._cores:
                    continue
                try:
                    sandbox = self._begin(fleet)
                except OSError:
                    continue  # its first invocation says so
            self._finish_start(fleet, sandbox)


def _refuse_all(fleet: _Fleet, reason: Outcome | Exception) -> None:
    """A function that cannot start fails everyone in line: each would only meet the same failure later."""
    while fleet.line:
        fleet.line.popleft().fill(reason)
