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
from groundwork.agent.paths import MAX_DEPTH, MAX_LENGTH, refusal_reason
from groundwork.agent.repository import Checkout, RepositoryRefused

MAX_LINK = 1_000
SAME_NAME = "another name differs from its own by case only"
"""On a case-insensitive disk two names of a tree may be one file; the first one is kept."""


@dataclass
class _Progress:
    links: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)
    files: int = 0
    bytes: int = 0
    entries: int = 0


def check_out(store: Any, commit: bytes, folder: Path, bounds: Bounds) -> Checkout:
    """Fill an empty or missing folder. Raises RepositoryRefused if a limit is exceeded."""
    folder.mkdir(parents=True, exist_ok=True)
    progress = _Progress()
    root = store[commit].tree
    for path, mode, sha in _entries(store, root, progress, 2 * bounds.files):
        if S_ISDIR(mode):
            _make_folder(folder, path, progress)
        elif S_ISLNK(mode):
            # recorded, not created: a link could lead out of the folder
            target = bytes(store[sha].as_raw_string()) if sha in store else b"?"
            progress.links[path] = target[:MAX_LINK].decode("utf-8", errors="replace")
        elif not S_ISREG(mode):
            progress.left_out[path] = "another repository"
        elif sha not in store:
            progress.left_out[path] = f"larger than {MAX_FILE_MB} MB"
        else:
            _write(folder, path, bytes(store[sha].as_raw_string()), progress, bounds)
            if mode & 0o111:
                progress.executable.add(path)
    return Checkout(
        folder,
        commit.decode(),
        progress.files,
        progress.bytes,
        progress.links,
        progress.left_out,
        frozenset(progress.executable - set(progress.left_out)),
        root.decode(),
    )


def _entries(store: Any, root: bytes, progress: _Progress, max_entries: int) -> Iterator[tuple[str, int, bytes]]:
    """Yield folders before their content. Raises RepositoryRefused above `max_entries`.

    Not recursive: the repository is untrusted and may nest deeply. A few folders that contain one another can make
    billions of entries without a single file.
    """
    pending = [("", 0, root)]
    while pending:
        prefix, depth, tree = pending.pop()
        for entry in entries(store, tree):
            progress.entries += 1
            if progress.entries > max_entries:
                raise RepositoryRefused(f"The repository has more than {max_entries} files and folders.")
            path = prefix + entry.path.decode("utf-8", errors="replace")
            if problem := _problem(entry.path, path, depth):
                progress.left_out[path] = problem
                continue
            yield path, entry.mode, entry.sha
            if S_ISDIR(entry.mode):
                pending.append((path + "/", depth + 1, entry.sha))


def _problem(name: bytes, path: str, depth: int) -> str | None:
    if depth >= MAX_DEPTH:
        return "too deep"
    if len(path) > MAX_LENGTH:
        return "its path is too long"
    try:
        return refusal_reason(name.decode())
    except UnicodeDecodeError:
        return "its name is not UTF-8"


def _make_folder(folder: Path, path: str, progress: _Progress) -> None:
    try:
        (folder / path).mkdir(exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        progress.left_out[path] = SAME_NAME


def _write(folder: Path, path: str, content: bytes, progress: _Progress, bounds: Bounds) -> None:
    """Raises RepositoryRefused."""
    progress.files, progress.bytes = progress.files + 1, progress.bytes + len(content)
    if progress.files > bounds.files or progress.bytes > bounds.checkout_bytes:
        limit = f"{bounds.files} files or {bounds.checkout_bytes // 2**20} MB"
        raise RepositoryRefused(f"The repository has more than {limit}.")
    # O_EXCL: on a case-insensitive disk, a second name must not overwrite the first file
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(folder / path, flags, 0o644)
    except (FileExistsError, NotADirectoryError):
        progress.left_out[path] = SAME_NAME
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
