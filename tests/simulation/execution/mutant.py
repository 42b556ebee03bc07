"""A bug put on purpose into how plans are carried out, and the search for a seed that shows it."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.simulation import simulate_execution
from tests.simulation.execution.worlds import World
from tests.simulation.mutant import SEEDS
from tests.simulation.releases import Neighbour
from tests.simulation.simulation import Report


@dataclass(frozen=True, slots=True)
class ExecutionMutant:
    """`where` and `under` turn what the seed has drawn to where the bug can show."""

    name: str
    what: str
    applied: Callable[[], AbstractContextManager[Any]]
    where: Callable[[World], World] = lambda world: world
    under: Callable[[ExecutionFaults], ExecutionFaults] = lambda faults: faults

    first: int = 1
    """The seed from which on it is looked for where time is short."""

    neighbour: Neighbour | None = None

    def _world(self, world: World) -> World:
        """People neither add nor schedule but where the bug needs them to."""
        return self.where(replace(world, additions=0, schedules=0))

    def caught(self, seeds: Iterable[int] = range(1, SEEDS + 1)) -> Report | None:
        """The first simulation that goes wrong."""
        with self.applied():
            reports = (simulate_execution(seed, self._world, self.under, self.neighbour) for seed in seeds)
            return next((report for report in reports if report.broken), None)
