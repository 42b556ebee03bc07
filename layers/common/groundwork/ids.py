"""Ids: opaque to clients, and internally the path to a row: no lookup index is needed.

    project      k3v9x2m4q8
    card         k3v9x2m4q8-C17
    epic         k3v9x2m4q8-E3
    story        k3v9x2m4q8-E3-S2
    subtask      k3v9x2m4q8-E3-S2-ST5
    run          k3v9x2m4q8-R12
    import       k3v9x2m4q8-IM2
    plan         plk3v9x2m4q8
    phase        plk3v9x2m4q8-H3
    task         plk3v9x2m4q8-T17
    iteration    plk3v9x2m4q8-I5
    run          plk3v9x2m4q8-R1        of a plan: its generation and reviews

Each number is unique within its parent and never used twice, so an id is never used twice either.
"""

import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

# without vowels and look-alikes: an id neither spells a word nor is misread
ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
PROJECT_ID = re.compile(rf"[{ALPHABET}]{{10}}")
# l and e are not in the alphabet, so none of these can be a project's id
PLAN_ID = re.compile(rf"pl[{ALPHABET}]{{10}}")
REPOSITORY_ID = re.compile(rf"re[{ALPHABET}]{{10}}")
TEMPLATE_ID = re.compile(rf"te[{ALPHABET}]{{10}}")


class Kind(StrEnum):
    """Kinds of ids; the value is the letter code before the number."""

    PROJECT = "P"
    CARD = "C"
    EPIC = "E"
    STORY = "S"
    SUBTASK = "ST"
    RUN = "R"
    IMPORT = "IM"
    PLAN = "PL"
    PHASE = "H"
    TASK = "T"
    ITERATION = "I"


_SHAPES: dict[Kind, tuple[str, ...]] = {
    Kind.PROJECT: (),
    Kind.CARD: ("C",),
    Kind.EPIC: ("E",),
    Kind.STORY: ("E", "S"),
    Kind.SUBTASK: ("E", "S", "ST"),
    Kind.RUN: ("R",),
    Kind.IMPORT: ("IM",),
    Kind.PLAN: (),
    Kind.PHASE: ("H",),
    Kind.TASK: ("T",),
    Kind.ITERATION: ("I",),
}
# no leading zero: each id has one spelling; nine digits keep int() cheap
_STEP = re.compile(r"(C|E|S|ST|R|IM|H|T|I)([1-9][0-9]{0,8})")
_OF_PLAN = (Kind.PLAN, Kind.PHASE, Kind.TASK, Kind.ITERATION, Kind.RUN)


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed id: the project and the numbers on the way down, such as (3, 2) for E3-S2.

    For ids within a plan, `project_id` is the plan's id: the first part of an id is the partition of its rows.
    """

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
        """Return the code shown to people, unique within the parent: E3, S2, ST5."""
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
    Kind.IMPORT: Kind.PROJECT,
    Kind.STORY: Kind.EPIC,
    Kind.SUBTASK: Kind.STORY,
}
# projects and plans share shapes: the first part of an id tells them apart
_KINDS = {shape: kind for kind, shape in _SHAPES.items() if kind is Kind.RUN or kind not in _OF_PLAN}
_KINDS_OF_PLAN = {_SHAPES[kind]: kind for kind in _OF_PLAN}


def new_project_id() -> str:
    # random, so no counter common to all projects is written
    return "".join(secrets.choice(ALPHABET) for _ in range(10))


def new_plan_id() -> str:
    return f"pl{new_project_id()}"


def new_repository_id() -> str:
    return f"re{new_project_id()}"


def new_template_id() -> str:
    return f"te{new_project_id()}"


def parse(text: str) -> Path | None:
    """Parse an id; None if it has no known form."""
    project_id, *steps = text.split("-")
    matches = [_STEP.fullmatch(step) for step in steps]
    kinds = _KINDS if PROJECT_ID.fullmatch(project_id) else _KINDS_OF_PLAN if PLAN_ID.fullmatch(project_id) else {}
    if not all(matches):
        return None
    found = [m for m in matches if m]
    kind = kinds.get(tuple(m[1] for m in found))
    return Path(kind, project_id, tuple(int(m[2]) for m in found)) if kind else None


def path_of(kind: Kind, text: str) -> Path | None:
    """Parse an id of the given kind; None for any other text."""
    path = parse(text)
    return path if path and path.kind is kind else None
