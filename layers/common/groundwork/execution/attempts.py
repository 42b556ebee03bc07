"""Attempts at a task: who holds it, what counts as one, and what comes of it.

A worker claims a task for one invocation and must renew what it holds; an attempt may go over several of them. Every
write of a worker names the epoch of its claim: who has been replaced, or cancelled, writes nothing any more.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from groundwork.execution.commands import paused_by_failure
from groundwork.execution.state import Attempt, Standing
from groundwork.execution.worker import Done, Failed, Held, Outcome, Troubled
from groundwork.plans.model import PlanStatus, TaskStatus

LEASE_MS = 60_000
MOST_LOST = 3
"""Workers that one attempt may lose: what kills its worker each time must not be tried for ever."""

MOST_FAULTS = 25
"""Faults of others in a row, some hours of them, after which the task fails all the same."""

LONGEST_WAIT_S = 600
MOST_FILES = 200
MOST_REASON = 2_000


class Next(StrEnum):
    """What the state machine does with a task next."""

    WORK = "WORK"
    LATER = "LATER"
    GATE = "GATE"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker's right to a task; or, where there is none, what to do instead."""

    standing: Standing
    next: Next
    wait_s: int = 0
    epoch: int = 0


def whereto(standing: Standing, task_id: str) -> Next:
    """Where a task that nobody works on goes in the state machine."""
    if standing.plan.task(task_id) is None or standing.of(task_id).ended:
        return Next.DONE
    if standing.status in (PlanStatus.CANCELLED, PlanStatus.FAILED, PlanStatus.COMPLETED):
        return Next.DONE
    return Next.WORK if standing.of(task_id).status is TaskStatus.RUNNING else Next.GATE


def claimed(standing: Standing, task_id: str, now_ms: int, try_: str = "") -> Claimed:
    """For one invocation; another worker that still holds the task is waited for, unless it is known to be gone.

    `try_` is the state machine's: when it came to this state, and how often it has tried since.
    """
    state = standing.of(task_id)
    where = whereto(standing, task_id)
    if where is not Next.WORK:
        return Claimed(standing, where)
    if state.lease_until > now_ms and not _was_before(state.holder, try_):
        return Claimed(standing, Next.LATER, wait_s=_seconds(state.lease_until - now_ms))
    # a lease that was not given back is that of a worker which is gone
    lost = state.lost + 1 if state.lease_until else state.lost
    if lost >= MOST_LOST:
        reason = f"The worker was lost {lost} times during this attempt."
        # and with that, this worker begins the next one, if there is one
        return claimed(_attempt_failed(standing, task_id, reason, now_ms), task_id, now_ms, try_)
    if standing.status is not PlanStatus.RUNNING:
        after = _held(standing.with_task(task_id, lost=lost, lease_until=0), task_id)
        return Claimed(after, whereto(after, task_id))
    fields = {"epoch": state.epoch + 1, "lease_until": now_ms + LEASE_MS, "lost": lost, "token": None, "holder": try_}
    if not state.open:
        fields |= {"open": True, "attempts": state.attempts + 1, "lost": 0, "faults": 0}
    return Claimed(standing.with_task(task_id, **fields), Next.WORK, epoch=state.epoch + 1)


def _was_before(holder: str, try_: str) -> bool:
    """Whether the holder was an earlier try of the same: it has failed, or there would be no other.

    That saves the time its lease has left, and is not what keeps two apart: who is replaced is fenced by its epoch.
    """
    same = holder.rpartition(" ")[0] == try_.rpartition(" ")[0] != ""
    return same and holder < try_


def holds_task(standing: Standing, task_id: str, epoch: int) -> bool:
    """Whether the worker of this claim may go on, and write."""
    state = standing.of(task_id)
    return standing.plan.task(task_id) is not None and state.epoch == epoch and state.status is TaskStatus.RUNNING


@dataclass(frozen=True, slots=True)
class Finished:
    standing: Standing
    next: Next
    wait_s: int = 0


def finished(
    standing: Standing, task_id: str, outcome: Outcome, now_ms: int, worked_ms: int = 0, share: float = 0.5
) -> Finished:
    """What an invocation has come to, for a worker that still holds the task; it holds it no longer after that.

    `share`, a number between 0 and 1, is that by which waits differ: whom one fault met do not come back at once.
    """
    state = standing.of(task_id)
    given_back = {"lease_until": 0, "epoch": state.epoch + 1}
    standing = standing.with_task(task_id, worked_ms=state.worked_ms + worked_ms, **given_back)
    match outcome:
        case Done():
            return Finished(_done(standing, task_id, outcome, now_ms), Next.DONE)
        case Held():
            after = _held(standing.with_task(task_id, faults=0, lost=0), task_id)
            return Finished(after, whereto(after, task_id))
        case Troubled():
            return _troubled(standing, task_id, outcome, now_ms, share)
        case Failed():
            if outcome.final:
                standing = standing.with_task(task_id, allowed=state.attempts)
            after = _attempt_failed(standing, task_id, outcome.reason, now_ms)
            return Finished(after, whereto(after, task_id))


def _done(standing: Standing, task_id: str, done: Done, now_ms: int) -> Standing:
    return standing.with_task(
        task_id,
        status=TaskStatus.COMPLETED,
        open=False,
        commit_sha=done.commit_sha,
        error_msg=None,
        summary=done.summary[:MOST_REASON],
        files=done.files[:MOST_FILES],
        ended_at=now_ms,
        landed=standing.execution.seq + 1,
    )


def _troubled(standing: Standing, task_id: str, outcome: Troubled, now_ms: int, share: float) -> Finished:
    """The fault of another: the attempt stays open, and goes on when it is over."""
    faults = standing.of(task_id).faults + 1
    if faults > MOST_FAULTS:
        reason = f"Given up after {faults} faults in a row: {outcome.reason}"
        given_up = standing.with_task(task_id, attempts=standing.of(task_id).allowed)
        after = _attempt_failed(given_up, task_id, reason, now_ms)
        return Finished(after, whereto(after, task_id))
    wait = _wait_s(outcome, faults, share)
    after = _held(standing.with_task(task_id, faults=faults, error_msg=_short(outcome.reason)), task_id)
    where = whereto(after, task_id)
    return Finished(after, Next.LATER if where is Next.WORK else where, wait)


def _wait_s(outcome: Troubled, faults: int, share: float) -> int:
    """Never less than was asked for."""
    own = min(LONGEST_WAIT_S / 1.5, 2.0**faults)
    wait = outcome.wait_s + share * min(outcome.wait_s, own) if outcome.wait_s else own * (0.5 + share)
    return max(1, ceil(min(LONGEST_WAIT_S, wait)))


def _held(standing: Standing, task_id: str) -> Standing:
    """The attempt stays open; while the plan is being paused it goes on behind the gate."""
    if standing.status is PlanStatus.RUNNING:
        return standing
    return standing.with_task(task_id, status=TaskStatus.PENDING)


def _attempt_failed(standing: Standing, task_id: str, reason: str, now_ms: int) -> Standing:
    """Another attempt at once, at its gate where the plan is being paused, or a person's turn."""
    state = standing.of(task_id)
    failed = (*state.failed, Attempt(number=state.attempts, reason=_short(reason)))[-5:]
    state = state.changed(open=False, failed=failed, error_msg=_short(reason), lost=0, faults=0, lease_until=0)
    if state.attempts < state.allowed:
        status = TaskStatus.RUNNING if standing.status is PlanStatus.RUNNING else TaskStatus.PENDING
        return standing.put({task_id: state.changed(status=status)})
    over = standing.put({task_id: state.changed(status=TaskStatus.FAILED, ended_at=now_ms)})
    return paused_by_failure(over)


def _short(reason: str) -> str:
    return reason[:MOST_REASON]


def _seconds(ms: int) -> int:
    return max(1, -(-ms // 1000))
