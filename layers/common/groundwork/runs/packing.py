"""Packing of finished results into transactions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from groundwork.runs.handler import ItemFailed, ItemOutcome
from groundwork.runs.model import ErrorCode
from groundwork.runs.ports import Changes
from groundwork.runs.results import ItemResult

MAX_ACTIONS = 96
"""Actions for results in one transaction.

DynamoDB allows 100. One is the run's row; the others are reserved for the store's own bookkeeping.
"""

MAX_BYTES = 3_000_000
"""Of the 4 MB of a transaction.

The rest is for names, keys, journal entries and the run's row.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Results saved by one transaction, with their changes; `waiting` are left for the next."""

    results: list[ItemResult]
    changes: Changes
    waiting: list[ItemResult]


def pack(finished: Sequence[ItemResult]) -> Batch:
    """Return as many results as fit into one transaction, in order."""
    fitting: list[ItemResult] = []
    changes = Changes()
    for position, result in enumerate(finished):
        result, own = _changes_of(result)
        both = changes + own
        # a first result always fits: a larger one has become a failure above
        if fitting and (both.actions > MAX_ACTIONS or both.weight > MAX_BYTES):
            return Batch(fitting, changes, list(finished[position:]))
        fitting.append(result)
        changes = both
    return Batch(fitting, changes, [])


def _changes_of(result: ItemResult) -> tuple[ItemResult, Changes]:
    """Return a result with its changes. One that exceeds a whole transaction becomes a failure."""
    own = Changes(writes=result.result.derive_writes()) if isinstance(result.result, ItemOutcome) else Changes()
    # one more action for its journal entry
    if own.actions + 1 > MAX_ACTIONS or own.weight > MAX_BYTES:
        message = f"Its {own.made} new and {own.deleted} old rows are more than one transaction takes."
        result, own = replace(result, result=ItemFailed(ErrorCode.TOO_LARGE, message)), Changes()
    if result.final:
        own = replace(own, entries=(result.journal_entry(own.made, own.deleted),))
    return result, own
