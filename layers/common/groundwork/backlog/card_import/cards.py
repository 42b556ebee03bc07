"""Turn one record into a card, or give the reason for skipping it."""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from groundwork.backlog.card_import import cleaning, footers, ids
from groundwork.backlog.card_import.dates import header_zone, posted_at
from groundwork.backlog.card_import.export_format import Format
from groundwork.backlog.card_import.formats import BY_NAME
from groundwork.backlog.card_import.layout import Layout
from groundwork.backlog.card_import.limits import MAX_METADATA, MAX_SOURCE
from groundwork.backlog.card_import.names import key
from groundwork.backlog.card_import.personal import is_personal
from groundwork.backlog.card_import.vocabulary import LINK
from groundwork.backlog.model import MAX_CARD_TEXT
from groundwork.backlog.new_cards import NewCard

LOST = "\ufffd"
MAX_RAW_TEXT = 10 * MAX_CARD_TEXT
"""Characters of a row's texts before their markup is removed."""
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
Fields = list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Rejected:
    row: int
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row without feedback: a footer, a system message, an answer left empty."""

    row: int
    line: int | None
    reason: str


Outcome = NewCard | Rejected | Skipped


class CardMaker:
    """Apply one file's layout to its records."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._mapping = layout.mapping
        self._known: Format | None = BY_NAME.get(layout.format or "")
        self._roles: dict[str, str] = {}
        self.shortened = 0

    def card(self, row: int, line: int | None, fields: Fields, extra: dict[str, Any] | None = None) -> Outcome:
        """`extra` is the record's own `metadata` object."""
        if reason := self._skipped(fields):
            return Skipped(row, line, reason)
        if problem := self._raw_problem(fields):
            return Rejected(row, line, problem)
        text = self._text(fields)
        if problem := text_problem(text):
            # in a known export an empty text is an answer left out, no fault of the file
            is_survey = self._known is not None and not text
            return Skipped(row, line, "has no text") if is_survey else Rejected(row, line, problem)
        source = self._source(fields)
        moment, time_text = self._time(fields)
        external_id = self._external_id(fields, source, time_text, text)
        if problem := _id_problem(external_id) or _source_problem(source):
            return Rejected(row, line, problem)
        metadata = self._metadata(fields, external_id, moment) | (extra or {})
        if extra and (problem := _extra_problem(extra)):
            return Rejected(row, line, problem)
        return NewCard(row, text, source, external_id, self._fitting(metadata), moment, line)

    def _values(self, fields: Fields, name: str) -> list[str]:
        return [
            text
            for other, value in fields
            if other == name
            for item in (value if isinstance(value, list) else [value])
            if (text := ids.as_text(item))
        ]

    def _skipped(self, fields: Fields) -> str | None:
        filled = [(name, value) for name, value in fields if value not in ("", None)]
        if self._is_footer(filled):
            return "footer"
        for rule in self._known.skip if self._known else ():
            if any(key(name) == rule.column and rule.matches(ids.as_text(value)) for name, value in filled):
                return rule.reason
        return None

    def _is_footer(self, filled: Fields) -> bool:
        # a footer stands alone in its row; beside other cells the same words may be feedback
        if len(filled) != 1 or self._mapping.native or len(self._layout.columns) < 2:
            return False
        name, value = filled[0]
        is_text = name in (*self._mapping.text, *self._mapping.title)
        return isinstance(value, str) and footers.is_footer(value, is_text=is_text)

    def _text(self, fields: Fields) -> str:
        titles = [value for name in self._mapping.title for value in self._values(fields, name)][:1]
        parts = [(name, "\n\n".join(values)) for name, values in self._texts(fields).items()]
        filled = [(name, value) for name, value in parts if value]
        if self._mapping.headings and len(filled) > 1:
            body = "\n\n".join(f"{name}\n{value}" for name, value in filled)
        else:
            # two columns may hold one text, such as plain and as HTML
            body = "\n\n".join(dict.fromkeys(value for _, value in filled))
        title = "".join(self._cleaned(titles))
        # some tools repeat the title as the beginning of the text
        if not title or body.startswith(title):
            return body
        return f"{title}\n\n{body}" if body else title

    def _texts(self, fields: Fields) -> dict[str, list[str]]:
        """Return the values of the text columns, cleaned."""
        plain = self._known.plain if self._known else ()
        written = {name: self._values(fields, name) for name in self._mapping.text if key(name) in plain}
        if any(written.values()):
            return written
        return {name: self._cleaned(self._values(fields, name)) for name in self._mapping.text}

    def _cleaned(self, values: Iterable[str]) -> list[str]:
        cleaners = [cleaning.CLEANERS[name] for name in (self._known.clean if self._known else ())]
        cleaned = []
        for value in values:
            for clean in cleaners:
                value = clean(value)
            cleaned.append(value.strip())
        return [value for value in cleaned if value]

    def _raw_problem(self, fields: Fields) -> str | None:
        if any(isinstance(value, dict) for name, value in fields if name in self._mapping.text):
            return "text: must be a text that is not empty"
        if self._known is None or not self._known.clean:
            return None
        # before cleaning, so that no amount of markup costs time
        columns = {*self._mapping.title, *self._mapping.text}
        size = sum(len(value) for name in columns for value in self._values(fields, name))
        if size > MAX_RAW_TEXT:
            return f"text: at most {MAX_CARD_TEXT} characters, this has {size} with its markup"
        return None

    def _source(self, fields: Fields) -> str | None:
        values = [value for name in self._mapping.source for value in self._values(fields, name)]
        return values[0] if values else self._known.label if self._known else None

    @cached_property
    def _zones(self) -> dict[str, Any]:
        zone = ZoneInfo(self._mapping.zone)
        return {name: header_zone(name) or zone for name in self._mapping.times}

    def _time(self, fields: Fields) -> tuple[str | None, str]:
        """Return the time, and its cell for the hash of a row without an id."""
        first = ""
        for name in self._mapping.times:
            for value in self._values(fields, name):
                first = first or value
                if moment := posted_at(value, self._mapping.order, self._zones[name]):
                    # the moment depends on other rows and on parameters, the cell does not
                    return moment, first
        return None, first

    def _external_id(self, fields: Fields, source: str | None, time: str, text: str) -> str | None:
        """Return the row's id, or a hash of source, time and text.

        With a date alone, equal answers of one day differ by their other cells; only equal rows count once.
        """
        for name in self._mapping.ids:
            for value in self._values(fields, name):
                if self._layout.format == "google-play":
                    value = ids.review_id(value)
                return ids.bounded(value)
        # without a time, equal answers of several people would count as one
        if not time or self._mapping.native:
            return None
        answers = self._answers(fields) if self._mapping.hashed else [time, text]
        others = () if ids.has_time_of_day(time) else self._cells(fields)
        return ids.hashed(source or "", *answers, *others)

    def _answers(self, fields: Fields) -> list[str]:
        # times as written: the order of day and month is known only after all rows
        names = dict.fromkeys((*self._mapping.times, *self._mapping.hashed))
        return [value for name in names for value in self._values(fields, name)]

    def _cells(self, fields: Fields) -> list[str]:
        """Return the filled cells in an order independent of the columns' order."""
        filled = ((name, ids.as_text(value)) for name, value in fields)
        return sorted(f"{key(name)}={value}" for name, value in filled if value)

    def _metadata(self, fields: Fields, external_id: str | None, moment: str | None) -> dict[str, Any]:
        kept: dict[str, list[Any]] = {}
        listed = set()
        for name, value in fields:
            if self._is_left_out(name, external_id, moment) or value in ("", None):
                continue
            if _is_lost(name):
                self.shortened += 1
                continue
            values = value if isinstance(value, list) else [value]
            listed |= {name} if isinstance(value, list) else set()
            kept.setdefault(name, []).extend(item for item in map(self._storable, values) if item is not None)
        many = {name: values for name, values in kept.items() if values}
        return {name: values if len(values) > 1 or name in listed else values[0] for name, values in many.items()}

    def _is_left_out(self, name: str, external_id: str | None, moment: str | None) -> bool:
        role = self._role(name)
        if role == "id":
            return external_id is not None
        if role == "time":
            return moment is not None
        return role == "used" or (role == "personal" and not self._layout.keep_personal)

    def _role(self, name: str) -> str:
        if name not in self._roles:
            self._roles[name] = self._new_role(name)
        return self._roles[name]

    def _new_role(self, name: str) -> str:
        mapping, native = self._mapping, self._mapping.native
        if name in (*mapping.text, *mapping.title, *mapping.source, *mapping.dropped):
            return "used"
        # in a file of our own format a guessed role must not remove metadata
        if name in mapping.ids[:1] and key(name) not in LINK and (not native or name == "externalId"):
            return "id"
        if name in mapping.times[:1] and (not native or name == "postedAt"):
            return "time"
        used = name in mapping.ids or name in mapping.times
        if used or name in mapping.kept:
            return "metadata"
        return "personal" if name in mapping.personal or is_personal(name) else "metadata"

    def _storable(self, value: Any) -> Any:
        if not isinstance(value, str):
            # NaN and infinity are not valid JSON, and no table can store them
            return None if value is None or (isinstance(value, float) and not math.isfinite(value)) else value
        if self._layout.format == "jira":
            value = value if self._layout.keep_personal else cleaning.without_name(value)
        lost = _is_lost(value)
        self.shortened += lost
        return None if lost else value

    def _fitting(self, metadata: dict[str, Any]) -> dict[str, Any]:
        """Drop the longest values until the metadata is within the limit."""
        while len(json.dumps(metadata, ensure_ascii=False)) > MAX_METADATA:
            self.shortened += 1
            longest = max(metadata, key=lambda name: len(json.dumps(metadata[name], ensure_ascii=False)))
            metadata = {name: value for name, value in metadata.items() if name != longest}
        return metadata


def _is_lost(text: str) -> bool:
    """Return True if characters were lost: no card may hold such a text."""
    return LOST in text or _SURROGATES.search(text) is not None


def text_problem(text: str) -> str | None:
    """Return the reason why a text cannot be a card's, or None."""
    if not text:
        return "text: must be a text that is not empty"
    if len(text) > MAX_CARD_TEXT:
        return f"text: at most {MAX_CARD_TEXT} characters, this has {len(text)}"
    if LOST in text:
        return "text: contains characters that were lost or do not fit the file's encoding"
    if _SURROGATES.search(text):
        return "text: contains invalid Unicode"
    return "text: has control characters" if _CONTROLS.search(text) else None


def _id_problem(external_id: str | None) -> str | None:
    if external_id is None:
        return None
    if ids.is_damaged(external_id):
        return ids.DAMAGED
    if _is_lost(external_id):
        return "externalId: contains characters that do not fit the file's encoding"
    return None


def _source_problem(source: str | None) -> str | None:
    if source is not None and len(source) > MAX_SOURCE:
        return f"source: must be a text of at most {MAX_SOURCE} characters"
    return "source: contains characters that were lost" if source and _is_lost(source) else None


def _extra_problem(extra: dict[str, Any]) -> str | None:
    try:
        written = json.dumps(extra, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return "metadata: contains a number that is too large"
    if len(written) > MAX_METADATA:
        return f"metadata: must be an object of at most {MAX_METADATA} characters"
    return "metadata: contains invalid Unicode" if _is_lost(written) else None
