"""Model of Lambda: sandboxes, asynchronous events and a schedule.

Sandboxes run, freeze and die. Asynchronous events arrive late, twice or never.

The code under test is the real one. Its blocking calls run in greenlets. Each request to DynamoDB or Lambda, however
deep in the code, hands control to the event loop and resumes with the response. Everything else can happen in between.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from greenlet import getcurrent, greenlet

from groundwork.errors import GroundworkError, Transient
from tests.simulation.clock import VirtualLoop
from tests.simulation.dynamodb import WRITES, Database, failed
from tests.simulation.faults import SKEW_MS, Faults

EPOCH_MS = 1_767_225_600_000
"""2026-01-01, the start of every simulation."""

HTTP_TIMEOUT_S = 29.0
EVENT_TRIES = 3
SWEEP_S = 60.0


class Killed(BaseException):
    """The sandbox is dead: it has no further effect."""


class NoAnswer(Exception):
    """The client of an HTTP call received no response; the request may have had its effect."""


@dataclass(slots=True)
class Sandbox:
    """One invocation.

    `disturbed_at` (s): time of the last delay by a fault. `newer`: it belongs to a newer neighbour release (see
    `tests.simulation.releases`).
    """

    number: int
    function: str
    request_id: str
    skew_ms: int
    ends_at: float
    cloud: "Cloud"
    newer: bool = False
    dead: bool = False
    disturbed_at: float = float("-inf")
    thawed: asyncio.Event = field(default_factory=asyncio.Event)
    main: asyncio.Task[Any] | None = None

    def now_ms(self) -> int:
        return self.cloud.true_ms() + self.skew_ms

    def left_ms(self) -> int:
        return max(0, round((self.ends_at - self.cloud.loop.now) * 1000))

    async def gate(self) -> None:
        """Delay or kill the sandbox here, if a fault says so. Raises Killed."""
        while not self.thawed.is_set() and not self.dead:
            await self.thawed.wait()
        if self.dead:
            raise Killed

    async def io(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run a blocking call, one request after the other.

        Port `groundwork.runs.ports.InThread`.
        """
        caller = greenlet(call)
        result = caller.switch(*arguments)
        while not caller.dead:
            try:
                answer = await self.cloud.carry_out(self, *result)
            except BaseException as fault:  # noqa: BLE001 - the code that asked gets it, whatever it is
                result = caller.throw(fault)
            else:
                result = caller.switch(answer)
        return result

    def kill(self) -> None:
        self.dead = True
        self.thawed.set()
        if self.main and self.main is not asyncio.current_task():
            self.main.cancel()

    def freeze(self, seconds: float) -> None:
        self.disturbed_at = self.cloud.loop.now + seconds
        self.thawed.clear()
        self.cloud.loop.call_later(seconds, self.thawed.set)


def ask(what: str, sent: Any) -> Any:
    """Hand a request to the event loop from a blocking call, and wait for its response."""
    loop = getcurrent().parent
    assert loop is not None, "only within Sandbox.io"
    return loop.switch(what, sent)


def pause(seconds: float) -> None:
    ask("sleep", seconds)


@dataclass(slots=True)
class Cloud:
    """Model of Lambda and its clients.

    `process_next` and `dead_letter` are the functions behind events. `trace` lists all events so far.
    """

    loop: VirtualLoop
    random: Random
    faults: Faults
    hop_s: float
    database: Database = field(default_factory=Database)
    process_next: Callable[[Sandbox, str], Coroutine[Any, Any, Any]] | None = None
    dead_letter: Callable[[Sandbox, str], Coroutine[Any, Any, Any]] | None = None
    on_invoke: Callable[[Sandbox, str], None] = lambda sandbox, run_id: None
    acting: Sandbox | None = None
    trace: list[str] = field(default_factory=list)
    living: list[Sandbox] = field(default_factory=list)
    crashes: list[tuple[Sandbox, BaseException]] = field(default_factory=list)
    freezing: tuple[str, ...] = ("process_next",)
    newer: Callable[[], bool] = lambda: False
    _number: int = 0
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def true_ms(self) -> int:
        return EPOCH_MS + round(self.loop.now * 1000)

    def note(self, what: str) -> None:
        self.trace.append(f"{self.loop.now:10.3f} {what}")

    def happens(self, chance: float) -> bool:
        # draw even after the end of faults: a later or earlier end must not change the draws before it
        return self.random.random() < chance and self.loop.now < self.faults.until_s

    # requests

    async def carry_out(self, sandbox: Sandbox, what: str, sent: Any) -> Any:
        if what == "sleep":
            await asyncio.sleep(sent)
            return await sandbox.gate()
        await self._disturb(sandbox, self.faults.killed_before)
        if what == "invoke":
            return await self._accept(sandbox, sent)
        if what == "object":
            return await self._reach_bucket(sandbox, sent)
        return await self._request(sandbox, what, sent)

    async def _disturb(self, sandbox: Sandbox, kill: float) -> None:
        await sandbox.gate()
        if self.happens(self.faults.frozen) and sandbox.function in self.freezing:
            self.note(f"{sandbox.number} frozen")
            sandbox.freeze(self.random.uniform(5, 200))
            await sandbox.gate()
        if self.happens(kill):
            self.note(f"{sandbox.number} killed")
            sandbox.kill()
            raise Killed

    async def _reach_bucket(self, sandbox: Sandbox, sent: str) -> None:
        """Reach S3, or raise the adapter's error for the fault; the caller makes the effect."""
        await self._travel(sandbox)
        if self.happens(self.faults.unreachable):
            sandbox.disturbed_at = self.loop.now
            self.note(f"{sandbox.number} {sent} unreachable")
            raise Transient("S3: ConnectTimeoutError")
        self.note(f"{sandbox.number} {sent}")

    async def _request(self, sandbox: Sandbox, operation: str, sent: dict[str, Any]) -> dict[str, Any]:
        await self._travel(sandbox)
        self._refuse(sandbox, operation, sent)
        stale = self.random.randint(0, 2_000) if self.happens(self.faults.stale) else 0
        twice = self.happens(self.faults.sent_twice) and operation in WRITES
        answer = self._effect(sandbox, operation, sent, stale)
        await self._disturb(sandbox, self.faults.killed_after)
        await self._travel(sandbox)
        if self.happens(self.faults.answer_lost):
            sandbox.disturbed_at = self.loop.now
            self.note(f"{sandbox.number} {operation} answer lost")
            raise ReadTimeoutError(endpoint_url="dynamodb")
        if twice and operation != "TransactWriteItems":
            # botocore repeats a request without a response; a transaction carries a token against the repetition
            return self._effect(sandbox, operation, sent, 0)
        return answer

    def _effect(self, sandbox: Sandbox, operation: str, sent: dict[str, Any], stale: int) -> dict[str, Any]:
        self.acting = sandbox
        try:
            answer = self.database.carry_out(operation, sent, stale)
        except Exception as refusal:
            self.note(f"{sandbox.number} {operation} {refusal}")
            raise
        finally:
            self.acting = None
        self.note(f"{sandbox.number} {operation}")
        return answer

    async def _travel(self, sandbox: Sandbox) -> None:
        slow = self.happens(self.faults.slow)
        if slow:
            sandbox.disturbed_at = self.loop.now
        await asyncio.sleep(self.random.uniform(0.5, 8.0) if slow else self.random.uniform(0.001, 0.02))
        await sandbox.gate()

    def _refuse(self, sandbox: Sandbox, operation: str, sent: dict[str, Any]) -> None:
        """Raise an error of DynamoDB or of the network, without any effect."""
        reasons = ["None"] * len(sent.get("TransactItems", ()))
        if self.happens(self.faults.unreachable):
            sandbox.disturbed_at = self.loop.now
            raise ConnectTimeoutError(endpoint_url="dynamodb")
        for chance, code, reason in (
            (self.faults.throttled, "ProvisionedThroughputExceededException", "ThrottlingError"),
            (self.faults.conflict, "TransactionConflictException", "TransactionConflict"),
        ):
            if not self.happens(chance) or (reason == "TransactionConflict" and operation not in WRITES):
                continue
            sandbox.disturbed_at = self.loop.now
            self.note(f"{sandbox.number} {operation} {reason}")
            if reasons and operation == "TransactWriteItems":
                reasons[self.random.randrange(len(reasons))] = reason
                raise failed(operation, "TransactionCanceledException", reasons=reasons)
            raise failed(operation, code)

    # events

    async def _accept(self, sandbox: Sandbox, run_id: str) -> None:
        """Accept an async invoke with 202, or raise the adapter's error for the fault."""
        await self._travel(sandbox)
        if self.happens(self.faults.invoke_refused):
            self.note(f"{sandbox.number} invoke refused")
            raise Transient("Lambda: TooManyRequestsException")
        self.on_invoke(sandbox, run_id)
        self._enqueue(run_id, self._name("event"))
        if self.happens(self.faults.invoke_answer_lost):
            raise Transient("Lambda: ReadTimeoutError")

    def _enqueue(self, run_id: str, request_id: str, tries: int = 0, wait: float = 0.0) -> None:
        deliveries = 2 if self.happens(self.faults.twice) else 1
        together = self.random.random() < 0.5
        late = 0.0
        for delivery in range(deliveries):
            if self.happens(self.faults.dropped):
                self.note(f"event {request_id} dropped")
                continue
            if delivery == 0 or not together:
                late = self.random.uniform(1, 120) if self.happens(self.faults.late) else self.random.uniform(0.01, 0.3)
            self.loop.call_later(wait + late, self._deliver_soon, run_id, request_id, tries)

    def _deliver_soon(self, run_id: str, request_id: str, tries: int) -> None:
        self._start(self._deliver(run_id, request_id, tries))

    async def _deliver(self, run_id: str, request_id: str, tries: int) -> None:
        assert self.process_next
        assert self.dead_letter
        sandbox = self.sandbox("process_next", self.hop_s, request_id)
        if await self.lives(sandbox, self.process_next(sandbox, run_id)):
            return
        if tries + 1 < EVENT_TRIES:
            # Lambda retries after one minute, then after two
            self._enqueue(run_id, request_id, tries + 1, 60.0 * (tries + 1))
            return
        self.note(f"event {request_id} is a dead letter")
        reader = self.sandbox("dead_letter", 60.0)
        await self.lives(reader, self.dead_letter(reader, run_id))

    def _start(self, life: Coroutine[Any, Any, Any]) -> None:
        task = self.loop.create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # sandboxes

    def sandbox(self, function: str, seconds: float, request_id: str | None = None) -> Sandbox:
        self._number += 1
        skew = self.random.randint(-SKEW_MS, SKEW_MS) if self.faults.skewed_clocks else 0
        made = Sandbox(self._number, function, request_id or self._name("request"), skew, self.loop.now + seconds, self)
        made.newer = self.newer()
        made.thawed.set()
        return made

    async def lives(self, sandbox: Sandbox, life: Coroutine[Any, Any, Any]) -> bool:
        """Run an invocation to its end, its death or its time limit.

        Returns True if it ended without an error.
        """
        sandbox.main = self.loop.create_task(life)
        self.living.append(sandbox)
        self.note(f"{sandbox.number} {sandbox.function} begins {sandbox.request_id}")
        # the kill cannot reach a frozen host either: sometimes a zombie outlives its time
        while not sandbox.main.done():
            await asyncio.wait([sandbox.main], timeout=max(0.001, sandbox.ends_at - self.loop.now))
            if not sandbox.main.done() and sandbox.thawed.is_set() and self.loop.now >= sandbox.ends_at:
                self.note(f"{sandbox.number} timed out")
                sandbox.kill()
            elif not sandbox.thawed.is_set():
                await sandbox.thawed.wait()
        self.living.remove(sandbox)
        fault = None if sandbox.main.cancelled() else sandbox.main.exception()
        self.note(f"{sandbox.number} ends {type(fault).__name__ if fault else ''}")
        if fault and not isinstance(fault, (Killed, GroundworkError)):
            self.crashes.append((sandbox, fault))
        return fault is None and not sandbox.dead

    async def http[T](self, call: Callable[..., T], *arguments: Any) -> T:
        """Call a synchronous function behind the HTTP API.

        Raises its refusals, and NoAnswer if the response is lost.
        """
        sandbox = self.sandbox("http", HTTP_TIMEOUT_S)
        answer: T = await self.answered(sandbox, sandbox.io(call, *arguments))
        return answer

    async def answered(self, sandbox: Sandbox, life: Coroutine[Any, Any, Any]) -> Any:
        """Return the response of a synchronous invocation. Raises as `http` does."""
        ended = await self.lives(sandbox, life)
        task = sandbox.main
        assert task
        if ended:
            return task.result()
        fault = None if task.cancelled() else task.exception()
        if isinstance(fault, GroundworkError) and not isinstance(fault, Transient):
            raise fault
        raise NoAnswer

    async def strike(self) -> None:
        """Kills sandboxes wherever they stand, as long as there are faults."""
        while self.faults.killed and self.loop.now < self.faults.until_s:
            await asyncio.sleep(self.random.expovariate(1) * 10)
            for sandbox in list(self.living):
                if self.happens(self.faults.killed / 6):
                    self.note(f"{sandbox.number} struck")
                    sandbox.kill()

    async def schedule(self, sweep: Callable[[Sandbox], Coroutine[Any, Any, Any]]) -> None:
        """EventBridge, once a minute."""
        while True:
            await asyncio.sleep(SWEEP_S)
            if not self.happens(self.faults.sweep_missed):
                sandbox = self.sandbox("retry_runs", 120.0)
                self._start(self.lives(sandbox, sweep(sandbox)))

    def calm(self) -> None:
        """No more faults from now on."""
        self.faults = replace(self.faults, until_s=self.loop.now)

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}"
