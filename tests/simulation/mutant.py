"""A deliberate bug in the engine, and the search for a seed to reveal it."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from groundwork.runs.model import RunType
from tests.simulation.faults import Faults
from tests.simulation.releases import Neighbour
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import Report, Simulation, simulate

SEEDS = 300
"""Every mutant is caught within this number of seeds."""


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    what: str
    applied: Callable[[], AbstractContextManager[Any]]
    where: Callable[[Scenario], Scenario] = lambda scenario: scenario
    under: Callable[[Faults], Faults] = lambda faults: faults
    """Adapts the faults drawn from the seed, as `where` does the scenario, to let the bug show."""
    neighbour: Neighbour | None = None
    kind: type[Simulation] = Simulation
    crash: str = ""

    def caught(self, seeds: Iterable[int]) -> Report | None:
        """Return the first simulation with a violation."""
        with self.applied():
            reports = (
                simulate(seed, self.where, self.under, kind=self.kind, neighbour=self.neighbour) for seed in seeds
            )
            return first_broken(reports, self.crash)


def first_broken(reports: Iterable[Report], crash: str) -> Report | None:
    """Return the first broken simulation.

    `crash` is the exception that the bug itself raises, if any. Raises AssertionError after another exception: the
    mutant does not fit the code it replaces, so it proves nothing.
    """
    report = next((report for report in reports if report.broken), None)
    if report and report.broken[0].isupper() and report.broken != crash:
        raise AssertionError(f"the mutant raises {report.broken}: {report.what}")
    return report


def with_a_cancel(scenario: Scenario) -> Scenario:
    """Cancel after the start of the first of several calls."""
    options = scenario.options | {"pacing": "normal", "max_cost_usd": None}
    calm = replace(scenario, options=options, second=None, poisons=0, down=(0.0, 0.0), items=max(30, scenario.items))
    return replace(calm, cancel_at=None, cancel_after_calls=1, call_s=8.0)


def in_many_hops(scenario: Scenario) -> Scenario:
    """Run more than thirty hops, without anything to end the run early."""
    options = scenario.options | {"pacing": "safe", "max_cost_usd": None}
    calm = replace(scenario, type=RunType.GENERATE_SUBTASKS, options=options, second=None, poisons=0, hopeless=0)
    calm = replace(calm, down=(0.0, 0.0), cancel_at=None, cancel_after_calls=None, selected=0, deleted_at=None)
    return replace(calm, items=60, hop_s=12.0, call_s=2.0, children=0, edits=0, one_epic=False)


def patched(where: str, instead: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: mock.patch(where, instead)


def patched_all(*pairs: tuple[str, Any]) -> Callable[[], AbstractContextManager[Any]]:
    """Patch several places: one bug only together."""

    def applied() -> ExitStack:
        stack = ExitStack()
        for where, instead in pairs:
            stack.enter_context(mock.patch(where, instead))
        return stack

    return applied
