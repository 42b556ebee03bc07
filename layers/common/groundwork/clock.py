"""Wall clock and retry pauses."""

import random
import time


def now_ms() -> int:
    """Return the milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def backoff(attempt: int, first_s: float, max_s: float) -> float:
    """Return a random pause in seconds before the next try; `attempt` counts from 0.

    Full jitter: the upper bound doubles with each attempt, up to `max_s`. Otherwise writers would collide again after
    one collision.
    """
    # the inner limit: 2.0 ** 1024 overflows
    bound: float = min(max_s, first_s * 2.0 ** min(attempt, 30))
    return random.uniform(0, bound)  # noqa: S311  # not a secret
