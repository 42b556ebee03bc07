"""Patches of plans without commits: each task's change, built on the patches before it.

The base of a task is then a local commit with these patches applied in order of completion. They are merged as commits
are: by the change against its base.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from groundwork.values import Stored, stored_as


class PatchRef(Stored):
    """Identifies a patch by the task and its successful attempt."""

    task_id: Annotated[str, stored_as("taskId")]
    attempt: Annotated[int, stored_as("attempt")]


class Patch(Stored):
    """Change of one task.

    `changes` has the form of `changes.as_json`, relative to commit `base` plus `base_patches`. `text` is the same
    change as a unified diff, for users.
    """

    task_id: Annotated[str, stored_as("taskId")]
    attempt: Annotated[int, stored_as("attempt")]
    base: Annotated[str, stored_as("base")]
    base_patches: Annotated[tuple[PatchRef, ...], stored_as("under")] = ()
    changes: Annotated[dict[str, Any], stored_as("changes")]
    text: Annotated[str, stored_as("text")]


@dataclass(frozen=True, slots=True)
class Stack:
    """Patches to apply, in order. `patches` also holds those they were built on."""

    order: tuple[PatchRef, ...] = ()
    patches: Mapping[PatchRef, Patch] = field(default_factory=dict)


EMPTY_STACK = Stack()
