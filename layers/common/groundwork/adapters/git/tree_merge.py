"""A task's changes put on a head that may have moved: what each path becomes, or which paths conflict."""

from collections.abc import Mapping
from dataclasses import dataclass
from stat import S_ISDIR, S_ISREG
from typing import Any

from groundwork.adapters.git import line_merge
from groundwork.adapters.git.trees import FILE, PROGRAM, TreeEntry, entry_at, in_the_way
from groundwork.agent.changes import Changes
from groundwork.agent.repository import MergeConflict


@dataclass(frozen=True, slots=True)
class Merged:
    """The entries that change, by path, and the new blobs among them."""

    updates: dict[str, TreeEntry | None]
    blobs: list[Any]


def on_head(store: Any, base: bytes, head: bytes, changes: Changes, modes: Mapping[str, int] | None = None) -> Merged:
    """The changes to the tree `base` as changes to the tree `head`. Raises MergeConflict.

    A file that is there keeps its mode, unless `modes` has one for it; so does a new one.
    """
    merged, conflicts = Merged({}, []), []
    gone = {path for path, content in changes.items() if content is None}
    for path, content in changes.items():
        try:
            if content is not None and in_the_way(store, head, path, gone):
                raise MergeConflict([path])
            _merge(store, base, head, path, content, merged, (modes or {}).get(path))
        except MergeConflict:
            conflicts.append(path)
    if conflicts:
        raise MergeConflict(conflicts)
    return merged


def _merge(
    store: Any, base: bytes, head: bytes, path: str, content: bytes | None, merged: Merged, mode: int | None
) -> None:
    before, now = _file_at(store, base, path), _file_at(store, head, path)
    if now is None and content is None:
        # gone already; what others may have put there as a folder is not ours to delete
        return
    if now != before:
        content = _both(store, before, now, path, content)
    if content is None:
        merged.updates[path] = None
        return
    there = now or before
    merged.updates[path] = (mode or (there[0] if there else _mode_of(content)), _blob(content, merged))


def _file_at(store: Any, root: bytes, path: str) -> TreeEntry | None:
    """Raises MergeConflict where there is something that is neither a file nor a folder."""
    entry = entry_at(store, root, path)
    if entry is None or S_ISDIR(entry[0]):
        return None
    if not S_ISREG(entry[0]):
        raise MergeConflict([path])
    return entry


def _both(store: Any, before: TreeEntry | None, now: TreeEntry | None, path: str, content: bytes | None) -> bytes:
    """The content with what others have changed since. Raises MergeConflict."""
    theirs = bytes(store[now[1]].as_raw_string()) if now else None
    if theirs is not None and theirs == content:
        return theirs
    if theirs is None or content is None or before is None:
        raise MergeConflict([path])
    old = bytes(store[before[1]].as_raw_string())
    both = content if theirs == old else line_merge.merged(old, content, theirs)
    if both is None:
        raise MergeConflict([path])
    return both


def _mode_of(content: bytes) -> int:
    # no tool of a session sets modes, and a new script that cannot be run is of no use
    return PROGRAM if content.startswith(b"#!") else FILE


def _blob(content: bytes, merged: Merged) -> bytes:
    from dulwich.objects import Blob

    blob = Blob.from_string(content)
    merged.blobs.append(blob)
    return bytes(blob.id)
