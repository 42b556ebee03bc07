"""Answers written in advance for known material, such as the cards of a demonstration.

Material is found by content: a card by its text or the summary of its analysis, an epic or a story by its title. So the
split into calls, their order and retries change nothing. Whatever is not known gets the rules' answers.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from groundwork.llm.mock import backlog, cards
from groundwork.llm.port import ModelTask, Question
from groundwork.text import one_line

type Json = dict[str, Any]
type Material = Mapping[str, Any]
type Refs = dict[str, list[str]]

_EPIC = ("title", "description", "goal", "priority")
_STORY = ("title", "role", "want", "benefit", "acceptance_criteria", "priority", "effort")
_PHASE = ("title", "description", "mode")
_TASK = ("key", "title", "description", "acceptance_criteria", "effort", "files", "depends_on")


@dataclass(frozen=True, slots=True)
class WrittenChange:
    """The edits of one task, and the words of its commit.

    `evidence` is by the text of the acceptance criterion.
    """

    edits: Sequence[Json]
    subject: str
    summary: str
    evidence: Mapping[str, str]

    @property
    def paths(self) -> list[str]:
        return list(dict.fromkeys(str(edit["path"]) for edit in self.edits))


class WrittenAnswers:
    """Answers by content. The document is made by `local/demo/answers.py`."""

    def __init__(self, document: Json) -> None:
        known = document["cards"]
        self._analyses: dict[str, Json] = {one_line(card["text"]): card["analysis"] for card in known}
        self._card_ids: dict[str, str] = {card["analysis"]["summary"]: card["id"] for card in known}
        self._epics: dict[str, Json] = {epic["title"]: epic for epic in document["epics"]}
        self._stories: dict[str, Json] = {
            story["title"]: story for epic in document["epics"] for story in epic["stories"]
        }
        self._plans: dict[str, Json] = {plan["story"]: plan for plan in document["plans"]}
        self._tasks: dict[str, Json] = {
            task["title"]: task for plan in document["plans"] for phase in plan["phases"] for task in phase["tasks"]
        }

    def answer(self, question: Question) -> Json | None:
        """Return the answer; None if the material is not known."""
        match question.task:
            case ModelTask.ANALYZE_CARDS:
                return {"cards": [self._analysis(card) for card in question.material["cards"]]}
            case ModelTask.PROPOSE_EPICS:
                return self._proposals(question.material)
            case ModelTask.WRITE_STORIES:
                return self._stories_of(question.material)
            case ModelTask.WRITE_SUBTASKS:
                return self._subtasks_of(question.material)
            case ModelTask.WRITE_PLAN:
                return self._plan(question.material)
            case _:
                return None

    def change(self, task: Material) -> WrittenChange | None:
        """Return the change of a plan's task; None if it is not known."""
        written = self._tasks.get(str(task["title"]))
        if written is None or written["key"] != task["key"]:
            return None
        evidence = dict(zip(written["acceptance_criteria"], written["evidence"], strict=True))
        return WrittenChange(written["changes"], written["subject"], written["summary"], evidence)

    def _analysis(self, card: Material) -> Json:
        known = self._analyses.get(one_line(str(card["text"])))
        return {"ref": card["ref"], **known} if known else cards.analysis(card)

    def _proposals(self, material: Material) -> Json | None:
        """Known cards get their epics; the rules propose epics for the other ones."""
        wanted = material["epics_wanted"]
        refs = self._refs(card for theme in material["themes"] for card in theme["cards"])
        taken = {str(title).casefold() for title in material["existing_epics"]}
        epics = [_epic(epic, refs) for title, epic in self._epics.items() if title.casefold() not in taken]
        epics = [epic for epic in epics if epic["cards"]]
        if (others := self._unknown(material["themes"])) and len(epics) < wanted["most"]:
            bounds = {"fewest": 1, "most": wanted["most"] - len(epics)}
            titles = [*material["existing_epics"], *(epic["title"] for epic in epics)]
            rest = {"epics_wanted": bounds, "existing_epics": titles, "themes": others}
            epics += backlog.proposals(rest)
        return {"epics": epics} if wanted["fewest"] <= len(epics) <= wanted["most"] else None

    def _unknown(self, themes: Iterable[Material]) -> list[Json]:
        """Return the themes with their unknown cards, apart from praise."""
        found = []
        for theme in themes:
            rest = [card for card in theme["cards"] if card["summary"] not in self._card_ids]
            if rest := [card for card in rest if card["kind"] not in ("praise", "other")]:
                found.append({"theme": theme["theme"], "cards": rest})
        return found

    def _stories_of(self, material: Material) -> Json | None:
        epic, refs = self._epics.get(str(material["epic"]["title"])), self._refs(material["cards"])
        if epic is None or not _fits(epic["stories"], material["stories_wanted"]):
            return None
        stories = [_picked(story, _STORY) | {"cards": _shared(story, refs)} for story in epic["stories"]]
        # a story without a card is an invention
        return {"stories": stories} if all(story["cards"] for story in stories) else None

    def _subtasks_of(self, material: Material) -> Json | None:
        story = self._stories.get(str(material["story"]["title"]))
        if story is None or not _fits(story["subtasks"], material["subtasks_wanted"]):
            return None
        return {"subtasks": story["subtasks"]}

    def _plan(self, material: Material) -> Json | None:
        """Return the plan of a single story with its written subtasks.

        Another repository than that of the plan gets the rules.
        """
        stories, layout = list(material.get("stories") or ()), list(material["repository"]["layout"])
        plan = self._plans.get(str(stories[0]["title"])) if len(stories) == 1 else None
        if plan is None or material.get("template"):
            return None
        refs = {str(subtask["title"]): str(subtask["ref"]) for subtask in stories[0]["subtasks"]}
        tasks = [task for phase in plan["phases"] for task in phase["tasks"]]
        named = {task["subtask"] for task in tasks if task["subtask"]}
        if named != refs.keys() or not _edited(tasks) <= set(layout) or not _fits(tasks, material["tasks_wanted"]):
            return None
        return {"phases": [_phase(phase, refs) for phase in plan["phases"]]}

    def _refs(self, shown: Iterable[Material]) -> Refs:
        """Return refs by the id of the known card: a project may hold a text twice."""
        refs: Refs = {}
        for card in shown:
            if id_ := self._card_ids.get(str(card.get("summary"))):
                refs.setdefault(id_, []).append(str(card["ref"]))
        return refs


@lru_cache(maxsize=1)
def unpack(text: str) -> WrittenAnswers | None:
    """Return the answers of a setting: JSON, zlib and base64. None for an empty one.

    Raises ValueError.
    """
    if not text:
        return None
    try:
        return WrittenAnswers(json.loads(zlib.decompress(base64.b64decode(text, validate=True))))
    except (zlib.error, ValueError, KeyError, TypeError) as fault:
        raise ValueError("does not hold packed answers") from fault


def _epic(epic: Json, refs: Refs) -> Json:
    return _picked(epic, _EPIC) | {"cards": _shared(epic, refs)}


def _shared(item: Json, refs: Refs) -> list[str]:
    """Return the refs of the item's cards in the material."""
    return [ref for id_ in item["cards"] for ref in refs.get(id_, ())]


def _fits(written: Sequence[Any], wanted: Mapping[str, int]) -> bool:
    return wanted["fewest"] <= len(written) <= wanted["most"]


def _edited(tasks: Iterable[Json]) -> set[str]:
    """Return the edited files that no task of the plan creates."""
    edits = [edit for task in tasks for edit in task["changes"]]
    return {edit["path"] for edit in edits if edit["find"]} - {edit["path"] for edit in edits if not edit["find"]}


def _phase(phase: Json, refs: Mapping[str, str]) -> Json:
    tasks = [_picked(task, _TASK) | {"ref": refs.get(task["subtask"], "")} for task in phase["tasks"]]
    return _picked(phase, _PHASE) | {"pause_after": False, "tasks": tasks}


def _picked(item: Json, names: Sequence[str]) -> Json:
    return {name: item[name] for name in names}
