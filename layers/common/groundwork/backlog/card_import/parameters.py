"""The choices of an import: columns, encoding, dates. Names as in the query string."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from groundwork.backlog.card_import.dates import Order
from groundwork.errors import Invalid

FileType = Literal["csv", "ndjson", "json", "xlsx"]
NAMES = (
    "text",
    "title",
    "metadata",
    "omit",
    "externalId",
    "source",
    "postedAt",
    "timezone",
    "dateOrder",
    "personal",
    "charset",
    "type",
    "delimiter",
)
LISTS = ("text", "metadata", "omit")
PERSONAL = ("keep", "drop")
DELIMITERS = (",", ";", "\t", "|")
_MAX_VALUE = 500


@dataclass(frozen=True, slots=True)
class Parameters:
    """`stated_charset` comes from the content type; contradicting bytes overrule it.

    `metadata` names columns without another role, personal or not; `omit` names columns to leave out.
    """

    text: tuple[str, ...] = ()
    title: str | None = None
    metadata: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    external_id: str | None = None
    source: str | None = None
    posted_at: str | None = None
    timezone: str | None = None
    date_order: Order | None = None
    keep_personal: bool = False
    charset: str | None = None
    stated_charset: str | None = None
    type: FileType | None = None
    delimiter: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str | Sequence[str]], *, stated_charset: str | None = None) -> "Parameters":
        """Read a query string; raises Invalid with the parameter's name."""
        given = {name: value for name, value in query.items() if name in NAMES}
        lists = {name: _listed(given.pop(name, ())) for name in LISTS}
        single = {name: value if isinstance(value, str) else value[-1] for name, value in given.items() if value}
        for name, value in (*single.items(), *((part, value) for part in LISTS for value in lists[part])):
            if len(value) > _MAX_VALUE:
                raise Invalid.field(name, f"at most {_MAX_VALUE} characters")
        return cls(
            **lists,
            title=single.get("title") or None,
            external_id=single.get("externalId") or None,
            source=single.get("source") or None,
            posted_at=single.get("postedAt") or None,
            timezone=_timezone(single.get("timezone")),
            date_order=_one_of("dateOrder", single.get("dateOrder"), get_args(Order)),
            keep_personal=_one_of("personal", single.get("personal"), PERSONAL) == "keep",
            charset=single.get("charset") or None,
            stated_charset=stated_charset,
            type=_one_of("type", single.get("type"), get_args(FileType)),
            delimiter=_one_of("delimiter", single.get("delimiter"), DELIMITERS),
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Parameters":
        return cls(**data | {name: tuple(data.get(name, ())) for name in LISTS})


def _listed(value: str | Sequence[str]) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else tuple(value)
    return tuple(one for one in values if one.strip())


def _one_of(name: str, value: str | None, allowed: Sequence[str]) -> Any:
    if value and value not in allowed:
        raise Invalid.field(name, f"must be one of {', '.join(map(repr, allowed))}")
    return value or None


def _timezone(name: str | None) -> str | None:
    if not name:
        return None
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid.field("timezone", "must be a name such as Europe/Berlin or UTC") from None
    return name
