"""Find the records in JSON: arrays, values in a row, wrapped lists, tables."""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groundwork.backlog.card_import.content import Content
from groundwork.backlog.card_import.encoding import Encoding
from groundwork.backlog.card_import.json_documents import boards
from groundwork.backlog.card_import.json_fields import flatten
from groundwork.backlog.card_import.limits import MAX_LINE_BYTES, MIB, Limits
from groundwork.backlog.card_import.names import word_list
from groundwork.backlog.card_import.roles import rate
from groundwork.errors import Malformed, TooLarge

NOT_JSON = "is not valid JSON"
_WRAPPERS = word_list(
    """cards entry entries reviews messages data items results records rows issues tickets conversations posts
    comments feedback feedbacks responses answers submissions notes ideas suggestions children nodes edges hits
    value values list content"""
)
_SPACE = re.compile(r"[\s,\ufeff]*")

Located = tuple[int | None, Any]
"""A record and its line in the file, None if unknown."""


def _no_number(constant: str) -> None:
    """Refuse NaN and Infinity: standard JSON does not have them."""
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def parsed(line: bytes | str) -> Any:
    """Parse one value; raises ValueError."""
    try:
        return json.loads(line, parse_constant=_no_number)
    except RecursionError:
        raise ValueError(NOT_JSON) from None


def packed(line: int | None, record: Any, problem: str | None = None) -> bytes:
    """Write a record as one line, so that reading can stop after any record."""
    written = json.dumps([line, record, problem], ensure_ascii=False, separators=(",", ":"))
    # JSON allows lone surrogates; their row is rejected later
    return written.encode("utf-8", "surrogatepass") + b"\n"


def packed_records(content: Content, encoding: Encoding, limits: Limits) -> Iterator[bytes]:
    """Yield the records of a JSON document as packed lines."""
    values = _Values(content, encoding, limits)
    for line, record in values.records():
        yield packed(line, record)
    if values.broken_at is not None:
        yield packed(values.broken_at, None, f"{NOT_JSON} from here on")


class _Values:
    """Parses values from a stream of JSON text, with one value of an array in memory at a time."""

    def __init__(self, content: Content, encoding: Encoding, limits: Limits) -> None:
        decoder = codecs.getincrementaldecoder(encoding.name)("replace")
        self._texts = (decoder.decode(chunk) for chunk in content.chunks(encoding.start))
        self._limits = limits
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False
        self.broken_at: int | None = None

    def records(self) -> Iterator[Located]:
        try:
            yield from _tabled(self._listed() if self._next_char() == "[" else self._documents())
        except (ValueError, RecursionError):
            raise Malformed("The file is not valid JSON.") from None

    def _next_char(self) -> str:
        """Skip white space and commas; return the next character, or nothing at the end."""
        while True:
            self._move(_after_space(self._buffer, self._at))
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _move(self, end: int) -> None:
        self._line += self._buffer.count("\n", self._at, end)
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

    def _listed(self) -> Iterator[Located]:
        self._at += 1
        count = 0
        while (char := self._next_char()) and char != "]":
            line = self._line
            try:
                value = self._value(MAX_LINE_BYTES)
            except ValueError:
                # rows before a cut are usable; a file broken at its start is none
                if not count:
                    raise
                self.broken_at = line
                return
            count += 1
            yield line, value
        if not char:
            self.broken_at = self._line

    def _value(self, limit: int) -> Any:
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise ValueError(NOT_JSON) from None
            except ValueError:
                if len(self._buffer) - self._at > limit or not self._more():
                    raise
                continue
            start = self._at
            # a number at the end of the buffer may be incomplete
            if end < len(self._buffer):
                self._move(end)
                return value
            if not self._more():
                self._move(end - start)
                return value

    def _documents(self) -> Iterator[Located]:
        """Yield the records of one document; of several documents, each one as a record."""
        self._read_whole()
        text, first_line = self._buffer, self._line
        values = []
        while self._next_char():
            line = self._line
            try:
                values.append((line, self._value(0)))
            except ValueError:
                if not values:
                    raise
                self.broken_at = line
                break
        if len(values) == 1 and isinstance(values[0][1], dict):
            return iter(_unwrapped(values[0][1], text, first_line))
        return iter(values)

    def _read_whole(self) -> None:
        while True:
            if len(self._buffer) > self._limits.document:
                raise TooLarge(
                    f"A JSON document of more than {self._limits.document // MIB} MB must be an array or NDJSON."
                )
            if not self._more():
                return


def _tabled(records: Iterator[Located]) -> Iterator[Located]:
    """Read a list of lists as a table: the first one names the columns."""
    header: list[str] | None = None
    for at, (line, record) in enumerate(records):
        if at == 0 and isinstance(record, list) and record and all(isinstance(cell, str) for cell in record):
            header = record
        elif header is not None and isinstance(record, list):
            yield line, dict(zip(header, record, strict=False))
        else:
            yield line, record


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A list in a document, possibly of the records."""

    key: str
    records: list[Any]
    depth: int

    @property
    def worth(self) -> tuple[int, int, int, int]:
        fields = [name for record in self.records[:20] if isinstance(record, dict) for name, _ in flatten(record)]
        rank = _WRAPPERS.index(self.key) if self.key in _WRAPPERS else len(_WRAPPERS)
        return rate(list(dict.fromkeys(fields)), is_json=True), -rank, len(self.records), -self.depth


def _unwrapped(document: dict[str, Any], text: str, first_line: int) -> list[Located]:
    if cards := boards(document):
        return [(None, card) for card in cards]
    candidates = list(_candidates(document, 0))
    if not candidates:
        return _keyed(document) if _is_keyed(document) else [(1, document)] if not _is_empty(document) else []
    best = max(candidates, key=lambda candidate: candidate.worth)
    # a single record may have lists of its own, such as tags
    if rate([name for name, _ in flatten(document)], is_json=True) and not best.worth[0]:
        return [(1, document)]
    return _with_lines(best, text, first_line)


def _candidates(value: Any, depth: int, key: str = "") -> Iterator[_Candidate]:
    if depth > 4:
        return
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        yield _Candidate(key, [_node(item) for item in value], depth)
    elif isinstance(value, list) and len(value) > 1 and all(isinstance(item, list) for item in value):
        yield _Candidate(key, value, depth)
    elif isinstance(value, dict):
        if key == "entry":
            # a feed with a single entry has no list around it
            yield _Candidate(key, [value], depth)
        for name, below in value.items():
            yield from _candidates(below, depth + 1, name)


def _node(item: Any) -> Any:
    """Unwrap GraphQL's `{node, cursor}`."""
    if isinstance(item, dict) and set(item) <= {"node", "cursor"} and isinstance(item.get("node"), dict):
        return item["node"]
    return item


def _is_keyed(document: dict[str, Any]) -> bool:
    return len(document) > 1 and all(isinstance(value, dict) for value in document.values())


def _is_empty(document: dict[str, Any]) -> bool:
    """Return True for a wrapper without content."""
    return not any(isinstance(value, str | int | float) for value in document.values()) or any(
        value == [] and key in _WRAPPERS for key, value in document.items()
    )


def _keyed(document: dict[str, Any]) -> list[Located]:
    return [(None, {"id": key} | value) for key, value in document.items()]


def _with_lines(candidate: _Candidate, text: str, first_line: int) -> list[Located]:
    """Find the line of each record by decoding the list in the text a second time."""
    for match in re.finditer(rf'"{re.escape(candidate.key)}"\s*:\s*\[', text):
        found = list(_located(text, match.end(), first_line))
        if [_node(record) for _, record in found] == candidate.records:
            return [(line, _node(record)) for line, record in found]
    return [(None, record) for record in candidate.records]


def _after_space(text: str, at: int) -> int:
    """Return the position behind the white space and commas at a position."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _located(text: str, at: int, line: int) -> Iterator[Located]:
    line += text.count("\n", 0, at)
    while True:
        start = _after_space(text, at)
        line += text.count("\n", at, start)
        if text[start : start + 1] in ("]", ""):
            return
        try:
            value, end = _DECODER.raw_decode(text, start)
        except ValueError:
            return
        yield line, value
        line += text.count("\n", start, end)
        at = end
