"""Number of tests that a check ran, from the summaries of test programs in its log.

A log is written by the commands themselves: the number is a claim, good to notice removed tests, never a proof.
"""

import re
from collections.abc import Iterable

_COUNT = r"(\d+) (?:passed|failed|errors?|xfailed|xpassed)"
_PYTEST = re.compile(rf"^=*\s*((?:{_COUNT}|\d+ \w+)(?:, (?:{_COUNT}|\d+ \w+))*) in [\d.]+s", re.M)
_RAN = re.compile(_COUNT)
_ADDED = (
    re.compile(r"^Ran (\d+) tests? in ", re.M),  # unittest
    re.compile(r"^Tests:\s.*?(\d+) total", re.M),  # jest
    re.compile(r"^\s*Tests\s+.*\((\d+)\)\s*$", re.M),  # vitest
    re.compile(r"^\s*(\d+) passing\b", re.M),  # mocha
    re.compile(r"^# tests (\d+)\s*$", re.M),  # node --test
)
_SKIPPED = re.compile(r"^(?:OK|FAILED) \(.*?skipped=(\d+)", re.M)
_CARGO = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed", re.M)
_GO = re.compile(r"^\s*--- (?:PASS|FAIL): ", re.M)


def tests_run(logs: Iterable[str]) -> int | None:
    """Return the sum of all summaries; None if no log has one that is known."""
    counts = [count for log in logs if (count := _of_log(log)) is not None]
    return sum(counts) if counts else None


def _of_log(log: str) -> int | None:
    found = [sum(map(int, _RAN.findall(match[1]))) for match in _PYTEST.finditer(log)]
    found += [int(match[1]) for pattern in _ADDED for match in pattern.finditer(log)]
    found += [int(match[1]) + int(match[2]) for match in _CARGO.finditer(log)]
    if cases := len(_GO.findall(log)):
        found.append(cases)
    # unittest counts skipped tests as run
    return max(0, sum(found) - sum(int(match[1]) for match in _SKIPPED.finditer(log))) if found else None
