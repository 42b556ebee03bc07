"""Delay between two looks at a command that outlasts an invocation. Pure."""

MIN_DELAY_S = 10.0
"""Delay of a session or landing put away; a caller in place looks more often."""

MAX_DELAY_S = 600.0

GROWTH = 0.5
"""Share of the time already run: the end is seen late by at most this share."""


def poll_delay_s(run_s: float, at_least_s: float = MIN_DELAY_S) -> float:
    """Return the seconds until the next look at a command that has run for `run_s`.

    Each look adds events to the history of the state machine, so the delays grow.
    """
    return min(MAX_DELAY_S, max(at_least_s, GROWTH * run_s))
