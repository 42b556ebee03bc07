"""Base of the run types for children: stories of epics, subtasks of stories."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from groundwork.backlog.model import Artifact
from groundwork.backlog.writes import DeleteArtifact, PutArtifact
from groundwork.generation.handlers.entries import entry_title
from groundwork.ids import Kind, Path
from groundwork.runs.handler import ItemOutcome, RunHandler, RunScope, StartScope
from groundwork.runs.manifest import after_queued
from groundwork.runs.model import ManifestEntry
from groundwork.runs.ports import BacklogReader, Parent, Write

type Numbered = Callable[[int], Sequence[Artifact]]
"""Builds artifacts with ids, numbered from the first free number on."""


class ChildrenHandler(RunHandler):
    """Each item is a parent. Parents with children are skipped, or their children are replaced."""

    parent: ClassVar[Kind]
    child: ClassVar[Kind]
    within_epic = True

    def count_items(self, scope: StartScope) -> int:
        if scope.selection:
            return len([numbers for numbers in scope.selection if scope.epic is None or numbers[0] == scope.epic])
        if scope.epic is not None:
            return sum(len(page) for page in scope.backlog.parents(scope.project_id, self.parent, scope.epic))
        return self.count_parents(scope)

    @abstractmethod
    def count_parents(self, scope: StartScope) -> int:
        """Return the number of possible parents in the project."""

    def entries(self, scope: RunScope) -> Iterator[ManifestEntry]:
        return after_queued(scope, self._entries(scope))

    def _entries(self, scope: RunScope) -> Iterator[ManifestEntry]:
        for page in scope.backlog.parents(scope.project_id, self.parent, scope.run.epic):
            wanted = [parent for parent in page if scope.includes(parent.path.numbers)]
            yield from describe_parents(wanted, scope.backlog, scope.run.options.replaces)

    def refresh(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> Iterator[ManifestEntry]:
        for entry in entries:
            # retries are few and scattered, so each parent is read by itself
            path = Path(self.parent, scope.project_id, entry.numbers)
            # a parent deleted meanwhile has no floor; the entry's number still holds
            floor = max(entry.first_number - 1, scope.backlog.floor(path))
            yield from describe_parents([Parent(path, entry.title, floor)], scope.backlog, scope.run.options.replaces)

    def current(self, scope: RunScope, entry: ManifestEntry) -> ManifestEntry | None:
        (fresh,) = self.refresh(scope, [entry])
        return replace(fresh, index=entry.index)


def describe_parents(parents: Sequence[Parent], backlog: BacklogReader, replaces: bool) -> Iterator[ManifestEntry]:
    """Yield entries for these parents with their present children."""
    children = backlog.children([parent.path for parent in parents]) if parents else {}
    for parent in parents:
        existing = tuple(children.get(parent.path.numbers, ()))
        # above deleted children too: an id is never used twice
        first = max([parent.floor, *existing]) + 1
        replaced = existing if replaces else ()
        skipped = bool(existing) and not replaces
        yield ManifestEntry(0, parent.path.numbers, entry_title(parent.title), skipped, first, replaced)


def children_outcome(entry: ManifestEntry, parent: Path, child: Kind, numbered: Numbered) -> ItemOutcome:
    """Return the outcome: create the children, delete the replaced ones."""

    def writes(current: ManifestEntry) -> Sequence[Write]:
        # numbered again after a conflict: another writer has taken the first ones
        created = [PutArtifact(current.index, artifact) for artifact in numbered(current.first_number)]
        # in one commit: the old children stay until the new ones are there
        return [*created, *(DeleteArtifact(current.index, parent.child(child, number)) for number in current.replaced)]

    return ItemOutcome(entry, writes)
