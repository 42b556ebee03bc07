"""Model of a language model: proper replies, faulty ones, and a bill.

The simulation's faults decide how bad the replies are.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from groundwork.llm.port import ModelTask, Overloaded, Question, RateLimited, Reply, Stop, Unavailable, Usage
from groundwork.runs.model import Run
from tests.fakes.model import answer
from tests.simulation.cloud import Cloud, Killed, Sandbox

_NAMES = re.compile(r"\b(?:Card|Epic|Story) \d+(?:-\d+)?\b")
MODEL = "claude-sonnet-5-5"


def price(model: str, usage: Usage) -> int:
    return usage.input * 2 + usage.output * 10


@dataclass(frozen=True, slots=True)
class Billed:
    """Reply received by a live sandbox."""

    sandbox: Sandbox
    run_id: str
    usage: Usage
    cost: int


@dataclass(slots=True)
class Provider:
    """Service of the language model.

    `poisons`: items with calls deadly to the calling process. `hopeless`: items without any reply. `down` (s): period
    of an outage for everybody.
    """

    cloud: Cloud
    seconds: float
    poisons: frozenset[str] = frozenset()
    hopeless: frozenset[str] = frozenset()
    down: tuple[float, float] = (0.0, 0.0)
    bill: list[Billed] = field(default_factory=list)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    started: Counter[str] = field(default_factory=Counter)
    on_call: Callable[[Sandbox, str], None] = lambda sandbox, run_id: None

    def model(self, sandbox: Sandbox, run: Run) -> "SimulatedModel":
        return SimulatedModel(self, sandbox, run.id)

    def is_down(self) -> bool:
        return self.down[0] <= self.cloud.loop.now < self.down[1]


def items_of(task: ModelTask, material: str) -> list[str]:
    """Return the names of the run's items in a question; a story is named with its epic."""
    names = sorted(set(_NAMES.findall(material)))
    match task:
        case ModelTask.ANALYZE_CARDS:
            return [name for name in names if name.startswith("Card")]
        case ModelTask.WRITE_STORIES:
            return [name for name in names if name.startswith("Epic")]
        case ModelTask.WRITE_SUBTASKS:
            return [" ".join(name for name in names if not name.startswith("Card"))]
        case _:
            return []


@dataclass(slots=True)
class SimulatedModel:
    """The port `groundwork.llm.port.Model`, for one sandbox."""

    provider: Provider
    sandbox: Sandbox
    run_id: str
    name: str = "simulated"
    model_id: str = MODEL

    async def reply(self, question: Question) -> Reply:
        cloud, faults, random = self.provider.cloud, self.provider.cloud.faults, self.provider.cloud.random
        # the draw is made now, the call later: a sandbox frozen at this point sends its call when it wakes
        self.provider.on_call(self.sandbox, self.run_id)
        self.provider.started[self.run_id] += 1
        await self.sandbox.gate()
        if self.provider.is_down() or cloud.happens(faults.rate_limited):
            self.sandbox.disturbed_at = cloud.loop.now
            raise RateLimited(retry_after=random.choice([None, 0.5, 5.0, 30.0]))
        if cloud.happens(faults.overloaded):
            raise Overloaded(retry_after=random.choice([None, 2.0]))
        material = json.dumps(question.material, default=str)
        about = items_of(question.task, material)
        self.provider.calls.update((self.run_id, name) for name in about)
        cloud.note(f"{self.sandbox.number} asks about {len(material)} characters")
        await self._think(any(name in self.provider.poisons for name in about))
        if cloud.happens(faults.unavailable) or any(name in self.provider.hopeless for name in about):
            raise Unavailable
        return self._billed(question)

    async def _think(self, poisoned: bool) -> None:
        cloud, random = self.provider.cloud, self.provider.cloud.random
        seconds = self.provider.seconds * random.uniform(0.3, 2.0)
        if cloud.happens(cloud.faults.hangs):
            seconds = 3_600.0
            self.sandbox.disturbed_at = cloud.loop.now
        await asyncio.sleep(seconds)
        await self.sandbox.gate()
        if poisoned:
            cloud.note(f"{self.sandbox.number} dies of its item")
            self.sandbox.kill()
            raise Killed

    def _billed(self, question: Question) -> Reply:
        faults, random = self.provider.cloud.faults, self.provider.cloud.random
        usage = Usage(input=random.randint(10, 500), output=random.randint(10, 300), calls=1)
        text, stop = json.dumps(answer(question)), Stop.END
        if random.random() < faults.truncated:
            text, stop = text[: len(text) // 2], Stop.TRUNCATED
        elif random.random() < faults.refused:
            text, stop = "", Stop.REFUSED
        elif random.random() < faults.malformed:
            text = text[: random.randrange(len(text))]
        self.provider.bill.append(Billed(self.sandbox, self.run_id, usage, price(MODEL, usage)))
        return Reply(text, stop, usage, MODEL)

    async def close(self) -> None:
        return None
