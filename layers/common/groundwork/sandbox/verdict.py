"""Verdict of a check, from the way its commands ended."""

from collections.abc import Iterable
from enum import StrEnum

from groundwork.sandbox.model import CommandStatus, Ending


class Verdict(StrEnum):
    """Verdict of a check. `COULD_NOT_RUN` is not a failure: it says nothing about the change."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could_not_run"


def verdict(status: CommandStatus) -> Verdict | None:
    """Return the verdict of one command, None while it runs. Only an exit code can pass or fail."""
    if status.ending is None:
        return None
    if status.ending is not Ending.EXIT or status.exit_code is None:
        return Verdict.COULD_NOT_RUN
    return Verdict.PASSED if status.exit_code == 0 else Verdict.FAILED


def verdict_of_all(statuses: Iterable[CommandStatus]) -> Verdict | None:
    """Return the verdict of several commands: all must pass; one failure is enough to fail."""
    verdicts = [verdict(status) for status in statuses]
    if Verdict.FAILED in verdicts:
        return Verdict.FAILED
    if None in verdicts:
        return None
    # no check at all proves nothing
    return Verdict.PASSED if verdicts and set(verdicts) == {Verdict.PASSED} else Verdict.COULD_NOT_RUN
