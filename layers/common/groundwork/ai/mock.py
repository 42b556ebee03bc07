"""A model that needs no key: it answers from the material alone, always the same to the same, after a delay.

It stands in where there is no model: to try the system, to test it, to show it. It reads words, not meaning, and every
run that uses it says so.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from groundwork.ai import mock_reading, mock_writing
from groundwork.ai.port import Question, Reply, Stop, Task, Usage

CHARACTERS_A_TOKEN = 4
"""As providers say of English."""


class MockModel:
    """`latency_ms` is slept before each answer, by `sleep`."""

    name = "mock"

    def __init__(
        self, model_id: str, latency_ms: int = 800, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.model_id, self._latency_s, self._sleep = model_id, latency_ms / 1000, sleep

    async def reply(self, question: Question) -> Reply:
        await self._sleep(self._latency_s)
        text = json.dumps(answer(question), ensure_ascii=False)
        return Reply(text, Stop.END, _usage(question, text), self.model_id)

    async def close(self) -> None:
        return None


def answer(question: Question) -> dict[str, Any]:
    """An answer in the shape of `question.answer`, made from its material."""
    material = question.material
    match question.task:
        case Task.ANALYZE_CARDS:
            return {"cards": [mock_reading.analysis(card) for card in material["cards"]]}
        case Task.PROPOSE_EPICS:
            return {"epics": mock_writing.proposals(material)}
        case Task.MERGE_EPICS:
            return {"epics": mock_writing.merged(material)}
        case Task.WRITE_STORIES:
            return {"stories": mock_writing.stories(material)}
        case Task.WRITE_SUBTASKS:
            return {"subtasks": mock_writing.subtasks(material)}


def _usage(question: Question, text: str) -> Usage:
    """As if the fixed part had been cached before: a call costs the same whenever it is made."""
    asked = len(json.dumps(question.material, ensure_ascii=False))
    return Usage(
        input=asked // CHARACTERS_A_TOKEN + 1,
        output=len(text) // CHARACTERS_A_TOKEN + 1,
        cache_read=len(question.instructions) // CHARACTERS_A_TOKEN,
        calls=1,
    )
