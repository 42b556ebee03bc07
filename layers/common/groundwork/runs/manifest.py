"""Queueing: the items of a run, as entries of its manifest.

The handlers supply them; this module numbers them.

The backlog may grow between two hops, also in the middle. So queueing continues after the last entry written, whatever
its position is now. A page that is not full marks the end.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import batched, count, islice

from groundwork.runs.handler import RunHandler, RunScope
from groundwork.runs.model import ItemStatus, JournalEntry, ManifestEntry, Run
from groundwork.runs.ports import BacklogReader, RunStore

# one row a page, far below DynamoDB's 400 KB
PAGE = 100
"""Entries of one page of the manifest."""


def manifest_entries(
    handler: RunHandler,
    run: Run,
    project_id: str,
    backlog: BacklogReader,
    store: RunStore,
    selection: Sequence[tuple[int, ...]] = (),
    may_continue: Callable[[], bool] = lambda: True,
) -> Iterator[ManifestEntry]:
    """Yield the run's items in order, from the first one not in its manifest yet.

    `selection` is for a run not stored yet; otherwise the store supplies it. Raises ItemFailed, QueueingStopped.
    """
    # a page that is not full is the last one, so queueing had come to its end
    if run.queued % PAGE:
        return iter(())
    request, source_id = _original_request(run, store)
    scope = RunScope(request, project_id, backlog, store, may_continue=may_continue)
    lines: Iterator[ManifestEntry]
    if request.retry_of:
        # positions are safe here: the earlier run has ended, so its failed items are fixed
        lines = islice(retried_entries(handler, scope), run.queued, None)
    else:
        chosen = frozenset(selection or store.selection(source_id)) if request.selected else None
        lines = handler.entries(replace(scope, chosen=chosen))
    return (replace(entry, index=index) for index, entry in zip(count(run.queued), lines, strict=False))


def _original_request(run: Run, store: RunStore) -> tuple[Run, str]:
    """Return the run with its original request, and the id of the run with the selection.

    A run given up before its items were queued has no failed items: its retry does all that it was started for.
    """
    source_id = run.id
    while run.retry_of and (earlier := store.load(run.retry_of)).given_up_unqueued:
        run = replace(run, retry_of=earlier.retry_of, epic=earlier.epic, selected=earlier.selected)
        source_id = earlier.id
    return run, source_id


def after_queued(scope: RunScope, entries: Iterator[ManifestEntry]) -> Iterator[ManifestEntry]:
    """Skip the entries up to the last one queued, by their numbers.

    `entries` must be in order of them.
    """
    run = scope.run
    if not run.queued:
        return entries
    (last,) = scope.store.manifest(run.id, run.queued - 1, run.queued)
    return (entry for entry in entries if entry.numbers > last.numbers)


def retried_entries(handler: RunHandler, scope: RunScope) -> Iterator[ManifestEntry]:
    """Yield the refreshed failed items of the retried run."""
    earlier = scope.run.retry_of or ""
    entries = last_entries(scope.store, earlier).values()
    failed = sorted(entry.index for entry in entries if entry.status is ItemStatus.FAILED)
    for group in batched(failed, PAGE, strict=False):
        page = scope.store.manifest(earlier, group[0], group[-1] + 1)
        wanted = frozenset(group)
        yield from handler.refresh(scope, [entry for entry in page if entry.index in wanted])
    yield from handler.entries_after_retried(scope, failed)


def last_entries(store: RunStore, run_id: str) -> dict[int, JournalEntry]:
    """Return the last journal entry of each item, by index."""
    return {entry.index: entry for entry in store.journal(run_id)}
