"""Who may write a run. Every new holder raises the epoch, and every write names the epoch it is made under, so that a
duplicate, late or zombie worker changes nothing (a fencing token: Kleppmann, "How to do distributed locking", 2016).
"""

import secrets
from dataclasses import replace

from groundwork.runs.model import Claim, Lease, Run, RunStatus

LEASE_MS = 60_000
"""How long a holder may be silent before another may take the run. It writes at least every RENEW_MS."""

RENEW_MS = 15_000

PERMIT_MS = 2_000
"""A call to the model starts only if its run was known to be the worker's own less than this before."""

TRIGGER_MS = 60_000
"""How long a triggered invocation may take to arrive before the schedule triggers another."""


def invocation_id(request_id: str) -> str:
    """A name that no other invocation has. Lambda delivers an event now and then twice, with one request id."""
    return f"{request_id}/{secrets.token_hex(3)}"


def is_stale(run: Run, now: int) -> bool:
    """Return True for an active run that no worker holds any more: the schedule revives it."""
    return run.status.active and run.lease.expired(now)


def may_take(run: Run, now: int) -> bool:
    return run.status.active and run.lease.free(now)


def acquire(run: Run, owner: str, now: int) -> Run:
    """The run in the hands of a new holder: one hop more, and what the last holder left in flight is up for retry."""
    lost = run.lease.owner is not None
    claims = {index: _orphaned_claim(claim, lost) for index, claim in run.claims.items()}
    moved = run.progress_mark > run.ended_before_hop
    return replace(
        run,
        status=RunStatus.RUNNING,
        phase_detail="",
        started_at=run.started_at or now,
        heartbeat_at=now,
        hops=run.hops + 1,
        stalled_hops=0 if moved or run.hops == 0 else run.stalled_hops + 1,
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
    """Nobody's, for the next hop to take."""
    return replace(run, heartbeat_at=now, lease=Lease(run.lease.epoch, None, now + TRIGGER_MS), seq=run.seq + 1)


def end(run: Run, status: RunStatus, now: int) -> Run:
    return replace(
        run,
        status=status,
        heartbeat_at=now,
        completed_at=now,
        claims={},
        lease=Lease(run.lease.epoch + 1, None, 0),
        seq=run.seq + 1,
    )
