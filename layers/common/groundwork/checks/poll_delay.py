"""Delay between two looks at a job that outlasts an invocation. Pure.

Each look adds events to the history of the state machine, so the delays grow.
"""

from groundwork.checks.ports import CheckProgress

MIN_DELAY_S = 10.0
"""Delay of a session or landing put away; a caller in place looks more often."""

MAX_DELAY_S = 600.0

GROWTH = 0.5
"""Share of the time a command has run: its end is seen late by at most this share."""

JOB_GROWTH = 0.1
"""The same for all commands of a job: many short commands must not take many looks."""

MAX_WAIT_FOR_SLOT_S = 60.0
SLOT_GROWTH = 0.01
"""Share of the time waited for a sandbox: a wait of days must fit into a history as well."""


def poll_delay_s(run_s: float, at_least_s: float = MIN_DELAY_S) -> float:
    """Return the seconds until the next look at a command that has run for `run_s`."""
    return min(MAX_DELAY_S, max(at_least_s, GROWTH * run_s))


def wait_for_slot_s(waited_s: float, at_least_s: float = MIN_DELAY_S) -> float:
    """Return the seconds until a job asks again for a sandbox."""
    delay = min(poll_delay_s(waited_s, at_least_s), MAX_WAIT_FOR_SLOT_S)
    return min(MAX_DELAY_S, max(delay, SLOT_GROWTH * waited_s))


def next_look_s(progress: CheckProgress) -> float:
    """Return the seconds until the next look at a job that was put away."""
    if not progress.results:
        # no command runs: the runner knows the wait for a sandbox
        return min(MAX_DELAY_S, progress.wait_s)
    job_s = sum(one.seconds for one in progress.results)
    at_least_s = max(MIN_DELAY_S, progress.wait_s, JOB_GROWTH * job_s)
    return poll_delay_s(progress.results[-1].seconds, at_least_s)
