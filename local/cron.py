"""Cron expressions as EventBridge has them: minutes, hours, day of month, month, day of week, year."""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta


class NotACron(ValueError):
    """The expression names no times; the message says why."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """Raises NotACron."""
        value = self.words.index(text) + 1 if text in self.words else int(text) if text.isdecimal() else None
        if value is None or not self.low <= value <= self.high:
            raise NotACron(f"{self.name}: {text!r} is not between {self.low} and {self.high}")
        return value


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MINUTES, HOURS, YEAR = Field("minutes", 0, 59), Field("hours", 0, 23), Field("year", 1970, 2199)
DAY, MONTH, WEEKDAY = Field("day of month", 1, 31), Field("month", 1, 12, _MONTHS), Field("day of week", 1, 7, _DAYS)
_SPAN = re.compile(r"(?:(\*)|([0-9A-Z]+)(?:-([0-9A-Z]+))?)(?:/([0-9]{1,4}))?")

Names = Callable[[datetime], bool]


def cron(expression: str) -> Names:
    """Whether a minute is one of those that the expression names. Raises NotACron."""
    fields = expression.split(" ")
    if len(fields) != 6:
        raise NotACron("it needs six fields, with one space between them")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise NotACron("one of day of month and day of week must be ?")
    values: tuple[tuple[Field, Callable[[datetime], int]], ...] = (
        (MINUTES, lambda at: at.minute),
        (HOURS, lambda at: at.hour),
        (DAY, lambda at: at.day),
        (MONTH, lambda at: at.month),
        (WEEKDAY, lambda at: weekday(at)),
        (YEAR, lambda at: at.year),
    )
    named = [_any(text, field, value) for text, (field, value) in zip(fields, values, strict=True)]
    return lambda at: all(names(at) for names in named)


def weekday(at: date) -> int:
    """1 is Sunday."""
    return at.isoweekday() % 7 + 1


def _any(text: str, field: Field, value: Callable[[datetime], int]) -> Names:
    if text == "?":
        if field not in (DAY, WEEKDAY):
            raise NotACron(f"{field.name}: ? has no meaning there")
        return lambda at: True
    parts = [_special(part, field) or _span(part, field, value) for part in text.split(",")]
    return lambda at: any(names(at) for names in parts)


def _span(part: str, field: Field, value: Callable[[datetime], int]) -> Names:
    """A star, a number or a range of them, each with a step or without; a range may go over the end: FRI-MON."""
    match = _SPAN.fullmatch(part)
    if match is None or match[4] == "0":
        raise NotACron(f"{field.name}: {part!r} is not understood")
    first = field.low if match[1] else field.number(match[2])
    last = field.number(match[3]) if match[3] else field.high if match[1] or match[4] else first
    span = (
        list(range(first, last + 1)) if first <= last else [*range(first, field.high + 1), *range(field.low, last + 1)]
    )
    numbers = frozenset(span[:: int(match[4] or 1)])
    return lambda at: value(at) in numbers


def _special(part: str, field: Field) -> Names | None:
    """L, W and #: days that are another number in each month."""
    if field is DAY:
        return _special_day(part)
    if field is WEEKDAY:
        return _special_weekday(part)
    return None


def _special_day(part: str) -> Names | None:
    if part == "L":
        return lambda at: at.day == _last(at)
    if part == "LW":
        return lambda at: at.day == _workday(at, _last(at))
    if part.endswith("W"):
        wanted = DAY.number(part[:-1])
        # a month without that day has none
        return lambda at: wanted <= _last(at) and at.day == _workday(at, wanted)
    return None


def _special_weekday(part: str) -> Names | None:
    if part == "L":
        return lambda at: weekday(at) == 7
    if part.endswith("L"):
        last = WEEKDAY.number(part[:-1])
        return lambda at: weekday(at) == last and at.day + 7 > _last(at)
    if "#" in part:
        day, _, nth = part.partition("#")
        wanted, count = WEEKDAY.number(day), Field("day of week, behind #", 1, 5).number(nth)
        return lambda at: weekday(at) == wanted and (at.day - 1) // 7 + 1 == count
    return None


def _last(at: date) -> int:
    return monthrange(at.year, at.month)[1]


def _workday(at: datetime, day: int) -> int:
    """Monday to Friday, the nearest to that day in its month."""
    wanted = at.date().replace(day=day)
    sunday, saturday = weekday(wanted) == 1, weekday(wanted) == 7
    step = 1 if sunday else -1 if saturday else 0
    if saturday and day == 1:
        step = 2
    elif sunday and day == _last(at):
        step = -2
    return (wanted + timedelta(days=step)).day
