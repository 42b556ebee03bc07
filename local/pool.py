"""The sandboxes of all functions.

Invocations queue for a warm sandbox; more are started if none becomes free.
"""

import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from local.fork_server import ForkServer
from local.sandbox import FunctionProcess, Log, Outcome, Sandbox
from local.temporary_folder import TemporaryFolder

CORES = os.cpu_count() or 1
PATIENCE_S = 0.25
"""Seconds without a sandbox becoming free before one beyond the number of cores is started.

A few warm processes serve a burst of short invocations faster than many cold ones.
"""


IDLE_S = 300.0
"""Seconds until an unused sandbox ends; one of each function stays warm."""


class PoolClosed(Exception):
    """The local system is stopping and accepts no more invocations."""


_PAUSED = Outcome(b'{"errorType": "Sandbox.Paused", "errorMessage": "The local system is paused."}', failed=True)


class WhilePaused(Enum):
    """Behaviour of an invocation in a paused pool."""

    WAIT = "wait until the pool resumes"
    FAIL = "fail, and be killed by a pause"
    RUN = "run as usual"


class _Waiter:
    """A place in a function's queue; filled once, with a sandbox or the reason for its absence."""

    def __init__(self, while_paused: WhilePaused) -> None:
        self.while_paused = while_paused
        self._done = threading.Event()
        self.result: Sandbox | Outcome | Exception | None = None

    def fill(self, result: Sandbox | Outcome | Exception) -> None:
        self.result = result
        self._done.set()

    def wait(self, seconds: float) -> bool:
        return self._done.wait(seconds)


@dataclass(slots=True, eq=False)
class _FunctionPool:
    """The sandboxes of one function, and its queue of invocations."""

    function: FunctionProcess
    idle: list[Sandbox] = field(default_factory=list)
    busy: dict[Sandbox, WhilePaused] = field(default_factory=dict)
    starting: set[Sandbox] = field(default_factory=set)
    queue: deque[_Waiter] = field(default_factory=deque)
    last_progress: float = float("-inf")
    idle_since: dict[Sandbox, float] = field(default_factory=dict)

    @property
    def all(self) -> list[Sandbox]:
        return [*self.busy, *self.idle, *self.starting]

    def take_idle(self) -> Sandbox | None:
        """Remove and return the most recently used live sandbox."""
        while self.idle:
            sandbox = self.idle.pop()
            del self.idle_since[sandbox]
            if sandbox.alive:
                return sandbox
            sandbox.close()
        return None

    def keep_idle(self, sandbox: Sandbox, now: float) -> None:
        self.idle.append(sandbox)
        self.idle_since[sandbox] = now

    def take_unused(self, before: float) -> Iterator[Sandbox]:
        """Remove and yield the sandboxes idle since before this time, except the last one."""
        # The list is in the order of use.
        while len(self.idle) > 1 and self.idle_since[self.idle[0]] < before:
            sandbox = self.idle.pop(0)
            del self.idle_since[sandbox]
            yield sandbox

    def wants_another(self, now: float, cores: int) -> bool:
        size = len(self.busy) + len(self.idle) + len(self.starting)
        if len(self.starting) >= len(self.queue) or size >= self.function.concurrency:
            return False
        return size < cores or now - self.last_progress >= PATIENCE_S


class SandboxPool:
    """Runs invocations, each in its own process.

    `idle` is the maximum of warm sandboxes for each function, `idle_seconds` the time until unused ones end. At most
    one sandbox for each core starts at a time.
    """

    def __init__(self, log: Log, *, idle: int = 2 * CORES, idle_seconds: float = IDLE_S, cores: int = CORES) -> None:
        self._log_line = log
        self._max_idle, self._idle_seconds, self._cores = idle, idle_seconds, cores
        self._lock = threading.Lock()
        self._function_pools: dict[str, _FunctionPool] = {}
        self._starting = 0
        self._closed = threading.Event()
        self._resumed = threading.Event()
        self._resumed.set()
        self._scratch = TemporaryFolder()
        self._fork_server = ForkServer()

    def invoke(
        self,
        function: FunctionProcess,
        event: bytes,
        request_id: str | None = None,
        *,
        while_paused: WhilePaused = WhilePaused.WAIT,
    ) -> Outcome:
        """Run the function on the event (JSON) and wait for the outcome.

        The wait for a sandbox does not count against the function's timeout. Raises PoolClosed if the system stops
        before the invocation starts, and OSError if the function cannot be started.
        """
        request_id = request_id or str(uuid.uuid4())
        while True:
            if while_paused is WhilePaused.WAIT:
                self._resumed.wait()
            sandbox = self._acquire(function, while_paused)
            if isinstance(sandbox, Outcome):
                return sandbox
            try:
                # The pause may have come during the wait for the sandbox. A later one kills it.
                if while_paused is WhilePaused.RUN or self._resumed.is_set():
                    return sandbox.invoke(event, request_id)
                if while_paused is WhilePaused.FAIL:
                    return _PAUSED
            finally:
                self._release(sandbox)

    def pause(self) -> None:
        """Kill the invocations in progress, like crashes, except those that may RUN."""
        self._resumed.clear()
        # Under the lock: no sandbox may go on to an invocation that is allowed to run.
        with self._lock:
            for function_pool in self._function_pools.values():
                for sandbox, while_paused in function_pool.busy.items():
                    if while_paused is not WhilePaused.RUN:
                        sandbox.kill()

    def resume(self) -> None:
        """Start the waiting invocations."""
        self._resumed.set()

    @property
    def paused(self) -> bool:
        return not self._resumed.is_set()

    def warm(self, functions: Iterable[FunctionProcess]) -> None:
        """Start one sandbox of each function in the background, in this order."""
        threading.Thread(target=self._warm_all, args=(list(functions),), daemon=True).start()

    def pids(self, name: str) -> list[int]:
        """Return the process ids of a function's sandboxes, busy and idle."""
        with self._lock:
            function_pool = self._function_pools.get(name)
            return [sandbox.pid for sandbox in (*function_pool.busy, *function_pool.idle)] if function_pool else []

    def kill(self, name: str) -> int:
        """Kill a function's sandboxes with SIGKILL, like a crash; return their number."""
        with self._lock:
            function_pool = self._function_pools.get(name)
            sandboxes = function_pool.all if function_pool else []
        for sandbox in sandboxes:
            sandbox.kill()
        return len(sandboxes)

    def close(self) -> None:
        """End every sandbox, invocations in flight included."""
        with self._lock:
            self._closed.set()
            # Waiting invocations find the pool closed.
            self._resumed.set()
            running = [
                sandbox
                for function_pool in self._function_pools.values()
                for sandbox in (*function_pool.busy, *function_pool.starting)
            ]
            idle = [sandbox for function_pool in self._function_pools.values() for sandbox in function_pool.idle]
            for function_pool in self._function_pools.values():
                function_pool.idle.clear()
                function_pool.idle_since.clear()
                while function_pool.queue:
                    function_pool.queue.popleft().fill(PoolClosed())
        for sandbox in running:
            sandbox.kill()  # its invocation fails and closes it
        for sandbox in idle:
            sandbox.close()
        self._fork_server.close()
        self._scratch.close()

    def _log(self, function: str, line: str) -> None:
        """Log a line, except during the shutdown, where killed sandboxes would read as failures."""
        if not self._closed.is_set():
            self._log_line(function, line)

    # --- The queue ---

    def _acquire(self, function: FunctionProcess, while_paused: WhilePaused) -> Sandbox | Outcome:
        waiter = _Waiter(while_paused)
        with self._lock:
            function_pool = self._function_pool(function)
            # Nobody overtakes the queue.
            if not function_pool.queue and (sandbox := function_pool.take_idle()):
                function_pool.busy[sandbox] = while_paused
                return sandbox
            if not function_pool.queue:
                # Patience begins with the queue, not with the last invocation before it.
                function_pool.last_progress = time.monotonic()
            function_pool.queue.append(waiter)
            self._grow(function_pool)
        # Patience runs out without any event: only the waiters can ask for another sandbox.
        while not waiter.wait(PATIENCE_S):
            with self._lock:
                self._grow(function_pool)
        if isinstance(waiter.result, Exception):
            raise waiter.result
        assert waiter.result is not None
        return waiter.result

    def _function_pool(self, function: FunctionProcess) -> _FunctionPool:
        if self._closed.is_set():
            raise PoolClosed
        return self._function_pools.setdefault(function.name, _FunctionPool(function))

    def _release(self, sandbox: Sandbox) -> None:
        with self._lock:
            function_pool = self._function_pools[sandbox.function.name]
            function_pool.busy.pop(sandbox, None)
            unneeded = [] if self._assign(function_pool, sandbox) else [sandbox]
            self._grow(function_pool)
            before = time.monotonic() - self._idle_seconds
            # The sweeps release a sandbox each minute, so no function's memory stays for ever.
            for other in self._function_pools.values():
                unneeded += other.take_unused(before)
        # Outside the lock: the end of a process takes time.
        for one in unneeded:
            one.close()

    def _assign(self, function_pool: _FunctionPool, sandbox: Sandbox) -> bool:
        """Give a free sandbox to the queue or keep it warm; return False if it is not needed."""
        function_pool.last_progress = time.monotonic()
        if self._closed.is_set() or not sandbox.alive:
            return False
        if function_pool.queue:
            waiter = function_pool.queue.popleft()
            function_pool.busy[sandbox] = waiter.while_paused
            waiter.fill(sandbox)
            return True
        if len(function_pool.idle) >= self._max_idle:
            return False
        function_pool.keep_idle(sandbox, function_pool.last_progress)
        return True

    # --- Starts ---

    def _grow(self, function_pool: _FunctionPool) -> None:
        """Start another sandbox if the queue needs one. The caller holds the lock."""
        if self._starting >= self._cores or self._closed.is_set():
            return
        if not function_pool.wants_another(time.monotonic(), self._cores):
            return
        try:
            sandbox = self._start_sandbox(function_pool)
        except OSError as exc:  # such as a missing directory
            _refuse_all(function_pool, exc)
            return
        threading.Thread(target=self._finish_start, args=(function_pool, sandbox), daemon=True).start()

    def _start_sandbox(self, function_pool: _FunctionPool) -> Sandbox:
        sandbox = Sandbox(function_pool.function, self._fork_server, self._scratch.path, self._log)
        function_pool.starting.add(sandbox)
        # A start counts as progress: the next one waits for its effect.
        function_pool.last_progress = time.monotonic()
        self._starting += 1
        return sandbox

    def _finish_start(self, function_pool: _FunctionPool, sandbox: Sandbox) -> None:
        failure = sandbox.prepare()
        with self._lock:
            function_pool.starting.discard(sandbox)
            self._starting -= 1
            kept = failure is None and self._assign(function_pool, sandbox)
            if failure is not None and not self._closed.is_set():
                _refuse_all(function_pool, failure)
            # All functions share the limit of starts: the free place may belong to another one.
            for other in self._function_pools.values():
                self._grow(other)
        if not kept:
            sandbox.close()

    def _warm_all(self, functions: list[FunctionProcess]) -> None:
        for function in functions:
            with self._lock:
                if self._closed.is_set():
                    return
                function_pool = self._function_pool(function)
                if function_pool.all or self._starting >= self._cores:
                    continue
                try:
                    sandbox = self._start_sandbox(function_pool)
                except OSError:
                    continue  # the first invocation reports it
            self._finish_start(function_pool, sandbox)


def _refuse_all(function_pool: _FunctionPool, reason: Outcome | Exception) -> None:
    """Fail every invocation in the queue: each would meet the same start failure."""
    while function_pool.queue:
        function_pool.queue.popleft().fill(reason)
