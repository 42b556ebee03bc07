"""Merge three versions of a text by lines, as git does: adjacent changes conflict.

In documents, lines added by both at one place are no conflict: entries of a change log stand one below the other.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import PurePosixPath

MAX_LINES = 50_000
_DOCUMENTS = (".md", ".rst", ".adoc", ".txt")
_CODE_LIKE = ("requirements", "constraints", "cmakelists")
"""Beginnings of names with the suffix of a document, but a syntax of their own."""

type Lines = Sequence[bytes]
type Region = tuple[int, int, int, int]
"""A run of common lines: its start in base, ours and theirs, and its length."""


def keeps_both(path: str) -> bool:
    """True for documents: lines added at one place can stand one below the other."""
    name = PurePosixPath(path.lower()).name
    return name.endswith(_DOCUMENTS) and not name.startswith(_CODE_LIKE)


def merge(base: bytes, ours: bytes, theirs: bytes, both: bool = False) -> bytes | None:
    """Return a text with both changes; None for conflicts and binary content.

    `both`: lines added by both at one place are kept, theirs first.
    """
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
        chosen = _choose(parts[0], parts[1], parts[2], both)
        if chosen is None:
            return None
        length = start[3]
        result += [*chosen, *versions[0][start[0] : start[0] + length]]
        at = (start[0] + length, start[1] + length, start[2] + length)
    return b"".join(result)


def _choose(base: Lines, ours: Lines, theirs: Lines, both: bool) -> Lines | None:
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    # a last line without its end would run into the next one
    added = both and not base and theirs[-1].endswith(b"\n") and ours[-1].endswith(b"\n")
    return [*theirs, *ours] if added else None


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
