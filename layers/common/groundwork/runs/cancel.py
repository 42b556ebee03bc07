"""Cancellation of a run, in one transaction with the revocation of its lease.

A worker starts calls only if it confirmed its lease less than PERMIT_MS ago, by a write or a read of the row. The
cancel waits for that time before it returns, so no call starts after its answer.
"""

import time
from collections.abc import Callable

from groundwork.clock import backoff
from groundwork.errors import LeaseLost, RunNotActive, Transient
from groundwork.runs import leases
from groundwork.runs.model import Run, RunStatus
from groundwork.runs.ports import Changes, RunStore

# 40 pauses of at most 0.2 s: the answer comes well before API Gateway's limit of 30 s
MAX_TRIES = 40


def cancel(store: RunStore, run_id: str, now_ms: Callable[[], int], sleep: Callable[[float], None] = time.sleep) -> Run:
    """Return the cancelled run. `sleep` takes seconds. Raises NotFound, RunNotActive, Transient."""
    cancelled: Run | None = None
    for attempt in range(MAX_TRIES):
        before = store.load(run_id)
        if cancelled and _version(before) == _version(cancelled):
            # the earlier try took effect; only its answer was lost
            sleep(leases.PERMIT_MS / 1000)
            return before
        if not before.status.active:
            raise RunNotActive
        cancelled = leases.end(before, RunStatus.CANCELLED, now_ms())
        try:
            store.finish(cancelled, before, Changes())
        except (LeaseLost, Transient):
            # the worker wrote in between; its next commit is at least a few hundred milliseconds away
            sleep(backoff(attempt, 0.02, 0.2))
            continue
        # without a holder no worker has a permit, so there is nothing to wait for
        if before.lease.owner is not None:
            sleep(leases.PERMIT_MS / 1000)
        return cancelled
    raise Transient("The run could not be cancelled because it changed during each try; try again.")


def _version(run: Run) -> tuple[RunStatus, int, int]:
    return run.status, run.lease.epoch, run.seq
