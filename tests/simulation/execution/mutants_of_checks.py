"""Mutants of landings with checks."""

from dataclasses import replace
from typing import Any

from groundwork.agent.landing import Landing
from groundwork.execution.landing import Lander
from groundwork.execution.worker import Failed
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.mutant import ExecutionMutant
from tests.simulation.execution.worlds import REPOSITORIES, World
from tests.simulation.mutant import patched

_push = Lander._push


def with_checks(world: World) -> World:
    return replace(world, checked=REPOSITORIES)


def _any_verdict(self: Landing, tree: str) -> bool | None:
    """A verdict counts for any tree."""
    return True if self.passed else False if self.failed else None


def _failed_passes(self: Landing, tree: str) -> bool | None:
    return True if tree in (self.passed, self.failed) else None


async def _final_unseen(self: Lander, session: Any, proven: Any, tree: str, completed: Any) -> Any:
    """The commit is made anew for the push, and pushed whatever its tree."""
    final = await self._prepare(session, proven.verified, completed)
    return await _push(self, session, proven, getattr(final, "tree", tree), completed)


async def _counts_as_failed(self: Lander, session: Any, progress: Any) -> Any:
    return Failed("The check `check` could not run (lost).")


def pushes(faults: ExecutionFaults) -> ExecutionFaults:
    return replace(faults, others_push=0.9, until_s=max(3_600.0, faults.until_s))


MUTANTS_OF_CHECKS = (
    ExecutionMutant(
        "a verdict of another tree",
        "a change that has passed on an older head lands on a new one unchecked",
        patched("groundwork.agent.landing.Landing.verdict_on", _any_verdict),
        with_checks,
        pushes,
    ),
    ExecutionMutant(
        "a failed check passes",
        "a change lands although its check has failed",
        patched("groundwork.agent.landing.Landing.verdict_on", _failed_passes),
        with_checks,
    ),
    ExecutionMutant(
        "pushed as it then is",
        "the branch moves between the check and the push, and what is pushed was never checked",
        patched("groundwork.execution.landing.Lander._push", _final_unseen),
        with_checks,
        pushes,
    ),
    ExecutionMutant(
        "not run is failed",
        "a check that could not run uses up an attempt",
        patched("groundwork.execution.landing.Lander._could_not_run", _counts_as_failed),
        with_checks,
    ),
)
