"""Packs are measured before they are unpacked."""

import io
import zlib

import pytest

from groundwork.adapters.git.pack_limits import PackTooLarge, check_inflated

BLOB, OFFSET_DELTA, NAMED_DELTA = 3, 6, 7


def number(value: int) -> bytes:
    """Encode a number: seven bits a byte, lowest first."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def an_object(kind: int, content: bytes, base: bytes = b"") -> bytes:
    """Build an object with a false stated size of 0."""
    return bytes([kind << 4]) + base + zlib.compress(content)


def pack(*objects: bytes) -> io.BytesIO:
    header = b"PACK" + (2).to_bytes(4) + len(objects).to_bytes(4)
    return io.BytesIO(header + b"".join(objects) + b"\0" * 20)


def test_what_is_small_inside_passes_and_its_end_is_found() -> None:
    whole = pack(an_object(BLOB, b"one"), an_object(BLOB, b""), an_object(BLOB, bytes(200_000)))
    check_inflated(whole, 200_003)
    assert whole.tell() == len(whole.getvalue()) - 20


@pytest.mark.parametrize("size", [200_001, 50_000_000])
def test_a_little_that_becomes_much_is_refused(size: int) -> None:
    with pytest.raises(PackTooLarge):
        check_inflated(pack(an_object(BLOB, b"one"), an_object(BLOB, bytes(size))), 200_000)


@pytest.mark.parametrize(("kind", "base"), [(OFFSET_DELTA, b"\x81\x05"), (NAMED_DELTA, b"n" * 20)])
def test_what_a_delta_makes_counts(kind: int, base: bytes) -> None:
    delta = number(5) + number(10_000_000) + b"\x90\x05"
    check_inflated(pack(an_object(kind, delta, base)), 10_000_100)
    with pytest.raises(PackTooLarge):
        check_inflated(pack(an_object(kind, delta, base)), 9_999_999)


def test_one_object_may_be_too_large_by_itself() -> None:
    whole = pack(*(an_object(BLOB, bytes(60_000)) for _ in range(3)))
    check_inflated(whole, 200_000, 60_000)
    with pytest.raises(PackTooLarge):
        check_inflated(whole, 200_000, 59_999)


def test_what_ends_too_soon_or_is_no_pack_is_said() -> None:
    cut = io.BytesIO(pack(an_object(BLOB, bytes(1_000))).getvalue()[:16])
    with pytest.raises(ValueError, match="too soon"):
        check_inflated(cut, 10_000)
    with pytest.raises(ValueError, match="no pack"):
        check_inflated(io.BytesIO(b"<html>"), 10_000)
