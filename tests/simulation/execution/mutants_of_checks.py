"""Mutants of checks: changes land unproven, faults count as failures, commands start twice."""

from dataclasses import replace
from itertools import count
from typing import Any

from groundwork.agent.check_tools import SessionChecks, advance
from groundwork.agent.landing import Landing
from groundwork.agent.runner import _Run
from groundwork.agent.session import Session
from groundwork.execution.attempt_result import fail_attempt
from groundwork.execution.landing import Lander
from groundwork.execution.worker import Failed
from groundwork.plans.model import Plan
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.mutant import ExecutionMutant
from tests.simulation.execution.worlds import REPOSITORIES, World
from tests.simulation.mutant import patched, patched_all

_push, _advance = Lander._push, advance
_IDS = count()


def with_checks(world: World) -> World:
    return replace(world, checked=REPOSITORIES)


def rolled_back_with_checks(world: World) -> World:
    return replace(with_checks(world), clicks=12, rollbacks=4, click_s=60.0)


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


def _not_given_back(execution_state: Any, task_id: str, outcome: Failed, now_ms: int) -> Any:
    return fail_attempt(execution_state, task_id, outcome.reason, now_ms, outcome.keep_changes)


def pushes(faults: ExecutionFaults) -> ExecutionFaults:
    return replace(faults, others_push=0.9, until_s=max(3_600.0, faults.until_s))


_advance_run = _Run.advance


async def _unsaved(self: _Run, session: Session) -> Any:
    """A call in progress is stored only with its result."""
    context = self.context

    async def save(after: Session) -> None:
        if not after.unfinished_turn:
            await context.save(after)

    self.context = replace(context, save=save)
    try:
        return await _advance_run(self, session)
    finally:
        self.context = context


def _new_job_each_time(session: Session, tree: Any, checks: SessionChecks, seconds: Any) -> Any:
    """Each look asks for a job of its own."""
    assert session.checks
    last = session.checks.runs[-1].model_copy(update={"job_id": f"look-{next(_IDS)}"})
    return _advance(session.with_checks(runs=(*session.checks.runs[:-1], last)), tree, checks, seconds)


def in_one_repository(world: World) -> World:
    """A plan without a task in the other repository, whose tasks users try to move there."""
    plans = tuple(_without_repositories(plan) for plan in world.plans)
    return replace(with_checks(world), plans=plans, moves=6, click_s=10.0)


def _without_repositories(plan: Plan) -> Plan:
    phases = (
        phase.model_copy(
            update={"tasks": tuple(task.model_copy(update={"repository_id": None}) for task in phase.tasks)}
        )
        for phase in plan.phases
    )
    return plan.changed(phases=tuple(phases))


async def _left_open(self: Any, session: Session) -> None:
    return None


MUTANTS_OF_CHECKS = (
    ExecutionMutant(
        "a command before its call is stored",
        "a lost worker leaves a command that nobody asked for, and the model is paid twice",
        patched("groundwork.agent.runner._Run.advance", _unsaved),
        with_checks,
    ),
    ExecutionMutant(
        "a new command for each look",
        "a command is started again whenever it is looked at",
        patched_all(
            ("groundwork.agent.check_tools.advance", _new_job_each_time),
            ("groundwork.execution.agent_worker.advance", _new_job_each_time),
        ),
        with_checks,
    ),
    ExecutionMutant(
        "a session left open",
        "a task that waits to land still holds the sandbox of its session",
        patched("groundwork.execution.agent_worker._Invocation._close_sandbox", _left_open),
        with_checks,
    ),
    ExecutionMutant(
        "a verdict of another tree",
        "a change that has passed on an older head lands on a new one unchecked",
        patched("groundwork.agent.landing.Landing.verdict_on", _any_verdict),
        with_checks,
        pushes,
    ),
    ExecutionMutant(
        "a repository changed during execution",
        "a task moves to a repository unknown to its execution, and lands there unchecked",
        patched("groundwork.plans.edit_guard._require_repositories", lambda before, after: None),
        in_one_repository,
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
    ExecutionMutant(
        "a check that hangs is failed",
        "a check that never ends uses up an attempt",
        patched("groundwork.execution.attempt_result._give_back_unchecked", _not_given_back),
        with_checks,
    ),
    ExecutionMutant(
        "a rollback's check told once",
        "a lost worker leaves the check after a rollback pending for good",
        patched("groundwork.execution.state.Execution.checking_rollback", property(lambda self: False)),
        rolled_back_with_checks,
    ),
)
