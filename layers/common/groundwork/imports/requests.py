"""Request bodies of imports."""

from typing import Annotated, Any, Literal

from pydantic import Field

from groundwork.backlog.card_import.dates import Order
from groundwork.backlog.card_import.encoding import known_charset
from groundwork.backlog.card_import.parameters import FileType, Parameters
from groundwork.backlog.model import Value
from groundwork.errors import Invalid
from groundwork.imports.model import MAX_FILE_BYTES, MAX_NAME

Column = Annotated[str, Field(max_length=500)]
Columns = Annotated[list[Column], Field(max_length=200)]
FileName = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=r"\S")]


class ImportParameters(Value):
    """The parameters of POST .../cards, with the same meaning."""

    text: Column | Columns | None = None
    title: Column | None = None
    metadata: Column | Columns | None = None
    omit: Column | Columns | None = None
    external_id: Column | None = None
    source: Column | None = None
    posted_at: Column | None = None
    timezone: Column | None = None
    date_order: Order | None = None
    personal: Literal["keep", "drop"] | None = None
    charset: Column | None = None
    type: FileType | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    dedupe: Literal["content"] | None = None


class NewImport(Value):
    """The body of POST .../imports. `size` is the file's number of bytes."""

    name: FileName
    size: Annotated[int, Field(ge=1, le=MAX_FILE_BYTES)]
    parameters: ImportParameters = ImportParameters()

    def given_parameters(self) -> dict[str, Any]:
        return self.parameters.model_dump(mode="json", by_alias=True, exclude_none=True)


def check_parameters(parameters: dict[str, Any]) -> None:
    """Raise Invalid for parameters unfit for any file."""
    try:
        read_parameters(parameters)
    except Invalid as invalid:
        problems = [{**one, "field": f"parameters.{one['field']}"} for one in invalid.details]
        raise Invalid(problems) from None
    charset = parameters.get("charset")
    if charset and known_charset(charset) is None:
        raise Invalid.field("parameters.charset", "is not a known charset")


def read_parameters(parameters: dict[str, Any]) -> tuple[Parameters, bool]:
    """Return the importer's parameters, and True if equal texts are duplicates. Raises Invalid."""
    named = {name: value for name, value in parameters.items() if name != "dedupe"}
    return Parameters.of(named), parameters.get("dedupe") == "content"
