"""Requests and data of one simulation, drawn from its seed."""

import random as randomness
from dataclasses import dataclass
from typing import Any

from groundwork.generation.epics import CARDS_PER_CHUNK
from groundwork.runs.model import RunType
from tests.runs.world import PIPELINE

_OF_CARDS = (RunType.ANALYZE_CARDS, RunType.GENERATE_EPICS)
_LARGE = {
    RunType.ANALYZE_CARDS: (110, 260),
    RunType.GENERATE_EPICS: (110, 260),
    RunType.GENERATE_STORIES: (101, 115),
    RunType.GENERATE_SUBTASKS: (101, 115),
}
"""More than one page of a manifest, and more results than fit into one transaction."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requests and data of one simulation.

    `children`: number of items with children (or an analysis) before the first request. `selected`: number of items
    requested by id, 0 for all. `retries`: number of users to request a retry of the first run, minutes apart. `edits`:
    number of creations, changes and deletions by hand. `patience_s`: the simulation waits for a retry due by then.
    """

    type: RunType
    items: int
    options: dict[str, Any]
    hop_s: float
    call_s: float
    poisons: int = 0
    hopeless: int = 0
    down: tuple[float, float] = (0.0, 0.0)
    cancel_at: float | None = None
    cancel_after_calls: int | None = None
    second: RunType | None = None
    eager_clients: int = 1
    one_key: bool = False
    retries: int = 0
    text: str = "Card"
    edits: int = 0
    children: int = 0
    selected: int = 0
    one_epic: bool = False
    cards_a_chunk: int = CARDS_PER_CHUNK
    deleted_at: float | None = None
    patience_s: float = 600.0

    @classmethod
    def drawn(cls, random: randomness.Random) -> "Scenario":
        """Draw a scenario; one in eight is large."""
        type_ = random.choice(PIPELINE)
        large = random.random() < 1 / 8
        hop_s = random.choice([12.0, 30.0, 60.0, 300.0])
        down_at = random.uniform(0, 120)
        items = random.choice([1, 2, 5, 12, 30]) * (4 if type_ in _OF_CARDS else 1)
        if large:
            items = random.randint(*_LARGE[type_])
        return cls(
            type=type_,
            items=items,
            options=_options(random, large),
            hop_s=hop_s,
            call_s=random.choice([0.2, 2.0, 8.0, hop_s / 3]),
            poisons=random.choice([0, 0, 0, 1, 2]),
            hopeless=random.choice([0, 0, 0, 1, 2]),
            down=random.choice([(0.0, 0.0)] * 5 + [(down_at, down_at + random.uniform(60, 1_200)), (down_at, 1e9)]),
            cancel_at=random.choice([None, None, None, random.uniform(0, 120)]),
            cancel_after_calls=random.choice([None, None, random.randint(1, 20)]),
            second=random.choice([None, None, *PIPELINE]),
            eager_clients=random.choice([1, 1, 1, 3]),
            one_key=random.random() < 0.5,
            retries=random.choice([0, 0, 0, 1, 2]),
            edits=random.choice([0, 0, 0, 10]),
            children=random.choice([0, 0, 1, items // 3, items - 1]),
            selected=random.choice([0, 0, 0, 1 + items // 2]),
            one_epic=random.random() < 0.15,
            cards_a_chunk=random.choice([CARDS_PER_CHUNK, items // 4 + 1, items // 7 + 1]),
            deleted_at=random.choice([None] * 24 + [random.uniform(0, 900)]),
            patience_s=random.choice([600.0] * 7 + [3_000.0]),
        )


def _options(random: randomness.Random, large: bool) -> dict[str, Any]:
    return {
        "mode": random.choice(["detailed"] if large else ["compact", "standard", "detailed"]),
        "existing_behavior": random.choice(["skip", "skip", "replace"]),
        "pacing": random.choice(["safe", "normal", "fast", "fast"]) if not large else "fast",
        "max_cost_usd": random.choice([None, None, None, None, 0.01]),
    }
