"""Parse JSON values, one at a time, from a stream of text."""

import codecs
import json
import math
import re
from typing import Any

from groundwork.backlog.card_import.content import Content
from groundwork.backlog.card_import.encoding import Encoding

NOT_JSON = "is not valid JSON"
# more digits are an error for int()
_MAX_DIGITS = 400
# an error this close to the end of the text may come from a cut
_CUT = 32
_SPACE = re.compile(r"[\s,\ufeff]*")
_VALUE_LINE = re.compile(r"\n(?=[\[{])")


class Oversized(ValueError):
    """One value is longer than the limit, or its end is missing."""


def _finite(number: str) -> float | None:
    """Return None for an overflow: JSON cannot write infinity."""
    value = float(number)
    return value if math.isfinite(value) else None


def _integer(number: str) -> int | str:
    return int(number) if len(number) <= _MAX_DIGITS else number


# Python and JavaScript programs write NaN and Infinity: the value is lost, the record is not
DECODER = json.JSONDecoder(parse_float=_finite, parse_int=_integer, parse_constant=lambda _: None)


def parsed(line: bytes | str) -> Any:
    """Parse one value; raises ValueError."""
    text = line.decode(json.detect_encoding(line), "surrogatepass") if isinstance(line, bytes) else line
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise ValueError(NOT_JSON) from None


def after_space(text: str, at: int) -> int:
    """Return the position behind the white space and commas at a position."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


class ValueStream:
    """Parses a content's values with one value in memory at a time.

    `line` is the current line.
    """

    def __init__(self, content: Content, encoding: Encoding, limit: int) -> None:
        decoder = codecs.getincrementaldecoder(encoding.name)("replace")
        self._texts = (decoder.decode(chunk) for chunk in content.chunks(encoding.start))
        self._limit = limit
        self._buffer = ""
        self._at = 0
        self._start = 0
        self._ended = False
        self.line = 1

    def next_char(self) -> str:
        """Skip white space and commas; return the next character, or nothing at the end."""
        while True:
            self._move(after_space(self._buffer, self._at))
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def skip_char(self) -> None:
        self._at += 1

    def skip_to_value(self) -> bool:
        """Move to the next line that begins with an object or array; return False if none does."""
        while not (found := _VALUE_LINE.search(self._buffer, self._at)):
            # a line end at the end of the buffer may come before a value
            self._move(max(self._at, len(self._buffer) - 1))
            if not self._more():
                return False
        self._move(found.end())
        return True

    def value(self) -> Any:
        """Parse the value at the current position; raises ValueError."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise ValueError(NOT_JSON) from None
            except json.JSONDecodeError as error:
                self._extend(error)
                continue
            length = end - self._at
            if length > self._limit:
                raise Oversized
            # a number at the end of the buffer may be incomplete
            if end < len(self._buffer) or not self._more():
                self._start = self._at
                self._move(self._at + length)
                return value

    def text(self) -> str:
        """Return the text of the last value, until the next call of any other method."""
        return self._buffer[self._start : self._at]

    def _extend(self, error: json.JSONDecodeError) -> None:
        """Read more of a cut value. Raises ValueError if the value is broken or too long."""
        if error.pos < len(self._buffer) - _CUT and not error.msg.startswith("Unterminated"):
            raise error
        if len(self._buffer) - self._at > self._limit:
            raise Oversized
        if not self._more():
            raise error

    def _move(self, end: int) -> None:
        self.line += self._buffer.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Double the buffer after the current position."""
        self._buffer, self._at = self._buffer[self._at :], 0
        # a value is parsed from its start after each step: doubling keeps the sum of all steps small
        wanted = max(1, len(self._buffer))
        parts = []
        while wanted > 0 and not self._ended:
            text = next(self._texts, None)
            self._ended = text is None
            parts.append(text or "")
            wanted -= len(text or "")
        self._buffer += "".join(parts)
        return bool("".join(parts)) or not self._ended
