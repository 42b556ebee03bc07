"""How often, and how far apart, a write is tried that meets others."""

import random
import time

TRIES = 20
"""Twenty writers who want the same number all get one; a client waits 10 s at most before it is told to come again."""


def pause(attempt: int) -> None:
    # each waits another time, or those who met once meet again
    time.sleep(random.uniform(0, min(0.5, 0.02 * 2**attempt)))  # noqa: S311
