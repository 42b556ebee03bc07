"""Scripted models of seeded repairs, and a liar."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.agent.review import DECIDE
from groundwork.llm.conversation import Conversation, Turn, TurnEnd
from groundwork.llm.port import Usage
from tests.agent.world import MODEL
from tests.seeded.projects import Project

Script = Callable[[Conversation], Turn | None]


def calls(*blocks: dict[str, Any]) -> Turn:
    numbered = tuple({"type": "tool_use", "id": f"toolu_{n}", **block} for n, block in enumerate(blocks))
    return Turn(numbered, TurnEnd.CALLS, Usage(10, 10, calls=1), MODEL)


def edit(project: Project, old: str, new: str) -> dict[str, Any]:
    return {"name": "edit", "input": {"file_path": project.path, "old_string": old, "new_string": new}}


FINISH: dict[str, Any] = {"name": "finish", "input": {"summary": "Mended.", "criteria": []}}


@dataclass
class Repairer:
    """Acts in a task as `act` says, by the text of its conversation.

    `seen` holds the conversations' texts.
    """

    projects: Sequence[Project]
    act: Callable[[Project, str, int], Turn]
    seen: list[str] = field(default_factory=list)

    def __call__(self, conversation: Conversation) -> Turn | None:
        if DECIDE in {tool.name for tool in conversation.tools}:
            return calls({"name": DECIDE, "input": {"approve": True, "reason": "Fine."}})
        texts = [json.dumps([dict(block) for block in message.content]) for message in conversation.messages]
        project = next(one for one in self.projects if f"Do {one.key}" in texts[0])
        self.seen.append(" ".join(texts))
        return self.act(project, " ".join(texts), len(conversation.messages) // 2)


def learns_from_the_landing(project: Project, text: str, turn: int) -> Turn:
    """Change it wrongly and finish unchecked; after the failed check, do it right."""
    if turn:
        return calls(FINISH)
    return calls(
        edit(project, project.wrong, project.right)
        if shown(project.proof) in text
        else edit(project, project.bug, project.wrong)
    )


def checks_first(project: Project, text: str, turn: int) -> Turn:
    """Change it wrongly, run the checks, read the failure, do it right, check again, finish."""
    steps = (
        edit(project, project.bug, project.wrong),
        {"name": "check", "input": {}},
        edit(project, project.wrong, project.right),
        {"name": "check", "input": {}},
    )
    # a check whose sandbox was lost is asked for again
    step = turn - text.count("was lost with its sandbox")
    assert step < 2 or shown(project.proof) in text
    return calls(steps[step] if step < len(steps) else FINISH)


def lies(project: Project, text: str, turn: int) -> Turn:
    """Say that it is mended, each time."""
    if turn:
        return calls(FINISH)
    first = shown(project.wrong) not in text and "earlier_attempts" not in text
    return calls(edit(project, project.bug, project.wrong) if first else {"name": "list", "input": {}})


def shown(text: str) -> str:
    return json.dumps(text)[1:-1]
