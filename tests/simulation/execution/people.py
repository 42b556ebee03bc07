"""Users of a simulation: start, schedule, click at random, edit, add, roll back, help."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

from groundwork.adapters.aws.scheduler import PlanTimer
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import Refusal
from groundwork.execution import commands, rollback
from groundwork.execution.commands import Actor
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.schedule import NewTiming, clear_schedule, set_schedule
from groundwork.execution.state import ExecutionState
from groundwork.plans.draft import TaskDraft
from groundwork.plans.editor import Editor
from groundwork.plans.model import PlanStatus, TaskStatus
from groundwork.plans.operations import AddTask, Operation, RemoveTask, UpdateTask
from tests.simulation.cloud import HTTP_TIMEOUT_S, NoAnswer, pause
from tests.simulation.execution.checking import checks_at_start
from tests.simulation.execution.cloud import CURRENT, ExecutionCloud
from tests.simulation.execution.seen import AskedBack, Moment, SeenPlans
from tests.simulation.execution.worlds import REPOSITORIES, World

type Act = Callable[[ExecutionState, Actor], ExecutionState]

ENDED = (PlanStatus.COMPLETED, PlanStatus.CANCELLED)
UNDER_WAY = [status for status in PlanStatus if status.executing]
STILL = (PlanStatus.DRAFT, PlanStatus.READY, PlanStatus.PAUSED, PlanStatus.FAILED, *ENDED)
"""Statuses with rollback allowed."""

MAX_HELP = 400
"""Limit of helpful actions by users."""


@dataclass
class People:
    """`conductor` makes a coordinator for the calling sandbox and an actor."""

    world: World
    cloud: ExecutionCloud
    tables: Tables
    random: Random
    seen: SeenPlans
    coordinator: Callable[[str | None], ExecutionCoordinator]

    def start(self, execution_state: ExecutionState, asked: Actor, again: bool = False) -> ExecutionState:
        return commands.execute(execution_state, asked, again, checks_at_start(self.world, execution_state.plan))

    async def live(self) -> None:
        await asyncio.gather(*(self._use(plan.id) for plan in self.world.plans))

    def _any_task(self, plan_id: str) -> str:
        """The task may be deleted."""
        plan = next(plan for plan in self.world.plans if plan.id == plan_id)
        return self.random.choice([task.id for task in plan.tasks])

    async def _use(self, plan_id: str) -> None:
        """One user starts the plan and clicks, one edits it, one rolls back, one schedules it."""
        await asyncio.sleep(self.random.uniform(0, 30))
        if self.world.additions and self.random.random() < 0.5:
            await self._added(plan_id, "early")
        if self.world.moves and self.random.random() < 0.5:
            await self._moved(plan_id)
        if self.world.schedules:
            await self._set_timer(plan_id)
            await self._comes_to(plan_id, UNDER_WAY, self.random.choice([0, 20, 60]))
        await self.ask_until_answered(plan_id, "execute", self.start)
        others = (
            self._edit(plan_id),
            self._add(plan_id),
            self._take_back(plan_id),
            self._schedule(plan_id),
            self._move(plan_id),
        )
        await asyncio.gather(self._click(plan_id), *others)
        if self.world.again:
            await self.ask(
                plan_id, "execute again", lambda execution_state, asked: self.start(execution_state, asked, True)
            )

    async def _click(self, plan_id: str) -> None:
        for _ in range(self.world.clicks):
            await asyncio.sleep(self.random.expovariate(1 / self.world.click_s))
            what, act = self._any_click(plan_id)
            await self.ask(plan_id, what, act)

    def _any_click(self, plan_id: str) -> tuple[str, Act]:
        """Mostly an action offered in the plan's state, sometimes any other."""
        task = self._any_task(plan_id)
        fitting = self._fitting(self.seen.moments[plan_id])
        if fitting and self.random.random() < 0.6:
            return self.random.choice(fitting)
        dependents = self.random.choice(["skip", "run"])
        any_of: list[tuple[str, Act]] = [
            ("pause", commands.pause),
            ("resume", commands.resume),
            (f"approve {task}", on(commands.approve, task)),
            (f"reject {task}", on(commands.reject, task)),
            (f"retry {task}", on(commands.retry, task)),
            (f"skip {task}", on(commands.skip, task, dependents)),
            (f"complete {task}", on(commands.complete, task, "0" * 40)),
        ]
        seldom: list[tuple[str, Act]] = [("cancel", commands.cancel)]
        return self.random.choice(any_of * 6 + seldom)

    def _fitting(self, moment: Moment) -> list[tuple[str, Act]]:
        found: list[tuple[str, Act]] = []
        for task in moment.plan.tasks:
            status = moment.of(task.id).status
            if status is TaskStatus.AWAITING_APPROVAL:
                found.append((f"approve {task.id}", on(commands.approve, task.id)))
            if status is TaskStatus.FAILED:
                found.append((f"retry {task.id}", on(commands.retry, task.id)))
        if moment.execution.status in (PlanStatus.PAUSED, PlanStatus.PAUSING, PlanStatus.FAILED):
            found += [("resume", commands.resume)] * 2
        if moment.execution.status is PlanStatus.RUNNING:
            found.append(("pause", commands.pause))
        return found

    # edits and rollbacks

    async def _edit(self, plan_id: str) -> None:
        for number in range(self.world.edits):
            await asyncio.sleep(self.random.expovariate(1 / self.world.click_s))
            task = self._any_task(plan_id)
            change: Operation = UpdateTask(task_id=task, fields={"title": f"Edited {number}"})
            if self.random.random() < 0.3:
                change = RemoveTask(task_id=task, dependents="repair")
            await self._answered(f"edit of {task}", partial(self._edited, plan_id, change))

    def _edited(self, plan_id: str, change: Operation) -> None:
        """As in the route: transitions follow at once, or are left to the sweep."""

        def followed(plan_id: str) -> None:
            self.coordinator("somebody").change(plan_id, lambda execution_state: execution_state)

        entries, now_ms = self.tables.entries, CURRENT.get().now_ms
        Editor(self.tables.plans, entries, now_ms, "somebody", pause, followed).edit(plan_id, [change])

    async def _add(self, plan_id: str) -> None:
        """Try to add a task in any status: a plan under execution refuses it."""
        for number in range(self.world.additions):
            await asyncio.sleep(self.random.expovariate(1 / (2 * self.world.click_s)))
            await self._added(plan_id, str(number))

    async def _added(self, plan_id: str, name: str) -> None:
        phase = self.random.choice(self.seen.moments[plan_id].plan.phases)
        needs = self.random.sample([task.id for task in phase.tasks], self.random.choice([0, 1]))
        task = TaskDraft(title=f"Added {name}", acceptance_criteria=("It works.",), depends_on=tuple(needs))
        change = AddTask(phase_id=phase.id, task=task)
        await self._answered(f"a new task in {phase.id}", partial(self._edited, plan_id, change))

    async def _move(self, plan_id: str) -> None:
        """Try to change a task's repository in any status: a plan under execution refuses it."""
        for _ in range(self.world.moves):
            await asyncio.sleep(self.random.expovariate(1 / (2 * self.world.click_s)))
            await self._moved(plan_id)

    async def _moved(self, plan_id: str) -> None:
        task = self._any_task(plan_id)
        fields = {"repository_id": self.random.choice(REPOSITORIES)}
        change = UpdateTask(task_id=task, fields=fields)
        await self._answered(f"another repository for {task}", partial(self._edited, plan_id, change))

    async def _take_back(self, plan_id: str) -> None:
        for _ in range(self.world.rollbacks):
            await asyncio.sleep(self.random.expovariate(1 / (4 * self.world.click_s)))
            await self._comes_to(plan_id, STILL)
            phase = self.random.choice(self.seen.moments[plan_id].plan.phases)
            task = self._any_task(plan_id)
            of_what = self.random.choice([(None, None), (task, None), (None, phase.id)])
            asked = AskedBack(*of_what, include=self.random.random() < 0.7)
            await self.ask(plan_id, f"rollback of {asked}", self._back(asked))

    def _back(self, what: AskedBack) -> Act:
        def act(execution_state: ExecutionState, asked: Actor) -> ExecutionState:
            self.seen.asked[CURRENT.get().number] = what
            return rollback.roll_back(execution_state, asked, what.task_id, what.phase_id, what.include)

        return act

    async def _comes_to(self, plan_id: str, statuses: Collection[PlanStatus], looks: int = 60) -> None:
        """Wait a while for one of these statuses, without a guarantee."""
        for _ in range(looks):
            if self.seen.moments[plan_id].execution.status in statuses:
                return
            await asyncio.sleep(30)

    # schedules

    async def _schedule(self, plan_id: str) -> None:
        for _ in range(self.world.schedules):
            await asyncio.sleep(self.random.expovariate(1 / (3 * self.world.click_s)))
            await self._comes_to(plan_id, ENDED, self.random.choice([0, 20, 60]))
            await self._set_timer(plan_id)
        if self.world.schedules:
            await asyncio.sleep(self.random.uniform(60, 1_200))
        # remove the schedule in the end, or the plan would start forever
        off = partial(self._off, plan_id)
        while self.world.schedules and not await self._answered(f"unschedule {plan_id}", off):  # noqa: ASYNC110
            await asyncio.sleep(2)

    async def _set_timer(self, plan_id: str) -> None:
        timing = self._any_timing()
        await self._answered(f"schedule {timing} of {plan_id}", partial(self._scheduled, plan_id, timing))

    def _any_timing(self) -> NewTiming:
        if self.random.random() < 0.5:
            every = self.random.choice([5, 10, 20])
            return NewTiming(cron=f"0/{every} * * * ? *")
        soon = self.cloud.true_ms() / 1000 + self.random.uniform(30, 1_200)
        return NewTiming(at=datetime.fromtimestamp(soon, UTC))

    def _scheduled(self, plan_id: str, body: NewTiming) -> None:
        """As in the route."""
        acting = self.coordinator("somebody")
        timing = body.timing(Actor("somebody", acting.now_ms()))
        set_schedule(acting.store.read(plan_id), timing)
        PlanTimer("stack", "executor", "role").set(plan_id, timing)
        acting.change(plan_id, lambda execution_state: set_schedule(execution_state, timing))

    def _off(self, plan_id: str) -> None:
        self.coordinator("somebody").change(plan_id, clear_schedule)
        PlanTimer("stack", "executor", "role").clear(plan_id)

    # requests

    async def ask(self, plan_id: str, what: str, act: Act) -> bool | None:
        """Returns False if the request was refused, None without a response."""

        def changed() -> None:
            acting = self.coordinator("somebody")
            asked = Actor("somebody", acting.now_ms())
            acting.change(plan_id, lambda execution_state: act(execution_state, asked))

        return await self._answered(f"{what} of {plan_id}", changed)

    async def ask_until_answered(self, plan_id: str, what: str, act: Act) -> None:
        while await self.ask(plan_id, what, act) is None:  # noqa: ASYNC110 - as a person clicks again
            await asyncio.sleep(2)

    async def _answered(self, what: str, call: Callable[[], None]) -> bool | None:
        sandbox = self.cloud.sandbox("http", HTTP_TIMEOUT_S)

        async def life() -> Any:
            CURRENT.set(sandbox)
            return await sandbox.io(copy_context().run, call)

        try:
            await self.cloud.answered(sandbox, life())
        except Refusal as refused:
            self.cloud.note(f"{what} was refused: {refused.code}")
            return False
        except NoAnswer:
            self.cloud.note(f"{what} was not answered")
            return None
        self.cloud.note(f"{what} was answered")
        return True

    # waiting plans

    async def see_to_everything(self, rest: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Helpful users take the action each plan waits for, until all have ended."""
        for _ in range(MAX_HELP):
            waiting = [moment for moment in self.seen.moments.values() if moment.execution.status not in ENDED]
            if not waiting:
                return
            for moment in waiting:
                await self._help(moment)
            await rest()

    async def _help(self, moment: Moment) -> None:
        id_, status = moment.plan.id, moment.execution.status
        if status in (PlanStatus.DRAFT, PlanStatus.READY):
            await self.ask_until_answered(id_, "execute", self.start)
            return
        for task in moment.plan.tasks:
            state = moment.of(task.id).status
            if state is TaskStatus.AWAITING_APPROVAL and status is PlanStatus.RUNNING:
                await self.ask_until_answered(id_, f"approve {task.id}", on(commands.approve, task.id))
            if state is TaskStatus.FAILED and status is not PlanStatus.FAILED:
                await self.ask_until_answered(id_, f"skip {task.id}", on(commands.skip, task.id, "run"))
        if self.seen.moments[id_].execution.status in (PlanStatus.PAUSED, PlanStatus.FAILED):
            await self.ask_until_answered(id_, "resume", commands.resume)


def on(act: Callable[..., ExecutionState], task_id: str, *more: Any) -> Act:
    return lambda execution_state, asked: act(execution_state, task_id, asked, *more)
