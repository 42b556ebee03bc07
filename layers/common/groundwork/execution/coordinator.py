"""Conducts a plan: reads where it stands, changes it, writes what follows, and tells the gates that open."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from groundwork.errors import NotFound, Transient, WriteConflict
from groundwork.execution.attempts import Step, next_step
from groundwork.execution.events import events_between
from groundwork.execution.ports import Executions, Machine
from groundwork.execution.reconcile import Reconciled, reconcile
from groundwork.execution.state import Cause, ExecutionState
from groundwork.plans.model import PlanStatus

MAX_TRIES = 30
MAX_CLEARED_TOKENS = 40
"""Tokens of tasks that have ended which one look lets go."""

Command = Callable[[ExecutionState], ExecutionState]


@dataclass(slots=True)
class ExecutionCoordinator:
    """`who` acts, None where nobody does. `sleep` takes seconds; `on_notify_error` learns what could not be told."""

    store: Executions
    machine: Machine
    now_ms: Callable[[], int]
    who: str | None = None
    sleep: Callable[[float], None] = time.sleep
    on_notify_error: Callable[[str], None] = lambda what: None

    def change(self, plan_id: str, act: Command) -> ExecutionState:
        """The plan after `act` and what follows from it. Raises what `act` raises, NotFound, Transient."""
        execution_state = self._change(plan_id, act)
        self._make_room()
        return execution_state

    def resync(self, plan_id: str) -> ExecutionState:
        """Lets follow what has not followed yet, and tells once more what may not have been heard."""
        execution_state = self.change(plan_id, lambda execution_state: execution_state)
        if self._close_stale(execution_state) and not self._start(execution_state):
            # the rule's event has not come through, or not yet
            execution_state = self.execution_over(plan_id, execution_state.execution.number, "Its execution has ended.")
        self._undo(execution_state)
        told = [
            id_
            for id_ in execution_state.states
            if self._tell(execution_state, id_) and _has_ended_here(execution_state, id_)
        ]
        # a task that has ended and been told twice is not told for ever
        return (
            self.change(plan_id, lambda now: _clear_tokens(now, told[:MAX_CLEARED_TOKENS])) if told else execution_state
        )

    def sweep(self, since_ms: int, stop: Callable[[], bool]) -> list[str]:
        """Looks at every plan in which something may have been left undone; answers which. One fault stops no other."""
        looked: list[str] = []
        for plan_id in self.store.needing_attention(since_ms):
            if stop():
                break
            untold: list[str] = []
            try:
                execution_state = replace(self, on_notify_error=untold.append).resync(plan_id)
                moving = execution_state.status in (PlanStatus.RUNNING, PlanStatus.PAUSING)
                # what could not be told now is told the next time: nobody else looks at a plan that is over
                if not moving and not execution_state.execution.rolling_back and not untold:
                    self.store.mark_idle(execution_state)
                looked.append(plan_id)
            except (NotFound, Transient) as fault:
                untold.append(f"{plan_id} could not be looked at: {fault}")
            for what in untold:
                self.on_notify_error(what)
        return looked

    def register_gate(self, plan_id: str, number: int, task_id: str, token: str, attempt_key: str = "") -> None:
        """A task has come to its gate, which opens now or later."""

        execution_state = self.store.read(plan_id)
        if execution_state.execution.number != number or not execution_state.status.executing:
            self.machine.close(token)
        elif (where := next_step(execution_state, task_id)) is not Step.GATE:
            self.machine.open(token, where.value)
        else:
            # kept first: whoever changes the plan from now on hears it, and many at once are heard together
            self.store.pending_token(plan_id, task_id, number, token, attempt_key)
            self.change(plan_id, lambda execution_state: execution_state)

    def execution_over(self, plan_id: str, number: int, reason: str) -> ExecutionState:
        """An execution of the state machine has ended: a plan that it has not brought to its end has failed."""

        def over(execution_state: ExecutionState) -> ExecutionState:
            if execution_state.execution.number != number or not execution_state.status.executing:
                return execution_state
            if execution_state.status is PlanStatus.PAUSED and execution_state.execution.needs_restart:
                # it had gone past what is to be done again: the plan goes on in another one
                return execution_state
            now = self.now_ms()
            return execution_state.with_execution(
                status=PlanStatus.FAILED, cause=Cause.EXECUTION, reason=reason, ended_at=now
            )

        return self.change(plan_id, over)

    def _change(self, plan_id: str, act: Command) -> ExecutionState:
        for attempt in range(MAX_TRIES):
            before = self.store.read(plan_id)
            follows = reconcile(act(before), self.now_ms(), self.store.free_slots())
            try:
                self._write(before, follows.execution_state)
            except WriteConflict:
                self.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311  # not a secret
                continue
            if follows.complete:
                return self._crowd(follows)
            return self._change(plan_id, lambda execution_state: execution_state)
        raise Transient("The plan is being changed by too many at once.")

    def _write(self, before: ExecutionState, after: ExecutionState) -> None:
        """Nothing is written where nothing is different."""
        if before.execution == after.execution and before.states == after.states:
            return
        events = events_between(before, after, self.now_ms(), self.who)
        after = after.with_execution(seq=before.execution.seq + 1)
        self.store.commit(before, after, events)
        if after.execution.number > before.execution.number and self._close_stale(after):
            self._start(after)
        if after.execution.rolling_back and not before.execution.rolling_back:
            self._undo(after)
        for task_id, state in after.states.items():
            if state is not before.states.get(task_id):
                self._tell(after, task_id)

    def _undo(self, execution_state: ExecutionState) -> None:
        if execution_state.execution.rolling_back:
            with self._unheard("have commits taken back"):
                self.machine.undo(execution_state.plan.id)

    def _close_stale(self, execution_state: ExecutionState) -> bool:
        """An execution that another one takes the place of ends at its gates. Whether they could be told.

        Else the other one is begun by the next look: its gates' tokens would take the place of these.
        """
        stale = [
            id_ for id_, state in execution_state.states.items() if state.token and _is_stale(execution_state, id_)
        ]
        # each of them, though one could not be told
        told = [self._tell(execution_state, id_) for id_ in stale]
        return all(told)

    def _start(self, execution_state: ExecutionState) -> bool:
        """False where the execution has ended before the plan."""
        if execution_state.status.executing and execution_state.execution.number:
            with self._unheard("start"):
                return self.machine.start(execution_state.plan.id, execution_state.execution.number)
        return True

    def _tell(self, execution_state: ExecutionState, task_id: str) -> bool:
        """What waits at a gate that it may go on; a plan that has been stopped has no gates any more.

        Whether it could be told.
        """
        state = execution_state.of(task_id)
        if state.token is None:
            return False
        with self._unheard("open a gate"):
            if _is_stale(execution_state, task_id) or execution_state.status in (
                PlanStatus.CANCELLED,
                PlanStatus.FAILED,
            ):
                self.machine.close(state.token)
            elif (where := next_step(execution_state, task_id)) is not Step.GATE:
                self.machine.open(state.token, where.value)
            return True
        return False

    @contextmanager
    def _unheard(self, what: str) -> Iterator[None]:
        """What is written is written: what could not be told is told again when somebody looks at the plan."""
        try:
            yield
        except Transient as fault:
            self.on_notify_error(f"Could not {what}: {fault}")

    def _crowd(self, follows: Reconciled) -> ExecutionState:
        """A plan without room is kept in mind, and looked at again if room has come while that was written."""
        plan_id = follows.execution_state.plan.id
        if not follows.waits_for_capacity:
            return follows.execution_state
        self.store.mark_waiting_for_capacity(plan_id)
        return (
            self._change(plan_id, lambda execution_state: execution_state)
            if self.store.free_slots() > 0
            else follows.execution_state
        )

    def _make_room(self) -> None:
        """Plans that wait for room are looked at once there is some: nobody's doing, and nobody's fault if it fails."""
        nobody = replace(self, who=None)
        with self._unheard("make room"):
            waiting = self.store.waiting_for_capacity() if self.store.free_slots() > 0 else []
            for plan_id in waiting:
                with suppress(NotFound), self._unheard(f"begin more of {plan_id}"):
                    nobody._change(plan_id, lambda execution_state: execution_state)


def _is_stale(execution_state: ExecutionState, task_id: str) -> bool:
    """Whether its gate is one of an execution that another has taken the place of."""
    return execution_state.of(task_id).gate != execution_state.execution.number


def _has_ended_here(execution_state: ExecutionState, task_id: str) -> bool:
    return _is_stale(execution_state, task_id) or next_step(execution_state, task_id) is Step.DONE


def _clear_tokens(execution_state: ExecutionState, task_ids: list[str]) -> ExecutionState:
    over = {id_: execution_state.of(id_) for id_ in task_ids if _has_ended_here(execution_state, id_)}
    return execution_state.with_tasks({id_: state.changed(token=None) for id_, state in over.items()})
