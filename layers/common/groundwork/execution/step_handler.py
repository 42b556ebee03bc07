"""Steps of the state machine: list phases and tasks, wait at a gate, run a task, end."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from groundwork.backlog.model import Effort
from groundwork.errors import GroundworkError, NotFound, Transient
from groundwork.execution import attempt_result, claims, landing_queue
from groundwork.execution.completed_work import completed_tasks
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.ports import Executions
from groundwork.execution.state import ExecutionState
from groundwork.execution.task_step import Step, step_of_task
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

MAX_INLINE_PHASE = 40
"""Tasks of a phase that an inline Map runs at once; a larger phase uses child executions."""

MAX_INLINE_PLAN = 100
"""Tasks of a plan whose events fit into the history of one execution, retries included."""

MAX_INLINE_CHECKED_PLAN = 1
"""The same for a plan with checks.

Each wait for a command takes nine events, so each task gets a history.
"""

POLL_S = 2.0
"""Interval between checks of a claim: a cancel stops the worker after at most this time."""

# a quarter of LEASE_MS: a failed renewal can be repeated before the lease ends
RENEW_EVERY_S = 15.0

SAME_START_MS = 10_000
"""Start times within this distance count as one."""

STAGGER_S = 0.25
"""Delay per task started together, to stagger first calls to the model.

A single task starts at once.
"""


class PlanNotEnded(GroundworkError):
    """The execution reached its end before the plan did."""


@dataclass(slots=True)
class StepHandler:
    """Steps of one `plan_executor` invocation. `left_ms` returns the time left in it."""

    store: Executions
    coordinator: ExecutionCoordinator
    worker: TaskWorker
    repository: Callable[[str], Repository]
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]
    poll_s: float = POLL_S
    record_measurement: Callable[[str, Effort, TaskMeasurements], None] = lambda repository_id, effort, measured: None

    def list_phases(self, plan_id: str, number: int) -> dict[str, Any]:
        execution_state = self.store.read(plan_id)
        current = _is_current(execution_state, number)
        # a superseded execution gets no phases, and so ends at once
        return {"phaseIds": [phase.id for phase in execution_state.plan.phases] if current else []}

    def list_tasks(self, plan_id: str, number: int, phase_id: str) -> dict[str, Any]:
        """List the tasks at the start of a phase. The execution does not see tasks added later."""
        execution_state = self.store.read(plan_id)
        phase = execution_state.plan.phase(phase_id) if _is_current(execution_state, number) else None
        tasks = _topological_order(phase) if phase else []
        mode = phase.mode if phase else "sequential"
        most = MAX_INLINE_CHECKED_PLAN if execution_state.execution.checks else MAX_INLINE_PLAN
        large = len(tasks) > MAX_INLINE_PHASE or sum(1 for _ in execution_state.plan.tasks) > most
        # MaxConcurrency is the number of tasks: gates enforce the order, child executions start in any order
        return {"mode": mode, "large": large, "width": max(1, len(tasks)), "taskIds": [task.id for task in tasks]}

    def wait_at_gate(
        self, plan_id: str, number: int, task_id: str, token: str, attempt_key: str = ""
    ) -> dict[str, Any]:
        """Store the token of a task at its gate.

        `attempt_key` orders the attempts: entry time and retry count.
        """
        self.coordinator.register_gate(plan_id, number, task_id, token, attempt_key)
        return {}

    def end(self, plan_id: str, number: int) -> dict[str, Any]:
        """Raises PlanNotEnded."""
        # a change, not a read: a crash may have left the last transitions undone
        execution_state = self.coordinator.change(plan_id, lambda execution_state: execution_state)
        # after a rollback the tasks to redo belong to the next execution, so this one ends early
        if _is_current(execution_state, number) and not execution_state.execution.needs_restart:
            raise PlanNotEnded
        return {}

    def fail(self, plan_id: str, number: int, reason: str) -> dict[str, Any]:
        """Record a failed execution. `failed` is True if this failure is why the plan failed."""
        execution_state = self.coordinator.execution_over(plan_id, number, reason)
        return {"failed": execution_state.status is PlanStatus.FAILED and execution_state.execution.number == number}

    async def run_task(self, plan_id: str, number: int, task_id: str, attempt_key: str = "") -> dict[str, Any]:
        claim = await asyncio.to_thread(self._claim, plan_id, number, task_id, attempt_key)
        if claim.step is not Step.WORK:
            await asyncio.to_thread(self._release, claim.execution_state, task_id, claim.step)
            return _response(claim.step, claim.wait_s)
        started = self.now_ms()
        outcome = await self._run_worker(claim, task_id)
        worked_ms = max(0, self.now_ms() - started)
        return await asyncio.to_thread(self._finish, plan_id, task_id, claim.epoch, outcome, worked_ms)

    # one claim

    def _claim(self, plan_id: str, number: int, task_id: str, attempt_key: str) -> claims.ClaimResult:
        # a write conflict runs the command again: only its last result has been committed
        results: list[claims.ClaimResult] = []

        def claim(execution_state: ExecutionState) -> ExecutionState:
            if not _is_current(execution_state, number):
                results.append(claims.ClaimResult(execution_state, Step.DONE))
            else:
                results.append(claims.claim_task(execution_state, task_id, self.now_ms(), attempt_key))
            return results[-1].execution_state

        after = self.coordinator.change(plan_id, claim)
        return claims.ClaimResult(after, results[-1].step, results[-1].wait_s, results[-1].epoch)

    async def _run_worker(self, claim: claims.ClaimResult, task_id: str) -> TaskOutcome:
        """Run the worker while a second task keeps its lease."""
        plan_id, stop = claim.execution_state.plan.id, asyncio.Event()

        async def claim_is_valid() -> bool:
            return await asyncio.to_thread(self.store.claim_is_valid, plan_id, task_id, claim.epoch)

        async def report_turn(turn: TurnReport) -> None:
            await asyncio.to_thread(self.store.record_turn, plan_id, task_id, turn, self.now_ms())

        async def completed() -> tuple[CompletedTask, ...]:
            return _completed_in_repository(await asyncio.to_thread(self.store.read, plan_id), task_id)

        async def report_activity(text: str) -> None:
            # shown to users only: a lost line does no harm
            with suppress(Transient):
                await asyncio.to_thread(self.store.set_activity, plan_id, task_id, claim.epoch, text)

        async def landing_turn() -> int:
            return await asyncio.to_thread(self._tasks_ahead, plan_id, task_id, claim.epoch)

        lease = asyncio.create_task(self._keep_lease(plan_id, task_id, claim.epoch, stop))
        try:
            assignment = await asyncio.to_thread(self._assignment, claim.execution_state, task_id)
            context = WorkerContext(
                self.left_ms, stop, claim_is_valid, report_turn, completed, report_activity, landing_turn
            )
            return await self.worker.run_task(assignment, context)
        except NotFound as gone:
            # the repository was deleted: another attempt cannot find it either
            return Failed(str(gone), final=True)
        except Transient as fault:
            return TransientFailure(str(fault))
        finally:
            lease.cancel()
            await asyncio.gather(lease, return_exceptions=True)

    def _tasks_ahead(self, plan_id: str, task_id: str, epoch: int) -> int:
        execution_state = self.store.read(plan_id)
        if not execution_state.of(task_id).landing_since:
            execution_state = self.coordinator.change(
                plan_id, lambda state: landing_queue.queue_for_landing(state, task_id, epoch)
            )
        return landing_queue.tasks_ahead(execution_state, task_id)

    async def _keep_lease(self, plan_id: str, task_id: str, epoch: int, stop: asyncio.Event) -> None:
        """Renew the lease, and set `stop` as soon as the claim is no longer valid."""
        renewed = time.monotonic()
        while not stop.is_set():
            await asyncio.sleep(self.poll_s)
            # a failed check does not stop the worker: the epoch fences it in any case
            with suppress(Transient):
                if time.monotonic() - renewed < RENEW_EVERY_S:
                    valid = await asyncio.to_thread(self.store.claim_is_valid, plan_id, task_id, epoch)
                else:
                    until = self.now_ms() + claims.LEASE_MS
                    valid = await asyncio.to_thread(self.store.renew_lease, plan_id, task_id, epoch, until)
                    renewed = time.monotonic()
                if not valid:
                    stop.set()

    def _finish(self, plan_id: str, task_id: str, epoch: int, outcome: TaskOutcome, worked_ms: int) -> dict[str, Any]:
        results: list[attempt_result.AttemptResult | None] = []

        def finish(execution_state: ExecutionState) -> ExecutionState:
            if not claims.claim_is_valid(execution_state, task_id, epoch):
                results.append(None)
                return execution_state
            # an outdated patch is suspended: the next iteration rebases the finished session onto the new patches
            result = attempt_result.record_outcome(
                execution_state,
                task_id,
                Suspended() if _is_outdated(execution_state, task_id, outcome) else outcome,
                self.now_ms(),
                worked_ms,
                random.random(),  # noqa: S311  # jitter, not a secret
            )
            results.append(result)
            return result.execution_state

        after = self.coordinator.change(plan_id, finish)
        result = results[-1]
        self._release(after, task_id, result.step if result else step_of_task(after, task_id))
        if result is None:
            # another worker has the task: this iteration waits for it
            return _response(step_of_task(after, task_id), 0)
        if isinstance(outcome, Completed) and result.step is Step.DONE:
            self._measure(after, task_id)
        return _response(result.step, result.wait_s)

    def _release(self, execution_state: ExecutionState, task_id: str, step: Step) -> None:
        """Close the sandboxes of an attempt that does not continue now.

        The sweep repeats a failed close.
        """
        state = execution_state.of(task_id)
        ended = step in (Step.GATE, Step.DONE) or not state.attempt_open
        if ended and state.attempts:
            with suppress(Transient):
                self.worker.release(execution_state.plan.id, task_id, state.attempts, state.epoch)

    def _measure(self, execution_state: ExecutionState, task_id: str) -> None:
        """Record a completed task's usage for later estimates. A lost measurement does no harm."""
        task, state = execution_state.plan.task(task_id), execution_state.of(task_id)
        if task is None or not state.usage.calls:
            return
        used = state.usage
        usage = Usage(used.input, used.output, used.cache_read, used.cache_write, used.calls)
        with suppress(Transient):
            measured = TaskMeasurements(1, state.worked_ms / 1000, usage)
            self.record_measurement(task.repository_id or execution_state.plan.repository_id, task.effort, measured)

    def _assignment(self, execution_state: ExecutionState, task_id: str) -> Assignment:
        plan, state = execution_state.plan, execution_state.of(task_id)
        task = plan.task(task_id)
        if task is None:
            raise NotFound.of("task", task_id)
        checks = execution_state.checks_of(task.repository_id or plan.repository_id)
        settings = checks.settings.model_copy(update={"allow_red_baseline": checks.red_baseline}) if checks else None
        return Assignment(
            plan=plan,
            task=task,
            attempt=state.attempts,
            attempts_before_round=state.attempts_before_round,
            branch=execution_state.branch,
            repository=self.repository(task.repository_id or plan.repository_id),
            failed=tuple(one for one in state.failed if one.number > state.attempts_before_round),
            dependencies=tuple(_dependency_result(execution_state, other) for other in task.depends_on),
            stagger_s=STAGGER_S * _concurrent_starts(execution_state, task_id),
            # the permission counts only where the baseline was red: otherwise a failed check fails the change
            checks=settings if settings and settings.verify else None,
            tests_before=checks.tests if checks else None,
            epoch=state.epoch,
            review=plan.review if task.review is None else task.review,
            max_cost_micro_usd=state.max_cost or None,
            model=task.model or plan.model,
            model_effort=task.model_effort or plan.model_effort,
        )


def _concurrent_starts(execution_state: ExecutionState, task_id: str) -> int:
    """Count the other running tasks of the plan with about the same start time."""
    mine = execution_state.of(task_id).started_at or 0
    others = (execution_state.of(other).started_at or 0 for other in execution_state.running if other != task_id)
    return sum(abs(started - mine) <= SAME_START_MS for started in others)


def _dependency_result(execution_state: ExecutionState, task_id: str) -> DependencyResult:
    task, state = execution_state.plan.task(task_id), execution_state.of(task_id)
    assert task is not None
    return DependencyResult(task, state.summary, state.files, state.commit_sha)


def _completed_in_repository(execution_state: ExecutionState, task_id: str) -> tuple[CompletedTask, ...]:
    """Completed tasks in the same repository as this one. Raises NotFound."""
    task = execution_state.plan.task(task_id)
    if task is None:
        raise NotFound.of("task", task_id)
    return completed_tasks(execution_state, task.repository_id or execution_state.plan.repository_id)


def _is_outdated(execution_state: ExecutionState, task_id: str, outcome: TaskOutcome) -> bool:
    """True if other patches have landed since this one was built.

    Patches land one after the other, as commits do. So each is merged with all before it.
    """
    if not isinstance(outcome, Completed) or outcome.based_on is None:
        return False

    def patches(completed: tuple[CompletedTask, ...]) -> list[tuple[str, int]]:
        return [(one.task.id, one.attempt) for one in completed if one.is_patch]

    return patches(outcome.based_on) != patches(_completed_in_repository(execution_state, task_id))


def _is_current(execution_state: ExecutionState, number: int) -> bool:
    """True while the plan runs in execution `number` of the state machine."""
    return execution_state.status.executing and execution_state.execution.number == number


def _topological_order(phase: Phase) -> list[Task]:
    """Order tasks after their dependencies.

    A Map below full width then never waits for a task it has not started.
    """
    # validation allows only dependencies on earlier tasks here, so this order is topological
    if phase.mode != "parallel":
        return list(phase.tasks)
    tasks = {task.id: task for task in phase.tasks}
    sorter = TopologicalSorter({id_: [o for o in task.depends_on if o in tasks] for id_, task in tasks.items()})
    # edits cannot create a cycle
    sorter.prepare()
    order, positions = list[str](), {id_: position for position, id_ in enumerate(tasks)}
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=positions.__getitem__)
        order += ready
        sorter.done(*ready)
    return [tasks[id_] for id_ in order]


def _response(step: Step, wait_s: int) -> dict[str, Any]:
    # never 0: a Wait state of 0 seconds would be a busy loop
    return {"next": step.value, "waitSeconds": max(1, wait_s)}
