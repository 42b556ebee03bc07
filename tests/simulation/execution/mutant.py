"""Mutant of plan execution, and the search for a seed to catch it."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.simulation import simulate_execution
from tests.simulation.execution.worlds import World
from tests.simulation.mutant import SEEDS, first_broken
from tests.simulation.releases import Neighbour
from tests.simulation.simulation import Report


@dataclass(frozen=True, slots=True)
class ExecutionMutant:
    """`where` and `under` turn the drawn world and faults to where the bug can show."""

    name: str
    what: str
    applied: Callable[[], AbstractContextManager[Any]]
    where: Callable[[World], World] = lambda world: world
    under: Callable[[ExecutionFaults], ExecutionFaults] = lambda faults: faults

    first: int = 1
    """The first seed to try when time is short."""

    neighbour: Neighbour | None = None
    crash: str = ""

    def _world(self, world: World) -> World:
        """Users add, move and schedule nothing unless the bug needs it."""
        return self.where(replace(world, additions=0, moves=0, schedules=0))

    def caught(self, seeds: Iterable[int] = range(1, SEEDS + 1)) -> Report | None:
        """Return the first failed simulation."""
        with self.applied():
            reports = (simulate_execution(seed, self._world, self.under, self.neighbour) for seed in seeds)
            return first_broken(reports, self.crash)
