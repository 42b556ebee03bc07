"""The people of a simulation: they have plans carried out, click at random, edit, take back, and see to what waits."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass
from random import Random
from typing import Any

from groundwork.errors import Refusal
from groundwork.executing import control, rollback
from groundwork.executing.conducting import Conductor
from groundwork.executing.control import Asked
from groundwork.executing.standing import Standing
from groundwork.plans.model import PlanStatus, TaskStatus
from groundwork.store.tables import Tables
from tests.simulation.cloud import HTTP_TIMEOUT_S, NoAnswer
from tests.simulation.execution.cloud import CURRENT, ExecutionCloud
from tests.simulation.execution.seen import Moment, SeenPlans
from tests.simulation.execution.worlds import World

type Act = Callable[[Standing, Asked], Standing]


@dataclass
class People:
    world: World
    cloud: ExecutionCloud
    tables: Tables
    random: Random
    seen: SeenPlans
    conductor: Callable[[str | None], Conductor]

    async def live(self) -> None:
        await asyncio.gather(*(self._use(plan.id) for plan in self.world.plans))

    async def _use(self, plan_id: str) -> None:
        await asyncio.sleep(self.random.uniform(0, 30))
        await self.ask_until_answered(plan_id, "execute", control.execute)

    # asking

    async def ask(self, plan_id: str, what: str, act: Act) -> bool | None:
        """Whether it was done; None where nothing was heard."""

        def changed() -> Standing:
            acting = self.conductor("somebody")
            asked = Asked("somebody", acting.now_ms())
            return acting.change(plan_id, lambda standing: act(standing, asked))

        try:
            await self._http(changed)
        except Refusal as refused:
            self.cloud.note(f"{what} of {plan_id} was refused: {refused.code}")
            return False
        except NoAnswer:
            self.cloud.note(f"{what} of {plan_id} was not answered")
            return None
        self.cloud.note(f"{what} of {plan_id} was answered")
        return True

    async def ask_until_answered(self, plan_id: str, what: str, act: Act) -> bool:
        while (done := await self.ask(plan_id, what, act)) is None:
            await asyncio.sleep(2)
        return done

    async def _http(self, call: Callable[[], Any]) -> Any:
        sandbox = self.cloud.sandbox("http", HTTP_TIMEOUT_S)

        async def life() -> Any:
            CURRENT.set(sandbox)
            return await sandbox.io(copy_context().run, call)

        return await self.cloud.answered(sandbox, life())

    # what waits

    async def see_to_everything(self, rest: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Kind people do what each plan waits for, until all have ended."""
        for _ in range(400):
            waiting = [moment for moment in self.seen.moments.values() if moment.execution.status not in _ENDED]
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
                await self.ask_until_answered(id_, f"approve {task.id}", _on(control.approve, task.id))
            if state is TaskStatus.FAILED and status is not PlanStatus.FAILED:
                await self.ask_until_answered(id_, f"skip {task.id}", _on(control.skip, task.id, "run"))
        now = self.seen.moments[id_]
        if now.execution.status in (PlanStatus.PAUSED, PlanStatus.FAILED) and not now.execution.rolling_back:
            await self.ask_until_answered(id_, "resume", control.resume)


_ENDED = (PlanStatus.COMPLETED, PlanStatus.CANCELLED)


def _on(act: Callable[..., Standing], task_id: str, *more: Any) -> Act:
    return lambda standing, asked: act(standing, task_id, asked, *more)


__all__ = ["People", "rollback"]
