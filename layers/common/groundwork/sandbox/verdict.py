"""Verdicts from the endings of checks."""

from collections.abc import Iterable
from enum import StrEnum

from groundwork.sandbox.model import CommandStatus, Ending


class Verdict(StrEnum):
    """Of a check. `COULD_NOT_RUN` is no failure: nothing is known of the change."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could_not_run"


def verdict(status: CommandStatus) -> Verdict | None:
    """None while the command runs. Only an exit is a verdict."""
    if status.ending is None:
        return None
    if status.ending is not Ending.EXIT or status.exit_code is None:
        return Verdict.COULD_NOT_RUN
    return Verdict.PASSED if status.exit_code == 0 else Verdict.FAILED


def verdict_of_all(statuses: Iterable[CommandStatus]) -> Verdict | None:
    """The verdict of several commands: all must have passed, one failure decides."""
    verdicts = [verdict(status) for status in statuses]
    if Verdict.FAILED in verdicts:
        return Verdict.FAILED
    if None in verdicts:
        return None
    # no check at all proves nothing
    return Verdict.PASSED if verdicts and set(verdicts) == {Verdict.PASSED} else Verdict.COULD_NOT_RUN
