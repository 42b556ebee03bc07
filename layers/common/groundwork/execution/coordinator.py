"""Conducts a plan: reads where it stands, changes it, writes what follows, and tells the gates that open."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from groundwork.errors import NotFound, Transient, WriteConflict
from groundwork.execution.attempts import Next, whereto
from groundwork.execution.events import happened
from groundwork.execution.ports import Executions, Machine
from groundwork.execution.reconcile import Settled, settled
from groundwork.execution.state import Cause, Standing
from groundwork.plans.model import PlanStatus

TRIES = 30
MOST_FORGOTTEN = 40
"""Tokens of tasks that have ended which one look lets go."""

Act = Callable[[Standing], Standing]


@dataclass(slots=True)
class Conductor:
    """`who` acts, None where nobody does. `sleep` takes seconds; `unheard` learns what could not be told."""

    store: Executions
    machine: Machine
    now_ms: Callable[[], int]
    who: str | None = None
    sleep: Callable[[float], None] = time.sleep
    unheard: Callable[[str], None] = lambda what: None

    def change(self, plan_id: str, act: Act) -> Standing:
        """The plan after `act` and what follows from it. Raises what `act` raises, NotFound, Transient."""
        standing = self._change(plan_id, act)
        self._make_room()
        return standing

    def look(self, plan_id: str) -> Standing:
        """Lets follow what has not followed yet, and tells once more what may not have been heard."""
        standing = self.change(plan_id, lambda standing: standing)
        if self._close_stale(standing) and not self._start(standing):
            # the rule's event has not come through, or not yet
            standing = self.execution_over(plan_id, standing.execution.number, "Its execution has ended.")
        self._undo(standing)
        told = [id_ for id_ in standing.states if self._tell(standing, id_) and _goes_no_further(standing, id_)]
        # a task that has ended and been told twice is not told for ever
        return self.change(plan_id, lambda now: _forgotten(now, told[:MOST_FORGOTTEN])) if told else standing

    def sweep(self, since_ms: int, stop: Callable[[], bool]) -> list[str]:
        """Looks at every plan in which something may have been left undone; answers which. One fault stops no other."""
        looked: list[str] = []
        for plan_id in self.store.unquiet(since_ms):
            if stop():
                break
            untold: list[str] = []
            try:
                standing = replace(self, unheard=untold.append).look(plan_id)
                moving = standing.status in (PlanStatus.RUNNING, PlanStatus.PAUSING)
                # what could not be told now is told the next time: nobody else looks at a plan that is over
                if not moving and not standing.execution.rolling_back and not untold:
                    self.store.quiet(standing)
                looked.append(plan_id)
            except (NotFound, Transient) as fault:
                untold.append(f"{plan_id} could not be looked at: {fault}")
            for what in untold:
                self.unheard(what)
        return looked

    def arrived(self, plan_id: str, number: int, task_id: str, token: str, try_: str = "") -> None:
        """A task has come to its gate, which opens now or later."""

        standing = self.store.read(plan_id)
        if standing.execution.number != number or not standing.status.executing:
            self.machine.close(token)
        elif (where := whereto(standing, task_id)) is not Next.GATE:
            self.machine.open(token, where.value)
        else:
            # kept first: whoever changes the plan from now on hears it, and many at once are heard together
            self.store.knock(plan_id, task_id, number, token, try_)
            self.change(plan_id, lambda standing: standing)

    def execution_over(self, plan_id: str, number: int, reason: str) -> Standing:
        """An execution of the state machine has ended: a plan that it has not brought to its end has failed."""

        def over(standing: Standing) -> Standing:
            if standing.execution.number != number or not standing.status.executing:
                return standing
            if standing.status is PlanStatus.PAUSED and standing.execution.restart:
                # it had gone past what is to be done again: the plan goes on in another one
                return standing
            now = self.now_ms()
            return standing.execution_changed(
                status=PlanStatus.FAILED, cause=Cause.EXECUTION, reason=reason, ended_at=now
            )

        return self.change(plan_id, over)

    def _change(self, plan_id: str, act: Act) -> Standing:
        for attempt in range(TRIES):
            before = self.store.read(plan_id)
            follows = settled(act(before), self.now_ms(), self.store.room())
            try:
                self._write(before, follows.standing)
            except WriteConflict:
                self.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311  # not a secret
                continue
            if follows.complete:
                return self._crowd(follows)
            return self._change(plan_id, lambda standing: standing)
        raise Transient("The plan is being changed by too many at once.")

    def _write(self, before: Standing, after: Standing) -> None:
        """Nothing is written where nothing is different."""
        if before.execution == after.execution and before.states == after.states:
            return
        events = happened(before, after, self.now_ms(), self.who)
        after = after.execution_changed(seq=before.execution.seq + 1)
        self.store.commit(before, after, events)
        if after.execution.number > before.execution.number and self._close_stale(after):
            self._start(after)
        if after.execution.rolling_back and not before.execution.rolling_back:
            self._undo(after)
        for task_id, state in after.states.items():
            if state is not before.states.get(task_id):
                self._tell(after, task_id)

    def _undo(self, standing: Standing) -> None:
        if standing.execution.rolling_back:
            with self._unheard("have commits taken back"):
                self.machine.undo(standing.plan.id)

    def _close_stale(self, standing: Standing) -> bool:
        """An execution that another one takes the place of ends at its gates. Whether they could be told.

        Else the other one is begun by the next look: its gates' tokens would take the place of these.
        """
        stale = [id_ for id_, state in standing.states.items() if state.token and _is_stale(standing, id_)]
        # each of them, though one could not be told
        told = [self._tell(standing, id_) for id_ in stale]
        return all(told)

    def _start(self, standing: Standing) -> bool:
        """False where the execution has ended before the plan."""
        if standing.status.executing and standing.execution.number:
            with self._unheard("start"):
                return self.machine.start(standing.plan.id, standing.execution.number)
        return True

    def _tell(self, standing: Standing, task_id: str) -> bool:
        """What waits at a gate that it may go on; a plan that has been stopped has no gates any more.

        Whether it could be told.
        """
        state = standing.of(task_id)
        if state.token is None:
            return False
        with self._unheard("open a gate"):
            if _is_stale(standing, task_id) or standing.status in (PlanStatus.CANCELLED, PlanStatus.FAILED):
                self.machine.close(state.token)
            elif (where := whereto(standing, task_id)) is not Next.GATE:
                self.machine.open(state.token, where.value)
            return True
        return False

    @contextmanager
    def _unheard(self, what: str) -> Iterator[None]:
        """What is written is written: what could not be told is told again when somebody looks at the plan."""
        try:
            yield
        except Transient as fault:
            self.unheard(f"Could not {what}: {fault}")

    def _crowd(self, follows: Settled) -> Standing:
        """A plan without room is kept in mind, and looked at again if room has come while that was written."""
        plan_id = follows.standing.plan.id
        if not follows.crowded:
            return follows.standing
        self.store.crowded_out(plan_id)
        return self._change(plan_id, lambda standing: standing) if self.store.room() > 0 else follows.standing

    def _make_room(self) -> None:
        """Plans that wait for room are looked at once there is some: nobody's doing, and nobody's fault if it fails."""
        nobody = replace(self, who=None)
        with self._unheard("make room"):
            waiting = self.store.waiting_for_room() if self.store.room() > 0 else []
            for plan_id in waiting:
                with suppress(NotFound), self._unheard(f"begin more of {plan_id}"):
                    nobody._change(plan_id, lambda standing: standing)


def _is_stale(standing: Standing, task_id: str) -> bool:
    """Whether its gate is one of an execution that another has taken the place of."""
    return standing.of(task_id).gate != standing.execution.number


def _goes_no_further(standing: Standing, task_id: str) -> bool:
    return _is_stale(standing, task_id) or whereto(standing, task_id) is Next.DONE


def _forgotten(standing: Standing, task_ids: list[str]) -> Standing:
    over = {id_: standing.of(id_) for id_ in task_ids if _goes_no_further(standing, id_)}
    return standing.put({id_: state.changed(token=None) for id_, state in over.items()})
