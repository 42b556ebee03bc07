"""The people of a simulation: they have plans carried out, click at random, edit, take back, and see to what waits."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from groundwork.errors import Refusal
from groundwork.executing import control, rollback
from groundwork.executing.conducting import Conductor
from groundwork.executing.control import Asked
from groundwork.executing.standing import Standing
from groundwork.plans.editing import Editor
from groundwork.plans.model import PlanStatus, TaskStatus
from groundwork.plans.operations import Operation, RemoveTask, UpdateTask
from groundwork.store.tables import Tables
from tests.simulation.cloud import HTTP_TIMEOUT_S, NoAnswer, pause
from tests.simulation.execution.cloud import CURRENT, ExecutionCloud
from tests.simulation.execution.seen import Moment, SeenPlans
from tests.simulation.execution.worlds import World

type Act = Callable[[Standing, Asked], Standing]

ENDED = (PlanStatus.COMPLETED, PlanStatus.CANCELLED)
MOST_HELP = 400
"""So often does somebody do what the plans wait for."""


@dataclass
class People:
    """`conductor` makes one for the sandbox in which it is called, for whoever asks."""

    world: World
    cloud: ExecutionCloud
    tables: Tables
    random: Random
    seen: SeenPlans
    conductor: Callable[[str | None], Conductor]

    async def live(self) -> None:
        await asyncio.gather(*(self._use(plan.id) for plan in self.world.plans))

    def _any_task(self, plan_id: str) -> str:
        """It may have been deleted."""
        plan = next(plan for plan in self.world.plans if plan.id == plan_id)
        return self.random.choice([task.id for task in plan.tasks])

    async def _use(self, plan_id: str) -> None:
        """One who has it carried out and clicks, one who edits it, one who takes back what was done."""
        await asyncio.sleep(self.random.uniform(0, 30))
        await self.ask_until_answered(plan_id, "execute", control.execute)
        await asyncio.gather(self._click(plan_id), self._edit(plan_id), self._take_back(plan_id))
        if self.world.again:
            await self.ask(plan_id, "execute again", lambda standing, asked: control.execute(standing, asked, True))

    async def _click(self, plan_id: str) -> None:
        for _ in range(self.world.clicks):
            await asyncio.sleep(self.random.expovariate(1 / self.world.click_s))
            what, act = self._any_click(plan_id)
            await self.ask(plan_id, what, act)

    def _any_click(self, plan_id: str) -> tuple[str, Act]:
        """What the plan's state offers, mostly; now and then anything."""
        task = self._any_task(plan_id)
        fitting = self._fitting(self.seen.moments[plan_id])
        if fitting and self.random.random() < 0.6:
            return self.random.choice(fitting)
        dependents = self.random.choice(["skip", "run"])
        any_of: list[tuple[str, Act]] = [
            ("pause", control.pause),
            ("resume", control.resume),
            (f"approve {task}", on(control.approve, task)),
            (f"reject {task}", on(control.reject, task)),
            (f"retry {task}", on(control.retry, task)),
            (f"skip {task}", on(control.skip, task, dependents)),
            (f"complete {task}", on(control.complete, task, "0" * 40)),
        ]
        seldom: list[tuple[str, Act]] = [("cancel", control.cancel)]
        return self.random.choice(any_of * 6 + seldom)

    def _fitting(self, moment: Moment) -> list[tuple[str, Act]]:
        found: list[tuple[str, Act]] = []
        for task in moment.plan.tasks:
            status = moment.of(task.id).status
            if status is TaskStatus.AWAITING_APPROVAL:
                found.append((f"approve {task.id}", on(control.approve, task.id)))
            if status is TaskStatus.FAILED:
                found.append((f"retry {task.id}", on(control.retry, task.id)))
        if moment.execution.status in (PlanStatus.PAUSED, PlanStatus.PAUSING, PlanStatus.FAILED):
            found += [("resume", control.resume)] * 2
        if moment.execution.status is PlanStatus.RUNNING:
            found.append(("pause", control.pause))
        return found

    # editing, taking back

    async def _edit(self, plan_id: str) -> None:
        for number in range(self.world.edits):
            await asyncio.sleep(self.random.expovariate(1 / self.world.click_s))
            task = self._any_task(plan_id)
            change: Operation = UpdateTask(task_id=task, fields={"title": f"Edited {number}"})
            if self.random.random() < 0.3:
                change = RemoveTask(task_id=task, dependents="repair")
            await self._answered(f"edit of {task}", partial(self._edited, plan_id, change))

    def _edited(self, plan_id: str, change: Operation) -> None:
        """As the route has it: what follows from an edit follows at once, or is left to the sweep."""

        def followed(plan_id: str) -> None:
            self.conductor("somebody").change(plan_id, lambda standing: standing)

        entries, now_ms = self.tables.entries, CURRENT.get().now_ms
        Editor(self.tables.plans, entries, now_ms, "somebody", pause, followed).edit(plan_id, [change])

    async def _take_back(self, plan_id: str) -> None:
        for _ in range(self.world.rollbacks):
            await asyncio.sleep(self.random.expovariate(1 / (4 * self.world.click_s)))
            await self._stands_still(plan_id)
            task_id = self.random.choice([None, self._any_task(plan_id), self._any_task(plan_id)])
            include = self.random.random() < 0.7
            await self.ask(plan_id, f"rollback of {task_id}", back(task_id, include))

    async def _stands_still(self, plan_id: str) -> None:
        """Waits a while until it is paused, or over: only then can anything be taken back."""
        for _ in range(60):
            if self.seen.moments[plan_id].execution.status not in (PlanStatus.RUNNING, PlanStatus.PAUSING):
                return
            await asyncio.sleep(30)

    # asking

    async def ask(self, plan_id: str, what: str, act: Act) -> bool | None:
        """Whether it was done; None where nothing was heard."""

        def changed() -> None:
            acting = self.conductor("somebody")
            asked = Asked("somebody", acting.now_ms())
            acting.change(plan_id, lambda standing: act(standing, asked))

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

    # what waits

    async def see_to_everything(self, rest: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Kind people do what each plan waits for, until all have ended."""
        for _ in range(MOST_HELP):
            waiting = [moment for moment in self.seen.moments.values() if moment.execution.status not in ENDED]
            if not waiting:
                return
            for moment in waiting:
                await self._help(moment)
            await rest()

    async def _help(self, moment: Moment) -> None:
        id_, status = moment.plan.id, moment.execution.status
        if status in (PlanStatus.DRAFT, PlanStatus.READY):
            await self.ask_until_answered(id_, "execute", control.execute)
            return
        for task in moment.plan.tasks:
            state = moment.of(task.id).status
            if state is TaskStatus.AWAITING_APPROVAL and status is PlanStatus.RUNNING:
                await self.ask_until_answered(id_, f"approve {task.id}", on(control.approve, task.id))
            if state is TaskStatus.FAILED and status is not PlanStatus.FAILED:
                await self.ask_until_answered(id_, f"skip {task.id}", on(control.skip, task.id, "run"))
        if self.seen.moments[id_].execution.status in (PlanStatus.PAUSED, PlanStatus.FAILED):
            await self.ask_until_answered(id_, "resume", control.resume)


def on(act: Callable[..., Standing], task_id: str, *more: Any) -> Act:
    return lambda standing, asked: act(standing, task_id, asked, *more)


def back(task_id: str | None, include: bool) -> Act:
    return lambda standing, asked: rollback.roll_back(standing, asked, task_id, None, include)
