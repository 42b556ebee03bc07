"""Watch a job until its verdict or the end of the invocation."""

from collections.abc import Callable

from groundwork.checks.ports import CheckJob, CheckProgress, CheckRunner

PATIENCE_SECONDS = 20.0
"""Longest time without a report."""


def watch(
    runner: CheckRunner,
    job: CheckJob,
    seconds: Callable[[], float],
    sleep: Callable[[float], None],
    report: Callable[[CheckProgress], None],
) -> CheckProgress | None:
    """Advance a job to its verdict; return None if `seconds()` are up.

    `report` gets each state without a verdict, to renew a lease. Its errors end the watch, as do those of `advance`.
    """
    while seconds() > 0:
        progress = runner.advance(job, lambda: min(seconds(), PATIENCE_SECONDS))
        if progress.verdict is not None:
            return progress
        report(progress)
        # a running command has been waited for already
        if not progress.results:
            sleep(min(progress.wait_s, PATIENCE_SECONDS))
    return None
