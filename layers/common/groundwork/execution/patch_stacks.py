"""Patch stacks for plans without commits: the patches of completed tasks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from groundwork.agent.patches import Patch, PatchRef, Stack
from groundwork.agent.repository import CommitGone
from groundwork.execution.worker import CompletedTask


class PatchStore(Protocol):
    """Store of patches. Raises Transient."""

    def load_patch(self, ref: PatchRef) -> Patch | None: ...


@dataclass(frozen=True, slots=True)
class PatchStacks:
    patches: PatchStore

    def of_tasks(self, completed: Iterable[CompletedTask]) -> Stack:
        """Stack the patches of these tasks, in their order. Raises CommitGone."""
        refs = [PatchRef(task_id=one.task.id, attempt=one.attempt) for one in completed if one.is_patch]
        # a change without a stored patch was committed meanwhile, or predates patches: the branch holds it, or nothing
        # does
        return self.of_patches([ref for ref in refs if self.patches.load_patch(ref)])

    def of_patches(self, order: Iterable[PatchRef]) -> Stack:
        """Stack these patches, and load all patches they were built on.

        Raises CommitGone if one is missing.
        """
        found: dict[PatchRef, Patch] = {}
        todo = list(order)
        stack = tuple(todo)
        while todo:
            ref = todo.pop()
            if ref in found:
                continue
            patch = self.patches.load_patch(ref)
            if patch is None:
                raise CommitGone(f"The base patch of the task {ref.task_id} no longer exists.")
            found[ref] = patch
            # withdrawn patches too: a later patch is merged from the base it was built on
            todo += patch.base_patches
        return Stack(stack, found)
