"""Ids. Opaque to clients; to us an id is the path to a row, so that no lookup index is needed.

    project      k3v9x2m4q8
    card         k3v9x2m4q8-C17
    epic         k3v9x2m4q8-E3
    story        k3v9x2m4q8-E3-S2
    subtask      k3v9x2m4q8-E3-S2-ST5
    run          k3v9x2m4q8-R12

The number at each step is unique within its parent and never used twice, so an id is never used twice either.
"""

import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

# no vowels and no look-alikes: an id neither spells a word nor is misread
ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
PROJECT_ID = re.compile(rf"[{ALPHABET}]{{10}}")


class Kind(StrEnum):
    """What an id names; the value is the letter code before the number."""

    PROJECT = "P"
    CARD = "C"
    EPIC = "E"
    STORY = "S"
    SUBTASK = "ST"
    RUN = "R"


_SHAPES: dict[Kind, tuple[str, ...]] = {
    Kind.PROJECT: (),
    Kind.CARD: ("C",),
    Kind.EPIC: ("E",),
    Kind.STORY: ("E", "S"),
    Kind.SUBTASK: ("E", "S", "ST"),
    Kind.RUN: ("R",),
}
_STEP = re.compile(r"(C|E|S|ST|R)([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed id: the project and the numbers on the way down, such as (3, 2) for E3-S2."""

    kind: Kind
    project_id: str
    numbers: tuple[int, ...] = ()

    def __str__(self) -> str:
        steps = zip(_SHAPES[self.kind], self.numbers, strict=True)
        return "-".join([self.project_id, *(f"{letters}{number}" for letters, number in steps)])

    @property
    def number(self) -> int:
        return self.numbers[-1]

    @property
    def code(self) -> str:
        """The code people see, unique within the parent: E3, S2, ST5."""
        return f"{_SHAPES[self.kind][-1]}{self.number}"

    @property
    def parent(self) -> "Path":
        return Path(_PARENTS[self.kind], self.project_id, self.numbers[:-1])

    def child(self, kind: Kind, number: int) -> "Path":
        return Path(kind, self.project_id, (*self.numbers, number))


_PARENTS = {
    Kind.CARD: Kind.PROJECT,
    Kind.EPIC: Kind.PROJECT,
    Kind.RUN: Kind.PROJECT,
    Kind.STORY: Kind.EPIC,
    Kind.SUBTASK: Kind.STORY,
}
_KINDS = {shape: kind for kind, shape in _SHAPES.items()}


def new_project_id() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(10))


def parse(text: str) -> Path | None:
    """The path an id stands for, or None if it is no id of ours."""
    project_id, *steps = text.split("-")
    matches = [_STEP.fullmatch(step) for step in steps]
    if not PROJECT_ID.fullmatch(project_id) or not all(matches):
        return None
    found = [m for m in matches if m]
    kind = _KINDS.get(tuple(m[1] for m in found))
    return Path(kind, project_id, tuple(int(m[2]) for m in found)) if kind else None


def path_of(kind: Kind, text: str) -> Path | None:
    """The path of an id that must name a thing of this kind; None if it does not."""
    path = parse(text)
    return path if path and path.kind is kind else None
