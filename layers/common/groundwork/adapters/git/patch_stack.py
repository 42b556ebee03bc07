"""Apply patches to a commit in our own clone: the base of a task in a plan without commits."""

from typing import Any

from groundwork.adapters.git import tree_merge
from groundwork.adapters.git.clone import Clone
from groundwork.adapters.git.land import commit_of
from groundwork.adapters.git.trees import update_tree
from groundwork.agent import changes
from groundwork.agent.changes import Changes
from groundwork.agent.patches import PatchRef, Stack
from groundwork.agent.repository import MergeConflict, PatchConflict


def apply_stack(clone: Clone, base: bytes, stack: Stack) -> bytes:
    """Return a local commit with the patches on `base`. Raises PatchesApart, CommitGone."""
    if not stack.order:
        return base
    tree = _Trees(clone, stack).tree(base, stack.order)
    commit, objects = commit_of(tree, base, "patches of a plan", [])
    clone.keep(objects)
    return commit


class _Trees:
    """Builds each base once: most patches build on the ones before them."""

    def __init__(self, clone: Clone, stack: Stack) -> None:
        self._clone, self._stack = clone, stack
        self._made: dict[tuple[bytes, tuple[PatchRef, ...]], bytes] = {}

    def tree(self, base: bytes, order: tuple[PatchRef, ...]) -> bytes:
        self._clone.fetch_commit(base)
        tree: bytes = self._clone.store[base].tree
        for count, ref in enumerate(order, 1):
            here = (base, order[:count])
            if here not in self._made:
                self._made[here] = self._with(tree, ref)
            tree = self._made[here]
        return tree

    def _with(self, tree: bytes, ref: PatchRef) -> bytes:
        """Raises PatchesApart."""
        patch, store = self._stack.patches[ref], self._clone.store
        # a patch may stem from an older head: it is merged from its own base, rebuilt here
        patch_base = self.tree(patch.base.encode(), patch.base_patches)
        try:
            merged = tree_merge.merge_onto(store, patch_base, tree, changes.from_json(patch.changes))
        except MergeConflict as conflict:
            raise PatchConflict(ref.task_id, conflict.paths) from conflict
        root, trees = update_tree(store, tree, merged.updates)
        self._clone.keep([*merged.blobs, *trees])
        return root if root is not None else _empty(self._clone)


def _empty(clone: Clone) -> bytes:
    from dulwich.objects import Tree

    empty: Any = Tree()
    clone.keep([empty])
    return bytes(empty.id)


def rebase(clone: Clone, before: bytes, now: bytes, change: Changes) -> Changes:
    """Rebase a change from one commit onto another. Raises MergeConflict."""
    store = clone.store
    merged = tree_merge.merge_onto(store, store[before].tree, store[now].tree, change)
    contents = {blob.id: bytes(blob.as_raw_string()) for blob in merged.blobs}
    return {path: contents[entry[1]] if entry else None for path, entry in merged.updates.items()}
