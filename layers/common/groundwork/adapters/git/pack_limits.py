"""Measure a git pack before unpacking it: a few hundred KB may hold gigabytes of zeros.

Format (git's Documentation/gitformat-pack): a header of 12 bytes, then objects. Each has its kind and size, a reference
to its base if it is a delta, and its content deflated. A delta begins with the sizes of base and result.
"""

import zlib
from typing import BinaryIO

_OFFSET_DELTA, _NAMED_DELTA = 6, 7
_PIECE = 64 * 1024


class PackTooLarge(Exception):
    """The objects of the pack exceed a limit, one of them or all together."""


def check_inflated(pack: BinaryIO, max_bytes: int, max_object_bytes: int | None = None) -> None:
    """Read the pack in pieces from its start. Raises PackTooLarge, ValueError, zlib.error."""
    largest = max_bytes if max_object_bytes is None else max_object_bytes
    pack.seek(0)
    header = pack.read(12)
    if header[:4] != b"PACK":
        raise ValueError("no pack")
    total = 0
    for _ in range(int.from_bytes(header[8:12])):
        kind = _kind(pack)
        if kind == _OFFSET_DELTA:
            _skip_number(pack)
        elif kind == _NAMED_DELTA:
            # the id of the base: SHA-1, as `check_id` refuses other repositories
            pack.read(20)
        delta = kind in (_OFFSET_DELTA, _NAMED_DELTA)
        size = _size(pack, delta, min(largest, max_bytes - total))
        total += size
        if total > max_bytes or size > largest:
            raise PackTooLarge


def _kind(pack: BinaryIO) -> int:
    """Return an object's kind; skip its stated size: it may be false."""
    byte = _byte(pack)
    kind = (byte >> 4) & 7
    while byte & 0x80:
        byte = _byte(pack)
    return kind


def _skip_number(pack: BinaryIO) -> None:
    while _byte(pack) & 0x80:
        pass


def _byte(pack: BinaryIO) -> int:
    """Raises ValueError at the end of the pack."""
    read = pack.read(1)
    if not read:
        raise ValueError("the pack ends too soon")
    return read[0]


def _size(pack: BinaryIO, delta: bool, max_bytes: int) -> int:
    """Return the bytes of an unpacked object, for a delta plus its result.

    Stops soon after `max_bytes`.
    """
    inflater, size, result, rest = zlib.decompressobj(), 0, 0, b""
    while not inflater.eof and size + result <= max_bytes:
        rest = rest or pack.read(_PIECE)
        if not rest:
            raise ValueError("the pack ends too soon")
        piece = inflater.decompress(rest, _PIECE)
        rest = inflater.unconsumed_tail
        if delta and not size and piece:
            result = _result_size(piece)
        size += len(piece)
    # bytes read beyond this object belong to the next one
    pack.seek(-len(inflater.unused_data), 1)
    return size + result


def _result_size(delta: bytes) -> int:
    """Return the second number at the start of a delta: seven bits a byte, lowest first."""
    numbers, number, shift = [], 0, 0
    for byte in delta[:20]:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(number)
            number, shift = 0, 0
    return numbers[1] if len(numbers) > 1 else 0
