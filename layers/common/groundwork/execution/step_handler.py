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
from groundwork.execution.attempts import Next
from groundwork.execution.completed_work import done_in
from groundwork.execution.coordinator import Conductor
from groundwork.execution.ports import Executions
from groundwork.execution.state import Standing
from groundwork.execution.worker import (
    Assignment,
    Before,
    Below,
    Done,
    Failed,
    Held,
    Outcome,
    Troubled,
    Turn,
    Watch,
    Worker,
)
from groundwork.llm.port import Usage
from groundwork.plans.estimate import Measured
from groundwork.plans.model import Phase, PlanStatus, Task
from groundwork.plans.repositories import Repository

INLINE = 40
"""Tasks that an inline Map takes at once; a larger phase's are child executions."""

MOST_INLINE = 100
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
class Carrier:
    """One invocation of `plan_executor`. `left_ms` is what is left of it."""

    store: Executions
    conductor: Conductor
    worker: Worker
    repository: Callable[[str], Repository]
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]
    look_s: float = LOOK_S
    measured: Callable[[str, Effort, Measured], None] = lambda repository_id, effort, taken: None

    def begin(self, plan_id: str, number: int) -> dict[str, Any]:
        standing = self.store.read(plan_id)
        return {"phaseIds": [phase.id for phase in standing.plan.phases] if _is_its(standing, number) else []}

    def phase(self, plan_id: str, number: int, phase_id: str) -> dict[str, Any]:
        """Its tasks as it begins: those that are added to it later it does not know."""
        standing = self.store.read(plan_id)
        phase = standing.plan.phase(phase_id) if _is_its(standing, number) else None
        tasks = _by_the_work(phase) if phase else []
        mode = phase.mode if phase else "sequential"
        large = len(tasks) > INLINE or sum(1 for _ in standing.plan.tasks) > MOST_INLINE
        # as wide as it is long, in order or not: the gates keep the order, and child executions begin in any
        return {"mode": mode, "large": large, "width": max(1, len(tasks)), "taskIds": [task.id for task in tasks]}

    def gate(self, plan_id: str, number: int, task_id: str, token: str, try_: str = "") -> dict[str, Any]:
        """`try_` sorts the tries to wait at this gate: when the state was entered, and how often it was tried again."""
        self.conductor.arrived(plan_id, number, task_id, token, try_)
        return {}

    def end(self, plan_id: str, number: int) -> dict[str, Any]:
        """Raises PlanNotEnded."""
        standing = self.conductor.change(plan_id, lambda standing: standing)
        if _is_its(standing, number) and not standing.execution.restart:
            raise PlanNotEnded
        return {}

    def failed(self, plan_id: str, number: int, reason: str) -> dict[str, Any]:
        """Whether it is for that that the execution ends: one whose plan was cancelled just ends."""
        standing = self.conductor.execution_over(plan_id, number, reason)
        return {"failed": standing.status is PlanStatus.FAILED and standing.execution.number == number}

    async def work(self, plan_id: str, number: int, task_id: str, try_: str = "") -> dict[str, Any]:
        claim = await asyncio.to_thread(self._claim, plan_id, number, task_id, try_)
        if claim.next is not Next.WORK:
            return _answer(claim.next, claim.wait_s)
        began = self.now_ms()
        outcome = await self._carried_out(claim, task_id)
        worked_ms = max(0, self.now_ms() - began)
        return await asyncio.to_thread(self._finish, plan_id, task_id, claim.epoch, outcome, worked_ms)

    # one claim

    def _claim(self, plan_id: str, number: int, task_id: str, try_: str) -> attempts.Claimed:
        claims: list[attempts.Claimed] = []

        def act(standing: Standing) -> Standing:
            if not _is_its(standing, number):
                claims.append(attempts.Claimed(standing, Next.DONE))
            else:
                claims.append(attempts.claimed(standing, task_id, self.now_ms(), try_))
            return claims[-1].standing

        after = self.conductor.change(plan_id, act)
        return attempts.Claimed(after, claims[-1].next, claims[-1].wait_s, claims[-1].epoch)

    async def _carried_out(self, claim: attempts.Claimed, task_id: str) -> Outcome:
        """Watched by a task of its own; a worker that raises has met trouble, whatever it was."""
        plan_id, stop = claim.standing.plan.id, asyncio.Event()

        async def holds() -> bool:
            return await asyncio.to_thread(self.store.holds, plan_id, task_id, claim.epoch)

        async def turn(turn: Turn) -> None:
            await asyncio.to_thread(self.store.turn, plan_id, task_id, turn, self.now_ms())

        async def below() -> tuple[Below, ...]:
            return _below(await asyncio.to_thread(self.store.read, plan_id), task_id)

        watching = asyncio.create_task(self._watched(plan_id, task_id, claim.epoch, stop))
        try:
            assignment = await asyncio.to_thread(self._assignment, claim.standing, task_id)
            return await self.worker.carry_out(assignment, Watch(self.left_ms, stop, holds, turn, below))
        except NotFound as gone:
            # a repository that was deleted: no other attempt finds it
            return Failed(str(gone), final=True)
        except Transient as fault:
            return Troubled(str(fault))
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

    def _finish(self, plan_id: str, task_id: str, epoch: int, outcome: Outcome, worked_ms: int) -> dict[str, Any]:
        ends: list[attempts.Finished | None] = []

        def act(standing: Standing) -> Standing:
            if not attempts.holds_task(standing, task_id, epoch):
                ends.append(None)
                return standing
            # overtaken, it goes on at once: with the session as it has ended, on what there is then
            came = Held() if _overtaken(standing, task_id, outcome) else outcome
            end = attempts.finished(standing, task_id, came, self.now_ms(), worked_ms, random.random())  # noqa: S311
            ends.append(end)
            return end.standing

        after = self.conductor.change(plan_id, act)
        end = ends[-1]
        if end is None:
            # whoever has taken the task goes on with it; this iteration waits for that one
            return _answer(attempts.whereto(after, task_id), 0)
        if isinstance(outcome, Done) and end.next is Next.DONE:
            self._measure(after, task_id)
        return _answer(end.next, end.wait_s)

    def _measure(self, standing: Standing, task_id: str) -> None:
        """What the task has taken, for later estimates; to lose one is no harm."""
        task, state = standing.plan.task(task_id), standing.of(task_id)
        if task is None or not state.spent.calls:
            return
        spent = state.spent
        usage = Usage(spent.input, spent.output, spent.cache_read, spent.cache_write, spent.calls)
        with suppress(Transient):
            taken = Measured(1, state.worked_ms / 1000, usage)
            self.measured(task.repository_id or standing.plan.repository_id, task.effort, taken)

    def _assignment(self, standing: Standing, task_id: str) -> Assignment:
        plan, state = standing.plan, standing.of(task_id)
        task = plan.task(task_id)
        if task is None:
            raise NotFound.of("task", task_id)
        return Assignment(
            plan=plan,
            task=task,
            attempt=state.attempts,
            since=state.since,
            branch=standing.branch,
            repository=self.repository(task.repository_id or plan.repository_id),
            failed=tuple(one for one in state.failed if one.number > state.since),
            before=tuple(_before(standing, other) for other in task.depends_on),
            spread_s=SPREAD_S * _together(standing, task_id),
        )


def _together(standing: Standing, task_id: str) -> int:
    """How many other tasks of the plan have begun just when this one did."""
    mine = standing.of(task_id).started_at or 0
    others = (standing.of(other).started_at or 0 for other in standing.running if other != task_id)
    return sum(abs(began - mine) <= TOGETHER_MS for began in others)


def _before(standing: Standing, task_id: str) -> Before:
    task, state = standing.plan.task(task_id), standing.of(task_id)
    assert task is not None
    return Before(task, state.summary, state.files, state.commit_sha)


def _below(standing: Standing, task_id: str) -> tuple[Below, ...]:
    task = standing.plan.task(task_id)
    if task is None:
        raise NotFound.of("task", task_id)
    return done_in(standing, task.repository_id or standing.plan.repository_id)


def _overtaken(standing: Standing, task_id: str, outcome: Outcome) -> bool:
    """Whether others' patches have landed since this one was put on those that there were: one lands after the other,
    as commits do, so that each is known to go together with all before it."""
    if not isinstance(outcome, Done) or outcome.on is None:
        return False

    def named(below: tuple[Below, ...]) -> list[tuple[str, int]]:
        return [(one.task.id, one.attempt) for one in below if one.kept]

    return named(outcome.on) != named(_below(standing, task_id))


def _is_its(standing: Standing, number: int) -> bool:
    """Whether the plan is under way in this execution of the state machine."""
    return standing.status.executing and standing.execution.number == number


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


def _answer(next_: Next, wait_s: int) -> dict[str, Any]:
    # never 0: a Wait of nothing is a busy loop
    return {"next": next_.value, "waitSeconds": max(1, wait_s)}
