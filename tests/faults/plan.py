"""Faults decided by a seed: kinds and frequency, and the times of blows to processes.

The processes are not deterministic, but the plan is: the n-th request of a kind meets the same fault each time.
"""

import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.anthropic_server import faults as model_faults
from tests.anthropic_server.faults import Call, Fault, Script


class Aws(StrEnum):
    """Faults of a request to DynamoDB or Lambda."""

    SLOW = "slow"
    THROTTLED = "throttled"
    CONFLICT = "conflict"
    FAILED_BEFORE = "failed before it took effect"
    FAILED_AFTER = "failed after it took effect"
    CUT_BEFORE = "cut before it took effect"
    CUT_AFTER = "cut after it took effect"
    LOST = "accepted and lost"
    DOUBLED = "delivered twice"
    LATE = "delivered late"


class Process(StrEnum):
    """Faults of a sandbox."""

    KILLED = "killed"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Blow:
    """A blow to a function's sandbox, seconds after the last; a frozen one thaws after `lasts`."""

    after_s: float
    kind: Process
    function: str
    lasts_s: float = 0.0


LONGEST_FREEZE_S = 9.0
"""Longer than a lease of the quick clock: a thawed process is a zombie."""

_DYNAMODB = {
    Aws.SLOW: 0.06,
    Aws.THROTTLED: 0.02,
    Aws.CONFLICT: 0.02,
    Aws.FAILED_BEFORE: 0.02,
    Aws.FAILED_AFTER: 0.02,
    Aws.CUT_BEFORE: 0.01,
    Aws.CUT_AFTER: 0.02,
}
_LAMBDA = {
    Aws.THROTTLED: 0.1,
    Aws.FAILED_AFTER: 0.1,
    Aws.LOST: 0.15,
    Aws.DOUBLED: 0.25,
    Aws.LATE: 0.15,
}


class Plan:
    """The faults of a seed, injected while `on`; `injected` counts them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.on = threading.Event()
        self.injected: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        chance = random.Random(f"plan-{seed}")
        self.severity = chance.choice([0.5, 1.0, 2.0])
        # Every third seed loses no worker, so the bill can be checked to the last token.
        self.loses_workers = seed % 3 != 0
        self.freezes = self.loses_workers and chance.random() < 0.5
        self.cancels = chance.random() < 0.6
        self.model = self._during(self._model_script(chance))

    def of_request(self, service: str, transaction: bool) -> tuple[Aws | None, float]:
        """The fault of the next request, and how many seconds it takes where it is about time."""
        if not self.on.is_set():
            return None, 0.0
        with self._lock:
            self._asked[service] += 1
            chance = random.Random(f"{self.seed}-{service}-{self._asked[service]}")
        table = _DYNAMODB if service == "dynamodb" else _LAMBDA
        fault = _drawn(chance, table, self.severity)
        if fault is Aws.CONFLICT and not transaction:
            fault = Aws.THROTTLED
        if fault:
            self.note(f"{service}: {fault}")
        return fault, chance.choice([0.05, 0.2, 1.0]) if service == "dynamodb" else chance.uniform(0.2, 3.0)

    def blows(self, phase: int, seconds: float) -> Sequence[Blow]:
        """When sandboxes are hit in a phase whose faults last so long."""
        if not self.loses_workers:
            return []
        chance = random.Random(f"blows-{self.seed}-{phase}")
        found, at = [], 0.0
        while (wait := chance.uniform(0.8, 3.0)) + at < seconds:
            at += wait
            kind = Process.FROZEN if self.freezes and chance.random() < 0.4 else Process.KILLED
            functions = ["ProcessNextFunction"] * 6 + ["RetryRunsFunction", "StartRunFunction"]
            found.append(Blow(wait, kind, chance.choice(functions), chance.choice([1.0, 7.0, LONGEST_FREEZE_S])))
        return found

    def note(self, what: str) -> None:
        with self._lock:
            self.injected[what] += 1

    def _model_script(self, chance: random.Random) -> Script:
        kinds: Mapping[Fault, float] = {
            model_faults.rate_limited(0.2): 0.05,
            model_faults.overloaded(): 0.02,
            model_faults.failed(500): 0.04,
            model_faults.dropped(): 0.03,
            model_faults.cut(): 0.03,
            model_faults.hanging(chance.choice([1.0, 3.0, 20.0])): 0.02,
            model_faults.truncated(): 0.03,
            model_faults.refused(): 0.02,
            model_faults.malformed(): 0.03,
            model_faults.out_of_range(): 0.02,
            model_faults.unreadable(): 0.02,
        }
        return model_faults.by_chance(self.seed, {fault: share * self.severity for fault, share in kinds.items()})

    def _during(self, script: Script) -> Script:
        def faulty(call: Call) -> Fault | None:
            fault = script(call) if self.on.is_set() else None
            if fault:
                self.note(f"model: {fault.kind}")
            return fault

        return faulty


def _drawn(chance: random.Random, table: Mapping[Aws, float], severity: float) -> Aws | None:
    roll = chance.random() / severity
    for fault, share in table.items():
        if roll < share:
            return fault
        roll -= share
    return None
