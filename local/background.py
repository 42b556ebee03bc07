"""Background work that an error must not end."""

import threading
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from local.pool import PoolClosed

ERRORS = (BotoCoreError, ClientError, OSError, ValueError, LookupError, TypeError, AttributeError)
"""Errors of calls to the local AWS, of files, and of data in an unexpected form."""


def repeat(
    step: Callable[[], object],
    stopping: threading.Event,
    interval: float,
    report: Callable[[str], None],
    *,
    name: str,
) -> None:
    """Run the step every `interval` seconds until `stopping` is set; report an error once."""
    reported = ""
    while not stopping.wait(interval):
        try:
            step()
        except PoolClosed:
            return
        except ERRORS as exc:
            problem = f"{name} failed: {exc or type(exc).__name__}. It is repeated."
            # Calls during the shutdown may find their target closed.
            if problem != reported and not stopping.is_set():
                report(problem)
            reported = problem
        else:
            reported = ""
