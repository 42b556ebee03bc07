"""The end of a run: its final status, error and automatic retry."""

from dataclasses import replace

from groundwork.runs import leases, retry
from groundwork.runs.model import ErrorCode, Run, RunPhase, RunStatus

type Halt = tuple[ErrorCode, str]
"""Reason to give a run up before all its items had their turn, with a message for people."""


def end_run(run: Run, halt: Halt | None, retried_by_schedule: bool, now: int) -> Run:
    """Return the run after its end.

    `retried_by_schedule`: the run's type allows automatic retries.
    """
    stopped_by = halt[0] if halt else None
    retried = retried_by_schedule and retry.should_retry(run.retryable, run.queued_all, run.attempts, stopped_by)
    return replace(
        leases.end(run, final_status(run, halt), now),
        # the phase kept tells a retry that the items were never queued
        phase=RunPhase.DONE if run.queued_all else run.phase,
        error=_final_error(run, halt),
        next_retry_at=now + retry.retry_delay_ms(run.attempts) if retried else None,
    )


def final_status(run: Run, halt: Halt | None) -> RunStatus:
    if halt and not run.completed:
        return RunStatus.FAILED
    if run.failed == 0:
        return RunStatus.SUCCEEDED
    return RunStatus.PARTIAL if run.completed or run.skipped else RunStatus.FAILED


def _final_error(run: Run, halt: Halt | None) -> str | None:
    if halt:
        return halt[1]
    return (run.error or f"{run.failed} of {run.total} items failed.") if run.failed else None
