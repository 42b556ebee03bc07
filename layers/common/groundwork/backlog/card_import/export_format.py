"""Export format of one tool: its characteristic column names, and the roles of its columns."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from groundwork.backlog.card_import.dates import Order
from groundwork.backlog.card_import.names import keys


@dataclass(frozen=True, slots=True)
class SkippedRows:
    """Rows without feedback: `column` matches `pattern`."""

    column: str
    pattern: str
    reason: str

    def matches(self, value: str) -> bool:
        return re.fullmatch(self.pattern, value.strip(), re.IGNORECASE | re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Format:
    """One tool's export. A header matches if it holds every name of one of `telling`.

    `text` columns are joined; `questions` takes a survey's free text columns beside the `known`.
    `headings` are beginnings of telling questions; their answers are text in any case.
    `noise` columns repeat others or serve machines, and are left out.
    `plain` columns hold the text as it was written: they stay as they are, and replace the other text columns.
    `clean` names cleaners of `cleaning`; `note` tells how to get a better export where this one lacks the text.
    """

    name: str
    label: str
    telling: tuple[tuple[str, ...], ...]
    text: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    utc: bool = False
    order: Order | None = None
    personal: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    clean: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    skip: tuple[SkippedRows, ...] = ()
    questions: bool = False
    one_per_id: bool = False
    headings: tuple[str, ...] = ()
    note: str = ""

    def matches(self, present: Collection[str]) -> int:
        """Count the names of the largest telling group in `present`, 0 for none."""
        # the end of such a question names the product, so its beginning has to suffice
        if self.headings and all(any(name.startswith(start) for name in present) for start in self.headings[:2]):
            return len(self.telling[0]) + len(self.headings)
        return max((len(group) for group in self.telling if all(name in present for name in group)), default=0)


def make_format(name: str, label: str, telling: Iterable[str], **given: Any) -> Format:
    """Make a format from tables of comma-separated names."""
    lists = ("text", "title", "ids", "times", "personal", "known", "noise", "source", "headings", "plain")
    fields: dict[str, Any] = {
        field: keys(value.split(", ")) if field in lists else value for field, value in given.items()
    }
    groups = tuple(keys(group.split(", ")) for group in telling)
    return Format(name, label, groups, **fields)
