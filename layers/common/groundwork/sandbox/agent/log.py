"""A command's log: bounded, printable, read in pages."""

import codecs
import re

MAX_PAGE = 256 * 1024


class Plain:
    """Decodes a stream of bytes to text without escape sequences and control characters."""

    _SEQUENCE = re.compile(
        r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, the cursor
        r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links, the clipboard
        r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"  # character sets and the like
    )
    # direction marks could show a log in another order than it was written
    _CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
    _MAX_PENDING = 4096

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
        self._pending = ""

    def feed(self, data: bytes, final: bool = False) -> str:
        text = self._SEQUENCE.sub("", self._pending + self._decode(data, final))
        # a chunk may end within a sequence: wait for the rest, up to a limit
        cut = text.find("\x1b") if not final else -1
        # half of CRLF would become a line end of its own
        if cut < 0 and text.endswith("\r") and not final:
            cut = len(text) - 1
        if cut < 0 or len(text) - cut > self._MAX_PENDING:
            cut = len(text)
        text, self._pending = text[:cut], text[cut:]
        return self._CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


class Log:
    """The first and the last half of `limit` bytes; offsets count everything written."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head, self._tail = bytearray(), bytearray()
        self._plain = Plain()
        self.total = 0
        self.raw = 0

    def write(self, data: bytes, final: bool = False) -> None:
        self.raw += len(data)
        text = self._plain.feed(data, final).encode("utf-8", "replace")
        self.total += len(text)
        room = self._half - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        self._tail += text
        # cut seldom: each cut copies the tail
        if len(self._tail) > self._half * 2:
            del self._tail[: -self._half]

    @property
    def _tail_start(self) -> int:
        return self.total - min(len(self._tail), self._half)

    def read(self, offset: int, limit: int = MAX_PAGE) -> tuple[str, int, int]:
        """Return a page from `offset`: text, next offset, and number of lost bytes before it."""
        offset = min(max(offset, 0), self.total)
        skipped = 0
        if offset < len(self._head):
            page = bytes(self._head[offset : offset + limit])
        else:
            skipped = max(self._tail_start - offset, 0)
            offset += skipped
            kept = self._tail[-self._half :] if self._tail else b""
            at = offset - self._tail_start
            page = bytes(kept[at : at + limit])
        if len(page) == limit:
            page = _whole_characters(page)
        return page.decode("utf-8", "replace"), offset + len(page), skipped


def _whole_characters(page: bytes) -> bytes:
    """Leave a cut character at the end to the next page."""
    for back in range(1, min(4, len(page)) + 1):
        byte = page[-back]
        if byte & 0xC0 != 0x80:
            width = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return page if back >= width or back == len(page) else page[:-back]
    return page
