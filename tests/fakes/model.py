"""A model with a correct and immediate answer to every task, unless a fault is scripted."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from groundwork.llm.mock import model
from groundwork.llm.port import ModelTask, Question, Reply, Stop, Usage

type Fault = Callable[[int, Question], Reply | Exception | None]

USAGE = Usage(input=100, output=50, calls=1)


def answer(question: Question) -> dict[str, Any]:
    material: Mapping[str, Any] = question.material
    match question.task:
        case ModelTask.ANALYZE_CARDS:
            return {"cards": [_analysis(card) for card in material["cards"]]}
        case ModelTask.PROPOSE_EPICS:
            refs = [card["ref"] for theme in material["themes"] for card in theme["cards"]]
            count = material["epics_wanted"]["fewest"]
            return {"epics": [_epic(f"Epic {refs[0]}-{n}", cards=refs[n::count]) for n in range(count)]}
        case ModelTask.MERGE_EPICS:
            refs = [draft["ref"] for draft in material["drafts"]]
            count = material["epics_wanted"]["fewest"]
            return {"epics": [_epic(f"Merged {n}", drafts=refs[n::count]) for n in range(count)]}
        case ModelTask.WRITE_STORIES:
            return {"stories": [_story(n, material) for n in range(material["stories_wanted"]["fewest"])]}
        case ModelTask.WRITE_SUBTASKS:
            count = material["subtasks_wanted"]["fewest"]
            return {"subtasks": [{"title": f"Step {n}", "description": "Do it.", "effort": "S"} for n in range(count)]}
        case _:
            return model.answer(question)


def _analysis(card: Mapping[str, Any]) -> dict[str, Any]:
    kinds = ("bug", "feature", "praise")
    number = int(card["ref"])
    return {
        "ref": card["ref"],
        "summary": f"About {card['text'][:40]}",
        "theme": f"Theme {number % 4}",
        "kind": kinds[number % 3],
        "severity": "high",
        "sentiment": "neutral",
        "keywords": ["word"],
    }


def _epic(title: str, **refs: list[str]) -> dict[str, Any]:
    return {"title": title, "description": "What it is.", "goal": "Why.", "priority": "high", **refs}


def _story(number: int, material: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": f"Story {number}",
        "role": "user",
        "want": "to do it",
        "benefit": "it is done",
        "acceptance_criteria": ["Given a, when b, then c."],
        "priority": "medium",
        "effort": "M",
        "cards": [card["ref"] for card in material["cards"][:2]],
    }


class ScriptedModel:
    """A fake model; `fault(call, question)` may return or raise for a call, counted from 1."""

    name = "scripted"
    model_id = "claude-sonnet-5-5"

    def __init__(self, fault: Fault = lambda call, question: None, seconds: float = 0.0) -> None:
        self._fault, self._seconds = fault, seconds
        self.calls = 0
        self.billed = Usage()
        self.at_once = 0
        self._now = 0

    async def reply(self, question: Question) -> Reply:
        self.calls += 1
        call = self.calls
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        try:
            await asyncio.sleep(self._seconds)
            given = self._fault(call, question)
        finally:
            self._now -= 1
        if isinstance(given, Exception):
            raise given
        reply = given or Reply(json.dumps(answer(question)), Stop.END, USAGE, self.model_id)
        self.billed += reply.usage
        return reply

    async def close(self) -> None:
        return None


def text(body: str, stop: Stop = Stop.END) -> Reply:
    return Reply(body, stop, USAGE, ScriptedModel.model_id)
