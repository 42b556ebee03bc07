"""Find the list of records in a JSON document or in a page of a longer list."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import zip_longest
from typing import Any

from groundwork.backlog.card_import import names, vocabulary
from groundwork.backlog.card_import.formats import recognise
from groundwork.backlog.card_import.json_documents import boards, with_replies
from groundwork.backlog.card_import.json_fields import flatten
from groundwork.backlog.card_import.json_values import DECODER, after_space
from groundwork.backlog.card_import.personal import is_personal
from groundwork.backlog.card_import.roles import rate

Located = tuple[int | None, Any]
"""A record and its line in the file, None if unknown."""
Record = dict[str, Any]

_WRAPPERS = names.word_list(
    """cards entry entries reviews messages data items results records rows issues tickets conversations posts
    comments feedback feedbacks responses answers submissions notes ideas suggestions children nodes edges hits
    value values list content"""
)
_RECORDS = frozenset(
    names.word_list("cards reviews issues tickets conversations posts feedback feedbacks submissions ideas suggestions")
)
"""Lists of records even in an object with an id, such as a product."""
_GENERIC = frozenset(
    names.word_list("entry entries data items results records rows nodes edges hits children value values list")
)
_STATUS = frozenset(("status", "code", "success", "ok", "error"))
_IDS = frozenset(vocabulary.EXTERNAL_ID)
# `data` is a date in Italian and Portuguese
_TIMES = frozenset(vocabulary.TIME) - {"data"}
_TEXTS = frozenset((*vocabulary.TEXT, *vocabulary.TITLE))
_MAX_NESTING = 4
_MAX_NAMED = 3

_key = lru_cache(4096)(names.key)


@dataclass(frozen=True)
class _Candidate:
    """A list in a document, possibly of the records."""

    path: tuple[str, ...]
    items: list[Any]

    @property
    def key(self) -> str:
        return self.path[-1] if self.path else ""

    @cached_property
    def header(self) -> list[str] | None:
        """Columns of a list of lists: the first one names them."""
        return header_of(self.items[0]) if self.items else None

    @cached_property
    def records(self) -> list[Any]:
        if self.header is None:
            return [_node(item) for item in self.items]
        return [dict(zip(self.header, row, strict=False)) for row in self.items[1:]]

    @cached_property
    def worth(self) -> tuple[int, int, int, int]:
        fields = [name for record in self.records[:20] if isinstance(record, dict) for name, _ in flatten(record)]
        rank = _WRAPPERS.index(self.key) if self.key in _WRAPPERS else len(_WRAPPERS)
        return rate(list(dict.fromkeys(fields)), is_json=True), -rank, len(self.records), -len(self.path)


@dataclass(frozen=True, slots=True)
class _Page:
    """A list of records and the lists beside it. An empty page has none."""

    records: _Candidate | None = None
    lists: Sequence[_Candidate] = ()

    @property
    def note(self) -> str | None:
        """Names the list and those left out."""
        if self.records is None:
            return None
        path = self.records.path
        others = [".".join(one.path) for one in self.lists if one.path[: len(path)] != path]
        shown = ", ".join(map(repr, others[:_MAX_NAMED]))
        return f"Only the list {'.'.join(path)!r} is read, not {shown}." if others else None


class Pages:
    """Turns values into records. `notes` name the lists left out."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def of_document(self, document: Record, line: int, text: str) -> Iterator[Located]:
        """Yield the records of a file's only value."""
        page = _board(document) or _document_page(document)
        if page is not None:
            return self._listed(page, line, text)
        return (one for below, record in _without_list(document, line) for one in _with_line(below, record))

    def of_value(self, value: Any, line: int, text: Callable[[], str]) -> Iterator[Located]:
        """Yield the records of one of several values: itself, or those of a page."""
        if isinstance(value, list) and (not value or any(isinstance(item, dict) for item in value)):
            for below, item in _located(text(), 1, line):
                yield from self._item(item, below)
        elif page := _page(value):
            yield from self._listed(page, line, text())
        else:
            yield from _with_line(line, value)

    def _listed(self, page: _Page, line: int, text: str) -> Iterator[Located]:
        self._say(page)
        for below, record in _with_lines(page.records, text, line) if page.records else ():
            yield from self._item(record, below)

    def _item(self, value: Any, line: int | None) -> Iterator[Located]:
        """Yield a record of a list, or the records of a page in it."""
        page = _page(value)
        if page is None:
            yield from _with_line(line, value)
            return
        self._say(page)
        for record in page.records.records if page.records else ():
            yield from _with_line(line, record)

    def _say(self, page: _Page) -> None:
        if (note := page.note) and note not in self.notes:
            self.notes.append(note)


def is_page(value: Any) -> bool:
    """Return True if a value is a part of a longer list instead of a record."""
    return _page(value) is not None


def header_of(row: Any) -> list[str] | None:
    """Return the row as a table's header if all its cells are texts."""
    return row if isinstance(row, list) and row and all(isinstance(cell, str) for cell in row) else None


def _with_line(line: int | None, record: Any) -> Iterator[Located]:
    return ((line, one) for one in with_replies(record))


def _board(document: Record) -> _Page | None:
    cards = boards(document)
    return None if cards is None else _Page(_Candidate(("cards",), cards))


def _document_page(document: Record) -> _Page | None:
    found = list(_candidates(document))
    if not found:
        return None
    best = max(found, key=lambda one: one.worth)
    # a single record may have lists of its own, such as tags
    if rate([name for name, _ in flatten(document)], is_json=True) and not best.worth[0]:
        return None
    return _Page(best, found)


def _page(value: Any) -> _Page | None:
    """Return the page in one of several values, None for a record."""
    if not isinstance(value, dict):
        return None
    if board := _board(value):
        return board
    found = list(_candidates(value))
    if not found:
        return _Page() if _is_empty_page(value) else None
    own = {_key(name) for name in value}
    # a fast way out for the usual record with some lists
    if not own.isdisjoint(_IDS) and not any(one.key in _RECORDS for one in found):
        return None
    lists = [one for one in found if one.worth[0] and _fits(one, value, own)]
    # a known export's record may consist of lists
    if not lists or recognise([_key(name) for name, _ in flatten(value)], is_json=True):
        return None
    return _Page(max(lists, key=lambda one: one.worth), found)


def _fits(candidate: _Candidate, value: Record, own: set[str]) -> bool:
    """Return True if a list can be the records, and the object around it no record itself."""
    is_named = not own.isdisjoint(_IDS)
    has_text = _has_text(value, own)
    is_timed = not own.isdisjoint(_TIMES)
    if candidate.key in _RECORDS:
        return not (has_text and (is_named or is_timed))
    if candidate.key in _GENERIC:
        return not (has_text or is_named)
    is_persons = any(is_personal(name) for name in value)
    return candidate.key != "content" and not (has_text or is_named or is_timed or is_persons)


def _has_text(value: Record, own: set[str]) -> bool:
    texts = {name for name in _own_names(value, 0) if name in _TEXTS}
    # an answer's own message, such as "OK"
    return bool(texts - {"message"} if not own.isdisjoint(_STATUS) else texts)


def _own_names(value: Record, depth: int) -> Iterator[str]:
    """Yield the names outside of lists of objects."""
    for name, below in value.items():
        if isinstance(below, dict):
            if depth < _MAX_NESTING:
                yield from _own_names(below, depth + 1)
        elif not isinstance(below, list) or (below and not any(isinstance(item, dict | list) for item in below)):
            yield _key(name)


def _is_empty_page(value: Record) -> bool:
    own = {_key(name) for name in value}
    if not own.isdisjoint(_IDS | _TIMES) or _has_text(value, own):
        return False
    objects = [value, *(below for below in value.values() if isinstance(below, dict))]
    return any(below == [] and name in _WRAPPERS for one in objects for name, below in one.items())


def _candidates(value: Any, path: tuple[str, ...] = ()) -> Iterator[_Candidate]:
    if len(path) > _MAX_NESTING:
        return
    if isinstance(value, list):
        if any(isinstance(item, dict) for item in value) or (
            len(value) > 1 and all(isinstance(item, list) for item in value)
        ):
            yield _Candidate(path, value)
    elif isinstance(value, dict):
        if path and path[-1] == "entry":
            # a feed with a single entry has no list around it
            yield _Candidate(path, [value])
        for name, below in value.items():
            yield from _candidates(below, (*path, name))


def _node(item: Any) -> Any:
    """Unwrap GraphQL's `{node, cursor}`."""
    if isinstance(item, dict) and set(item) <= {"node", "cursor"} and isinstance(item.get("node"), dict):
        return item["node"]
    return item


def _without_list(document: Record, line: int) -> list[Located]:
    if _is_keyed(document):
        return [(None, {"id": key} | value) for key, value in document.items()]
    return [] if _is_empty(document) else [(line, document)]


def _is_keyed(document: Record) -> bool:
    return len(document) > 1 and all(isinstance(value, dict) for value in document.values())


def _is_empty(document: Record) -> bool:
    """Return True for a wrapper without content."""
    return not any(isinstance(value, str | int | float) for value in document.values()) or any(
        value == [] and key in _WRAPPERS for key, value in document.items()
    )


def _with_lines(candidate: _Candidate, text: str, first_line: int) -> Iterator[Located]:
    """Find the line of each record by decoding the list in the text a second time."""
    for match in re.finditer(rf'"{re.escape(candidate.key)}"\s*:\s*\[', text):
        pairs = zip_longest(_located(text, match.end(), first_line), candidate.items)
        lines = [found[0] if found and found[1] == item else 0 for found, item in pairs]
        if all(lines):
            skipped = len(candidate.items) - len(candidate.records)
            return zip(lines[skipped:], candidate.records, strict=True)
    return ((None, record) for record in candidate.records)


def _located(text: str, at: int, line: int) -> Iterator[tuple[int, Any]]:
    line += text.count("\n", 0, at)
    while True:
        start = after_space(text, at)
        line += text.count("\n", at, start)
        if text[start : start + 1] in ("]", ""):
            return
        try:
            value, end = DECODER.raw_decode(text, start)
        except ValueError:
            return
        yield line, value
        line += text.count("\n", start, end)
        at = end
