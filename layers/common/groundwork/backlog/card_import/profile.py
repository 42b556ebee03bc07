"""Facts about a file's columns, from its first records: samples, free text, repeated values."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.backlog.card_import.dates import read
from groundwork.backlog.card_import.ids import as_text
from groundwork.backlog.card_import.limits import MAX_COLUMNS
from groundwork.backlog.card_import.people import holds_address, is_person_name

MAX_SAMPLES = 3
MAX_SAMPLE = 200
_NUMBER = re.compile(r"[-+]?\d[\d.,/%\s]*")
_FREE_WORDS = 4
_SENTENCES = 0.05
_REPEATED_IDS = 0.03
_FREE_CHARACTERS = 20
_FREE_CHARACTERS_WIDE = 8


@dataclass(slots=True)
class Column:
    """`free` counts sentence-like cells, `sentences` the distinct ones.

    `is_open`: the header marks an open question. `repeated_elsewhere` leaves out repeats of a whole row.
    """

    filled: int = 0
    free: int = 0
    repeated: int = 0
    dated: int = 0
    sentences: int = 0
    addresses: int = 0
    person_names: int = 0
    repeated_elsewhere: int = 0
    is_open: bool = False
    samples: list[str] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def add(self, text: str, *, is_row_repeated: bool = False) -> None:
        self.filled += 1
        is_free = _is_free(text)
        self.free += is_free
        self.addresses += holds_address(text)
        self.person_names += is_person_name(text)
        # whole texts would fill the memory; a rare collision counts one repeat too many
        digest = _digest(text)
        is_repeated = digest in self.seen
        self.repeated += is_repeated
        self.repeated_elsewhere += is_repeated and not is_row_repeated
        self.sentences += is_free and not is_repeated
        self.seen.add(digest)
        if len(self.samples) < MAX_SAMPLES and not (digest in self.seen and text[:MAX_SAMPLE] in self.samples):
            self.samples.append(text[:MAX_SAMPLE])
            self.dated += (read(text, "dmy") or read(text, "mdy")) is not None

    @property
    def is_free_text(self) -> bool:
        """Return True for free text rather than choices: sentences, hardly any of them repeated."""
        return self.is_open or (bool(self.free) and self.repeated <= 0.5 * self.filled)

    @property
    def holds_sentences(self) -> bool:
        """Return True if a part of the answers is written out, however many are short or equal."""
        return self.is_open or self.sentences > _SENTENCES * self.filled

    @property
    def holds_addresses(self) -> bool:
        return self.addresses > 0.5 * self.filled

    @property
    def holds_person_names(self) -> bool:
        return self.person_names >= 0.5 * self.filled

    @property
    def identifies(self) -> bool:
        """Return True if the cells tell rows apart, but for a few."""
        return bool(self.filled) and self.repeated_elsewhere <= _REPEATED_IDS * self.filled

    @property
    def is_numeric(self) -> bool:
        return bool(self.samples) and all(_NUMBER.fullmatch(sample.strip()) for sample in self.samples)

    @property
    def is_time(self) -> bool:
        return bool(self.samples) and self.dated == len(self.samples)


@dataclass(slots=True)
class Profile:
    """Columns by name, in order of appearance."""

    columns: dict[str, Column] = field(default_factory=dict)
    rows: set[bytes] = field(default_factory=set)

    def add(self, fields: Iterable[tuple[str, Any]]) -> None:
        fields = list(fields)
        row = _digest(repr(fields))
        is_row_repeated = row in self.rows
        self.rows.add(row)
        for name, value in fields:
            if name in self.columns or len(self.columns) < MAX_COLUMNS:
                column = self.columns.setdefault(name, Column())
                for item in value if isinstance(value, list) else (value,):
                    if text := as_text(item):
                        column.add(text, is_row_repeated=is_row_repeated)

    def samples(self, name: str) -> list[str]:
        return self.columns[name].samples if name in self.columns else []

    def shown(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """List the columns with samples, for users to choose from."""
        return [{"name": name, "samples": self.samples(name)} for name in dict.fromkeys(names)]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


def _is_free(text: str) -> bool:
    if text.isascii():
        return len(text) >= _FREE_CHARACTERS and text.count(" ") + 1 >= _FREE_WORDS
    # Chinese and Japanese have no spaces, and say more in fewer characters
    return len(text) >= _FREE_CHARACTERS_WIDE and (text.count(" ") + 1 >= _FREE_WORDS or " " not in text)
