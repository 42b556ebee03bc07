"""A bug put into the engine on purpose, and the search for a seed that shows it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from tests.simulation.scenario import Scenario
from tests.simulation.simulation import Report, simulate

SEEDS = 300
"""Within so many seeds every mutant is caught."""


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    what: str
    applied: Callable[[], AbstractContextManager[Any]]
    where: Callable[[Scenario], Scenario] = lambda scenario: scenario
    """Turns scenarios to where the bug can show; the faults stay those of the seed."""

    def caught(self, seeds: range) -> Report | None:
        """The first simulation that goes wrong."""
        with self.applied():
            reports = (simulate(seed, self.where) for seed in seeds)
            return next((report for report in reports if report.broken), None)


def with_a_cancel(scenario: Scenario) -> Scenario:
    """Somebody cancels when the first of several calls has begun."""
    options = scenario.options | {"pacing": "normal", "max_cost_usd": None}
    calm = replace(scenario, options=options, second=None, poisons=0, down=(0.0, 0.0), items=max(30, scenario.items))
    return replace(calm, cancel_at=None, cancel_after_calls=1, call_s=8.0)


def patched(where: str, instead: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: mock.patch(where, instead)


def patched_all(*pairs: tuple[str, Any]) -> Callable[[], AbstractContextManager[Any]]:
    """Several places that are one bug only together."""

    def applied() -> ExitStack:
        stack = ExitStack()
        for where, instead in pairs:
            stack.enter_context(mock.patch(where, instead))
        return stack

    return applied
