"""Retries of conflicting writes."""

import time

from groundwork.clock import backoff

MAX_ATTEMPTS = 20
"""Enough for twenty writers of one number. A client waits at most 10 s before an error."""


def pause(attempt: int) -> None:
    time.sleep(backoff(attempt, 0.02, 0.5))
