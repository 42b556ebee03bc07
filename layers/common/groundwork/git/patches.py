"""A change as a unified diff, for plans that do not commit by themselves."""

from io import BytesIO
from typing import Any

from groundwork.git.merging import on_head
from groundwork.git.trees import entry_at
from groundwork.sessions.changes import Changes


def unified(store: Any, base: bytes, changes: Changes) -> str:
    """As `git diff` writes it; of a binary file only that it differs."""
    from dulwich.patch import write_object_diff

    root = store[base].tree
    merged = on_head(store, root, root, changes)
    for blob in merged.blobs:
        store.add_object(blob)
    out = BytesIO()
    for path, new in sorted(merged.updates.items()):
        old, name = entry_at(store, root, path), path.encode()
        before = (name if old else None, *(old or (None, None)))
        after = (name if new else None, *(new or (None, None)))
        write_object_diff(out, store, before, after)
    return out.getvalue().decode("utf-8", errors="replace")
