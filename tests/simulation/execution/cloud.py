"""Model of the services around executions: each of their requests.

Lambda, Step Functions, EventBridge and git servers. Requests of boto3 and git go through `ask`, as those of pynamodb
do. At each request a sandbox may be delayed or lost, before or after its effect, and the response may be lost.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ReadTimeoutError

from groundwork.agent.repository import RepositoryUnreachable
from groundwork.errors import GroundworkError, Transient
from tests.simulation.cloud import EVENT_TRIES, Cloud, Killed, Sandbox, ask
from tests.simulation.dynamodb import failed
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.paths import Json
from tests.simulation.execution.states import Execution, StateMachine, StatesError, TokenGone
from tests.simulation.execution.timers import Timers

CURRENT: ContextVar[Sandbox] = ContextVar("CURRENT")
"""Sandbox of the running code."""

SWEEP_S = 300.0
LAMBDA_ERRORS = ("Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.AWSLambdaException")


@dataclass(slots=True)
class ExecutionCloud(Cloud):
    """`executor` is the function plan_executor; its events are tried three times each."""

    faults: ExecutionFaults
    executor: Callable[[Sandbox, Json], Coroutine[Any, Any, Json]] | None = None
    states: StateMachine = field(init=False)
    timers: Timers = field(init=False)
    lost_events: list[Json] = field(default_factory=list)
    freezing: tuple[str, ...] = ("plan_executor",)

    def __post_init__(self) -> None:
        self.states = StateMachine(self.invoke, self._ended, self.random, self.note)
        self.timers = Timers(self.tell, self.true_ms)

    # requests other than to DynamoDB

    async def carry_out(self, sandbox: Sandbox, what: str, sent: Any) -> Any:
        if what not in ("states", "lambda", "git", "scheduler", "checks"):
            return await Cloud.carry_out(self, sandbox, what, sent)
        await self._disturb(sandbox, self.faults.killed_before)
        await self._travel(sandbox)
        if what == "checks" and sent[0] == "advance":
            # as long as a worker watches a command
            await asyncio.sleep(self.random.choice([0.1, 5.0, 20.0]))
        answer = self._answered(sandbox, what, sent)
        await self._disturb(sandbox, self.faults.killed_after)
        await self._travel(sandbox)
        if what == "git" and self.happens(self.faults.push_answer_lost):
            self.note(f"{sandbox.number} git answer lost")
            raise RepositoryUnreachable("The connection broke.")
        if what == "checks" and self.happens(self.faults.answer_lost):
            self.note(f"{sandbox.number} checks answer lost")
            raise Transient("The connection broke.")
        if what not in ("git", "checks") and self.happens(self.faults.answer_lost):
            self.note(f"{sandbox.number} {what} answer lost")
            raise ReadTimeoutError(endpoint_url=what)
        return answer

    def _answered(self, sandbox: Sandbox, what: str, sent: Any) -> Any:
        if what == "checks":
            self.note(f"{sandbox.number} checks {sent[0]}")
            return sent[1]()
        return self._git(sandbox, sent) if what == "git" else self._aws(sandbox, what, sent)

    def _git(self, sandbox: Sandbox, sent: tuple[str, Callable[[], Any]]) -> Any:
        what, effect = sent
        if self.happens(self.faults.unreachable_git):
            self.note(f"{sandbox.number} git {what} unreachable")
            raise RepositoryUnreachable("The server could not be reached.")
        self.note(f"{sandbox.number} git {what}")
        self.acting = sandbox
        try:
            return effect()
        finally:
            self.acting = None

    def _aws(self, sandbox: Sandbox, what: str, sent: tuple[str, dict[str, Any]]) -> Any:
        method, arguments = sent
        if self.happens(self.faults.refused_by_aws):
            self.note(f"{sandbox.number} {method} refused")
            raise failed(method, "ThrottlingException")
        if what == "lambda":
            self.note(f"{sandbox.number} event {arguments['do']}")
            return self.tell(arguments)
        # botocore repeats a request without a response
        times = 2 if self.happens(self.faults.sent_twice) else 1
        for _ in range(times):
            if what == "scheduler":
                self.note(f"{sandbox.number} {method} {arguments['Name']} {arguments.get('ScheduleExpression', '')}")
                self.timers.asked(method, arguments)
            else:
                self._of_states(sandbox, method, arguments)
        return None

    def _of_states(self, sandbox: Sandbox, method: str, arguments: dict[str, Any]) -> None:
        self.note(f"{sandbox.number} {method} {arguments.get('name') or arguments['taskToken']}")
        if method == "start_execution":
            if not self.states.start(arguments["name"], json.loads(arguments["input"])):
                raise failed(method, "ExecutionAlreadyExists")
            return
        error = StatesError(arguments["error"], arguments["cause"]) if method == "send_task_failure" else None
        try:
            self.states.answer(arguments["taskToken"], json.loads(arguments.get("output", "null")), error)
        except TokenGone:
            raise failed(method, "TaskTimedOut") from None

    # the function, invoked by Step Functions

    async def invoke(self, payload: Json) -> Json:
        """Invoke synchronously; the caller may be gone before the end. Raises StatesError."""
        if self.happens(self.faults.not_invoked):
            raise StatesError(self.random.choice(LAMBDA_ERRORS))
        if self.happens(self.faults.invoked_twice):
            self.loop.call_later(self.random.uniform(0, 90), lambda: self._start(self._in_vain(payload)))
        task = self.loop.create_task(self._invoked(payload))
        self._tasks.add(task)
        task.add_done_callback(self._forgotten)
        answer = await asyncio.shield(task)
        if self.happens(self.faults.result_lost):
            raise StatesError("Lambda.SdkClientException")
        return answer

    def _forgotten(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        # the caller may be gone before the result
        if not task.cancelled():
            task.exception()

    async def _in_vain(self, payload: Json) -> None:
        try:
            await self._invoked(payload)
        except StatesError:
            return

    async def _invoked(self, payload: Json) -> Json:
        assert self.executor
        sandbox = self.sandbox("plan_executor", self.hop_s)
        ended = await self.lives(sandbox, self.executor(sandbox, payload))
        task = sandbox.main
        assert task
        if ended:
            return task.result()
        fault = None if task.cancelled() else task.exception()
        if isinstance(fault, GroundworkError):
            raise StatesError(type(fault).__name__, str(fault))
        raise StatesError("Sandbox.Timedout" if sandbox.ends_at <= self.loop.now else "Lambda.Unknown")

    # events

    def tell(self, event: Json, tries: int = 0, wait: float = 0.0) -> None:
        """Send an asynchronous event to the function: at least once, sometimes late."""
        for _ in range(2 if self.happens(self.faults.told_twice) else 1):
            late = (
                self.random.uniform(1, 600) if self.happens(self.faults.told_late) else self.random.uniform(0.01, 0.5)
            )
            self.loop.call_later(wait + late, self._tell_soon, event, tries)

    def _tell_soon(self, event: Json, tries: int) -> None:
        self._start(self._told(event, tries))

    async def _told(self, event: Json, tries: int) -> None:
        assert self.executor
        sandbox = self.sandbox("plan_executor", self.hop_s)
        if await self.lives(sandbox, self.executor(sandbox, event)):
            return
        if tries + 1 < EVENT_TRIES:
            # Lambda retries after one minute, then after two
            self.tell(event, tries + 1, 60.0 * (tries + 1))
            return
        self.note(f"event lost {event}")
        self.lost_events.append(event)

    def _ended(self, execution: Execution) -> None:
        detail = {"name": execution.name, "status": execution.status, "cause": execution.cause}
        self.tell({"source": "aws.states", "detail": detail})

    async def stop_executions(self) -> None:
        """Stop executions, or time them out, in any state."""
        while self.faults.stopped and self.loop.now < self.faults.until_s:
            await asyncio.sleep(self.random.expovariate(1) * 10)
            for execution in list(self.states.executions.values()):
                if execution.status == "RUNNING" and self.happens(self.faults.stopped / 6):
                    self.note(f"execution {execution.name} is stopped")
                    self.states.stop(execution.name, self.random.choice(["ABORTED", "TIMED_OUT"]))

    async def sweep(self) -> None:
        """EventBridge's schedule, every five minutes; it does not retry."""
        assert self.executor
        while True:
            await asyncio.sleep(SWEEP_S)
            if not self.happens(self.faults.sweep_missed):
                sandbox = self.sandbox("plan_executor", self.hop_s)
                self._start(self.lives(sandbox, self.executor(sandbox, {"do": "SWEEP"})))


class StatesClient:
    """Stands in for boto3's client in groundwork.adapters.aws.step_functions."""

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **arguments: ask("states", (method, arguments))


class LambdaClient:
    """Stands in for boto3's client in groundwork.adapters.aws.clients."""

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, int]:  # noqa: N803 - boto3's
        ask("lambda", ("invoke", json.loads(Payload)))
        return {"StatusCode": 202}


__all__ = ["CURRENT", "ExecutionCloud", "Killed", "LambdaClient", "StatesClient"]
