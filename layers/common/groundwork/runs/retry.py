"""Retries: whether an item or a run gets another attempt, and after which delay."""

from groundwork.runs.model import ITEM_ATTEMPTS, ErrorCode

# three delays, 35 minutes in all: a longer outage is left to people
RUN_ATTEMPTS = 4
"""Attempts at a run's items by the schedule, the first run included."""

FIRST_DELAY_MS = 5 * 60_000

ITEM_RETRY_DELAYS_MS = (1_000, 5_000)
"""Delay after the first and after the second attempt at an item."""

_ANSWERS = (ErrorCode.ANSWER_INVALID, ErrorCode.ANSWER_TRUNCATED, ErrorCode.ANSWER_REFUSED)


def is_last_attempt(code: ErrorCode, attempts: int, shared: bool) -> bool:
    """Return True if an item ends as failed with this attempt.

    `attempts` includes this one; `shared`: its call was about other items too.
    """
    if attempts >= ITEM_ATTEMPTS:
        return True
    if code in _ANSWERS:
        # the answer was repaired once already; after a shared call the item gets one more try alone
        return not shared
    return not code.retryable


def item_retry_delay_ms(attempts: int) -> int:
    """Return the delay before the next attempt at an item within its run."""
    return ITEM_RETRY_DELAYS_MS[min(attempts, len(ITEM_RETRY_DELAYS_MS)) - 1]


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
