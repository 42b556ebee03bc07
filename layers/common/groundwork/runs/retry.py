"""Automatic retries of runs: the decision at the end of a run, and the delay."""

from groundwork.runs.model import ErrorCode

# three delays, 35 minutes in all: a longer outage is left to people
RUN_ATTEMPTS = 4
"""Attempts at a run's items by the schedule, the first run included."""

FIRST_DELAY_MS = 5 * 60_000


def should_retry(retryable_failures: int, queued_all: bool, attempts: int, stopped_by: ErrorCode | None = None) -> bool:
    """Return True if the schedule is to retry a run.

    `retryable_failures` counts failed items with a passing cause. `stopped_by` is the reason of a run given up. The
    next run would reach the same limit again, so only a retryable reason allows a retry.
    """
    if stopped_by is not None and not stopped_by.retryable:
        return False
    # a run ended before queueing has no failed items, but all its work left
    return (retryable_failures > 0 or not queued_all) and attempts < RUN_ATTEMPTS


def retry_delay_ms(attempts: int) -> int:
    """Return the delay before the next attempt: 5, 10, 20 ... minutes."""
    return FIRST_DELAY_MS * (1 << (attempts - 1))
