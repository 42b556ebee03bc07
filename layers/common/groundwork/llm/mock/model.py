"""Mock model: deterministic answers from the material alone, after a delay, without a key.

It serves trials, tests and demonstrations. It matches words, not meaning, and every run with it is marked so.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from groundwork.llm.conversation import Block, Conversation, Turn
from groundwork.llm.mock import agent, backlog, cards, plans, review, reviews
from groundwork.llm.mock.written import WrittenAnswers
from groundwork.llm.port import ModelTask, Question, Reply, Stop, Usage

CHARACTERS_A_TOKEN = 4
"""Characters in a token of English text, as stated by providers."""


class MockModel:
    """Waits `latency_ms` before each answer, with `sleep`.

    Known material gets its `written` answers.
    """

    name = "mock"

    def __init__(
        self,
        model_id: str,
        latency_ms: int = 800,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        written: WrittenAnswers | None = None,
    ) -> None:
        self.model_id, self._latency_s, self._sleep = model_id, latency_ms / 1000, sleep
        self._written = written

    async def reply(self, question: Question) -> Reply:
        await self._sleep(self._latency_s)
        text = json.dumps(answer(question, self._written), ensure_ascii=False)
        return Reply(text, Stop.END, _usage(question, text), self.model_id)

    async def turn(self, conversation: Conversation) -> Turn:
        """Return the next turn of the script. All messages but the last count as cached."""
        await self._sleep(self._latency_s)
        if review.is_review(conversation):
            content, end = review.turn(conversation)
        else:
            content, end = agent.turn(conversation, self._written)
        *earlier, last = (_size(message.content) for message in conversation.messages)
        usage = Usage(
            input=last,
            output=_size(content),
            cache_read=sum(earlier) + len(conversation.instructions) // CHARACTERS_A_TOKEN,
            calls=1,
        )
        return Turn(content, end, usage, self.model_id)

    async def close(self) -> None:
        return None


def answer(question: Question, written: WrittenAnswers | None = None) -> dict[str, Any]:
    """An answer in the shape of `question.answer`, made from its material."""
    known = written.answer(question) if written else None
    # the repair of a rejected answer comes from the rules: the same words would be rejected again
    return known if known and not question.repair else _WRITERS[question.task](question.material)


_WRITERS: dict[ModelTask, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    ModelTask.ANALYZE_CARDS: lambda material: {"cards": [cards.analysis(card) for card in material["cards"]]},
    ModelTask.PROPOSE_EPICS: lambda material: {"epics": backlog.proposals(material)},
    ModelTask.MERGE_EPICS: lambda material: {"epics": backlog.merged(material)},
    ModelTask.WRITE_STORIES: lambda material: {"stories": backlog.stories(material)},
    ModelTask.WRITE_SUBTASKS: lambda material: {"subtasks": backlog.subtasks(material)},
    ModelTask.WRITE_PLAN: plans.plan,
    ModelTask.REFINE_TASKS: lambda material: {"refinements": reviews.refinements(material)},
    ModelTask.ADD_TASKS: lambda material: {"additions": reviews.additions(material)},
    ModelTask.ORDER_TASKS: reviews.ordering,
    ModelTask.SPLIT_TASKS: lambda material: {"splits": reviews.splits(material)},
}


def _size(content: Sequence[Block]) -> int:
    return len(json.dumps(content, ensure_ascii=False)) // CHARACTERS_A_TOKEN + 1


def _usage(question: Question, text: str) -> Usage:
    """Count the fixed part as cached, so that a call costs the same whenever it is made."""
    asked = len(json.dumps(question.material, ensure_ascii=False))
    return Usage(
        input=asked // CHARACTERS_A_TOKEN + 1,
        output=len(text) // CHARACTERS_A_TOKEN + 1,
        cache_read=len(question.instructions) // CHARACTERS_A_TOKEN,
        calls=1,
    )
