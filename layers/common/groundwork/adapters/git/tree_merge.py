"""Merge a task's changes into a head that may have moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from stat import S_ISDIR, S_ISREG
from typing import Any

from groundwork.adapters.git import line_merge
from groundwork.adapters.git.trees import FILE, PROGRAM, TreeEntry, entry_at, is_blocked
from groundwork.agent.changes import Changes
from groundwork.agent.repository import MergeConflict


@dataclass(frozen=True, slots=True)
class MergeResult:
    """Changed entries by path, and the new blobs among them."""

    updates: dict[str, TreeEntry | None]
    blobs: list[Any]


def merge_onto(
    store: Any, base: bytes, head: bytes, changes: Changes, modes: Mapping[str, int] | None = None
) -> MergeResult:
    """Rebase changes of the tree `base` onto the tree `head`. Raises MergeConflict.

    Existing files keep their mode, unless `modes` has one for the path.
    """
    merged, conflicts = MergeResult({}, []), []
    gone = {path for path, content in changes.items() if content is None}
    for path, content in changes.items():
        try:
            if content is not None and is_blocked(store, head, path, gone):
                raise MergeConflict([path])
            _merge(store, base, head, path, content, merged, (modes or {}).get(path))
        except MergeConflict:
            conflicts.append(path)
    if conflicts:
        raise MergeConflict(conflicts)
    return merged


def _merge(
    store: Any, base: bytes, head: bytes, path: str, content: bytes | None, merged: MergeResult, mode: int | None
) -> None:
    before, now = _file_at(store, base, path), _file_at(store, head, path)
    if now is None and content is None:
        # already gone; do not delete a folder that someone has put in its place
        return
    if now != before:
        content = _merge_contents(store, before, now, path, content)
    if content is None:
        merged.updates[path] = None
        return
    existing = now or before
    merged.updates[path] = (mode or (existing[0] if existing else _mode_of(content)), _blob(content, merged))


def _file_at(store: Any, root: bytes, path: str) -> TreeEntry | None:
    """Return a file's entry. Raises MergeConflict for anything but a file or a folder."""
    entry = entry_at(store, root, path)
    if entry is None or S_ISDIR(entry[0]):
        return None
    if not S_ISREG(entry[0]):
        raise MergeConflict([path])
    return entry


def _merge_contents(
    store: Any, before: TreeEntry | None, now: TreeEntry | None, path: str, content: bytes | None
) -> bytes:
    """Return the content merged with others' changes. Raises MergeConflict."""
    theirs = bytes(store[now[1]].as_raw_string()) if now else None
    if theirs is not None and theirs == content:
        return theirs
    if theirs is None or content is None or before is None:
        raise MergeConflict([path])
    old = bytes(store[before[1]].as_raw_string())
    both = content if theirs == old else line_merge.merge(old, content, theirs, line_merge.keeps_both(path))
    if both is None:
        raise MergeConflict([path])
    return both


def _mode_of(content: bytes) -> int:
    # sessions cannot set modes, and a new script must be executable to be useful
    return PROGRAM if content.startswith(b"#!") else FILE


def _blob(content: bytes, merged: MergeResult) -> bytes:
    from dulwich.objects import Blob

    blob = Blob.from_string(content)
    merged.blobs.append(blob)
    return bytes(blob.id)
