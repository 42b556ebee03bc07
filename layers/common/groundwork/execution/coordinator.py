"""Coordinates a plan: read, apply a command, reconcile, commit, then send notifications.

The commit comes first. A crash or a fault before the notifications loses none of them: the sweep sends them again.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from groundwork.clock import backoff
from groundwork.errors import NotFound, Transient, WriteConflict
from groundwork.execution.events import events_between
from groundwork.execution.notifications import (
    GateAnswer,
    Notifications,
    gate_answer,
    is_last_answer,
    notifications_between,
    superseded_gates,
)
from groundwork.execution.ports import Executions, Machine
from groundwork.execution.reconcile import Reconciled, reconcile
from groundwork.execution.state import Cause, ExecutionState
from groundwork.execution.task_step import Step, step_of_task
from groundwork.plans.model import PlanStatus

# with the backoff some 16 s: an API function has 29 s
MAX_TRIES = 30
MAX_CLEARED_TOKENS = 40
"""Tokens of ended tasks cleared by one resync."""

Command = Callable[[ExecutionState], ExecutionState]


@dataclass(slots=True)
class ExecutionCoordinator:
    """Applies commands to plans. `actor` is the user, None for the system.

    `sleep` takes seconds. `on_notify_error` receives a text for each notification that failed.
    """

    store: Executions
    machine: Machine
    now_ms: Callable[[], int]
    actor: str | None = None
    sleep: Callable[[float], None] = time.sleep
    on_notify_error: Callable[[str], None] = lambda message: None

    def change(self, plan_id: str, command: Command) -> ExecutionState:
        """Apply `command` and all transitions after it.

        Raises NotFound, Transient and the errors of `command`.
        """
        execution_state = self._apply(plan_id, command)
        # the change may have ended tasks: their slots are free for other plans
        self._start_waiting_plans()
        return execution_state

    def resync(self, plan_id: str) -> ExecutionState:
        """Reconcile, then resend notifications that may have been lost."""
        execution_state = self.change(plan_id, _unchanged)
        if self._answer_all(superseded_gates(execution_state)) and not self._start(execution_state):
            # the event about the ended execution is late or lost
            execution_state = self.execution_over(plan_id, execution_state.execution.number, "The execution has ended.")
        if execution_state.execution.rolling_back or execution_state.execution.checking_rollback:
            self._request_rollback(execution_state)
        answered = [
            id_
            for id_ in execution_state.states
            if (answer := gate_answer(execution_state, id_))
            and self._answer(answer)
            and is_last_answer(execution_state, id_)
        ]
        if not answered:
            return execution_state
        # without this, every sweep would answer the gates of ended tasks again
        return self.change(plan_id, lambda now: _clear_tokens(now, answered[:MAX_CLEARED_TOKENS]))

    def sweep(self, since_ms: int, stop: Callable[[], bool]) -> list[str]:
        """Resync every plan that may have unfinished work. Returns their ids.

        A fault of one plan stops no other.
        """
        swept: list[str] = []
        for plan_id in self.store.needing_attention(since_ms):
            if stop():
                break
            errors: list[str] = []
            try:
                execution_state = replace(self, on_notify_error=errors.append).resync(plan_id)
                # a plan with failed notifications stays marked: nothing but the next sweep sends them again
                if not _has_work(execution_state) and not errors:
                    self.store.mark_idle(execution_state)
                swept.append(plan_id)
            except (NotFound, Transient) as fault:
                errors.append(f"Could not sweep plan {plan_id}: {fault}")
            for message in errors:
                self.on_notify_error(message)
        return swept

    def register_gate(self, plan_id: str, number: int, task_id: str, token: str, attempt_key: str = "") -> None:
        """Register a task that has reached its gate in execution `number`.

        The gate opens now or later.
        """
        execution_state = self.store.read(plan_id)
        if execution_state.execution.number != number or not execution_state.status.executing:
            # answered at once: nothing opens a gate of an ended or superseded execution any more
            self.machine.close_gate(token)
        elif (step := step_of_task(execution_state, task_id)) is not Step.GATE:
            self.machine.open_gate(token, step.value)
        else:
            # saved before the change: every other change accepts it too, so many tokens need few commits
            self.store.save_pending_token(plan_id, task_id, number, token, attempt_key)
            self.change(plan_id, _unchanged)

    def execution_over(self, plan_id: str, number: int, reason: str) -> ExecutionState:
        """Fail the plan if execution `number` has ended before it."""

        def fail(execution_state: ExecutionState) -> ExecutionState:
            if execution_state.execution.number != number or not execution_state.status.executing:
                return execution_state
            if execution_state.status is PlanStatus.PAUSED and execution_state.execution.needs_restart:
                # after a rollback the plan continues in a new execution, so the end of this one is expected
                return execution_state
            return execution_state.with_execution(
                status=PlanStatus.FAILED, cause=Cause.EXECUTION, reason=reason, ended_at=self.now_ms()
            )

        return self.change(plan_id, fail)

    def _apply(self, plan_id: str, command: Command) -> ExecutionState:
        """Commit `command` and what follows from it, in as many transactions as it takes."""
        attempt = 0
        while attempt < MAX_TRIES:
            before = self.store.read(plan_id)
            result = reconcile(command(before), self.now_ms(), self.store.free_slots())
            try:
                after = self._commit(before, result.execution_state)
            # raised by another change of the plan, or by another plan with the last free slot
            except WriteConflict:
                self.sleep(backoff(attempt, 0.02, 1.28))
                attempt += 1
                continue
            if after is not None:
                self._send(after, notifications_between(before, after))
            if result.complete and not self._has_new_capacity(result):
                return result.execution_state
            # the command is committed: a second time it would fail, or apply twice
            command, attempt = _unchanged, 0
        raise Transient("Too many concurrent changes to the plan.")

    def _commit(self, before: ExecutionState, after: ExecutionState) -> ExecutionState | None:
        """Write the difference with its events. None if there is none."""
        # an empty change must not raise seq: each rise is a conflict for other writers
        if before.execution == after.execution and before.states == after.states:
            return None
        events = events_between(before, after, self.now_ms(), self.actor)
        after = after.with_execution(seq=before.execution.seq + 1)
        self.store.commit(before, after, events)
        return after

    def _has_new_capacity(self, result: Reconciled) -> bool:
        """Mark a plan that waits for capacity.

        True if a slot became free before the mark was written.
        """
        if not result.waits_for_capacity:
            return False
        self.store.mark_waiting_for_capacity(result.execution_state.plan.id)
        # read after the mark is written: a slot freed later finds the mark
        return self.store.free_slots() > 0

    def _start_waiting_plans(self) -> None:
        """Open gates of plans that wait for capacity.

        A failure here is not the caller's: the sweep repeats it.
        """
        # events of other plans must not name this user
        system = replace(self, actor=None)
        with self._reporting("look for plans that wait for capacity"):
            # cleared before the work: a plan still short of slots marks itself again, a crash is left to the sweep
            waiting = self.store.pop_waiting_for_capacity() if self.store.free_slots() > 0 else []
            for plan_id in waiting:
                with suppress(NotFound), self._reporting(f"start more tasks of plan {plan_id}"):
                    system._apply(plan_id, _unchanged)

    def _send(self, execution_state: ExecutionState, notifications: Notifications) -> None:
        # no start before the old gates are closed: the new execution's tokens replace theirs
        if notifications.start and self._answer_all(notifications.superseded):
            self._start(execution_state)
        if notifications.rollback:
            self._request_rollback(execution_state)
        self._answer_all(notifications.gates)

    def _start(self, execution_state: ExecutionState) -> bool:
        """Start the plan's execution. False if that execution has already ended."""
        if execution_state.status.executing and execution_state.execution.number:
            with self._reporting("start the execution"):
                return self.machine.start(execution_state.plan.id, execution_state.execution.number)
        return True

    def _request_rollback(self, execution_state: ExecutionState) -> None:
        with self._reporting("request the rollback"):
            self.machine.request_rollback(execution_state.plan.id)

    def _answer_all(self, answers: Iterable[GateAnswer]) -> bool:
        """Send all answers, even after one has failed. False if any failed."""
        sent = [self._answer(answer) for answer in answers]
        return all(sent)

    def _answer(self, answer: GateAnswer) -> bool:
        """Returns False if the notification failed."""
        with self._reporting("answer a gate"):
            if answer.step is None:
                self.machine.close_gate(answer.token)
            else:
                self.machine.open_gate(answer.token, answer.step.value)
            return True
        return False

    @contextmanager
    def _reporting(self, action: str) -> Iterator[None]:
        """Report a transient fault instead of raising it: the sweep sends again."""
        try:
            yield
        except Transient as fault:
            self.on_notify_error(f"Could not {action}: {fault}")


def _has_work(execution_state: ExecutionState) -> bool:
    execution = execution_state.execution
    active = execution_state.status in (PlanStatus.RUNNING, PlanStatus.PAUSING)
    return active or execution.rolling_back or execution.checking_rollback


def _unchanged(execution_state: ExecutionState) -> ExecutionState:
    """Command that changes nothing itself, so that only pending transitions happen."""
    return execution_state


def _clear_tokens(execution_state: ExecutionState, task_ids: list[str]) -> ExecutionState:
    ended = {id_: execution_state.of(id_) for id_ in task_ids if is_last_answer(execution_state, id_)}
    return execution_state.with_tasks({id_: state.changed(gate_token=None) for id_, state in ended.items()})
