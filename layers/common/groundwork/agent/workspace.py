"""The files of a checkout as a session may use them: inside the folder, within bounds, and every change on record."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from groundwork.agent.changes import Changes
from groundwork.agent.paths import PathRefused, checked, is_of_a_build
from groundwork.agent.repository import Checkout
from groundwork.errors import GroundworkError
from groundwork.text import one_line, shorten

MAX_READ_BYTES = 2_000_000
MAX_WRITTEN_BYTES = 400_000
MAX_CHANGED_BYTES = 2_000_000
MAX_CHANGED_FILES = 200


class ToolFailed(GroundworkError):
    """This could not be done. The message is for the model: what is wrong, and what to do instead."""


class Workspace:
    """Reads and writes files of a checkout. `named` are the files that the task itself names.

    Nothing in the folder is a link when it is checked out, and no tool makes one. That nothing on a path is a link is
    looked at again each time all the same.
    """

    def __init__(self, checkout: Checkout, named: tuple[str, ...] = ()) -> None:
        self._root, self.links, self.left_out = checkout.folder, checkout.links, checkout.left_out
        self._named = named
        self._before: dict[str, bytes | None] = {}

    @property
    def root(self) -> Path:
        return self._root

    def changes(self) -> Changes:
        """What is other than it was in the checkout."""
        # where a folder has come, the file is gone
        now = {path: None if (self._root / path).is_dir() else self._content(path) for path in self._before}
        return {path: content for path, content in now.items() if content != self._before[path]}

    def before(self, path: str) -> bytes | None:
        """What a changed path held in the checkout."""
        return self._before.get(path)

    def restore(self, changes: Changes) -> None:
        """Brings a fresh checkout to where an earlier invocation left it."""
        # what is gone first: a file may have taken the place of a folder
        for path, content in sorted(changes.items(), key=lambda change: change[1] is not None):
            if content is None:
                self.delete(path)
            else:
                self.write(path, content)

    def read(self, path: str) -> bytes:
        """A file's content. Raises NotDone."""
        plain = self.place(path)
        content = self._content(plain, MAX_READ_BYTES)
        if content is None:
            raise ToolFailed(f"{plain}: there is no such file")
        return content

    def write(self, path: str, content: bytes) -> bool:
        """Makes or replaces a file; whether it was there. Raises NotDone."""
        plain = self.place(path)
        self._check_writable(plain)
        if len(content) > MAX_WRITTEN_BYTES:
            raise ToolFailed(f"{plain}: a file of {len(content):,} bytes is too large; at most {MAX_WRITTEN_BYTES:,}")
        before = self._content(plain)
        self._record(plain, before, len(content))
        place = self._root / plain
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644), "wb") as file:
                file.write(content)
        except OSError as fault:
            raise ToolFailed(f"{plain}: {_said(fault)}") from None
        return before is not None

    def delete(self, path: str) -> None:
        """Raises NotDone."""
        plain = self.place(path)
        self._check_writable(plain)
        before = self._content(plain)
        if before is None:
            raise ToolFailed(f"{plain}: there is no such file")
        self._record(plain, before, 0)
        (self._root / plain).unlink()
        for folder in (self._root / plain).parents:
            # git keeps no empty folders; nor do we, so that a file can take a folder's name
            if folder == self._root or any(folder.iterdir()):
                break
            folder.rmdir()

    def place(self, path: str) -> str:
        """The path in its plain form, with no link on the way to it. Raises NotDone."""
        try:
            plain = checked(path)
        except PathRefused as refused:
            raise ToolFailed(f"{shorten(one_line(path), 100)}: {refused}") from None
        parts = plain.split("/")
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
                raise ToolFailed(f"{upper} is no regular file")
        return plain

    def _check_writable(self, plain: str) -> None:
        """Raises NotDone."""
        named = any(plain == name or plain.startswith(name.rstrip("/") + "/") for name in self._named)
        if is_of_a_build(plain) and not named:
            raise ToolFailed(f"{plain} steers a build server; it may be changed only where the task itself names it")
        if (self._root / plain).is_dir():
            raise ToolFailed(f"{plain} is a folder")

    def _record(self, plain: str, before: bytes | None, size: int) -> None:
        """Raises NotDone."""
        self._before.setdefault(plain, before)
        others = {path: content for path, content in self.changes().items() if path != plain}
        if len(others) >= MAX_CHANGED_FILES:
            raise ToolFailed(f"a task may change at most {MAX_CHANGED_FILES} files")
        if sum(len(content or b"") for content in others.values()) + size > MAX_CHANGED_BYTES:
            raise ToolFailed(f"a task may change at most {MAX_CHANGED_BYTES:,} bytes in all")

    def _content(self, plain: str, most: int | None = None) -> bytes | None:
        """None where there is no file. Raises NotDone where it is no file, or larger than `most`."""
        try:
            # a pipe would otherwise be waited for, and a link followed
            descriptor = os.open(self._root / plain, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as fault:
            raise ToolFailed(f"{plain}: {_said(fault)}") from None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ToolFailed(
                    f"{plain} is a folder" if stat.S_ISDIR(found.st_mode) else f"{plain} is no regular file"
                )
            if most is not None and found.st_size > most:
                raise ToolFailed(f"{plain} has {found.st_size:,} bytes; at most {most:,} can be read; try grep")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)


def _said(fault: OSError) -> str:
    """Without the path on this machine, which is in the fault's own text."""
    kinds: Mapping[type[OSError], str] = {
        NotADirectoryError: "a file lies on the way to it",
        IsADirectoryError: "it is a folder",
        PermissionError: "permission denied",
    }
    return next((text for kind, text in kinds.items() if isinstance(fault, kind)), fault.strerror or "it failed")
