"""Field types and checks of model answers.

Limited texts, numbered references, counts in a range.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from groundwork.backlog.model import Priority
from groundwork.text import clean, one_line


class Answer(BaseModel):
    """An answer of the model, or a part of one. Unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _line(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def _prose(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


# nested: the limits then apply to the cleaned string, and faults are worded for strings
Line = Annotated[Annotated[str, Field(min_length=1, max_length=300)], BeforeValidator(_line)]
Title = Annotated[Annotated[str, Field(min_length=1, max_length=120)], BeforeValidator(_line)]
Prose = Annotated[Annotated[str, Field(min_length=1, max_length=2_000)], BeforeValidator(_prose)]
Ref = Annotated[str, Field(description="A ref exactly as given in the material, such as 7")]
Urgency = Annotated[Priority, Field(description="How much it matters to the people behind the cards")]


def number_refs[T](things: Iterable[T]) -> dict[str, T]:
    """Return things by short reference.

    "1", "2", … Real ids would cost tokens, and models miscopy them.
    """
    return {str(number): thing for number, thing in enumerate(things, start=1)}


def check_refs(refs: Iterable[str], things: Mapping[str, object], where: str) -> list[str]:
    """Return the refs without repetitions. Raises ValueError with the unknown ones."""
    # repeated refs and stray spaces are not worth a paid correction
    unique = list(dict.fromkeys(ref.strip() for ref in refs))
    if unknown := [ref for ref in unique if ref not in things]:
        raise ValueError(f"{where} names unknown refs: {', '.join(unknown[:10])}")
    return unique


def check_count(what: str, count: int, minimum: int, maximum: int) -> None:
    """Raises ValueError if the count is out of range."""
    if not minimum <= count <= maximum:
        raise ValueError(f"{count} {what} given, {minimum} to {maximum} wanted")


def check_distinct(what: str, titles: Sequence[str]) -> None:
    """Raises ValueError if two titles are equal, case ignored."""
    folded = [title.casefold() for title in titles]
    if duplicates := sorted({t for t in folded if folded.count(t) > 1}):
        raise ValueError(f"{what} with the same title: {', '.join(duplicates[:5])}")
