"""Facts about a file's columns, from its first records: samples, free text, repeated values."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.backlog.card_import.dates import read
from groundwork.backlog.card_import.ids import as_text
from groundwork.backlog.card_import.limits import MAX_COLUMNS

MAX_SAMPLES = 3
MAX_SAMPLE = 200
_NUMBER = re.compile(r"[-+]?\d[\d.,/%\s]*")
_FREE_WORDS = 4
_FREE_CHARACTERS = 20
_FREE_CHARACTERS_WIDE = 8


@dataclass(slots=True)
class Column:
    """`free` counts sentence-like cells; `is_open`: the header marks an open question."""

    filled: int = 0
    free: int = 0
    repeated: int = 0
    dated: int = 0
    is_open: bool = False
    samples: list[str] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def add(self, text: str) -> None:
        self.filled += 1
        self.free += _is_free(text)
        # whole texts would fill the memory; a rare collision counts one repeat too many
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
        self.repeated += digest in self.seen
        self.seen.add(digest)
        if len(self.samples) < MAX_SAMPLES and not (digest in self.seen and text[:MAX_SAMPLE] in self.samples):
            self.samples.append(text[:MAX_SAMPLE])
            self.dated += (read(text, "dmy") or read(text, "mdy")) is not None

    @property
    def is_free_text(self) -> bool:
        """Return True for free text rather than choices: sentences, hardly any of them repeated."""
        return self.is_open or (bool(self.free) and self.repeated <= 0.5 * self.filled)

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

    def add(self, fields: Iterable[tuple[str, Any]]) -> None:
        for name, value in fields:
            if name in self.columns or len(self.columns) < MAX_COLUMNS:
                column = self.columns.setdefault(name, Column())
                for item in value if isinstance(value, list) else (value,):
                    if text := as_text(item):
                        column.add(text)

    def samples(self, name: str) -> list[str]:
        return self.columns[name].samples if name in self.columns else []

    def shown(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """List the columns with samples, for users to choose from."""
        return [{"name": name, "samples": self.samples(name)} for name in dict.fromkeys(names)]


def _is_free(text: str) -> bool:
    if text.isascii():
        return len(text) >= _FREE_CHARACTERS and text.count(" ") + 1 >= _FREE_WORDS
    # Chinese and Japanese have no spaces, and say more in fewer characters
    return len(text) >= _FREE_CHARACTERS_WIDE and (text.count(" ") + 1 >= _FREE_WORDS or " " not in text)
