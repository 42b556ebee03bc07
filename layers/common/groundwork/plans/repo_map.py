"""Summarize a repository's layout in a limited number of lines.

Every file is listed if they all fit; otherwise the least relevant folders are collapsed.
"""

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from groundwork.text import clean, shorten

MAX_LINES = 400
_WORD = re.compile(r"[a-z0-9]{3,}")
MAX_WORD_SHARE = 0.2
"""A word found in a larger share of all paths does not help to locate files."""


@dataclass(slots=True)
class Folder:
    """A folder of the tree; `score` is the largest number of relevant words in a path below it."""

    path: str
    depth: int
    folders: dict[str, "Folder"] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    count: int = 0
    score: int = 0

    @property
    def lines(self) -> int:
        return len(self.folders) + len(self.files)


def layout(paths: Iterable[str], about: str = "", max_lines: int = MAX_LINES) -> tuple[str, ...]:
    """List files and collapsed folders (with file counts) in at most `max_lines` lines, sorted.

    Three quarters of the lines go to paths matching words of `about`, the rest to folders near the root.
    """
    # untrusted names: a line break in one could add lines of its own to the prompt
    files = sorted({shorten(clean(path).replace("\n", " "), 300) for path in paths})
    if len(files) <= max_lines:
        return tuple(files)
    top = _tree(files, _scores(files, about))
    expanded, lines = {""}, top.lines
    lines = _expand(top, expanded, lines, max_lines * 3 // 4, lambda f: (-f.score, f.depth, f.lines), wanted=True)
    _expand(top, expanded, lines, max_lines, lambda f: (f.depth, f.lines), wanted=False)
    # the root is always expanded, and may alone have more entries
    return tuple(_render(top, expanded))[:max_lines]


def _scores(files: list[str], about: str) -> dict[str, int]:
    wanted = set(_WORD.findall(about.casefold()))
    found = {path: wanted & set(_WORD.findall(path.casefold())) for path in files} if wanted else {}
    frequencies = Counter(word for words in found.values() for word in words)
    distinctive = {word for word, count in frequencies.items() if count <= len(files) * MAX_WORD_SHARE}
    return {path: len(words & distinctive) for path, words in found.items()}


def _tree(files: list[str], scores: dict[str, int]) -> Folder:
    top = Folder("", 0)
    for path in files:
        *parents, _ = path.split("/")
        folder, score = top, scores.get(path, 0)
        ancestors = [folder]
        for depth, name in enumerate(parents, 1):
            folder = folder.folders.setdefault(name, Folder(f"{folder.path}{name}/", depth))
            ancestors.append(folder)
        folder.files.append(path)
        for one in ancestors:
            one.count += 1
            one.score = max(one.score, score)
    return top


def _expand(
    top: Folder,
    expanded: set[str],
    lines: int,
    max_lines: int,
    rank: Callable[[Folder], tuple[int, ...]],
    wanted: bool,
) -> int:
    """Expand folders in order of rank while lines remain; return the number of lines."""
    # paths are unique and decide ties, because folders cannot be compared
    queue = [(rank(folder), folder.path, folder) for folder in _collapsed_folders(top, expanded)]
    heapq.heapify(queue)
    while queue:
        _, path, folder = heapq.heappop(queue)
        if lines + folder.lines - 1 > max_lines or (wanted and not folder.score):
            continue
        expanded.add(path)
        lines += folder.lines - 1
        for child in folder.folders.values():
            heapq.heappush(queue, (rank(child), child.path, child))
    return lines


def _collapsed_folders(top: Folder, expanded: set[str]) -> Iterator[Folder]:
    """Folders shown as one line."""
    todo = [top]
    while todo:
        folder = todo.pop()
        if folder.path in expanded:
            todo += folder.folders.values()
        else:
            yield folder


def _render(top: Folder, expanded: set[str]) -> list[str]:
    lines: list[str] = []
    todo = [top]
    while todo:
        folder = todo.pop()
        if folder.path in expanded:
            lines += folder.files
            todo += folder.folders.values()
        else:
            lines.append(f"{folder.path} ({folder.count} file{'s' if folder.count > 1 else ''})")
    return sorted(lines)
