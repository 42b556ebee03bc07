"""Plan executions on DynamoDB: the port `groundwork.execution.ports.Executions`."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.execution_mapping import (
    execution_body,
    in_round,
    read_execution,
    read_task_execution,
    state_actions,
)
from groundwork.adapters.dynamodb.execution_rows import (
    EventRow,
    SlotsRow,
    StateRow,
    TaskLogRow,
    event_key,
    log_key,
    log_prefix,
    state_key,
)
from groundwork.adapters.dynamodb.plan_reader import PlanReader
from groundwork.adapters.dynamodb.plan_rows import PlanRow
from groundwork.backlog.model import rfc3339
from groundwork.clock import backoff
from groundwork.errors import Transient, WriteConflict
from groundwork.execution.ports import Event
from groundwork.execution.state import ExecutionState
from groundwork.execution.worker import TurnReport
from groundwork.plans.model import Plan, PlanStatus, TaskStatus

EXECUTING = "EXECUTING"
"""Key of executing plans in the attention index."""

ACCOUNT, SLOTS = "ACCOUNT", "SLOTS"
MAX_CACHED_PLANS = 8
MAX_EVENTS_PER_CHANGE = 1_000
"""Above the maximum of one change: a transaction changes fewer tasks."""

MAX_TURN_TRIES = 8
"""A turn is paid for, so its usage must be counted, even after some ten seconds of faults."""


class DynamoExecutions(PlanReader):
    """Store of plan executions. `limit` is the number of concurrent tasks in the account."""

    def __init__(
        self, connection: Callable[[], Connection], limit: int = 20, now_ms: Callable[[], int] | None = None
    ) -> None:
        self._connection = connection
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)
        self._plans: OrderedDict[tuple[str, int], Plan] = OrderedDict()
        self.limit = limit

    # states

    def read(self, plan_id: str) -> ExecutionState:
        # the head first: rows read later are at least as new, and a commit on newer rows fails
        head = self._head(plan_id)
        execution = read_execution(head)
        plan = self._plan(head).changed(status=execution.status, version=int(head.version))
        with translate_errors():
            rows = list(StateRow.query(plan_id, StateRow.sk.startswith("X#"), consistent_read=True))
        states = {f"{plan_id}-{row.sk[2:]}": in_round(read_task_execution(row), execution.round) for row in rows}
        return ExecutionState(plan, execution, states)

    def _plan(self, head: PlanRow) -> Plan:
        """Read a plan version once: it never changes."""
        key = (head.pk, int(head.version))
        if key not in self._plans:
            self._plans[key] = self._version(head, int(head.version))
            while len(self._plans) > MAX_CACHED_PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        return self._plans[key]

    def commit(self, before: ExecutionState, after: ExecutionState, events: tuple[Event, ...]) -> None:
        plan_id = after.plan.id
        transaction = Transaction(self._connection())
        transaction.update(PlanRow(plan_id), self._head_of(after), _unchanged(before), "head")
        for task_id, state in after.states.items():
            old = in_round(before.of(task_id), after.execution.round)
            if state != old:
                # a token saved since the read must not be dropped unanswered
                pending = _pending_token_is(old.pending_token) if state.pending_token != old.pending_token else None
                transaction.update(StateRow(plan_id, state_key(task_id)), state_actions(old, state), pending, "task")
        # in the same transaction: a crash can neither leak a slot nor free it twice
        if started := len(after.running) - len(before.running):
            room = SlotsRow.used.does_not_exist() | (SlotsRow.used <= self.limit - started)
            # a slot is always freed, even above a limit lowered since
            transaction.update(SlotsRow(ACCOUNT, SLOTS), [SlotsRow.used.add(started)], room if started > 0 else None)
        mark = uuid.uuid4().hex
        row = EventRow(plan_id, event_key(after.execution.seq), at=self._now_ms(), mark=mark)
        row.events = [event.as_json() for event in events]
        transaction.put(row, EventRow.pk.does_not_exist(), "event")
        try:
            transaction.commit()
        except (Cancelled, Transient) as fault:
            # the response may be lost, or belong to the driver's own retry: the mark tells
            if not self._is_marked(plan_id, after.execution.seq, mark):
                raise WriteConflict(str(fault)) from fault

    def _is_marked(self, plan_id: str, seq: int, mark: str) -> bool:
        with translate_errors():
            rows = list(EventRow.query(plan_id, EventRow.sk == event_key(seq), consistent_read=True))
        return bool(rows) and rows[0].mark == mark

    def _head_of(self, after: ExecutionState) -> list[Any]:
        reason = after.execution.reason if after.status is PlanStatus.FAILED else None
        now = self._now_ms()
        return [
            PlanRow.status.set(after.status.value),
            PlanRow.execution.set(execution_body(after.execution)),
            PlanRow.seq.set(after.execution.seq),
            PlanRow.updated_at.set(now),
            PlanRow.error.set(reason) if reason else PlanRow.error.remove(),
            # until a sweep has resent all notifications
            PlanRow.attention.set(EXECUTING),
            PlanRow.attention_at.set(now),
        ]

    def needing_attention(self, since_ms: int) -> list[str]:
        with translate_errors():
            # a global index has no consistent reads: the next sweep finds a plan missed now
            rows = PlanRow.attention_index.query(EXECUTING, PlanRow.attention_at <= since_ms)
            return [row.pk for row in rows]

    def mark_idle(self, execution_state: ExecutionState) -> None:
        # a change since the read may have notifications of its own to resend
        same = (PlanRow.seq == execution_state.execution.seq) & (PlanRow.attention == EXECUTING)
        with suppress(ConditionFailed), translate_errors():
            PlanRow(execution_state.plan.id).update(
                actions=[PlanRow.attention.remove(), PlanRow.attention_at.remove()], condition=same
            )

    # writes without seq

    def save_pending_token(self, plan_id: str, task_id: str, number: int, token: str, attempt_key: str = "") -> None:
        order = f"{number:08d} {attempt_key}"
        actions: list[Any] = [
            StateRow.pending_token.set(token),
            StateRow.pending_execution.set(number),
            StateRow.pending_order.set(order),
        ]
        # an invocation delivered late must not replace the token of a newer try
        first = StateRow.pending_order.does_not_exist() | (StateRow.pending_order <= order)
        with suppress(ConditionFailed), translate_errors():
            StateRow(plan_id, state_key(task_id)).update(actions=actions, condition=first)

    def claim_is_valid(self, plan_id: str, task_id: str, epoch: int) -> bool:
        try:
            with translate_errors():
                row = StateRow.get(plan_id, state_key(task_id), consistent_read=True)
        except StateRow.DoesNotExist:
            return False
        return int(row.epoch or 0) == epoch and row.status == TaskStatus.RUNNING.value

    def renew_lease(self, plan_id: str, task_id: str, epoch: int, until_ms: int) -> bool:
        mine = (StateRow.epoch == epoch) & (StateRow.status == TaskStatus.RUNNING.value)
        try:
            with translate_errors():
                row = StateRow(plan_id, state_key(task_id))
                row.update(actions=[StateRow.lease_until.set(until_ms)], condition=mine)
        except ConditionFailed:
            return False
        return True

    def record_turn(self, plan_id: str, task_id: str, turn: TurnReport, at_ms: int) -> None:
        spent = turn.usage
        counts: list[tuple[Any, int]] = [
            (StateRow.turns, 1),
            (StateRow.input, spent.input),
            (StateRow.output, spent.output),
            (StateRow.cache_read, spent.cache_read),
            (StateRow.cache_write, spent.cache_write),
            (StateRow.calls, spent.calls),
            (StateRow.cost, spent.cost_micro_usd),
        ]
        # no check of the epoch: the turn of a replaced worker has been paid for too
        adds = [attribute.add(count) for attribute, count in counts if count]
        line = TaskLogRow(plan_id, log_key(task_id, at_ms, turn.number), at=at_ms, body=turn.as_json())
        for attempt in range(MAX_TURN_TRIES):
            # one transaction: the log line shows if the turn is counted, however often the request is sent
            transaction = Transaction(self._connection())
            transaction.update(StateRow(plan_id, state_key(task_id)), adds)
            transaction.put(line, TaskLogRow.pk.does_not_exist(), "line")
            try:
                return transaction.commit()
            except Cancelled:
                return None
            except Transient:
                if attempt + 1 == MAX_TURN_TRIES:
                    raise
                time.sleep(backoff(attempt, 0.05, 3.2))
        return None

    # reads for users

    def events(self, plan_id: str, limit: int = 20) -> list[dict[str, Any]]:
        """Events of the last changes, newest first. Each has a unique `seq`."""
        with translate_errors():
            between = EventRow.sk.startswith("Y#")
            rows = list(EventRow.query(plan_id, between, scan_index_forward=False, limit=limit))
        return [
            {"at": rfc3339(int(row.at)), "seq": int(row.sk[2:]) * MAX_EVENTS_PER_CHANGE + number, **event}
            for row in rows
            for number, event in reversed(list(enumerate(row.events)))
        ]

    def log(self, plan_id: str, task_id: str, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Turns of a task after a position, oldest first, and the position of the next page."""
        start = log_key(task_id, 0, 0) if after is None else f"{log_prefix(task_id)}{after}~"
        with translate_errors():
            between = TaskLogRow.sk.between(start, f"{log_prefix(task_id)}~")
            rows = list(TaskLogRow.query(plan_id, between, limit=limit, consistent_read=True))
        lines = [{"at": rfc3339(int(row.at)), **row.body} for row in rows]
        return lines, rows[-1].sk.removeprefix(log_prefix(task_id)) if len(rows) == limit else None

    # slots of the account

    def free_slots(self) -> int:
        return self.limit - int(self._slots().used or 0)

    def mark_waiting_for_capacity(self, plan_id: str) -> None:
        with translate_errors():
            # an ADD to the set: concurrent writers do not overwrite one another
            SlotsRow(ACCOUNT, SLOTS).update(actions=[SlotsRow.waiting.add({plan_id})])

    def pop_waiting_for_capacity(self) -> list[str]:
        waiting = sorted(self._slots().waiting or ())
        if waiting:
            with translate_errors():
                # only the plans read here: one added since must stay
                SlotsRow(ACCOUNT, SLOTS).update(actions=[SlotsRow.waiting.delete(set(waiting))])
        return waiting

    def _slots(self) -> SlotsRow:
        try:
            with translate_errors():
                return SlotsRow.get(ACCOUNT, SLOTS, consistent_read=True)
        except SlotsRow.DoesNotExist:
            return SlotsRow(ACCOUNT, SLOTS, used=0)


def _unchanged(before: ExecutionState) -> Any:
    seq = before.execution.seq
    same = (PlanRow.seq == seq) if seq else PlanRow.seq.does_not_exist()
    exists = PlanRow.title.exists() & PlanRow.deleted_at.does_not_exist()
    # an edit raises the version and leaves the seq as it is
    return exists & same & (PlanRow.version == before.plan.version) & (PlanRow.status == before.status.value)


def _pending_token_is(pending: str | None) -> Any:
    return StateRow.pending_token.does_not_exist() if pending is None else StateRow.pending_token == pending
