"""Selection of the items to start next. Pure: the run and its entries in, units of work out.

A unit is a group of entries for one call of the handler.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from groundwork.runs.model import ITEM_ATTEMPTS, ManifestEntry, Run

SUSPECT_ATTEMPTS = ITEM_ATTEMPTS - 1
"""After so many attempts, an item with a lost worker is suspected of killing its workers."""

type Unit = tuple[ManifestEntry, ...]
type Entries = Mapping[int, ManifestEntry]


@dataclass(frozen=True, slots=True)
class Selection:
    """Units to start now. `alone`: nothing else may start before they end."""

    units: list[Unit]
    alone: bool = False


def select_units(
    run: Run, entries: Entries, batch_size: int, slots: int, busy: bool, due: Callable[[int], bool]
) -> Selection:
    """Return the units to start, up to `slots` of them, as far as their entries are loaded.

    Items due for another attempt come first, each alone in its unit. `busy`: calls are in flight. A suspect runs with
    nothing beside it: if it kills a third worker, no other item is lost with it. One lost worker proves nothing, since
    a deployment or a timeout hits dozens of innocent items at once.
    """
    waiting = {index: claim for index, claim in run.claims.items() if not claim.active and index in entries}
    suspects = sorted(i for i, claim in waiting.items() if claim.lost and claim.attempts >= SUSPECT_ATTEMPTS)
    if suspects:
        # nothing starts while others are in flight: they drain, then the suspect runs
        return Selection([] if busy else [(entries[suspects[0]],)], alone=not busy)
    retried = [(entries[index],) for index in sorted(waiting) if due(index)]
    return Selection([*retried, *fresh_units(run, entries, batch_size, slots - len(retried), busy)][:slots])


def fresh_units(run: Run, entries: Entries, batch_size: int, slots: int, busy: bool) -> list[Unit]:
    """Return units of items never started, from the run's cursor on."""
    units: list[Unit] = []
    index = run.cursor
    while len(units) < slots and index < run.total:
        unit: list[ManifestEntry] = []
        while len(unit) < batch_size and index in entries:
            entry = entries[index]
            index += 1
            if not entry.skipped:
                unit.append(entry)
        # the next entry is not loaded yet, or only skipped ones are left
        if not unit:
            break
        if unit[0].merge_of_run and (units or run.claims or busy):
            # the merge reads the drafts of all batches, so it starts last and alone
            break
        units.append(tuple(unit))
    return units
