"""Faults of sandboxes and of their service, besides the common ones."""

from dataclasses import dataclass
from random import Random

from tests.simulation.faults import WORST, Faults


@dataclass(frozen=True, slots=True)
class SandboxFaults(Faults):
    """Probabilities per request to the service."""

    service_refuses: float = 0.0
    service_answer_lost: float = 0.0
    no_capacity: float = 0.0
    machine_dies: float = 0.0


OF_SANDBOXES = {"service_refuses": 0.1, "service_answer_lost": 0.1, "no_capacity": 0.3, "machine_dies": 0.05}
COMMON = (
    *("throttled", "conflict", "unreachable", "answer_lost", "sent_twice", "slow"),
    *("killed_before", "killed_after", "frozen", "killed", "sweep_missed"),
)


def drawn(random: Random) -> SandboxFaults:
    """One seed in ten has no faults at all."""
    if random.random() < 0.1:
        return SandboxFaults()
    worst = {name: WORST[name] for name in COMMON} | OF_SANDBOXES
    present = {name: random.random() < 0.5 for name in worst}
    rates = {name: random.random() * chance if present[name] else 0.0 for name, chance in worst.items()}
    return SandboxFaults(**rates, skewed_clocks=random.random() < 0.5, until_s=random.uniform(60, 3_600))
