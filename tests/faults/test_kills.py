"""A sample of `make faults`: each kind of kill once; every response stays true."""

import os

import pytest

from local.engine.java import system_java
from tests.faults.kills import Target, killed


@pytest.mark.slow(reason="kills and restarts the local system five times")
@pytest.mark.skipif(system_java() is None and not os.environ.get("CI"), reason="needs Java 17 or newer")
@pytest.mark.timeout(1500)
def test_what_was_answered_holds_after_every_kind_of_kill() -> None:
    outcome = killed(len(Target), seed=1)
    assert outcome.violations == []
    assert set(outcome.kills) == set(Target)
    assert outcome.answers > len(Target)
