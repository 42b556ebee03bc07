"""Ports of `groundwork.execution` in memory, and a state machine keeping only its tokens."""

from dataclasses import dataclass, field
from typing import Any

from groundwork.errors import NotFound, WriteConflict
from groundwork.execution.claims import claim_is_valid
from groundwork.execution.ports import Event
from groundwork.execution.state import Execution, ExecutionState, TaskExecution
from groundwork.execution.worker import TurnReport
from groundwork.plans.model import Plan

LIVE = ("pending_token", "pending_execution", "lease_until", "usage", "turns", "activity")


@dataclass
class MemoryExecutions:
    """`limit` is the account's."""

    standings: dict[str, ExecutionState] = field(default_factory=dict)
    limit: int = 1_000
    used: int = 0
    waits_for_capacity: set[str] = field(default_factory=set)
    events: list[tuple[str, Event]] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    tries: dict[str, tuple[int, str]] = field(default_factory=dict)
    told: set[tuple[str, int, int]] = field(default_factory=set)

    def add(self, plan: Plan) -> None:
        self.standings[plan.id] = ExecutionState(plan, Execution(status=plan.status))

    def read(self, plan_id: str) -> ExecutionState:
        if plan_id not in self.standings:
            raise NotFound.of("plan", plan_id)
        return self.standings[plan_id]

    def commit(self, before: ExecutionState, after: ExecutionState, events: tuple[Event, ...]) -> None:
        plan_id = before.plan.id
        now = self.standings[plan_id]
        used = self.used + len(after.running) - len(before.running)
        if now.execution.seq != before.execution.seq or now.plan.version != before.plan.version:
            raise WriteConflict
        if used > max(self.limit, self.used):
            raise WriteConflict
        states = {id_: self._merged(now, before, id_, state) for id_, state in after.states.items()}
        self.used = used
        self.silent.discard(plan_id)
        plan = after.plan.changed(status=after.status)
        self.standings[plan_id] = ExecutionState(plan, after.execution, {**now.states, **states})
        self.events += [(plan_id, event) for event in events]

    def _merged(self, now: ExecutionState, before: ExecutionState, task_id: str, after: TaskExecution) -> TaskExecution:
        """Fields written by others stay, unless this commit changes them."""
        current, old = now.of(task_id), before.of(task_id)
        if after.pending_token != old.pending_token and current.pending_token != old.pending_token:
            raise WriteConflict
        theirs = {name: getattr(current, name) for name in LIVE if getattr(after, name) == getattr(old, name)}
        return after.changed(**theirs)

    def save_pending_token(self, plan_id: str, task_id: str, number: int, token: str, attempt_key: str = "") -> None:
        order = (number, attempt_key)
        if order >= self.tries.get(task_id, order):
            self.tries[task_id] = order
            self._put(plan_id, task_id, pending_token=token, pending_execution=number)

    def claim_is_valid(self, plan_id: str, task_id: str, epoch: int) -> bool:
        return claim_is_valid(self.read(plan_id), task_id, epoch)

    def renew_lease(self, plan_id: str, task_id: str, epoch: int, until_ms: int) -> bool:
        if not self.claim_is_valid(plan_id, task_id, epoch):
            return False
        self._put(plan_id, task_id, lease_until=until_ms)
        return True

    def set_activity(self, plan_id: str, task_id: str, epoch: int, text: str) -> None:
        if self.claim_is_valid(plan_id, task_id, epoch):
            self._put(plan_id, task_id, activity=text)

    def record_turn(self, plan_id: str, task_id: str, turn: TurnReport, at_ms: int) -> None:
        if (task_id, turn.number, at_ms) in self.told:
            return
        self.told.add((task_id, turn.number, at_ms))
        state = self.read(plan_id).of(task_id)
        self._put(plan_id, task_id, usage=state.usage.plus(turn.usage), turns=state.turns + (not turn.continued))

    def _put(self, plan_id: str, task_id: str, **fields: Any) -> None:
        self.standings[plan_id] = self.read(plan_id).with_task(task_id, **fields)

    def needing_attention(self, since_ms: int) -> list[str]:
        return [
            id_
            for id_, execution_state in self.standings.items()
            if execution_state.execution.number and id_ not in self.silent
        ]

    def mark_idle(self, execution_state: ExecutionState) -> None:
        if self.read(execution_state.plan.id).execution.seq == execution_state.execution.seq:
            self.silent.add(execution_state.plan.id)

    def free_slots(self) -> int:
        return self.limit - self.used

    def mark_waiting_for_capacity(self, plan_id: str) -> None:
        self.waits_for_capacity.add(plan_id)

    def pop_waiting_for_capacity(self) -> list[str]:
        waiting, self.waits_for_capacity = sorted(self.waits_for_capacity), set()
        return waiting


@dataclass
class MemoryMachine:
    """Fake state machine.

    `opened`: the response to each token, None if its execution was stopped. A token accepts only one response.
    """

    started: list[tuple[str, int]] = field(default_factory=list)
    ended: list[tuple[str, int]] = field(default_factory=list)
    opened: dict[str, str | None] = field(default_factory=dict)
    undone: list[str] = field(default_factory=list)

    def start(self, plan_id: str, number: int) -> bool:
        if (plan_id, number) not in self.started:
            self.started.append((plan_id, number))
        return (plan_id, number) not in self.ended

    def request_rollback(self, plan_id: str) -> None:
        self.undone.append(plan_id)

    def open_gate(self, token: str, answer: str) -> None:
        self.opened.setdefault(token, answer)

    def close_gate(self, token: str) -> None:
        self.opened.setdefault(token, None)
