"""Price of a sandbox, from prices.json with date and source."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from groundwork.values import Stored, stored_as


@dataclass(frozen=True, slots=True)
class Bill:
    """Time of one sandbox and its price, added to its owner's usage once."""

    milliseconds: int = 0
    cost_micro_usd: int = 0


class RunningBill(Stored):
    """Price of an open sandbox so far.

    `generation` tells it from other sandboxes of its owner.
    """

    generation: Annotated[int, stored_as("generation")]
    cost_micro_usd: Annotated[int, stored_as("costMicroUsd")]
    micro_usd_per_s: Annotated[float, stored_as("perSecond")]


@cache
def price_table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(files("groundwork.checks").joinpath("prices.json").read_text())
    return table


def bill(milliseconds: int, memory_mb: int) -> Bill:
    """Price the time of a sandbox with this baseline memory. The price is an upper bound."""
    return Bill(milliseconds, round(milliseconds * micro_usd_per_s(memory_mb) / 1000))


def micro_usd_per_s(memory_mb: int) -> float:
    """Return the price of a second in millionths of a dollar."""
    prices, baseline_gb = price_table(), memory_mb / 1024
    a_second = baseline_gb * (prices["vcpu_per_gb"] * prices["vcpu_second"] + prices["gb_second"]) * prices["burst"]
    return float(a_second * 1_000_000)
