"""Read files written by untrusted commands, without following links."""

import contextlib
import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO

from .refusal import Refused

Signature = tuple[int, int, int, int, int]
"""Signature of a file: mode, size, inode, mtime and ctime. A command cannot set the ctime."""


MAX_PATH = 1024
"""Longer paths are skipped: nested folders would fill the agent's memory with names."""


def tree_digest(digests: Mapping[str, str]) -> str:
    """Compute a tree's digest from those of its files. Sender and agent must get the same."""
    lines = sorted(f"{path}\0{digest}\n" for path, digest in digests.items())
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def walk(
    root: str, ignored: frozenset[str] = frozenset(), into: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, os.stat_result]]:
    """Yield everything below a folder, parents first, without following links.

    `into` selects the folders to enter.
    """
    todo = [""]
    while todo:
        prefix = todo.pop()
        try:
            entries = sorted(os.scandir(os.path.join(root, prefix)), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                is_folder = stat.S_ISDIR(status.st_mode)
                path = prefix + entry.name
                if len(path) > MAX_PATH or (is_folder and entry.name in ignored):
                    continue
                yield path, status
                if is_folder and into(path):
                    todo.append(f"{path}/")


def signature_of(status: os.stat_result) -> Signature:
    return status.st_mode, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def file_digest(executable: bool, content: bytes) -> str:
    return f"{'x' if executable else 'f'}:{hashlib.sha256(content).hexdigest()}"


def digests_of(archive: IO[bytes]) -> dict[str, str]:
    """Return digests of a tar's files and links by path. Raises Refused for an outside path."""
    found = {}
    try:
        # uncompressed only: a compressed archive could expand without limit
        with tarfile.open(fileobj=archive, mode="r:") as members:
            for member in members:
                if member.name.startswith("/") or ".." in member.name.split("/"):
                    raise Refused(400, "BAD_TREE", f"{member.name!r} is not a path below the tree")
                if member.issym():
                    found[member.name] = f"l:{member.linkname}"
                elif member.isfile() and (content := members.extractfile(member)) is not None:
                    found[member.name] = file_digest(bool(member.mode & 0o100), content.read())
                else:
                    raise Refused(400, "BAD_TREE", f"{member.name!r} is neither a file nor a link")
    except tarfile.TarError as exc:
        raise Refused(400, "BAD_TREE", f"not a tar: {exc}") from exc
    return found


def content(path: str, limit: int) -> bytes | None:
    """Return a regular file's content. None if it has grown, or is no longer a regular file."""
    with contextlib.suppress(OSError):
        # opening a planted pipe would wait for a writer for ever, and a link could lead out of the tree
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(file, "rb") as opened:
            if stat.S_ISREG(os.fstat(file).st_mode):
                # one byte more tells a grown file from one of exactly the limit
                content = opened.read(limit + 1)
                return content if len(content) <= limit else None
    return None
