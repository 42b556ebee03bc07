"""Check out a commit into a folder.

It contains neither symbolic links nor a `.git`: nothing leads out of the folder.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import Any

from groundwork.adapters.git.clone import MAX_FILE_MB, Bounds
from groundwork.adapters.git.trees import entries
from groundwork.agent.paths import MAX_DEPTH, MAX_LENGTH, why_not
from groundwork.agent.repository import Checkout, RepositoryRefused

MAX_LINK = 1_000
SAME_NAME = "another name differs from its own by case only"
"""On a case-insensitive disk two names of a tree may be one file; the first one is kept."""


@dataclass
class _Found:
    links: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    files: int = 0
    bytes: int = 0
    entries: int = 0


def check_out(store: Any, commit: bytes, folder: Path, bounds: Bounds) -> Checkout:
    """Fill an empty or missing folder. Raises RepositoryRefused if a limit is exceeded."""
    folder.mkdir(parents=True, exist_ok=True)
    found = _Found()
    for path, mode, sha in _entries(store, store[commit].tree, found, 2 * bounds.files):
        if S_ISDIR(mode):
            _make(folder, path, found)
        elif S_ISLNK(mode):
            leads_to = bytes(store[sha].as_raw_string()) if sha in store else b"?"
            found.links[path] = leads_to[:MAX_LINK].decode("utf-8", errors="replace")
        elif not S_ISREG(mode):
            found.left_out[path] = "another repository"
        elif sha not in store:
            found.left_out[path] = f"larger than {MAX_FILE_MB} MB"
        else:
            _write(folder, path, bytes(store[sha].as_raw_string()), found, bounds)
    return Checkout(folder, commit.decode(), found.files, found.bytes, found.links, found.left_out)


def _entries(store: Any, root: bytes, found: _Found, most: int) -> Iterator[tuple[str, int, bytes]]:
    """Yield folders before their content. Raises RepositoryRefused above `max_entries`.

    Not recursive: the repository is untrusted and may nest deeply. A few folders that contain one another can make
    billions of entries without a single file.
    """
    todo = [("", 0, root)]
    while todo:
        prefix, depth, tree = todo.pop()
        for entry in entries(store, tree):
            found.entries += 1
            if found.entries > most:
                raise RepositoryRefused(f"The repository has more than {most} files and folders.")
            path = prefix + entry.path.decode("utf-8", errors="replace")
            if problem := _problem(entry.path, path, depth):
                found.left_out[path] = problem
                continue
            yield path, entry.mode, entry.sha
            if S_ISDIR(entry.mode):
                todo.append((path + "/", depth + 1, entry.sha))


def _problem(name: bytes, path: str, depth: int) -> str | None:
    if depth >= MAX_DEPTH:
        return "too deep"
    if len(path) > MAX_LENGTH:
        return "its path is too long"
    try:
        return why_not(name.decode())
    except UnicodeDecodeError:
        return "its name is not UTF-8"


def _make(folder: Path, path: str, found: _Found) -> None:
    try:
        (folder / path).mkdir(exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        found.left_out[path] = SAME_NAME


def _write(folder: Path, path: str, content: bytes, found: _Found, bounds: Bounds) -> None:
    """Raises RepositoryRefused."""
    found.files, found.bytes = found.files + 1, found.bytes + len(content)
    if found.files > bounds.files or found.bytes > bounds.checkout_bytes:
        limit = f"{bounds.files} files or {bounds.checkout_bytes // 2**20} MB"
        raise RepositoryRefused(f"The repository has more than {limit}.")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(folder / path, flags, 0o644)
    except (FileExistsError, NotADirectoryError):
        found.left_out[path] = SAME_NAME
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
