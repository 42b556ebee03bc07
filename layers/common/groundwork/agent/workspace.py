"""Workspace of a session: files of a checkout, with bounds and a record of every change."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from groundwork.agent.changes import Changes
from groundwork.agent.paths import PathRefused, is_ci_config, normalize_path
from groundwork.agent.repository import Checkout
from groundwork.errors import GroundworkError
from groundwork.sandbox.model import Tree
from groundwork.text import one_line, shorten

MAX_READ_BYTES = 2_000_000
MAX_WRITTEN_BYTES = 400_000
# all changes are saved with the session after every turn
MAX_CHANGED_BYTES = 2_000_000
MAX_CHANGED_FILES = 200


class ToolFailed(GroundworkError):
    """The tool call failed. The message tells the model the problem and the alternative."""


class Workspace:
    """Reads and writes files of a checkout. `named` are the files named by the task.

    A checkout contains no symbolic links, and no tool creates one. Each access checks the path for links all the same.
    """

    def __init__(self, checkout: Checkout, named: tuple[str, ...] = ()) -> None:
        self._root, self.links, self.left_out = checkout.folder, checkout.links, checkout.left_out
        self.commit, self._executable = checkout.commit, checkout.executable
        self._named_files = named
        self._originals: dict[str, bytes | None] = {}

    @property
    def root(self) -> Path:
        return self._root

    def changes(self) -> Changes:
        """Return the difference from the checkout."""
        # a folder in its place means that the file is gone
        now = {path: None if (self._root / path).is_dir() else self._content(path) for path in self._originals}
        return {path: content for path, content in now.items() if content != self._originals[path]}

    def original(self, path: str) -> bytes | None:
        """Content of a changed path in the checkout."""
        return self._originals.get(path)

    def is_file(self, path: str) -> bool:
        """True for a regular file at a normalized path."""
        return (self._root / path).is_file()

    def tree(self) -> Tree:
        """Return the tree as a commit would have it, with links and programs by git's modes."""
        new = {path: content for path, content in self.changes().items() if self._originals[path] is None}
        # as in a commit: sessions cannot set modes, so a new script is a program
        scripts = {path for path, content in new.items() if content and content.startswith(b"#!")}
        programs = (path for path in self._executable | scripts if self.is_file(path))
        return Tree(self._root, self.links, frozenset(programs))

    def restore(self, changes: Changes) -> None:
        """Apply changes saved by an earlier invocation to a fresh checkout."""
        # deletions first: a file may replace a folder
        for path, content in sorted(changes.items(), key=lambda change: change[1] is not None):
            if content is None:
                self.delete(path)
            else:
                self.write(path, content)

    def read(self, path: str) -> bytes:
        """Return a file's content. Raises ToolFailed."""
        normal = self.resolve(path)
        content = self._content(normal, MAX_READ_BYTES)
        if content is None:
            raise ToolFailed(f"{normal}: there is no such file")
        return content

    def write(self, path: str, content: bytes) -> bool:
        """Create or replace a file. Returns True if it existed. Raises ToolFailed."""
        normal = self.resolve(path)
        self._check_writable(normal)
        if len(content) > MAX_WRITTEN_BYTES:
            raise ToolFailed(f"{normal}: a file of {len(content):,} bytes is too large; at most {MAX_WRITTEN_BYTES:,}")
        before = self._content(normal)
        # recorded before the write: a failed write may have changed the file
        self._record(normal, before, len(content))
        place = self._root / normal
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644), "wb") as file:
                file.write(content)
        except OSError as fault:
            raise ToolFailed(f"{normal}: {_describe(fault)}") from None
        return before is not None

    def delete(self, path: str) -> None:
        """Raises ToolFailed."""
        normal = self.resolve(path)
        self._check_writable(normal)
        before = self._content(normal)
        if before is None:
            raise ToolFailed(f"{normal}: there is no such file")
        self._record(normal, before, 0)
        (self._root / normal).unlink()
        for folder in (self._root / normal).parents:
            # git keeps no empty folders; removed here too, so that a file can take a folder's name
            if folder == self._root or any(folder.iterdir()):
                break
            folder.rmdir()

    def resolve(self, path: str) -> str:
        """Normalize a path and check it for links. Raises ToolFailed."""
        try:
            normal = normalize_path(path)
        except PathRefused as refused:
            raise ToolFailed(f"{shorten(one_line(path), 100)}: {refused}") from None
        parts = normal.split("/")
        for depth in range(1, len(parts) + 1):
            upper = "/".join(parts[:depth])
            if upper in self.links:
                raise ToolFailed(
                    f"{upper} is a symbolic link to {self.links[upper]!r}; links are not followed or changed"
                )
            if upper in self.left_out:
                raise ToolFailed(f"{upper} is not in this checkout: {self.left_out[upper]}")
            try:
                mode = (self._root / upper).lstat().st_mode
            except OSError:
                break
            if stat.S_ISLNK(mode) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise ToolFailed(f"{upper} is not a regular file")
        return normal

    def _check_writable(self, normal: str) -> None:
        """Raises ToolFailed."""
        named = any(normal == name or normal.startswith(name.rstrip("/") + "/") for name in self._named_files)
        if is_ci_config(normal) and not named:
            raise ToolFailed(f"{normal} configures a CI server; it can be changed only if the task names it")
        if (self._root / normal).is_dir():
            raise ToolFailed(f"{normal} is a folder")

    def _record(self, normal: str, before: bytes | None, size: int) -> None:
        """Raises ToolFailed."""
        self._originals.setdefault(normal, before)
        others = {path: content for path, content in self.changes().items() if path != normal}
        if len(others) >= MAX_CHANGED_FILES:
            raise ToolFailed(f"a task may change at most {MAX_CHANGED_FILES} files")
        if sum(len(content or b"") for content in others.values()) + size > MAX_CHANGED_BYTES:
            raise ToolFailed(f"a task may change at most {MAX_CHANGED_BYTES:,} bytes in all")

    def _content(self, normal: str, limit: int | None = None) -> bytes | None:
        """Return None if there is no file.

        Raises ToolFailed if it is not a regular file, or above `limit` bytes.
        """
        try:
            # O_NONBLOCK: a pipe would block. O_NOFOLLOW: a link must not be followed
            descriptor = os.open(self._root / normal, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as fault:
            raise ToolFailed(f"{normal}: {_describe(fault)}") from None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ToolFailed(
                    f"{normal} is a folder" if stat.S_ISDIR(found.st_mode) else f"{normal} is not a regular file"
                )
            if limit is not None and found.st_size > limit:
                raise ToolFailed(f"{normal} has {found.st_size:,} bytes; at most {limit:,} can be read; try grep")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)


def _describe(fault: OSError) -> str:
    """Describe a fault without the local path in its own text."""
    kinds: Mapping[type[OSError], str] = {
        NotADirectoryError: "a part of the path is a file",
        IsADirectoryError: "it is a folder",
        PermissionError: "permission denied",
    }
    return next((text for kind, text in kinds.items() if isinstance(fault, kind)), fault.strerror or "it failed")
