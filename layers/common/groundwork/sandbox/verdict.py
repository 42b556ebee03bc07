"""Verdict of a check, from the way its commands ended."""

from collections.abc import Iterable
from enum import StrEnum

from groundwork.sandbox.model import Ending


class Verdict(StrEnum):
    """Verdict of a check. `COULD_NOT_RUN` is not a failure: it says nothing about the change."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could_not_run"


def verdict(ending: Ending | None, exit_code: int | None) -> Verdict | None:
    """Return the verdict of one command, None while it runs. Only an exit code can pass or fail."""
    if ending is None:
        return None
    if ending is not Ending.EXIT or exit_code is None:
        return Verdict.COULD_NOT_RUN
    return Verdict.PASSED if exit_code == 0 else Verdict.FAILED


def verdict_of_all(verdicts: Iterable[Verdict | None]) -> Verdict | None:
    """Return the verdict of several commands: all must pass; one failure is enough to fail."""
    found = set(verdicts)
    if Verdict.FAILED in found:
        return Verdict.FAILED
    if None in found:
        return None
    # no check at all proves nothing
    return Verdict.PASSED if found == {Verdict.PASSED} else Verdict.COULD_NOT_RUN
