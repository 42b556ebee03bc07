"""Model of a task's session in a simulation: actions, duration and cost of each turn."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from groundwork.llm.conversation import Conversation, Turn, TurnEnd
from groundwork.llm.port import Overloaded, RateLimited, Unavailable, Usage
from tests.simulation.cloud import Killed, Sandbox
from tests.simulation.execution.cloud import ExecutionCloud

MODEL = "claude-sonnet-5-5"


@dataclass(frozen=True, slots=True)
class Habit:
    """Behaviour of one task's sessions.

    `failing`: number of failed attempts. `shared`: it writes a file shared with other tasks. `deadly`: number of
    workers it kills.
    """

    turns: int = 1
    seconds: float = 5.0
    failing: int = 0
    shared: bool = False
    deadly: int = 0


@dataclass(frozen=True, slots=True)
class Billed:
    """Billed turn."""

    sandbox: Sandbox
    task_id: str
    usage: Usage
    cost: int


def price(model: str, usage: Usage) -> int:
    return usage.input * 2 + usage.output * 10


@dataclass(slots=True)
class SessionProvider:
    """`on_call` receives sandbox and task at the start of each call."""

    cloud: ExecutionCloud
    random: Random
    habits: dict[str, Habit] = field(default_factory=dict)
    bill: list[Billed] = field(default_factory=list)
    deaths: dict[str, int] = field(default_factory=dict)
    on_call: Callable[[Sandbox, str], None] = lambda sandbox, task_id: None

    def model(self, sandbox: Sandbox, task_id: str) -> "SessionModel":
        return SessionModel(self, sandbox, task_id)


@dataclass(slots=True)
class SessionModel:
    """The port `groundwork.llm.conversation.ConversationModel`, for one sandbox."""

    provider: SessionProvider
    sandbox: Sandbox
    task_id: str
    name: str = "simulated"
    model_id: str = MODEL

    async def turn(self, conversation: Conversation) -> Turn:
        cloud, faults, random = self.provider.cloud, self.provider.cloud.faults, self.provider.random
        await self.sandbox.gate()
        self.provider.on_call(self.sandbox, self.task_id)
        cloud.note(f"{self.sandbox.number} asks for a turn of {self.task_id}")
        if cloud.happens(faults.rate_limited):
            raise RateLimited(retry_after=random.choice([None, 0.5, 20.0, 90.0]))
        if cloud.happens(faults.overloaded):
            raise Overloaded
        await self._think()
        if cloud.happens(faults.unavailable):
            raise Unavailable
        return self._billed(conversation)

    async def close(self) -> None:
        return None

    async def _think(self) -> None:
        provider, cloud = self.provider, self.provider.cloud
        habit = provider.habits.get(self.task_id, Habit())
        seconds = 240.0 if cloud.happens(cloud.faults.hangs) else habit.seconds * provider.random.uniform(0.5, 1.5)
        await asyncio.sleep(seconds)
        await self.sandbox.gate()
        died = provider.deaths.get(self.task_id, 0)
        if died < habit.deadly:
            provider.deaths[self.task_id] = died + 1
            cloud.note(f"{self.sandbox.number} dies of its task")
            self.sandbox.kill()
            raise Killed

    def _billed(self, conversation: Conversation) -> Turn:
        random, habit = self.provider.random, self.provider.habits.get(self.task_id, Habit())
        usage = Usage(input=random.randint(10, 500), output=random.randint(10, 300), calls=1)
        self.provider.bill.append(Billed(self.sandbox, self.task_id, usage, price(MODEL, usage)))
        faults = self.provider.cloud.faults
        if random.random() < faults.truncated:
            return Turn((), TurnEnd.TRUNCATED, usage, MODEL)
        if random.random() < faults.refused:
            return Turn((), TurnEnd.REFUSED, usage, MODEL)
        done = sum(1 for message in conversation.messages if message.role == "assistant")
        offered = any(tool.name == "check" for tool in conversation.tools)
        if done < habit.turns:
            calls = self._write(habit, done)
        else:
            calls = {"name": "check", "input": {}} if offered and done == habit.turns else self._finish(habit)
        return Turn(({"type": "tool_use", "id": f"toolu_{done}", **calls},), TurnEnd.CALLS, usage, MODEL)

    def _write(self, habit: Habit, done: int) -> dict[str, Any]:
        key = self.task_id.rpartition("-")[2]
        path = "src/shared.txt" if habit.shared and done == 0 else f"src/{key}.txt"
        content = f"{key} turn {done} of {len(self.provider.bill)}\n"
        return {"name": "write", "input": {"file_path": path, "content": content}}

    def _finish(self, habit: Habit) -> dict[str, Any]:
        met = self.provider.deaths.get(f"{self.task_id} failed", 0) >= habit.failing
        if not met:
            self.provider.deaths[f"{self.task_id} failed"] = self.provider.deaths.get(f"{self.task_id} failed", 0) + 1
        verdict = {"number": 1, "met": met, "evidence": "src/shared.txt"}
        return {"name": "finish", "input": {"summary": "Done.", "criteria": [verdict]}}
