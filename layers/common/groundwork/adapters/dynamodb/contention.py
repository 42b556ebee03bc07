"""Retries of conflicting writes."""

import random
import time

MAX_ATTEMPTS = 20
"""Enough for twenty writers of one number. A client waits at most 10 s before an error."""


def pause(attempt: int) -> None:
    # jitter: writers would otherwise meet again and again
    time.sleep(random.uniform(0, min(0.5, 0.02 * 2**attempt)))  # noqa: S311
