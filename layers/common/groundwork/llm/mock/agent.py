"""Mock of a session: it looks around, reads, writes, reads again, checks and finishes.

The same conversation gets the same answers. The mock calls the real tools, so its files are really committed. They are
outlines in the repository's languages, built from the task's words without any understanding. After a failed check it
takes its change back and writes a note, or the file named in the task: `If a check fails, write PATH: CONTENT`.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from groundwork.llm.conversation import Block, Conversation, Message, TurnEnd
from groundwork.llm.mock.code import MockFile, addition, note, place_for, target_for
from groundwork.llm.mock.written import WrittenAnswers, WrittenChange

MAX_FILES = 4
CHANGES = ("write", "edit", "delete")
_INSTEAD = re.compile(r"If a check fails, write (\S+): (.+)")
_TASK = re.compile(r"<task>\n(.*)\n</task>", re.DOTALL)
_LINE = re.compile(r" *\d+\t(.*)")

type Answer = tuple[tuple[Block, ...], TurnEnd]


def turn(conversation: Conversation, written: WrittenAnswers | None = None) -> Answer:
    """Return the next call; the conversation holds the earlier ones."""
    task = _task_of(conversation.messages[0])
    change = written.change(task) if written else None
    done = _results(conversation)
    number = sum(message.role == "assistant" for message in conversation.messages)
    targets = [MockFile(path) for path in change.paths] if change else _targets(task)
    if not done:
        calls = [_call("list", {})] + [_call("read", {"file_path": target.path}) for target in targets]
        return _said(f"I look at what {task['title']!r} touches.", calls, number)
    if task.get("asks_for_no_change"):
        return _said("I have looked at it.", [_finish(task, [target.path for target in targets])], number)
    if failures := _failed_checks(conversation):
        return _after_failure(task, conversation, done, failures, number)
    paths = {path for name, path, good in done if name in ("write", "edit") and good}
    if not paths:
        tried = any(name in ("write", "edit") for name, _, _ in done)
        # a refused change is not tried again: a note of its own always fits
        edits = _edits(change, conversation) if change and not tried else []
        calls = edits or _outline(task, [] if tried else targets, conversation)
        return _said("I make the change.", calls, number)
    return _prove(task, conversation, done, sorted(paths), number, change)


def _prove(
    task: Mapping[str, Any],
    conversation: Conversation,
    done: list[tuple[str, str, bool]],
    paths: list[str],
    number: int,
    change: WrittenChange | None = None,
) -> Answer:
    """Read the changed files, run the checks if there are some, and finish."""
    last = done[-1][0]
    if last in CHANGES:
        return _said("I read what I wrote.", [_call("read", {"file_path": path}) for path in paths], number)
    if last == "read" and any(tool.name == "check" for tool in conversation.tools):
        return _said("I run the checks.", [_call("check", {})], number)
    is_made = change is not None and _is_made(change, conversation)
    end = _finish_change(task, change) if change and is_made else _finish(task, paths)
    return _said("All of it is in place.", [end], number)


def _failed_checks(conversation: Conversation) -> list[int]:
    """Return the positions of messages with a failed check."""
    return [
        position
        for position, message in enumerate(conversation.messages)
        for block in message.content
        if re.match(r"run \d+ failed", str(block.get("content", "")))
    ]


def _after_failure(
    task: Mapping[str, Any],
    conversation: Conversation,
    done: list[tuple[str, str, bool]],
    failures: list[int],
    number: int,
) -> Answer:
    """Take the change back and write something harmless; report a second failure."""
    path, content = _instead(task)
    if len(failures) > 1:
        return _said("The checks fail again.", [_finish(task, [path], met=False)], number)
    if failures[0] == len(conversation.messages) - 1:
        calls = [*_reverts(conversation), _call("write", {"file_path": path, "content": content})]
        return _said("A check fails: I take my change back.", calls, number)
    return _prove(task, conversation, done, [path], number)


def _instead(task: Mapping[str, Any]) -> tuple[str, str]:
    """Return the file written after a failed check."""
    if found := _INSTEAD.search(str(task["description"])):
        return found[1], found[2].replace("\\n", "\n") + "\n"
    target = note(str(task["key"]), task.get("repository_layout", ()))
    return target.path, addition(task, target, [])


def _reverts(conversation: Conversation) -> list[Block]:
    """Return the calls that undo the successful changes, newest first."""
    failed = {
        str(block["tool_use_id"])
        for message in conversation.messages
        for block in message.content
        if block.get("type") == "tool_result" and block.get("is_error")
    }
    calls = [
        block
        for message in conversation.messages
        for block in message.content
        if block.get("type") == "tool_use" and block["name"] in CHANGES and block["id"] not in failed
    ]
    return [_undo(block["name"], block["input"]) for block in reversed(calls)]


def _undo(name: str, given: Mapping[str, Any]) -> Block:
    path = given["file_path"]
    if name == "edit":
        swapped = {"old_string": given["new_string"], "new_string": given["old_string"]}
        return _call("edit", {"file_path": path} | swapped)
    return _call("delete", {"file_path": path})


def _task_of(message: Message) -> dict[str, Any]:
    found = _TASK.search(str(message.content[0].get("text", "")))
    task: dict[str, Any] = json.loads(found[1]) if found else {}
    return {"title": "the task", "key": "task", "description": "", "acceptance_criteria": []} | task


def _targets(task: Mapping[str, Any]) -> list[MockFile]:
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


def _outline(task: Mapping[str, Any], targets: list[MockFile], conversation: Conversation) -> list[Block]:
    """Return the calls to write outlines to the targets; to a note if none was read."""
    usable = [target for target in targets if _shown(conversation, target.path) is not None]
    places = usable or [note(str(task["key"]), task.get("repository_layout", ()))]
    return [_change(task, target, _shown(conversation, target.path) or []) for target in places]


def _change(task: Mapping[str, Any], target: MockFile, lines: list[str]) -> Block:
    if not lines:
        return _call("write", {"file_path": target.path, "content": addition(task, target, [])})
    text = addition(task, target, lines).rstrip("\n")
    place, before = place_for(target, lines)
    if not place:
        # an edit of the whole file can be taken back
        whole = "\n".join(lines)
        return _call("edit", {"file_path": target.path, "old_string": whole, "new_string": f"{whole}\n\n{text}"})
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


def _finish(task: Mapping[str, Any], written: list[str], met: bool = True) -> Block:
    evidence = f"See {', '.join(written)}." if met else "The repository's checks fail with and without this change."
    verdicts = [
        {"number": criterion["number"], "met": met, "evidence": evidence} for criterion in task["acceptance_criteria"]
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
