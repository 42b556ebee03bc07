"""The tree in a sandbox: sent files, products of set-up, changes by commands."""

import base64
import contextlib
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from typing import IO, Any

from .boxes import Boxes
from .files import Signature, content, digests_of, file_digest, parents, signature_of, tree_digest, walk
from .refusal import Refused
from .transfer import transfer


class SandboxFolders:
    """The folders /work and home. Used only between commands, so no file changes meanwhile."""

    def __init__(self, boxes: Boxes) -> None:
        self.boxes = boxes
        self.sent: dict[str, tuple[str, Signature | None]] = {}
        """Digest and signature by path, for all files of the last tree."""

        self.from_setup: set[str] = set()

    def put(self, archive: IO[bytes], clean: bool) -> dict[str, Any]:
        """Replace the tree; `clean` also removes products of commands, but not of set-up."""
        digests = digests_of(archive)
        self._open_folders()
        stale = self._conflicts(digests)
        stale |= self._strays(set(digests)) if clean else set(self.sent) - set(digests)
        # emptied first: after a failed put, its files must not pass for those of the last tree
        self.sent = {}
        self._remove(stale)
        self._extract(archive, self.boxes.inside("work"))
        self.sent = {path: (digest, self._signature(path)) for path, digest in digests.items()}
        if missing := [path for path, (_, signature) in self.sent.items() if signature is None]:
            raise Refused(500, "INCOMPLETE", f"{len(missing)} files could not be written, such as {missing[0]!r}")
        return {"tree": tree_digest(digests), "files": len(digests), "removed": len(stale)}

    def changes(self, limit: int, most: int, ignored: frozenset[str]) -> dict[str, Any]:
        """List files that differ from the last tree, with at most `limit` bytes of content in total."""
        found: list[dict[str, Any]] = []
        seen: set[str] = set()
        for path, status in walk(self.boxes.work, ignored):
            if stat.S_ISDIR(status.st_mode) or (path in self.from_setup and path not in self.sent):
                continue
            seen.add(path)
            change = self._change(path, status, limit)
            if change is not None:
                limit -= change.get("size", 0) if "content" in change else 0
                found.append(change)
            if len(found) > most:
                return {"changes": found[:most], "truncated": True}
        # an ignored folder may hold sent files: unseen is not deleted
        gone = [path for path in sorted(set(self.sent) - seen) if self._signature(path) is None]
        found += [{"path": path, "kind": "deleted"} for path in gone]
        return {"changes": found[:most], "truncated": len(found) > most}

    def note_setup(self) -> None:
        """Record all files that were not sent as products of set-up."""
        self.from_setup = {path for path, _ in walk(self.boxes.work) if path not in self.sent}

    def save_setup(self, url: str, limit: int) -> int:
        """Upload the products of set-up in the tree and the home folder. Return the size in bytes."""
        # pack twice: the store needs the length before the content
        with self._pack() as counting:
            size = sum(len(chunk) for chunk in iter(lambda: counting.read(2**20), b""))
        if size > limit:
            raise Refused(413, "TOO_LARGE", f"Set-up produced {size // 2**20} MB; the limit is {limit // 2**20} MB")
        with self._pack() as packed:
            transfer("PUT", url, body=packed, size=size)
        return size

    def restore_setup(self, url: str, limit: int) -> int:
        """Unpack a kept set-up. Call it before the first tree is written."""
        path = os.path.join(self.boxes.run, "kept.tar")
        try:
            with open(path, "w+b") as file:
                size = transfer("GET", url, into=file, size=limit)
                self._extract(file, self.boxes.inside("base"))
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        self.note_setup()
        return size

    @contextlib.contextmanager
    def _pack(self) -> Iterator[IO[bytes]]:
        base = self.boxes.inside("base")
        names = [os.path.relpath(os.path.join(self.boxes.inside("work"), path), base) for path in self.from_setup]
        home = os.path.relpath(self.boxes.inside("home"), base)
        names += [os.path.join(home, path) for path, _ in walk(self.boxes.home)]
        with open(os.path.join(self.boxes.run, "names"), "w+b") as listing:
            listing.write(b"".join(os.fsencode(name) + b"\0" for name in sorted(names, key=_parts)))
            listing.flush()
            os.lseek(listing.fileno(), 0, os.SEEK_SET)
            # by folder, or tar would close a read-only folder before its last file is unpacked;
            # the names are complete: recursion into a folder of the tree would add the tree's own files
            argv = ["tar", "-c", "-f", "-", "-C", base, "--no-recursion", "--null", "-T", "-"]
            process = self.boxes.helper(argv, listing, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        with process.stdout:
            yield process.stdout
        if process.wait() != 0:
            raise Refused(500, "NOT_PACKED", "The products of set-up could not be packed")

    def _extract(self, archive: IO[bytes], folder: str) -> None:
        archive.flush()
        # the program reads the descriptor itself, and a buffered seek may not move it
        os.lseek(archive.fileno(), 0, os.SEEK_SET)
        # as root, tar would give the files to the users named by the archive
        argv = ["tar", "-x", "-f", "-", "-C", folder, "--no-same-owner"]
        self._finish(
            self.boxes.helper(argv, archive, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE), "NOT_UNPACKED"
        )

    def _remove(self, paths: set[str]) -> None:
        """Remove files with a program in a box: folders may be nested too deeply for Python."""
        if not paths:
            return
        with open(os.path.join(self.boxes.run, "names"), "w+b") as listing:
            inside = self.boxes.inside("work")
            listing.write(b"".join(os.fsencode(os.path.join(inside, path)) + b"\0" for path in sorted(paths)))
            listing.flush()
            os.lseek(listing.fileno(), 0, os.SEEK_SET)
            argv = ["xargs", "-0", "rm", "-rf", "--"]
            process = self.boxes.helper(argv, listing, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._finish(process, "NOT_REMOVED")

    def _open_folders(self) -> None:
        """Make all folders open to the agent: commands may leave some closed to their owner."""
        rights = ["!", "-perm", "-500", "-exec", "chmod", "u+rwx", "{}", ";"]
        # one by one only where the search itself needs it at once
        rights += ["-o", "!", "-perm", "-200", "-exec", "chmod", "u+w", "{}", "+"]
        argv = ["find", self.boxes.inside("work"), "-type", "d", "(", *rights, ")"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        # a folder that stays closed is told by the removal or the archive
        self.boxes.helper(argv, subprocess.DEVNULL, **quiet).wait()

    def _finish(self, process: subprocess.Popen[bytes], code: str) -> None:
        assert process.stderr is not None
        with process.stderr:
            said = process.stderr.read(4096)
            # a full pipe would block the program
            while process.stderr.read(65536):
                pass
        if process.wait() != 0:
            raise Refused(507 if b"No space left" in said else 500, code, said.decode("utf-8", "replace").strip()[:500])

    def _signature(self, path: str) -> Signature | None:
        try:
            return signature_of(os.lstat(os.path.join(self.boxes.work, path)))
        except OSError:
            return None

    def _conflicts(self, digests: Mapping[str, str]) -> set[str]:
        """Return files in the place of the tree's folders, and folders in the place of its files."""
        folders = {parent for path in digests for parent in parents(path)}
        found = set()
        for path in folders | set(digests):
            signature = self._signature(path)
            if signature is not None and stat.S_ISDIR(signature[0]) != (path in folders):
                found.add(path)
        return found

    def _strays(self, sent: set[str]) -> set[str]:
        """Return the topmost paths of neither the tree nor set-up. `from_setup` includes folders."""
        kept = sent | {parent for path in sent for parent in parents(path)} | self.from_setup
        return {path for path, _ in walk(self.boxes.work, into=kept.__contains__) if path not in kept}

    def _change(self, path: str, status: os.stat_result, left: int) -> dict[str, Any] | None:
        digest, signature = self.sent.get(path, (None, None))
        # a command cannot set the change time, so an equal signature means an equal file
        if signature is not None and signature == signature_of(status):
            return None
        change: dict[str, Any] = {"path": path, "kind": "added" if digest is None else "modified"}
        # a name with line breaks or escapes could forge lines in a list of changes
        if not path.isprintable() or not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            return {**change, "path": path.encode("utf-8", "backslashreplace").decode(), "special": True}
        place = os.path.join(self.boxes.work, path)
        found = _link(place) if stat.S_ISLNK(status.st_mode) else _file(place, status, left)
        # a file rewritten with equal content is not a change
        return None if found.pop("digest", None) == (digest or "") else {**change, **found}


def _parts(name: str) -> list[str]:
    return name.split("/")


def _link(place: str) -> dict[str, Any]:
    target = os.readlink(place)
    return {"link": target.encode("utf-8", "backslashreplace").decode(), "digest": f"l:{target}"}


def _file(place: str, status: os.stat_result, left: int) -> dict[str, Any]:
    """Describe a file, without content beyond the limit."""
    found: dict[str, Any] = {"size": status.st_size, "executable": bool(status.st_mode & 0o100)}
    data = content(place, left) if status.st_size <= left else None
    if data is None:
        return found
    encoded = base64.b64encode(data).decode()
    return {**found, "content": encoded, "digest": file_digest(found["executable"], data)}
