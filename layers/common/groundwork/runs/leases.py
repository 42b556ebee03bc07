"""Leases: the right to write a run, and the run's transitions between holders.

Every new holder raises the epoch, and every write is conditional on it. So a duplicate, late or zombie worker changes
nothing (a fencing token: Kleppmann, "How to do distributed locking", 2016).
"""

import secrets
from dataclasses import replace

from groundwork.runs.model import Claim, Lease, Run, RunStatus

LEASE_MS = 60_000
"""Silence after which another worker may take the run.

A holder writes at least every RENEW_MS.
"""

# a quarter of the lease: two missed renewals do not lose it
RENEW_MS = 15_000

# short, since a cancel waits as long; long enough to spare most calls a read of the row
PERMIT_MS = 2_000
"""Maximum age of the last confirmation of the lease when a model call starts."""

TRIGGER_MS = 60_000
"""Time for a triggered invocation to arrive before the schedule triggers another."""


def invocation_id(request_id: str) -> str:
    """Return a unique name: Lambda sometimes delivers an event twice, with the same request id."""
    return f"{request_id}/{secrets.token_hex(3)}"


def is_stale(run: Run, now: int) -> bool:
    """Return True for an active run without a live worker: the schedule revives it."""
    return run.status.active and run.lease.expired(now)


def may_take(run: Run, now: int) -> bool:
    return run.status.active and run.lease.free(now)


def acquire(run: Run, owner: str, now: int) -> Run:
    """Return the run with a new holder and one hop more.

    Items left in flight wait for their next attempt.
    """
    # a hand-over removes the owner: a holder still named was lost
    lost = run.lease.owner is not None
    claims = {index: _orphaned_claim(claim, lost) for index, claim in run.claims.items()}
    progressed = run.progress_mark > run.ended_before_hop
    return replace(
        run,
        status=RunStatus.RUNNING,
        # a note about a failed trigger would otherwise stay for ever
        phase_detail="",
        started_at=run.started_at or now,
        heartbeat_at=now,
        hops=run.hops + 1,
        # the first hop has no predecessor to judge
        stalled_hops=0 if progressed or run.hops == 0 else run.stalled_hops + 1,
        ended_before_hop=run.progress_mark,
        claims=claims,
        lease=Lease(run.lease.epoch + 1, owner, now + LEASE_MS),
        seq=run.seq + 1,
    )


def _orphaned_claim(claim: Claim, lost: bool) -> Claim:
    return replace(claim, started_at=0, saving=False, lost=claim.lost or (lost and claim.active))


def renew(run: Run, now: int) -> Run:
    return replace(run, heartbeat_at=now, lease=replace(run.lease, until=now + LEASE_MS), seq=run.seq + 1)


def hand_over(run: Run, now: int) -> Run:
    """Return the run without a holder, free for the next hop."""
    return replace(run, heartbeat_at=now, lease=Lease(run.lease.epoch, None, now + TRIGGER_MS), seq=run.seq + 1)


def end(run: Run, status: RunStatus, now: int) -> Run:
    return replace(
        run,
        status=status,
        heartbeat_at=now,
        completed_at=now,
        claims={},
        # no late write of a worker matches the raised epoch
        lease=Lease(run.lease.epoch + 1, None, 0),
        seq=run.seq + 1,
    )
