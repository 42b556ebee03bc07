"""EventBridge cron expressions: minutes, hours, day of month, month, day of week, year."""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta


class InvalidCron(ValueError):
    """The expression is invalid; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """Raises InvalidCron."""
        value = self.words.index(text) + 1 if text in self.words else int(text) if text.isdecimal() else None
        if value is None or not self.low <= value <= self.high:
            raise InvalidCron(f"{self.name}: {text!r} is not between {self.low} and {self.high}")
        return value


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MINUTES, HOURS, YEAR = Field("minutes", 0, 59), Field("hours", 0, 23), Field("year", 1970, 2199)
DAY, MONTH, WEEKDAY = Field("day of month", 1, 31), Field("month", 1, 12, _MONTHS), Field("day of week", 1, 7, _DAYS)
_SPAN = re.compile(r"(?:(\*)|([0-9A-Z]+)(?:-([0-9A-Z]+))?)(?:/([0-9]{1,4}))?")

Matcher = Callable[[datetime], bool]


def parse_cron(expression: str) -> Matcher:
    """Return a predicate, true for each minute matched by the expression. Raises InvalidCron."""
    fields = expression.split(" ")
    if len(fields) != 6:
        raise InvalidCron("it needs six fields, with one space between them")
    # EventBridge takes exactly one of the two; a usual cron takes both.
    if (fields[2] == "?") == (fields[4] == "?"):
        raise InvalidCron("one of day of month and day of week must be ?")
    values: tuple[tuple[Field, Callable[[datetime], int]], ...] = (
        (MINUTES, lambda at: at.minute),
        (HOURS, lambda at: at.hour),
        (DAY, lambda at: at.day),
        (MONTH, lambda at: at.month),
        (WEEKDAY, lambda at: weekday(at)),
        (YEAR, lambda at: at.year),
    )
    named = [_match_any(text, field, value) for text, (field, value) in zip(fields, values, strict=True)]
    return lambda at: all(names(at) for names in named)


def weekday(at: date) -> int:
    """Return the day of the week from 1 (Sunday) to 7."""
    return at.isoweekday() % 7 + 1


def _match_any(text: str, field: Field, value: Callable[[datetime], int]) -> Matcher:
    if text == "?":
        if field not in (DAY, WEEKDAY):
            raise InvalidCron(f"{field.name}: ? has no meaning there")
        return lambda at: True
    parts = [_match_special(part, field) or _match_span(part, field, value) for part in text.split(",")]
    return lambda at: any(names(at) for names in parts)


def _match_span(part: str, field: Field, value: Callable[[datetime], int]) -> Matcher:
    """Parse a star, number or range with an optional step; a range may wrap around: FRI-MON."""
    match = _SPAN.fullmatch(part)
    if match is None or match[4] == "0":
        raise InvalidCron(f"{field.name}: cannot read {part!r}")
    first = field.low if match[1] else field.number(match[2])
    last = field.number(match[3]) if match[3] else field.high if match[1] or match[4] else first
    span = (
        list(range(first, last + 1)) if first <= last else [*range(first, field.high + 1), *range(field.low, last + 1)]
    )
    numbers = frozenset(span[:: int(match[4] or 1)])
    return lambda at: value(at) in numbers


def _match_special(part: str, field: Field) -> Matcher | None:
    """Parse L, W and #: days with another number in each month."""
    if field is DAY:
        return _match_special_day(part)
    if field is WEEKDAY:
        return _match_special_weekday(part)
    return None


def _match_special_day(part: str) -> Matcher | None:
    if part == "L":
        return lambda at: at.day == _last_day(at)
    if part == "LW":
        return lambda at: at.day == _workday(at, _last_day(at))
    if part.endswith("W"):
        wanted = DAY.number(part[:-1])
        # A month without this day has no match.
        return lambda at: wanted <= _last_day(at) and at.day == _workday(at, wanted)
    return None


def _match_special_weekday(part: str) -> Matcher | None:
    if part == "L":
        return lambda at: weekday(at) == 7
    if part.endswith("L"):
        last = WEEKDAY.number(part[:-1])
        return lambda at: weekday(at) == last and at.day + 7 > _last_day(at)
    if "#" in part:
        day, _, nth = part.partition("#")
        wanted, count = WEEKDAY.number(day), Field("day of week, behind #", 1, 5).number(nth)
        return lambda at: weekday(at) == wanted and (at.day - 1) // 7 + 1 == count
    return None


def _last_day(at: date) -> int:
    return monthrange(at.year, at.month)[1]


def _workday(at: datetime, day: int) -> int:
    """Return the nearest day from Monday to Friday in the same month."""
    wanted = at.date().replace(day=day)
    sunday, saturday = weekday(wanted) == 1, weekday(wanted) == 7
    step = 1 if sunday else -1 if saturday else 0
    if saturday and day == 1:
        step = 2
    elif sunday and day == _last_day(at):
        step = -2
    return (wanted + timedelta(days=step)).day
