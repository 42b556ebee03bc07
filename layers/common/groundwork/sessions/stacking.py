"""Plans that make no commits: each task's change is kept as a patch, and the next begins on those that are there.

What a task is built on is then not a commit of the server but one with patches put on it, in the order in which they
came about, as commits would have been. They are merged like commits too: by what changed on which ground.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from groundwork.backlog import Value


class Under(Value):
    """Names a patch: that of the attempt by which a task was done."""

    task_id: str
    attempt: int


class Patch(Value):
    """A task's own change. `changes` is what `changes.as_json` makes of it, and is to the commit `base` with the
    patches `under` on it; `text` is the same as a unified diff, for people.
    """

    task_id: str
    attempt: int
    base: str
    under: tuple[Under, ...] = ()
    changes: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Patches in the order in which they are put on a commit; `patches` has those besides that they were built on."""

    order: tuple[Under, ...] = ()
    patches: Mapping[Under, Patch] = field(default_factory=dict)


NOTHING = Stack()
