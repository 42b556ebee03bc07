"""What the state machine asks: which phases and tasks there are, to wait at a gate, to carry a task out, to end."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from groundwork.backlog.model import Effort
from groundwork.errors import GroundworkError, NotFound, Transient
from groundwork.execution import attempts
from groundwork.execution.attempts import Step
from groundwork.execution.completed_work import done_in
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.ports import Executions
from groundwork.execution.state import ExecutionState
from groundwork.execution.worker import (
    Assignment,
    Completed,
    CompletedTask,
    DependencyResult,
    Failed,
    Suspended,
    TaskOutcome,
    TaskWorker,
    TransientFailure,
    TurnReport,
    WorkerContext,
)
from groundwork.llm.port import Usage
from groundwork.plans.estimate import TaskMeasurements
from groundwork.plans.model import Phase, PlanStatus, Task
from groundwork.plans.repositories import Repository

INLINE = 40
"""Tasks that an inline Map takes at once; a larger phase's are child executions."""

MAX_INLINE = 100
"""Tasks of a plan whose events one execution's history holds, however often each of them is taken up again."""

LOOK_S = 2.0
"""How often a worker looks whether it may go on: so soon is it stopped by a cancel."""

RENEW_S = 15.0

TOGETHER_MS = 10_000
"""Tasks that begin within so long of each other begin together."""

SPREAD_S = 0.25
"""Over so long for each of them their first calls to the model are spread: one alone waits for nobody."""


class PlanNotEnded(GroundworkError):
    """The execution has come to its end, and the plan has not."""


@dataclass(slots=True)
class StepHandler:
    """One invocation of `plan_executor`. `left_ms` is what is left of it."""

    store: Executions
    conductor: ExecutionCoordinator
    worker: TaskWorker
    repository: Callable[[str], Repository]
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]
    look_s: float = LOOK_S
    measured: Callable[[str, Effort, TaskMeasurements], None] = lambda repository_id, effort, taken: None

    def begin(self, plan_id: str, number: int) -> dict[str, Any]:
        execution_state = self.store.read(plan_id)
        return {
            "phaseIds": [phase.id for phase in execution_state.plan.phases] if _is_its(execution_state, number) else []
        }

    def phase(self, plan_id: str, number: int, phase_id: str) -> dict[str, Any]:
        """Its tasks as it begins: those that are added to it later it does not know."""
        execution_state = self.store.read(plan_id)
        phase = execution_state.plan.phase(phase_id) if _is_its(execution_state, number) else None
        tasks = _by_the_work(phase) if phase else []
        mode = phase.mode if phase else "sequential"
        large = len(tasks) > INLINE or sum(1 for _ in execution_state.plan.tasks) > MAX_INLINE
        # as wide as it is long, in order or not: the gates keep the order, and child executions begin in any
        return {"mode": mode, "large": large, "width": max(1, len(tasks)), "taskIds": [task.id for task in tasks]}

    def gate(self, plan_id: str, number: int, task_id: str, token: str, attempt_key: str = "") -> dict[str, Any]:
        """Store the token of a task at its gate. `attempt_key` orders the attempts: entry time and retry count."""
        self.conductor.arrived(plan_id, number, task_id, token, attempt_key)
        return {}

    def end(self, plan_id: str, number: int) -> dict[str, Any]:
        """Raises PlanNotEnded."""
        execution_state = self.conductor.change(plan_id, lambda execution_state: execution_state)
        if _is_its(execution_state, number) and not execution_state.execution.restart:
            raise PlanNotEnded
        return {}

    def failed(self, plan_id: str, number: int, reason: str) -> dict[str, Any]:
        """Whether it is for that that the execution ends: one whose plan was cancelled just ends."""
        execution_state = self.conductor.execution_over(plan_id, number, reason)
        return {"failed": execution_state.status is PlanStatus.FAILED and execution_state.execution.number == number}

    async def work(self, plan_id: str, number: int, task_id: str, attempt_key: str = "") -> dict[str, Any]:
        claim = await asyncio.to_thread(self._claim, plan_id, number, task_id, attempt_key)
        if claim.next is not Step.WORK:
            return _answer(claim.next, claim.wait_s)
        began = self.now_ms()
        outcome = await self._carried_out(claim, task_id)
        worked_ms = max(0, self.now_ms() - began)
        return await asyncio.to_thread(self._finish, plan_id, task_id, claim.epoch, outcome, worked_ms)

    # one claim

    def _claim(self, plan_id: str, number: int, task_id: str, attempt_key: str) -> attempts.ClaimResult:
        claims: list[attempts.ClaimResult] = []

        def act(execution_state: ExecutionState) -> ExecutionState:
            if not _is_its(execution_state, number):
                claims.append(attempts.ClaimResult(execution_state, Step.DONE))
            else:
                claims.append(attempts.claimed(execution_state, task_id, self.now_ms(), attempt_key))
            return claims[-1].execution_state

        after = self.conductor.change(plan_id, act)
        return attempts.ClaimResult(after, claims[-1].next, claims[-1].wait_s, claims[-1].epoch)

    async def _carried_out(self, claim: attempts.ClaimResult, task_id: str) -> TaskOutcome:
        """Watched by a task of its own; a worker that raises has met trouble, whatever it was."""
        plan_id, stop = claim.execution_state.plan.id, asyncio.Event()

        async def holds() -> bool:
            return await asyncio.to_thread(self.store.holds, plan_id, task_id, claim.epoch)

        async def turn(turn: TurnReport) -> None:
            await asyncio.to_thread(self.store.turn, plan_id, task_id, turn, self.now_ms())

        async def below() -> tuple[CompletedTask, ...]:
            return _below(await asyncio.to_thread(self.store.read, plan_id), task_id)

        watching = asyncio.create_task(self._watched(plan_id, task_id, claim.epoch, stop))
        try:
            assignment = await asyncio.to_thread(self._assignment, claim.execution_state, task_id)
            return await self.worker.carry_out(assignment, WorkerContext(self.left_ms, stop, holds, turn, below))
        except NotFound as gone:
            # a repository that was deleted: no other attempt finds it
            return Failed(str(gone), final=True)
        except Transient as fault:
            return TransientFailure(str(fault))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watched(self, plan_id: str, task_id: str, epoch: int, stop: asyncio.Event) -> None:
        """Renews the lease, and sets `stop` as soon as the task is no longer held."""
        renewed = time.monotonic()
        while not stop.is_set():
            await asyncio.sleep(self.look_s)
            with suppress(Transient):
                if time.monotonic() - renewed < RENEW_S:
                    held = await asyncio.to_thread(self.store.holds, plan_id, task_id, epoch)
                else:
                    until = self.now_ms() + attempts.LEASE_MS
                    held = await asyncio.to_thread(self.store.renew, plan_id, task_id, epoch, until)
                    renewed = time.monotonic()
                if not held:
                    stop.set()

    def _finish(self, plan_id: str, task_id: str, epoch: int, outcome: TaskOutcome, worked_ms: int) -> dict[str, Any]:
        ends: list[attempts.AttemptResult | None] = []

        def act(execution_state: ExecutionState) -> ExecutionState:
            if not attempts.holds_task(execution_state, task_id, epoch):
                ends.append(None)
                return execution_state
            # overtaken, it goes on at once: with the session as it has ended, on what there is then
            came = Suspended() if _overtaken(execution_state, task_id, outcome) else outcome
            end = attempts.finished(execution_state, task_id, came, self.now_ms(), worked_ms, random.random())  # noqa: S311
            ends.append(end)
            return end.execution_state

        after = self.conductor.change(plan_id, act)
        end = ends[-1]
        if end is None:
            # whoever has taken the task goes on with it; this iteration waits for that one
            return _answer(attempts.next_step(after, task_id), 0)
        if isinstance(outcome, Completed) and end.next is Step.DONE:
            self._measure(after, task_id)
        return _answer(end.next, end.wait_s)

    def _measure(self, execution_state: ExecutionState, task_id: str) -> None:
        """What the task has taken, for later estimates; to lose one is no harm."""
        task, state = execution_state.plan.task(task_id), execution_state.of(task_id)
        if task is None or not state.spent.calls:
            return
        spent = state.spent
        usage = Usage(spent.input, spent.output, spent.cache_read, spent.cache_write, spent.calls)
        with suppress(Transient):
            taken = TaskMeasurements(1, state.worked_ms / 1000, usage)
            self.measured(task.repository_id or execution_state.plan.repository_id, task.effort, taken)

    def _assignment(self, execution_state: ExecutionState, task_id: str) -> Assignment:
        plan, state = execution_state.plan, execution_state.of(task_id)
        task = plan.task(task_id)
        if task is None:
            raise NotFound.of("task", task_id)
        return Assignment(
            plan=plan,
            task=task,
            attempt=state.attempts,
            since=state.since,
            branch=execution_state.branch,
            repository=self.repository(task.repository_id or plan.repository_id),
            failed=tuple(one for one in state.failed if one.number > state.since),
            before=tuple(_before(execution_state, other) for other in task.depends_on),
            spread_s=SPREAD_S * _together(execution_state, task_id),
        )


def _together(execution_state: ExecutionState, task_id: str) -> int:
    """How many other tasks of the plan have begun just when this one did."""
    mine = execution_state.of(task_id).started_at or 0
    others = (execution_state.of(other).started_at or 0 for other in execution_state.running if other != task_id)
    return sum(abs(began - mine) <= TOGETHER_MS for began in others)


def _before(execution_state: ExecutionState, task_id: str) -> DependencyResult:
    task, state = execution_state.plan.task(task_id), execution_state.of(task_id)
    assert task is not None
    return DependencyResult(task, state.summary, state.files, state.commit_sha)


def _below(execution_state: ExecutionState, task_id: str) -> tuple[CompletedTask, ...]:
    task = execution_state.plan.task(task_id)
    if task is None:
        raise NotFound.of("task", task_id)
    return done_in(execution_state, task.repository_id or execution_state.plan.repository_id)


def _overtaken(execution_state: ExecutionState, task_id: str, outcome: TaskOutcome) -> bool:
    """Whether others' patches have landed since this one was put on those that there were: one lands after the other,
    as commits do, so that each is known to go together with all before it."""
    if not isinstance(outcome, Completed) or outcome.on is None:
        return False

    def named(below: tuple[CompletedTask, ...]) -> list[tuple[str, int]]:
        return [(one.task.id, one.attempt) for one in below if one.kept]

    return named(outcome.on) != named(_below(execution_state, task_id))


def _is_its(execution_state: ExecutionState, number: int) -> bool:
    """Whether the plan is under way in this execution of the state machine."""
    return execution_state.status.executing and execution_state.execution.number == number


def _by_the_work(phase: Phase) -> list[Task]:
    """In an order in which no task comes before what it depends on: a Map that is not as wide as the phase goes on."""
    if phase.mode != "parallel":
        return list(phase.tasks)
    left, placed = {task.id: task for task in phase.tasks}, list[Task]()
    while left:
        ready = [task for task in left.values() if not any(other in left for other in task.depends_on)]
        # an edit can make no cycle: there is always one
        placed += ready
        left = {id_: task for id_, task in left.items() if task not in ready}
    return placed


def _answer(next_: Step, wait_s: int) -> dict[str, Any]:
    # never 0: a Wait of nothing is a busy loop
    return {"next": next_.value, "waitSeconds": max(1, wait_s)}
