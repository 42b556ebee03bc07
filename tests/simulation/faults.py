"""Faults of one simulation, drawn from its seed: frequency, severity and end."""

from dataclasses import dataclass, fields
from random import Random

SKEW_MS = 2_000
"""Maximum error of a sandbox's clock, in either direction."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities per request, invocation or call.

    About half of the simulations lack a given class of fault.
    """

    # DynamoDB, per request
    throttled: float = 0.0
    conflict: float = 0.0
    unreachable: float = 0.0
    answer_lost: float = 0.0
    sent_twice: float = 0.0
    slow: float = 0.0
    stale: float = 0.0
    # sandboxes, per request or call
    killed_before: float = 0.0
    killed_after: float = 0.0
    frozen: float = 0.0
    # sandboxes, per virtual minute of life, at any point
    killed: float = 0.0
    # Lambda, per async invoke
    dropped: float = 0.0
    late: float = 0.0
    twice: float = 0.0
    invoke_refused: float = 0.0
    invoke_answer_lost: float = 0.0
    sweep_missed: float = 0.0
    # model, per call
    hangs: float = 0.0
    rate_limited: float = 0.0
    overloaded: float = 0.0
    unavailable: float = 0.0
    truncated: float = 0.0
    refused: float = 0.0
    malformed: float = 0.0
    skewed_clocks: bool = False
    until_s: float = 0.0
    """End of AWS faults; the model's faults (truncated, refused, malformed) may continue."""


WORST = {
    "throttled": 0.08,
    "conflict": 0.08,
    "unreachable": 0.03,
    "answer_lost": 0.05,
    "sent_twice": 0.08,
    "slow": 0.05,
    "stale": 0.5,
    "killed_before": 0.02,
    "killed_after": 0.02,
    "frozen": 0.01,
    "killed": 0.5,
    "dropped": 0.2,
    "late": 0.3,
    "twice": 0.4,
    "invoke_refused": 0.3,
    "invoke_answer_lost": 0.2,
    "sweep_missed": 0.3,
    "hangs": 0.05,
    "rate_limited": 0.4,
    "overloaded": 0.1,
    "unavailable": 0.1,
    "truncated": 0.1,
    "refused": 0.05,
    "malformed": 0.3,
}


def drawn(random: Random) -> Faults:
    """One seed in ten has no faults at all: any failure there is a plain bug."""
    if random.random() < 0.1:
        return Faults()
    present = {name: random.random() < 0.5 for name in WORST}
    rates = {name: random.random() * worst if present[name] else 0.0 for name, worst in WORST.items()}
    return Faults(**rates, skewed_clocks=random.random() < 0.5, until_s=random.uniform(30, 900))


def described(faults: Faults) -> str:
    """Return the faults with a chance above zero, with their chances."""
    there = {field.name: getattr(faults, field.name) for field in fields(faults)}
    return ", ".join(f"{name} {value:.3g}" for name, value in there.items() if value) or "none"
