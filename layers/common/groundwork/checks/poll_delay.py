"""Delay between two looks at a command that outlasts an invocation. Pure."""

MIN_DELAY_S = 10.0
MAX_DELAY_S = 600.0

GROWTH = 0.5
"""Share of the time already run: the end is seen late by at most this share."""


def poll_delay_s(run_s: float, asked_s: float = 0.0) -> float:
    """Return the seconds until the next look at a command that has run for `run_s`.

    Each look adds events to the history of the state machine, so the delays grow. `asked_s` is the runner's own wish.
    """
    return min(MAX_DELAY_S, max(MIN_DELAY_S, GROWTH * run_s, asked_s))
