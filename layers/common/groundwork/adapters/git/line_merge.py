"""Merge three versions of a text by lines, as git does: adjacent changes conflict."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

MAX_LINES = 50_000

type Lines = Sequence[bytes]
type Region = tuple[int, int, int, int]
"""A run of common lines: its start in base, ours and theirs, and its length."""


def merge(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Return a text with both changes; None for conflicts and binary content."""
    # git looks for a zero in the first 8,000 bytes too
    if b"\0" in base[:8_000] + ours[:8_000] + theirs[:8_000]:
        return None
    versions = [text.splitlines(keepends=True) for text in (base, ours, theirs)]
    # the matcher takes quadratic time on unlike texts
    if max(map(len, versions)) > MAX_LINES:
        return None
    result: list[bytes] = []
    at = (0, 0, 0)
    for start in [*_common_regions(*versions), (*map(len, versions), 0)]:
        parts = [lines[begin:end] for lines, begin, end in zip(versions, at, start, strict=False)]
        chosen = _choose(*parts)
        if chosen is None:
            return None
        length = start[3]
        result += [*chosen, *versions[0][start[0] : start[0] + length]]
        at = (start[0] + length, start[1] + length, start[2] + length)
    return b"".join(result)


def _choose(base: Lines, ours: Lines, theirs: Lines) -> Lines | None:
    if ours in (base, theirs):
        return theirs
    return ours if theirs == base else None


def _common_regions(base: Lines, ours: Lines, theirs: Lines) -> Iterator[Region]:
    """Runs of lines common to all three versions, in order."""
    left, right = _blocks(base, ours), _blocks(base, theirs)
    i = j = 0
    while i < len(left) and j < len(right):
        (a, in_ours, n), (b, in_theirs, m) = left[i], right[j]
        start, end = max(a, b), min(a + n, b + m)
        if start < end:
            yield start, in_ours + start - a, in_theirs + start - b, end - start
        if a + n < b + m:
            i += 1
        else:
            j += 1


def _blocks(base: Lines, other: Lines) -> list[tuple[int, int, int]]:
    """Return the common lines of two versions.

    Common start and end are cut off first: the matcher is slow on long texts.
    """
    shortest = min(len(base), len(other))
    head = next((at for at in range(shortest) if base[at] != other[at]), shortest)
    rest = shortest - head
    tail = next((at for at in range(rest) if base[-1 - at] != other[-1 - at]), rest)
    matcher = SequenceMatcher(None, base[head : len(base) - tail], other[head : len(other) - tail])
    inner = [(a + head, b + head, n) for a, b, n in matcher.get_matching_blocks() if n]
    ends = [(len(base) - tail, len(other) - tail, tail)] if tail else []
    return ([(0, 0, head)] if head else []) + inner + ends
