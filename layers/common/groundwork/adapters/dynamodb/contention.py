"""Retries of writes that conflict with others."""

import random
import time

MAX_ATTEMPTS = 20
"""Enough for twenty writers of one number. A client waits at most 10 s before an error."""


def pause(attempt: int) -> None:
    # jitter: writers that met once would otherwise meet again
    time.sleep(random.uniform(0, min(0.5, 0.02 * 2**attempt)))  # noqa: S311
