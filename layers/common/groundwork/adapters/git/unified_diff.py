"""Write a change as a unified diff for `git apply`, for plans without commits."""

import zlib
from base64 import b85encode
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from groundwork.adapters.git.tree_merge import merge_onto
from groundwork.adapters.git.trees import TreeEntry, entry_at
from groundwork.agent.changes import Changes

_NOTHING = b"0" * 40
_PIECE = 52
"""Bytes in a line of a binary patch."""


def unified_diff(store: Any, base: bytes, changes: Changes) -> str:
    """Write the format of `git diff --binary`: text for every kind of file."""
    from dulwich.patch import write_object_diff

    root = store[base].tree
    merged = merge_onto(store, root, root, changes)
    for blob in merged.blobs:
        store.add_object(blob)
    out = BytesIO()
    for path, new in sorted(merged.updates.items()):
        old, name = entry_at(store, root, path), path.encode()
        if _is_text(store, old) and _is_text(store, new):
            before = (name if old else None, *(old or (None, None)))
            after = (name if new else None, *(new or (None, None)))
            write_object_diff(out, store, before, after)
        else:
            out.writelines(_binary(store, name, old, new))
    return out.getvalue().decode()


def _is_text(store: Any, entry: TreeEntry | None) -> bool:
    """True for UTF-8 text; other encodings could not be told apart in the diff."""
    if entry is None:
        return True
    # missing means too large to fetch: it can only be deleted, without its content
    content = bytes(store[entry[1]].as_raw_string()) if entry[1] in store else b"\0"
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def _binary(store: Any, name: bytes, old: TreeEntry | None, new: TreeEntry | None) -> Iterator[bytes]:
    """Write a binary patch: the new content, deflated, in lines with a length.

    Source: git's Documentation/diff-format and apply.c.
    """
    yield b"diff --git a/%s b/%s\n" % (name, name)
    if old is None and new:
        yield b"new file mode %o\n" % new[0]
    elif new is None and old:
        yield b"deleted file mode %o\n" % old[0]
    yield b"index %s..%s%s\n" % (
        old[1] if old else _NOTHING,
        new[1] if new else _NOTHING,
        b" %o" % new[0] if old and new else b"",
    )
    content = bytes(store[new[1]].as_raw_string()) if new else b""
    yield b"GIT binary patch\nliteral %d\n" % len(content)
    packed = zlib.compress(content)
    for start in range(0, len(packed), _PIECE):
        piece = packed[start : start + _PIECE]
        # git writes the lengths 1 to 26 as A to Z, and 27 to 52 as a to z
        length = len(piece) + (ord("A") - 1 if len(piece) <= 26 else ord("a") - 27)
        yield bytes([length]) + b85encode(piece, pad=True) + b"\n"
    yield b"\n"
