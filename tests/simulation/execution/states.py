"""Model of Step Functions standard workflows: interprets statemachines/plan.asl.json.

Assumptions about AWS: a state is entered once, but the function of a Task may be invoked twice. A task token is new
with each try of its state, and is answered once. Functions invoked by a stopped execution continue. If an iteration
of a Map fails, the others end. Child executions have their own histories. Unused states, fields and rules are refused.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.simulation.execution.paths import Json, at, chosen, filled, put, size

ROOT = Path(__file__).resolve().parents[3]
DEFINITION: Json = json.loads((ROOT / "statemachines" / "plan.asl.json").read_text())

INLINE_WIDTH = 40
MAX_EVENTS = 25_000
MAX_BYTES = 262_144


class StatesError(Exception):
    """Failure of a state: an error name and its cause."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class TokenGone(Exception):
    """No task waits with this token any more."""


@dataclass(slots=True)
class Execution:
    """`events` counts the history; `largest` is the size of the largest state, in bytes."""

    name: str
    input: Json
    status: str = "RUNNING"
    cause: str = ""
    events: int = 1
    largest: int = 0
    child: bool = False
    stopped_as: str = "ABORTED"
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class StateMachine:
    """`invoke` is the function of the tasks.

    `on_end` receives ended executions without children.
    """

    invoke: Callable[[Json], Awaitable[Json]]
    on_end: Callable[[Execution], None]
    random: Random
    note: Callable[[str], None] = lambda what: None
    definition: Json = field(default_factory=lambda: DEFINITION)
    executions: dict[str, Execution] = field(default_factory=dict)
    children: list[Execution] = field(default_factory=list)
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    _tokens: int = 0

    # API

    def start(self, name: str, input_: Json) -> bool:
        """Returns False if the name was used, unless by the same execution and it still runs."""
        if known := self.executions.get(name):
            return known.status == "RUNNING" and known.input == input_
        execution = self.executions[name] = Execution(name, input_)
        self.note(f"execution {name} begins")
        execution.task = asyncio.get_running_loop().create_task(self._executed(execution))
        return True

    def stop(self, name: str, status: str = "ABORTED") -> None:
        """Stop or time out an execution."""
        execution = self.executions[name]
        if execution.status == "RUNNING" and execution.task:
            execution.stopped_as = status
            execution.task.cancel()

    def answer(self, token: str, output: Json | None, error: StatesError | None = None) -> None:
        """Raises TokenGone."""
        future = self.waiting.get(token)
        if future is None or future.done():
            raise TokenGone
        self.answered[token] = "" if error is None else error.error
        if error:
            future.set_exception(error)
        else:
            future.set_result(output)

    # one execution

    async def _executed(self, execution: Execution) -> None:
        try:
            await self._run(self.definition, execution.input, {"Execution": {"Name": execution.name}}, execution)
            execution.status = "SUCCEEDED"
        except StatesError as error:
            execution.status, execution.cause = "FAILED", str(error)
        except asyncio.CancelledError:
            execution.status = execution.stopped_as
        execution.events += 1
        self.note(f"execution {execution.name} ends {execution.status} {execution.cause}")
        self.on_end(execution)

    async def _run(self, block: Json, data: Json, context: Json, execution: Execution) -> Json:
        name: str | None = block["StartAt"]
        while name:
            state = block["States"][name]
            execution.events += 2
            entered = {"Name": name, "EnteredTime": f"{asyncio.get_running_loop().time():012.3f}", "RetryCount": 0}
            data, name = await self._state(state, data, {**context, "State": entered}, execution)
            execution.largest = max(execution.largest, size(data))
        return data

    async def _state(self, state: Json, data: Json, context: Json, execution: Execution) -> tuple[Json, str | None]:
        """Run a state; return its output and the next state."""
        next_ = state.get("Next")
        match state["Type"]:
            case "Pass":
                return put(state.get("ResultPath", "$"), data, state.get("Result", data)), next_
            case "Choice":
                found = (rule["Next"] for rule in state["Choices"] if chosen(rule, data))
                return data, next(found, state["Default"])
            case "Wait":
                await asyncio.sleep(at(state["SecondsPath"], data, context))
                return data, next_
            case "Succeed":
                return data, None
            case "Fail":
                raise StatesError(state["Error"], state["Cause"])
            case "Task" | "Map":
                return await self._with_catch(state, data, context, execution)
        raise NotImplementedError(state["Type"])

    async def _with_catch(
        self, state: Json, data: Json, context: Json, execution: Execution
    ) -> tuple[Json, str | None]:
        try:
            result = await self._with_retries(state, data, context, execution)
        except StatesError as error:
            catcher = next((one for one in state.get("Catch", ()) if _names(one, error)), None)
            if catcher is None:
                raise
            said = {"Error": error.error, "Cause": error.cause}
            return put(catcher.get("ResultPath", "$"), data, said), catcher["Next"]
        if "ResultSelector" in state:
            result = filled(state["ResultSelector"], result, context)
        return put(state.get("ResultPath", "$"), data, result), state.get("Next")

    async def _with_retries(self, state: Json, data: Json, context: Json, execution: Execution) -> Json:
        """Each retrier counts its own tries."""
        act = self._task if state["Type"] == "Task" else self._map
        tries: dict[int, int] = {}
        while True:
            tried = {**context["State"], "RetryCount": sum(tries.values())}
            try:
                return await act(state, data, {**context, "State": tried}, execution)
            except StatesError as error:
                retriers = enumerate(state.get("Retry", ()))
                number, retrier = next((one for one in retriers if _names(one[1], error)), (0, {"MaxAttempts": 0}))
                done = tries.get(number, 0)
                if done >= retrier["MaxAttempts"]:
                    raise
                tries[number] = done + 1
                await asyncio.sleep(self._delay(retrier, done))

    def _delay(self, retrier: Mapping[str, Any], done: int) -> float:
        delay = min(retrier["MaxDelaySeconds"], retrier["IntervalSeconds"] * retrier["BackoffRate"] ** done)
        return self.random.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay

    # tasks

    async def _task(self, state: Json, data: Json, context: Json, execution: Execution) -> Json:
        execution.events += 3
        waits = state["Resource"].endswith(".waitForTaskToken")
        if not waits and not state["Resource"].endswith("lambda:invoke"):
            raise NotImplementedError(state["Resource"])
        act = self._answered if waits else self._invoked
        try:
            async with asyncio.timeout(state.get("TimeoutSeconds")):
                return await act(state, data, context)
        except TimeoutError:
            raise StatesError("States.Timeout") from None

    async def _invoked(self, state: Json, data: Json, context: Json) -> Json:
        return {"Payload": await self.invoke(filled(state["Parameters"], data, context)["Payload"])}

    async def _answered(self, state: Json, data: Json, context: Json) -> Json:
        """The token may be answered before the function returns; a failed function voids its token."""
        self._tokens += 1
        token = f"token-{self._tokens:06d}"
        answer = self.waiting[token] = asyncio.get_running_loop().create_future()
        payload = filled(state["Parameters"], data, {**context, "Task": {"Token": token}})["Payload"]
        asked = asyncio.ensure_future(self.invoke(payload))
        try:
            await asyncio.wait([asked, answer], return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                asked.result()
            return await answer
        finally:
            del self.waiting[token]
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    # maps

    async def _map(self, state: Json, data: Json, context: Json, execution: Execution) -> Json:
        items = at(state["ItemsPath"], data, context)
        processor = state["ItemProcessor"]
        apart = processor["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
        width = at(state["MaxConcurrencyPath"], data, context) if "MaxConcurrencyPath" in state else None
        width = state["MaxConcurrency"] if width is None else width
        places = asyncio.Semaphore(width if apart else min(width, INLINE_WIDTH))
        failed: list[StatesError] = []

        async def one(item: Json) -> Json:
            async with places:
                if failed:
                    return None  # an iteration waiting for a failed one's place does not start
                inside = {**context, "Map": {"Item": {"Value": item}}}
                given = filled(state["ItemSelector"], data, inside)
                execution.events += 0 if apart else 2
                history = self._child(execution, given) if apart else execution
                try:
                    return await self._run(processor, given, inside, history)
                except StatesError as error:
                    failed.append(error)
                    raise

        iterations = [asyncio.ensure_future(one(item)) for item in items]
        try:
            return await asyncio.gather(*iterations)
        finally:
            for iteration in iterations:
                iteration.cancel()
            await asyncio.gather(*iterations, return_exceptions=True)

    def _child(self, execution: Execution, given: Json) -> Execution:
        self.children.append(Execution(f"{execution.name}/{len(self.children)}", given, child=True))
        return self.children[-1]


def _names(rule: Json, error: StatesError) -> bool:
    return error.error in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]
