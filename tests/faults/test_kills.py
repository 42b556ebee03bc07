"""A sample of `make faults`: each kind of kill once; every response stays true."""

import os
import time
from typing import Any

import pytest

from local.engine.java import system_java
from tests.faults import kills
from tests.faults.kills import Fact, Killed, Target, check_facts, killed


@pytest.mark.slow(reason="kills and restarts the local system five times")
@pytest.mark.skipif(system_java() is None and not os.environ.get("CI"), reason="needs Java 17 or newer")
@pytest.mark.timeout(1500)
def test_what_was_answered_holds_after_every_kind_of_kill() -> None:
    outcome = killed(len(Target), seed=1)
    assert outcome.violations == []
    assert set(outcome.kills) == set(Target)
    assert outcome.answers > len(Target)


class Running:
    """A system that survives the kill, or ends with it."""

    url = "http://127.0.0.1:9"

    def __init__(self, survives: bool = True) -> None:
        self.survives = survives

    def restart(self, target: Target) -> bool:
        return self.survives


class Told:
    """Work with one answer, so many seconds old, which holds or does not."""

    def __init__(self, age: float, holds: bool) -> None:
        self._fact = Fact(time.monotonic() - age, lambda http: holds)
        self.lost: list[str] = []

    def facts(self) -> dict[str, Fact]:
        return {"project p": self._fact}

    def give_up(self, what: str) -> None:
        self.lost.append(what)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("target", "age", "holds", "violations", "lost"),
    [
        (Target.SYSTEM, 5.0, True, 0, 0),
        (Target.SYSTEM, 0.0, False, 1, 0),
        (Target.WORKER, 0.0, False, 1, 0),
        (Target.ENGINE, 5.0, False, 1, 0),
        (Target.ENGINE, 0.0, False, 0, 1),
        (Target.ENGINE, -0.5, False, 0, 1),
        (Target.ENGINE, -2.0, False, 1, 0),
        (Target.SYSTEM, -0.5, False, 1, 0),
        (Target.ALL, 0.0, False, 0, 1),
    ],
)
def test_a_lost_answer_is_a_violation_unless_the_engine_died_with_it(
    monkeypatch: pytest.MonkeyPatch, target: Target, age: float, holds: bool, violations: int, lost: int
) -> None:
    monkeypatch.setattr(kills, "FACT_PATIENCE_S", 0.1)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    outcome = Killed()
    system: Any = Running()
    work: Any = Told(age, holds)
    check_facts(system, work, target, outcome)
    assert (len(outcome.violations), outcome.lost_in_last_moments, len(work.lost)) == (
        violations,
        lost,
        violations + lost,
    )


@pytest.mark.quick
def test_a_system_that_ends_by_itself_is_a_violation() -> None:
    outcome = Killed()
    work: Any = Told(0.0, holds=True)
    system: Any = Running(survives=False)
    check_facts(system, work, Target.WORKER, outcome)
    assert outcome.violations == ["after a worker was killed: the local system has ended too"]
