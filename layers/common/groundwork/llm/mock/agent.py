"""Mock of a session: it looks around, reads, writes, reads again and finishes.

The same conversation gets the same answers. The mock calls the real tools, so its files are really committed. They are
outlines in the repository's languages, built from the task's words without any understanding.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from groundwork.llm.conversation import Block, Conversation, Message, TurnEnd
from groundwork.llm.mock.code import Target, addition, note, place_for, target_for
from groundwork.llm.mock.written import WrittenAnswers, WrittenChange

MAX_FILES = 4
_TASK = re.compile(r"<task>\n(.*)\n</task>", re.DOTALL)
_LINE = re.compile(r" *\d+\t(.*)")

type Answer = tuple[tuple[Block, ...], TurnEnd]


def turn(conversation: Conversation, written: WrittenAnswers | None = None) -> Answer:
    """Return the next call; the conversation holds the earlier ones."""
    task = _task_of(conversation.messages[0])
    change = written.change(task) if written else None
    done = _results(conversation)
    number = sum(message.role == "assistant" for message in conversation.messages)
    targets = [Target(path) for path in change.paths] if change else _targets(task)
    if not done:
        calls = [_call("list", {})] + [_call("read", {"file_path": target.path}) for target in targets]
        return _said(f"I look at what {task['title']!r} touches.", calls, number)
    if task.get("asks_for_no_change"):
        return _said("I have looked at it.", [_finish(task, [target.path for target in targets])], number)
    paths = {path for name, path, good in done if name in ("write", "edit") and good}
    if not paths:
        tried = any(name in ("write", "edit") for name, _, _ in done)
        # a refused change is not tried again: a note of its own always fits
        edits = _edits(change, conversation) if change and not tried else []
        calls = edits or _outline(task, [] if tried else targets, conversation)
        return _said("I make the change.", calls, number)
    if done[-1][0] != "read":
        calls = [_call("read", {"file_path": path}) for path in sorted(paths)]
        return _said("I check what I wrote.", calls, number)
    end = _finish(task, sorted(paths))
    if change and _is_made(change, conversation):
        end = _finish_change(task, change)
    return _said("All of it is in place.", [end], number)


def _task_of(message: Message) -> dict[str, Any]:
    found = _TASK.search(str(message.content[0].get("text", "")))
    task: dict[str, Any] = json.loads(found[1]) if found else {}
    return {"title": "the task", "key": "task", "description": "", "acceptance_criteria": []} | task


def _targets(task: Mapping[str, Any]) -> list[Target]:
    """Return the task's files; without any, a note and a file in the layout's style."""
    layout = [str(line) for line in task.get("repository_layout", ())]
    named = [str(path) for path in task.get("files_named", ())]
    return target_for(str(task["key"]), named[:MAX_FILES], layout)


def _results(conversation: Conversation) -> list[tuple[str, str, bool]]:
    """Return the calls so far, in order: tool, path, success."""
    calls = {
        str(block["id"]): (str(block["name"]), str(block["input"].get("file_path", "")))
        for message in conversation.messages
        for block in message.content
        if block.get("type") == "tool_use"
    }
    return [
        (*calls[str(block["tool_use_id"])], not block.get("is_error"))
        for message in conversation.messages
        for block in message.content
        if block.get("type") == "tool_result"
    ]


def _shown(conversation: Conversation, path: str) -> list[str] | None:
    """Return a file's lines as shown by `read`; [] if it is missing, None if they were cut off."""
    # the latest read counts: the file may have changed since an earlier one
    for message in reversed(conversation.messages):
        for block in message.content:
            head, _, body = str(block.get("content", "")).partition("\n")
            if head in (f"{path}: an empty file", f"{path}: there is no such file"):
                return []
            if head.startswith(f"{path}, lines 1 to ") and "read on" not in head:
                return [match[1] for match in map(_LINE.fullmatch, body.split("\n")) if match]
    return None


def _outline(task: Mapping[str, Any], targets: list[Target], conversation: Conversation) -> list[Block]:
    """Return the calls to write outlines to the targets; to a note if none was read."""
    usable = [target for target in targets if _shown(conversation, target.path) is not None]
    places = usable or [note(str(task["key"]), task.get("repository_layout", ()))]
    return [_change(task, target, _shown(conversation, target.path) or []) for target in places]


def _change(task: Mapping[str, Any], target: Target, lines: list[str]) -> Block:
    if not lines:
        return _call("write", {"file_path": target.path, "content": addition(task, target, [])})
    text = addition(task, target, lines).rstrip("\n")
    place, before = place_for(target, lines)
    if not place:
        return _call("write", {"file_path": target.path, "content": "\n".join([*lines, "", text, ""])})
    new = f"{text}\n{place}" if before else f"{place}\n\n{text}"
    return _call("edit", {"file_path": target.path, "old_string": place, "new_string": new})


def _edits(change: WrittenChange, conversation: Conversation) -> list[Block]:
    """Return the calls of a written change; none if the files are not as it expects them."""
    for edit in change.edits:
        lines = _shown(conversation, str(edit["path"]))
        if lines is None or (lines if not edit["find"] else "\n".join(lines).count(edit["find"]) != 1):
            return []
    return [_edit(edit) for edit in change.edits]


def _edit(edit: Mapping[str, str]) -> Block:
    if not edit["find"]:
        return _call("write", {"file_path": edit["path"], "content": edit["then"]})
    return _call("edit", {"file_path": edit["path"], "old_string": edit["find"], "new_string": edit["then"]})


def _is_made(change: WrittenChange, conversation: Conversation) -> bool:
    """True if the session has made this change, and not the outline of the rules."""
    made = [block.get("input") for message in conversation.messages for block in message.content]
    return all(_edit(edit)["input"] in made for edit in change.edits)


def _finish_change(task: Mapping[str, Any], change: WrittenChange) -> Block:
    default = f"See {', '.join(change.paths)}."
    verdicts = [
        {"number": one["number"], "met": True, "evidence": change.evidence.get(str(one["text"]), default)}
        for one in task["acceptance_criteria"]
    ]
    summary = f"{change.summary}\n\nFrom the mock model: it was written in advance for this example."
    return _call("finish", {"summary": summary, "commit_subject": change.subject, "criteria": verdicts})


def _finish(task: Mapping[str, Any], written: list[str]) -> Block:
    files = ", ".join(written)
    verdicts = [
        {"number": criterion["number"], "met": True, "evidence": f"See {files}."}
        for criterion in task["acceptance_criteria"]
    ]
    about = str(task["description"]).strip() or str(task["title"])
    summary = f"{about}\n\nWritten by the mock model, which reads words and not meaning: an outline, not an answer."
    return _call("finish", {"summary": summary, "commit_subject": "", "criteria": verdicts})


def _call(name: str, given: Mapping[str, Any]) -> Block:
    return {"type": "tool_use", "name": name, "input": dict(given)}


def _said(text: str, calls: list[Block], number: int) -> Answer:
    # ids from turn and position keep the answers deterministic
    numbered = [{**call, "id": f"toolu_mock_{number}_{position}"} for position, call in enumerate(calls)]
    return ({"type": "text", "text": text}, *numbered), TurnEnd.CALLS
