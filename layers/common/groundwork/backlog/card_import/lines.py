"""Read lines with the byte offset of their ends, and give them back."""

from collections import deque
from collections.abc import Iterator

from groundwork.backlog.card_import.content import Content
from groundwork.backlog.card_import.limits import MAX_LINE_BYTES, MAX_LINES_TO_CLOSE, MAX_RECORD_BYTES

END = "\0end of the file"
"""A marker after the last line: an unclosed quote includes it and is thereby detected."""


def byte_lines(chunks: Iterator[bytes], offset: int) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line with its line end, and the offset after it.

    The line is None if it exceeds the limit.
    """
    rest, skipping = b"", False
    for chunk in chunks:
        lines = (rest + chunk).splitlines(keepends=True)
        # a CR at the end of a chunk may be half of CRLF
        rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            offset += len(line)
            yield (None if skipping else line), offset
            skipping = False
        if len(rest) > MAX_LINE_BYTES:
            # a lone CR at the very end may be half of CRLF
            offset += len(rest) - 1
            rest, skipping = rest[-1:], True
    for line in rest.splitlines(keepends=True):
        offset += len(line)
        yield (None if skipping else line), offset
        skipping = False


class TooLong(Exception):
    """A record over the limit."""


class LineReader:
    """Decodes lines for csv.reader, and keeps those of the current record."""

    def __init__(self, content: Content, encoding: str, offset: int) -> None:
        self._raw = byte_lines(content.chunks(offset), offset)
        self._encoding = encoding
        self._again: deque[tuple[bytes | None, int]] = deque()
        self.ended = False
        self.taken: list[tuple[bytes, int]] = []
        self.skipped = 0
        self.size = 0

    def __iter__(self) -> "LineReader":
        return self

    def __next__(self) -> str:
        if self.ended:
            raise StopIteration
        line = self._next()
        if line is None:
            self.ended = True
            return END
        raw, end = line
        self.taken.append((raw or b"", end))
        self.size += len(raw or b"")
        if raw is None or self.size > MAX_RECORD_BYTES:
            raise TooLong
        return raw.decode(self._encoding, "replace")

    def _next(self) -> tuple[bytes | None, int] | None:
        return self._again.popleft() if self._again else next(self._raw, None)

    def decoded(self, lines: list[tuple[bytes, int]]) -> list[str]:
        return [raw.decode(self._encoding, "replace") for raw, _ in lines]

    def forget(self) -> None:
        self.taken, self.skipped, self.size = [], 0, 0

    def put_back(self, lines: list[tuple[bytes, int]]) -> None:
        self._again.extendleft(reversed(lines))
        self.ended = False

    @property
    def is_open(self) -> bool:
        # quotes inside a cell are doubled, so an odd count means open
        return sum(raw.count(b'"') for raw, _ in self.taken) % 2 == 1

    def to_close(self) -> list[tuple[bytes, int]]:
        """Take the lines below, up to one with the missing quote, if it is near; else none."""
        lines: list[tuple[bytes, int]] = []
        size = self.size
        while len(lines) < MAX_LINES_TO_CLOSE and (line := self._next()) is not None:
            raw, end = line
            size += len(raw or b"")
            if raw is None or size > MAX_RECORD_BYTES:
                self._again.appendleft(line)
                break
            lines.append((raw, end))
            if raw.count(b'"') % 2:
                return lines
        self.put_back(lines)
        return []

    def skip_to_close(self) -> bool:
        """Skip lines until the quotes read so far are closed. Returns False at the end of the file."""
        is_open = self.is_open
        while is_open:
            line = self._next()
            if line is None:
                break
            raw, end = line
            is_open ^= (raw or b"").count(b'"') % 2 == 1
            self.taken[-1] = (b"", end)
            self.skipped += 1
        return not is_open
