"""The played provider with a log: arrival, type and bill of each call."""

import time
from dataclasses import dataclass
from typing import Any

from groundwork.llm.port import ModelTask, Usage
from groundwork.llm.prices import cost_micro_usd
from groundwork.runs.model import RunType
from tests.anthropic_server.faults import Call, Script
from tests.anthropic_server.server import AnthropicServer, question_of

RUN_OF_TASK = {
    ModelTask.ANALYZE_CARDS: RunType.ANALYZE_CARDS,
    ModelTask.PROPOSE_EPICS: RunType.GENERATE_EPICS,
    ModelTask.MERGE_EPICS: RunType.GENERATE_EPICS,
    ModelTask.WRITE_STORIES: RunType.GENERATE_STORIES,
    ModelTask.WRITE_SUBTASKS: RunType.GENERATE_SUBTASKS,
}


@dataclass(frozen=True, slots=True)
class Heard:
    """A call: arrival in seconds since the epoch, and the type of run."""

    at: float
    type: RunType
    text: str


class Provider(AnthropicServer):
    """One model for all runs, so every answer has the same prices."""

    def __init__(self, faults: Script, *, latency_s: float = 0.0) -> None:
        super().__init__(faults, latency_s=latency_s)
        self.heard: list[Heard] = []
        self._costs: list[int] = []
        self._model = ""

    def received(self, body: dict[str, Any], authorization: str) -> Call:
        call = super().received(body, authorization)
        self._model = body["model"]
        self.heard.append(Heard(time.time(), RUN_OF_TASK[question_of(body).task], call.text))
        return call

    def bill(self, usage: Usage) -> None:
        super().bill(usage)
        self._costs.append(cost_micro_usd(self._model, usage))

    @property
    def cost(self) -> int:
        """Return the total bill in millionths of a dollar; each call is rounded by itself."""
        return sum(self._costs)
