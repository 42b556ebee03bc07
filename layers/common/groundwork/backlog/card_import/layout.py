"""The layout of one file, stored so that an import can resume in the middle."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from groundwork.backlog.card_import.dates import Order
from groundwork.backlog.card_import.encoding import Encoding
from groundwork.backlog.card_import.parameters import FileType
from groundwork.backlog.card_import.records import Position

Shape = Literal["csv", "ndjson", "packed"]
Container = Literal["plain", "transcoded", "unpacked", "document", "xlsx", "slack"]
"""`packed`: lines of `[line, record]` derived from JSON documents and sheets."""
Role = Literal["text", "title", "externalId", "source", "postedAt", "personal", "metadata"]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Column names by role, most specific first. All other columns are metadata.

    `kept` columns are metadata even where their names look personal. `hashed` columns, with the
    times, identify a survey's row without an id: the text columns depend on the answers of all rows.
    """

    text: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    order: Order | None = None
    zone: str = "UTC"
    headings: bool = False
    native: bool = False

    def role(self, name: str) -> Role:
        if name in self.text:
            return "text"
        if name in self.title:
            return "title"
        if name in self.ids[:1]:
            return "externalId"
        if name in self.source:
            return "source"
        if name in self.times[:1]:
            return "postedAt"
        return "personal" if name in self.personal else "metadata"


@dataclass(frozen=True, slots=True)
class Layout:
    """`start` is the first data record of the input: the file itself, or bytes derived from it.

    `quoted` is False if quotes are text and enclose no cells.
    """

    shape: Shape
    encoding: Encoding
    container: Container = "plain"
    format: str | None = None
    delimiter: str | None = None
    escape: str | None = None
    quoted: bool = True
    columns: tuple[str, ...] = ()
    open_columns: tuple[str, ...] = ()
    start: Position = Position()
    mapping: Mapping = field(default_factory=Mapping)
    sheet: str | None = None
    keep_personal: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def type(self) -> FileType:
        if self.shape == "packed":
            return "xlsx" if self.container == "xlsx" else "json"
        return self.shape

    @property
    def first_line(self) -> int | None:
        """Line of the first row, if a client can split the file between rows and send it in parts."""
        return None if self.shape == "packed" else self.start.line

    @property
    def resumes_by_bytes(self) -> bool:
        """Return True if offsets refer to the file itself, so that a Range request can use them."""
        return self.container == "plain"

    def staged(self) -> "Layout":
        """Return the layout for the derived bytes once they are stored as an object of their own."""
        # unpacking leaves the encoding; all other derivations write UTF-8
        stored = self.encoding if self.container == "unpacked" else replace(self.encoding, name="utf-8", start=0)
        return replace(self, container="plain", encoding=stored)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Layout":
        given = dict(data)
        encoding = given.pop("encoding")
        mapping = {name: _tuples(value) for name, value in given.pop("mapping").items()}
        given = {name: _tuples(value) for name, value in given.items()}
        return cls(
            **given | {"start": Position(**given["start"])},
            # alternatives and warnings are for the preview: reading needs neither
            encoding=Encoding(encoding["name"], encoding["start"], encoding["sure"]),
            mapping=Mapping(**mapping),
        )


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
