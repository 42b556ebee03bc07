"""Summarize a repository's layout in a limited number of lines.

Every file is listed if they all fit; otherwise the least relevant folders are collapsed.
"""

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from groundwork.text import clean, shortened

MAX_LINES = 400
_WORD = re.compile(r"[a-z0-9]{3,}")
COMMON = 0.2
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


def layout(paths: Iterable[str], about: str = "", most: int = MAX_LINES) -> tuple[str, ...]:
    """List files and collapsed folders (with file counts) in at most `max_lines` lines, sorted.

    Three quarters of the lines go to paths matching words of `about`, the rest to folders near the root.
    """
    files = sorted({shortened(clean(path).replace("\n", " "), 300) for path in paths})
    if len(files) <= most:
        return tuple(files)
    top = _tree(files, _scores(files, about))
    opened, lines = {""}, top.lines
    lines = _open(top, opened, lines, most * 3 // 4, lambda f: (-f.score, f.depth, f.lines), wanted=True)
    _open(top, opened, lines, most, lambda f: (f.depth, f.lines), wanted=False)
    return tuple(_listed(top, opened))[:most]


def _scores(files: list[str], about: str) -> dict[str, int]:
    wanted = set(_WORD.findall(about.casefold()))
    found = {path: wanted & set(_WORD.findall(path.casefold())) for path in files} if wanted else {}
    spread = Counter(word for words in found.values() for word in words)
    telling = {word for word, count in spread.items() if count <= len(files) * COMMON}
    return {path: len(words & telling) for path, words in found.items()}


def _tree(files: list[str], scores: dict[str, int]) -> Folder:
    top = Folder("", 0)
    for path in files:
        *parents, _ = path.split("/")
        folder, score = top, scores.get(path, 0)
        way = [folder]
        for depth, name in enumerate(parents, 1):
            folder = folder.folders.setdefault(name, Folder(f"{folder.path}{name}/", depth))
            way.append(folder)
        folder.files.append(path)
        for one in way:
            one.count += 1
            one.score = max(one.score, score)
    return top


def _open(
    top: Folder,
    opened: set[str],
    lines: int,
    most: int,
    rank: Callable[[Folder], tuple[int, ...]],
    wanted: bool,
) -> int:
    """Expand folders in order of rank while lines remain; return the number of lines."""
    queue = [(rank(folder), folder.path, folder) for folder in _closed(top, opened)]
    heapq.heapify(queue)
    while queue:
        _, path, folder = heapq.heappop(queue)
        if lines + folder.lines - 1 > most or (wanted and not folder.score):
            continue
        opened.add(path)
        lines += folder.lines - 1
        for below in folder.folders.values():
            heapq.heappush(queue, (rank(below), below.path, below))
    return lines


def _closed(top: Folder, opened: set[str]) -> Iterator[Folder]:
    """Folders shown as one line."""
    todo = [top]
    while todo:
        folder = todo.pop()
        if folder.path in opened:
            todo += folder.folders.values()
        else:
            yield folder


def _listed(top: Folder, opened: set[str]) -> list[str]:
    lines: list[str] = []
    todo = [top]
    while todo:
        folder = todo.pop()
        if folder.path in opened:
            lines += folder.files
            todo += folder.folders.values()
        else:
            lines.append(f"{folder.path} ({folder.count} file{'s' if folder.count > 1 else ''})")
    return sorted(lines)
