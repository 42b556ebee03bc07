"""Bytes that can be read repeatedly from any offset: in memory, in a bucket, or derived."""

import io
import zlib
from collections.abc import Buffer, Callable, Iterator
from itertools import pairwise
from tempfile import SpooledTemporaryFile
from typing import Protocol
from weakref import finalize

CHUNK = 256 * 1024
MAX_KEPT_IN_MEMORY = 16 * 1024 * 1024


class Content(Protocol):
    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset` to the end."""
        ...

    def size(self) -> int: ...


class Memory:
    """A request's body."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        for start in range(offset, len(self._data), CHUNK):
            yield self._data[start : start + CHUNK]

    def size(self) -> int:
        return len(self._data)


class StoredObject:
    """An object to open at an offset, as S3 does with a Range. `open_at` returns chunks."""

    def __init__(self, open_at: Callable[[int], Iterator[bytes]], size: int) -> None:
        self._open_at = open_at
        self._size = size

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        return self._open_at(offset) if offset < self._size else iter(())

    def size(self) -> int:
        return self._size


class Derived:
    """Bytes derived from other bytes. Opening at an offset derives all bytes before it again."""

    def __init__(self, produce: Callable[[], Iterator[bytes]]) -> None:
        self._produce = produce

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        for chunk in self._produce():
            if offset >= len(chunk):
                offset -= len(chunk)
                continue
            yield chunk[offset:]
            offset = 0

    def size(self) -> int:
        return sum(len(chunk) for chunk in self._produce())


class Kept(Derived):
    """Costly derived bytes, kept compressed after the first time: large ones on disk."""

    def __init__(self, produce: Callable[[], Iterator[bytes]]) -> None:
        super().__init__(self._blocks)
        self._first = produce
        # closed with this object: a reader may stop anywhere, so nobody else knows the end
        self._file = SpooledTemporaryFile(max_size=MAX_KEPT_IN_MEMORY)  # noqa: SIM115
        finalize(self, self._file.close)
        self._ends: list[int] = []

    def _blocks(self) -> Iterator[bytes]:
        # an inspection reads the rows several times, and parsing a sheet costs far more than this
        if not self._ends:
            self._keep()
        for start, end in pairwise([0, *self._ends]):
            # before each block: another reader may have moved the position
            self._file.seek(start)
            yield zlib.decompress(self._file.read(end - start))

    def _keep(self) -> None:
        ends = []
        self._file.seek(0)
        for block in _joined(self._first()):
            self._file.write(zlib.compress(block, 1))
            ends.append(self._file.tell())
        self._ends = ends


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces into blocks of about CHUNK bytes."""
    block: list[bytes] = []
    size = 0
    for piece in pieces:
        block.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield b"".join(block)
            block, size = [], 0
    yield b"".join(block)


def head(content: Content, size: int) -> bytes:
    """Return the first `size` bytes."""
    taken = b""
    for chunk in content.chunks():
        taken += chunk
        if len(taken) >= size:
            break
    return taken[:size]


class SeekableFile(io.RawIOBase):
    """A seekable file over a `Content`, for zipfile. Sequential reads reuse one stream."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._size = content.size()
        self._position = 0
        self._stream: Iterator[bytes] | None = None
        self._pending = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        target = max(0, base + offset)
        if target != self._position:
            self._position, self._stream, self._pending = target, None, b""
        return target

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        if not self._pending:
            self._stream = self._stream or self._content.chunks(self._position)
            self._pending = next(self._stream, b"")
        taken = self._pending[: len(view)]
        view[: len(taken)] = taken
        self._pending = self._pending[len(taken) :]
        self._position += len(taken)
        return len(taken)
