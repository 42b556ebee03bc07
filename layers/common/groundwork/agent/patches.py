"""Plans that make no commits: each task's change is kept as a patch, and the next begins on those that are there.

What a task is built on is then not a commit of the server but one with patches put on it, in the order in which they
came about, as commits would have been. They are merged like commits too: by what changed on which ground.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from groundwork.values import Stored, stored_as


class PatchRef(Stored):
    """Names a patch: that of the attempt by which a task was done."""

    task_id: Annotated[str, stored_as("taskId")]
    attempt: Annotated[int, stored_as("attempt")]


class Patch(Stored):
    """A task's own change. `changes` is what `changes.as_json` makes of it, and is to the commit `base` with the
    patches `under` on it; `text` is the same as a unified diff, for people.
    """

    task_id: Annotated[str, stored_as("taskId")]
    attempt: Annotated[int, stored_as("attempt")]
    base: Annotated[str, stored_as("base")]
    base_patches: Annotated[tuple[PatchRef, ...], stored_as("under")] = ()
    changes: Annotated[dict[str, Any], stored_as("changes")]
    text: Annotated[str, stored_as("text")]


@dataclass(frozen=True, slots=True)
class Stack:
    """Patches in the order in which they are put on a commit; `patches` has those besides that they were built on."""

    order: tuple[PatchRef, ...] = ()
    patches: Mapping[PatchRef, Patch] = field(default_factory=dict)


EMPTY_STACK = Stack()
