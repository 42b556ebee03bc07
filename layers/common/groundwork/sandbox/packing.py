"""Trees as archives."""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from groundwork.sandbox.agent.files import file_digest, tree_digest
from groundwork.sandbox.model import Tree


def pack(tree: Tree, into: IO[bytes]) -> str:
    """Write a tar of the tree and return its digest. Symbolic links on disk are left out."""
    digests = {}
    with tarfile.open(fileobj=into, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, place in files_of(tree.folder):
            # a checkout may have a text file in place of a link
            if path in tree.links:
                continue
            content = place.read_bytes()
            digests[path] = _add_file(archive, path, content, path in tree.executable or _is_executable(place))
        for path, target in sorted(tree.links.items()):
            member = tarfile.TarInfo(path)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
            digests[path] = f"l:{target}"
    return tree_digest(digests)


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not os.path.islink(os.path.join(root, name)))
        for name in sorted(names):
            place = Path(root, name)
            if place.is_file() and not place.is_symlink():
                yield place.relative_to(folder).as_posix(), place


def _is_executable(place: Path) -> bool:
    return bool(place.stat().st_mode & 0o100)


def _add_file(archive: tarfile.TarFile, path: str, content: bytes, executable: bool) -> str:
    member = tarfile.TarInfo(path)
    member.size, member.mode = len(content), 0o755 if executable else 0o644
    # compilers' caches compare times; at zero every source would be older than its output
    member.mtime = 1_600_000_000
    archive.addfile(member, io.BytesIO(content))
    return file_digest(executable, content)
