"""Read and rebuild git trees by path."""

from collections.abc import Iterator, Mapping, Set
from stat import S_ISDIR
from typing import Any

from groundwork.agent.repository import RepositoryRefused

FOLDER = 0o40000
FILE = 0o100644
PROGRAM = 0o100755

type TreeEntry = tuple[int, bytes]
"""Mode and object id."""


def entries(store: Any, tree: bytes) -> list[Any]:
    """Return a folder's entries. Raises RepositoryRefused if it is missing or damaged.

    Servers verify received objects only if configured to.
    """
    from dulwich.errors import FileFormatException, NotTreeError
    from dulwich.objects import Tree

    try:
        found = store[tree]
        if isinstance(found, Tree):
            return list(found.iteritems())
    except (KeyError, FileFormatException, NotTreeError):
        pass
    raise RepositoryRefused(f"The repository is damaged: its folder {tree.decode()[:12]} cannot be read.")


def entry_at(store: Any, root: bytes, path: str) -> TreeEntry | None:
    """Return the file or folder at a path; None for nothing."""
    found: TreeEntry | None = (FOLDER, root)
    for name in path.encode().split(b"/"):
        if found is None or not S_ISDIR(found[0]):
            return None
        tree = store[found[1]]
        found = tuple(tree[name]) if name in tree else None
    return found


def is_blocked(store: Any, root: bytes, path: str, removed: Set[str]) -> bool:
    """True if a file replaces one of the path's folders, or a non-empty folder is at the path.

    Files in `removed` do not count.
    """
    parts = path.split("/")
    parents = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    if any(upper not in removed and _is_file(entry_at(store, root, upper)) for upper in parents):
        return True
    here = entry_at(store, root, path)
    return (
        here is not None
        and S_ISDIR(here[0])
        and not all(file in removed for file in _files_below(store, here[1], path))
    )


def _is_file(entry: TreeEntry | None) -> bool:
    return entry is not None and not S_ISDIR(entry[0])


def _files_below(store: Any, tree: bytes, path: str) -> Iterator[str]:
    pending = [(path, tree)]
    while pending:
        above, sha = pending.pop()
        for entry in entries(store, sha):
            inner = f"{above}/{entry.path.decode(errors='replace')}"
            if S_ISDIR(entry.mode):
                pending.append((inner, entry.sha))
            else:
                yield inner


def update_tree(
    store: Any, root: bytes | None, updates: Mapping[str, TreeEntry | None]
) -> tuple[bytes | None, list[Any]]:
    """Return the id of the updated tree, and all trees made for it.

    An empty tree is None: git stores no empty folders.
    """
    from dulwich.objects import Tree

    tree = store[root].copy() if root else Tree()
    by_folder: dict[str, dict[str, TreeEntry | None]] = {}
    for path, entry in updates.items():
        name, _, rest = path.partition("/")
        if rest:
            by_folder.setdefault(name, {})[rest] = entry
        else:
            _put(tree, name, entry)
    trees_made: list[Any] = []
    for name, inner in by_folder.items():
        old = tuple(tree[name.encode()]) if name.encode() in tree else None
        sha, trees = update_tree(store, old[1] if old and S_ISDIR(old[0]) else None, inner)
        trees_made += trees
        # remove an emptied folder, but not a file that someone has put in its place
        if sha or (old and S_ISDIR(old[0])):
            _put(tree, name, (FOLDER, sha) if sha else None)
    return (tree.id, [*trees_made, tree]) if len(tree) else (None, trees_made)


def _put(tree: Any, name: str, entry: TreeEntry | None) -> None:
    if entry:
        tree[name.encode()] = entry
    elif name.encode() in tree:
        del tree[name.encode()]
