"""Cancelling a run: it ends in the same transaction that takes it from its worker, and is answered when that holds.

The worker may start a call only while it knows, from a write or a look at the row less than PERMIT_MS old, that the
run is still its own. So a cancel that waits that long before it answers can promise: no call starts after this.
"""

import time
from collections.abc import Callable

from groundwork.clock import backoff
from groundwork.errors import LeaseLost, RunNotActive, Transient
from groundwork.runs import leases
from groundwork.runs.model import Run, RunStatus
from groundwork.runs.ports import Changes, RunStore

MAX_TRIES = 40


def cancel(store: RunStore, run_id: str, now_ms: Callable[[], int], sleep: Callable[[float], None] = time.sleep) -> Run:
    """The run as it was cancelled. `sleep` takes seconds. Raises NotFound, RunNotActive, Transient."""
    tried: Run | None = None
    for attempt in range(MAX_TRIES):
        before = store.load(run_id)
        if tried and (before.status, before.lease.epoch, before.seq) == (tried.status, tried.lease.epoch, tried.seq):
            # it took effect, only its answer was lost
            sleep(leases.PERMIT_MS / 1000)
            return before
        if not before.status.active:
            raise RunNotActive
        tried = leases.end(before, RunStatus.CANCELLED, now_ms())
        try:
            store.finish(tried, before, Changes())
        except (LeaseLost, Transient):
            # the worker wrote in between; its next commit is a few hundred milliseconds away at least
            sleep(backoff(attempt, 0.02, 0.2))
            continue
        if before.lease.owner is not None:
            sleep(leases.PERMIT_MS / 1000)
        return tried
    raise Transient("The run changes too fast to be cancelled; try again.")
