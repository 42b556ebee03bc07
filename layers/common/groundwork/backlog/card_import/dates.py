"""Parse times: epochs, ISO, month names. The whole column decides the day/month order."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal

Order = Literal["dmy", "mdy"]

# eight digits are a date such as 20240131, no epoch
_EPOCH = re.compile(r"\d{9,10}(\.\d{1,9})?|\d{12,13}|\d{16}")
_NUMERIC = re.compile(r"(\d{1,4})([./\-\s])\s?(\d{1,2})\2\s?(\d{4}|\d{2})(?!\d)\.?")
_YEAR_FIRST = re.compile(r"(\d{4})([./-])(\d{1,2})\2(\d{1,2})(?!\d)")
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_DAY_NAME = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|º|er)?[\s\-/.]+(?:de\s+)?([^\W\d_]{3,12})\.?[\s\-/,]+(?:de\s+)?(\d{4}|\d{2})(?!\d)"
)
_NAME_DAY = re.compile(r"([^\W\d_]{3,12})\.?[\s\-/]+(\d{1,2})(?:st|nd|rd|th)?,?[\s\-/]+(\d{4})(?!\d)")
_WEEKDAY = re.compile(r"^[^\W\d_]{2,12}\.?,?\s+(?=\d|[^\W\d_]{3,12}\.?\s+\d)")
_TIME = re.compile(
    r"(?:\bat\b|\bum\b|[T,\s]|à|a las)*(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([ap]\.?\s?m\.?)?",
    re.IGNORECASE,
)
# `date` and Twitter put the year last: Wed Jan 07 10:00:00 +0000 2026
_YEAR_LAST = re.compile(r"([^\W\d_]{3,12}\.?\s+\d{1,2})\s+(\d{1,2}:\d{2}(?::\d{2})?)(\s+[+\-\w:]{1,6})?\s+(\d{4})")
_ZONE_NAMES = (
    "EDT-4 EST-5 CDT-5 MDT-6 MST-7 PDT-7 PST-8 WET+0 WEST+1 CET+1 MEZ+1 CEST+2 MESZ+2 EET+2 EEST+3 MSK+3 JST+9 AEST+10"
)
# CST, IST and BST are names of several zones each
_HOURS_EAST = {
    name[: -len(hours)]: int(hours) for name in _ZONE_NAMES.split() for hours in re.findall(r"[+-]\d+$", name)
}
_ZONE = re.compile(
    r"\s*(?:(Z|UTC|GMT|Coordinated Universal Time)?\s*([+\-−]\d{1,2})?:?(\d{2})?)(?:\s*\([^()]*\))?(?:\s*Uhr)?\s*",
    re.IGNORECASE,
)
_HEADER_UTC = re.compile(r"\((?:UTC|GMT)\)|\b(?:UTC|GMT)$", re.IGNORECASE)
_MONTHS = (
    "jan janv ene gen янв",
    "feb fév fev févr февр фев",
    "mar mär mars maa mrt мар",
    "apr avr abr апр",
    "may mai maj mei mag май мая",
    "jun juin giu июн",
    "jul juil lug июл",
    "aug août aou ago авг",
    "sep set сент сен",
    "oct okt out ott окт",
    "nov нояб ноя",
    "dec dez déc dic дек",
)
_MONTH_OF = {name: number for number, listed in enumerate(_MONTHS, 1) for name in listed.split()}
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class OrderVotes:
    """Evidence of one column for its order of day and month."""

    day_first: int = 0
    month_first: int = 0
    unclear: int = 0
    zoned: int = 0
    zoneless: int = 0

    def add(self, value: str) -> None:
        parsed = read(value, "dmy") or read(value, "mdy")
        if parsed is not None and not parsed.date_only:
            self.zoned += parsed.moment.tzinfo is not None
            self.zoneless += parsed.moment.tzinfo is None
        match = _NUMERIC.match(value.strip())
        # a leading year, or dots, determine the order
        if match is None or len(match[1]) > 2 or match[2] == ".":
            return
        first, second = int(match[1]), int(match[3])
        self.day_first += first > 12
        self.month_first += second > 12
        # 03/03 is one day in either order
        self.unclear += first <= 12 and second <= 12 and first != second

    def decide(self) -> Order | None:
        """Return the order if all cells agree on one; None if the user must choose."""
        if bool(self.day_first) == bool(self.month_first):
            return None
        return "dmy" if self.day_first else "mdy"

    @property
    def is_numeric(self) -> bool:
        return bool(self.unclear or self.day_first or self.month_first)

    @property
    def undecided(self) -> bool:
        return self.is_numeric and self.decide() is None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A point in time; without a zone if the text has none."""

    moment: datetime
    date_only: bool = False


def posted_at(value: str, order: Order | None, zone: tzinfo) -> str | None:
    """Return RFC 3339 in UTC. None: not a time, or the order of day and month is unknown."""
    parsed = read(value, order)
    if parsed is None:
        return None
    moment = parsed.moment
    if moment.tzinfo is None:
        # a day without a time stays this day, whatever the zone
        moment = moment.replace(tzinfo=UTC if parsed.date_only else zone)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return None
    if not _EARLIEST <= moment <= _LATEST:
        return None
    spec = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


def header_zone(name: str) -> tzinfo | None:
    """Return the time zone in a column's name, such as `Submit Date (UTC)`."""
    return UTC if _HEADER_UTC.search(name) else None


def read(value: str, order: Order | None) -> Parsed | None:
    value = value.strip().lstrip("'")
    # a long text is not a time, and would slow down the patterns below
    if not value or len(value) > 100:
        return None
    if _EPOCH.fullmatch(value):
        return Parsed(_from_epoch(value))
    try:
        return _iso(value) or _written(value, order)
    except (ValueError, OverflowError):
        return None


def _from_epoch(value: str) -> datetime:
    whole = value.split(".")[0]
    scale = {16: 1_000_000, 13: 1_000, 12: 1_000}.get(len(whole), 1)
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=round(float(value) / scale * 1_000_000))


def _iso(value: str) -> Parsed | None:
    if not re.match(r"\d{4}-\d\d-\d\d", value):
        return None
    text = re.sub(r"\s*(?:UTC|GMT)$", "Z", value)
    text = re.sub(r"\s+([+-]\d\d:?\d\d)(?:\s*\([^()]*\))?$", r"\1", text).replace(" Z", "Z")
    try:
        return Parsed(datetime.fromisoformat(text), date_only=len(text) == 10)
    except ValueError:
        return None


def _written(value: str, order: Order | None) -> Parsed | None:
    if match := _YEAR_LAST.fullmatch(_WEEKDAY.sub("", value)):
        value = f"{match[1]} {match[4]} {match[2]}{match[3] or ''}"
    found = _date(value, order)
    if found is None:
        return None
    (year, month, day), rest = found
    year += 2000 if year < 70 else 1900 if year < 100 else 0
    # JavaScript and C put the time between day and year, others after both: it is what remains
    time = _TIME.search(rest)
    if time is None:
        return Parsed(datetime(year, month, day), date_only=True) if not rest.strip(" ,.") else None
    moment = datetime(year, month, day, _hour(int(time[1]), time[5]), int(time[2]), int(time[3] or 0))
    if time[4]:
        moment += timedelta(microseconds=int(time[4][:6].ljust(6, "0")))
    suffix = rest[time.end() :]
    if (hours := _HOURS_EAST.get(suffix.strip().upper())) is not None:
        return Parsed(moment.replace(tzinfo=timezone(timedelta(hours=hours))))
    zone = _ZONE.fullmatch(suffix)
    return Parsed(moment.replace(tzinfo=_offset(zone))) if zone else None


def _date(value: str, order: Order | None) -> tuple[tuple[int, int, int], str] | None:
    if match := _CJK.match(value):
        return (int(match[1]), int(match[2]), int(match[3])), value[match.end() :].replace("时", ":").replace("分", "")
    if match := _YEAR_FIRST.match(value):
        return (int(match[1]), int(match[3]), int(match[4])), value[match.end() :]
    if match := _NUMERIC.match(value):
        date = _numeric(match, order)
        return (date, value[match.end() :]) if date else None
    for text in (value, _WEEKDAY.sub("", value)):
        if match := _DAY_NAME.match(text):
            return _named(match[3], match[2], match[1], text[match.end() :])
        if match := _NAME_DAY.match(text):
            return _named(match[3], match[1], match[2], text[match.end() :])
    return None


def _named(year: str, month: str, day: str, rest: str) -> tuple[tuple[int, int, int], str] | None:
    folded = month.casefold()
    # beginnings suffice: `jan` finds January, `janv` finds janvier
    number = next((_MONTH_OF[folded[:size]] for size in (5, 4, 3) if folded[:size] in _MONTH_OF), None)
    return ((int(year), number, int(day)), rest) if number else None


def _numeric(match: re.Match[str], order: Order | None) -> tuple[int, int, int] | None:
    first, second, third = int(match[1]), int(match[3]), int(match[4])
    if len(match[1]) == 4:
        return first, second, third
    if len(match[1]) == 3:
        return None
    # no locale writes the month first with dots
    order = "dmy" if match[2] == "." else order
    if order is None:
        return (third, second, first) if first == second else None
    return (third, second, first) if order == "dmy" else (third, first, second)


def _hour(hour: int, half: str | None) -> int:
    if not half:
        return hour
    return hour % 12 + (12 if half.lower().startswith("p") else 0)


def _offset(zone: re.Match[str]) -> tzinfo | None:
    if not zone[1] and not zone[2]:
        return None
    if not zone[2]:
        return UTC
    sign = -1 if zone[2][0] in "-−" else 1
    return timezone(sign * timedelta(hours=int(zone[2][1:]), minutes=int(zone[3] or 0)))
