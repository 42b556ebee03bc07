"""Files a model has seen in its conversation. Only those may be replaced as a whole."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from groundwork.agent.paths import PathRefused, normalize_path
from groundwork.agent.rendering import MAX_LINE
from groundwork.agent.session import SavedMessage

_HEAD = re.compile(r"(?P<path>.*), lines (?P<first>\d+) to (?P<last>\d+) of (?P<total>\d+)(?:; .*)?")
_LINE = re.compile(r" *(\d+)\t(.*)")
_EMPTY = ": an empty file"


class ShownFiles:
    """Lines shown of each file. A file written by the session is known as a whole."""

    def __init__(self) -> None:
        self._lines: dict[str, set[int]] = {}
        self._totals: dict[str, int] = {}

    def add_written(self, path: str) -> None:
        self._lines[path], self._totals[path] = set(), 0

    def add_read(self, result: str) -> None:
        """Add a result of `read`. Each line of a file has its number: none can forge the header."""
        head, _, body = result.partition("\n")
        if head.endswith(_EMPTY):
            self.add_written(head.removesuffix(_EMPTY))
        elif found := _HEAD.fullmatch(head):
            numbered = (match for line in body.split("\n") if (match := _LINE.fullmatch(line)))
            # a line above the limit was shown in part
            shown = {int(match[1]) for match in numbered if len(match[2]) <= MAX_LINE}
            self._lines.setdefault(found["path"], set()).update(shown)
            self._totals[found["path"]] = int(found["total"])

    def missing(self, path: str) -> str | None:
        """Describe the unseen part of a file, None if all of it was shown."""
        if path not in self._totals:
            return "it was not read"
        total = self._totals[path]
        seen = len(self._lines[path] & set(range(1, total + 1)))
        return None if seen == total else f"{seen:,} of its {total:,} lines were read"


def shown_files(messages: Iterable[SavedMessage]) -> ShownFiles:
    """Collect the files shown or written in a conversation."""
    shown, calls = ShownFiles(), dict[str, Mapping[str, Any]]()
    for message in messages:
        for block in message.content:
            if block.get("type") == "tool_use":
                calls[str(block.get("id"))] = block
            elif block.get("type") == "tool_result" and not block.get("is_error"):
                _add(shown, calls.get(str(block.get("tool_use_id")), {}), str(block.get("content", "")))
    return shown


def _add(shown: ShownFiles, call: Mapping[str, Any], result: str) -> None:
    if call.get("name") == "read":
        shown.add_read(result)
    elif call.get("name") == "write" and isinstance(call.get("input"), Mapping):
        try:
            shown.add_written(normalize_path(str(call["input"].get("file_path"))))
        except PathRefused:
            return
