"""Mutants of plan execution: bugs known from such systems. Each must be caught."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from random import Random
from typing import Any

from groundwork.adapters.dynamodb import client
from groundwork.adapters.dynamodb.execution_rows import EventRow, SlotsRow, StateRow, state_key
from groundwork.adapters.dynamodb.executions import DynamoExecutions
from groundwork.execution import claims, commands, gates, reconcile, rollback, step_handler
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.state import ENDED_STATUSES, ExecutionState, TaskExecution
from groundwork.plans.model import PlanStatus, TaskStatus
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.mutant import ExecutionMutant
from tests.simulation.execution.mutants_of_asking import MUTANTS_OF_ASKING
from tests.simulation.execution.states import DEFINITION
from tests.simulation.execution.worlds import PLANS, World, made_plan
from tests.simulation.mutant import patched, patched_all
from tests.simulation.mutants_of_releases import OF_RELEASES_OF_PLANS

_commit, _read = DynamoExecutions.commit, DynamoExecutions.read
_claim_task, _record_reverts, _set_running = claims.claim_task, rollback.record_reverts, commands._set_running
_stopped, _assignment, _update = reconcile._stop_tasks, step_handler.StepHandler._assignment, client.Transaction.update
_put = client.Transaction.put


def _any_order(execution_state: ExecutionState, phase: Any, task: Any) -> bool:
    return all(execution_state.of(other).ended for other in gates.earlier_in_phase(phase, task))


def _any_status(execution_state: ExecutionState) -> list[str]:
    """Gates open in any status of an executing plan."""
    running = (
        execution_state.with_execution(status=PlanStatus.RUNNING)
        if execution_state.status.executing
        else execution_state
    )
    return gates.openable_gates(running)


def _without_the_accounts_limit(
    self: DynamoExecutions, before: ExecutionState, after: ExecutionState, events: Any
) -> None:
    unlimited = copy.copy(self)
    unlimited.limit = 10**6
    _commit(unlimited, before, after, events)


def _slots_left_out(self: client.Transaction, row: Any, *more: Any) -> None:
    if not isinstance(row, SlotsRow):
        _update(self, row, *more)


def _events_put_over_others(self: client.Transaction, row: Any, condition: Any = None, tag: Any = None) -> None:
    _put(self, row, None if isinstance(row, EventRow) else condition, tag)


def _not_counted(
    execution_state: ExecutionState, task_id: str, now_ms: int, attempt_key: str = ""
) -> claims.ClaimResult:
    claim = _claim_task(execution_state, task_id, now_ms, attempt_key)
    if not claim.epoch:
        return claim
    counted = claim.execution_state.with_task(task_id, attempts=execution_state.of(task_id).attempts)
    return replace(claim, execution_state=counted)


def _whoever_comes(
    execution_state: ExecutionState, task_id: str, now_ms: int, attempt_key: str = ""
) -> claims.ClaimResult:
    return _claim_task(execution_state.with_task(task_id, lease_until=0), task_id, now_ms, attempt_key)


def _no_epoch(execution_state: ExecutionState, task_id: str, epoch: int) -> bool:
    state = execution_state.of(task_id)
    return execution_state.plan.task(task_id) is not None and state.status is TaskStatus.RUNNING


def _any_token(
    self: DynamoExecutions, plan_id: str, task_id: str, number: int, token: str, attempt_key: str = ""
) -> None:
    with client.translate_errors():
        actions: list[Any] = [StateRow.pending_token.set(token), StateRow.pending_execution.set(number)]
        StateRow(plan_id, state_key(task_id)).update(actions=actions)


def _told_once(self: ExecutionCoordinator, plan_id: str) -> ExecutionState:
    return self.change(plan_id, lambda execution_state: execution_state)


def _not_heard(self: ExecutionCoordinator, plan_id: str, number: int, reason: str) -> ExecutionState:
    return _told_once(self, plan_id)


def _counted_each_time(self: DynamoExecutions, plan_id: str, task_id: str, turn: Any, at_ms: int) -> None:
    with client.translate_errors():
        adds: list[Any] = [StateRow.turns.add(1), StateRow.cost.add(turn.usage.cost_micro_usd)]
        StateRow(plan_id, state_key(task_id)).update(actions=adds)


def _nothing_found(self: Any, execution_state: ExecutionState, task_id: str) -> Any:
    given = _assignment(self, execution_state, task_id)
    return replace(given, attempts_before_round=given.attempt)


def _only_the_plan(execution_state: ExecutionState, now_ms: int) -> Any:
    return {} if execution_state.status is PlanStatus.CANCELLED else _stopped(execution_state, now_ms)


def _went_on(execution_state: ExecutionState, number: int, reverts: dict[str, str]) -> ExecutionState:
    return _record_reverts(execution_state, number, reverts).with_execution(needs_restart=False)


def _in_the_same(execution_state: ExecutionState, asked: Any) -> ExecutionState:
    after = _set_running(execution_state, asked)
    return after.with_execution(number=execution_state.execution.number)


def _as_before(state: TaskExecution, round_: int) -> TaskExecution:
    """Tasks of an earlier round count as done in this one."""
    return state.changed(round=round_) if state.status in ENDED_STATUSES else state.for_round(round_)


def _without(rule: str, state: str) -> Callable[[], AbstractContextManager[Any]]:
    """Remove one Choice rule in each branch: its input takes the default."""

    def cut(node: Any) -> Any:
        if isinstance(node, dict):
            kept = {name: cut(value) for name, value in node.items()}
            if "Choices" in kept:
                kept["Choices"] = [one for one in kept["Choices"] if one.get("StringEquals") != rule]
            return kept
        return [cut(one) for one in node] if isinstance(node, list) else node

    return patched(f"tests.simulation.execution.states.{state}", cut(DEFINITION))


def duplicates(faults: ExecutionFaults) -> ExecutionFaults:
    return replace(faults, invoked_twice=0.3, result_lost=0.1, until_s=max(900.0, faults.until_s))


def lost_answers(faults: ExecutionFaults) -> ExecutionFaults:
    return replace(faults, push_answer_lost=0.4, sent_twice=0.1, until_s=max(900.0, faults.until_s))


def zombies(faults: ExecutionFaults) -> ExecutionFaults:
    """Workers frozen until others have claimed their tasks."""
    return replace(faults, frozen=0.03, until_s=max(1_800.0, faults.until_s))


def waits_for_capacity(world: World) -> World:
    """Three plans side by side, and capacity for one task."""
    made = [made_plan(id_, Random(number)) for number, id_ in enumerate(PLANS)]
    return replace(world, plans=tuple(made), limit=1, clicks=0, edits=0, rollbacks=0)


def busy(world: World) -> World:
    """Many clicks, some in quick succession."""
    return replace(world, clicks=25, click_s=20.0)


def taking_back(world: World) -> World:
    return replace(world, clicks=12, rollbacks=4, click_s=60.0)


EXECUTION_MUTANTS = (
    ExecutionMutant(
        "dependencies forgotten",
        "a task starts before its dependencies are done",
        patched("groundwork.execution.gates.is_due", _any_order),
    ),
    ExecutionMutant(
        "gates open in a pause",
        "tasks start in a pausing or paused plan",
        patched("groundwork.execution.reconcile.openable_gates", _any_status),
        busy,
    ),
    ExecutionMutant(
        "approval not needed",
        "a manual task starts without approval",
        patched_all(
            ("groundwork.execution.gates.needs_approval", lambda *asked: False),
            ("groundwork.execution.reconcile.needs_approval", lambda *asked: False),
        ),
    ),
    ExecutionMutant(
        "conditions not looked at",
        "a task runs against its condition",
        patched("groundwork.execution.reconcile.condition_met", lambda execution_state, condition: True),
    ),
    ExecutionMutant(
        "pauseAfter forgotten",
        "the next phase starts at once",
        patched("groundwork.execution.reconcile._pause_after_phase", lambda execution_state: execution_state),
    ),
    ExecutionMutant(
        "maxParallel forgotten",
        "only the account's limit holds, not the plan's",
        patched("groundwork.execution.reconcile.free_slots", lambda execution_state: 1_000),
    ),
    ExecutionMutant(
        "the account's limit in the code alone",
        "the write that starts tasks has no condition on the counter",
        patched("groundwork.adapters.dynamodb.executions.DynamoExecutions.commit", _without_the_accounts_limit),
        waits_for_capacity,
        lambda faults: replace(faults, slow=0.4, until_s=max(900.0, faults.until_s)),
    ),
    ExecutionMutant(
        "tasks not counted",
        "the account's counter does not change with started and ended tasks",
        patched("groundwork.adapters.dynamodb.client.Transaction.update", _slots_left_out),
    ),
    ExecutionMutant(
        "seq without its condition",
        "a change overwrites concurrent changes",
        # the event row's key is the seq: with its condition left, the first mutation would have no effect
        patched_all(
            ("groundwork.adapters.dynamodb.executions._unchanged", lambda before: StateRow.pk.exists()),
            ("groundwork.adapters.dynamodb.client.Transaction.put", _events_put_over_others),
        ),
        busy,
    ),
    ExecutionMutant(
        "attempts not counted",
        "a claim does not count the attempt",
        patched("groundwork.execution.claims.claim_task", _not_counted),
    ),
    ExecutionMutant(
        "a lease means nothing",
        "a second invocation takes a task with a valid lease",
        patched("groundwork.execution.claims.claim_task", _whoever_comes),
        under=duplicates,
    ),
    ExecutionMutant(
        "a worker that was replaced writes",
        "a result is written without a check of the worker's epoch",
        patched("groundwork.execution.claims.claim_is_valid", _no_epoch),
        under=zombies,
        first=38,
    ),
    ExecutionMutant(
        "a worker never looks",
        "a worker continues after a cancel",
        patched_all(
            ("groundwork.adapters.dynamodb.executions.DynamoExecutions.claim_is_valid", lambda *asked: True),
            ("groundwork.adapters.dynamodb.executions.DynamoExecutions.renew_lease", lambda *asked: True),
        ),
        lambda world: replace(world, clicks=40, click_s=15.0),
        first=11,
    ),
    ExecutionMutant(
        "its own push not found",
        "a commit with a lost answer is made again",
        patched("groundwork.execution.step_handler.StepHandler._assignment", _nothing_found),
        under=lost_answers,
    ),
    ExecutionMutant(
        "a late knock counts",
        "a late registration at a gate overwrites the live token with a dead one",
        patched("groundwork.adapters.dynamodb.executions.DynamoExecutions.save_pending_token", _any_token),
        under=duplicates,
    ),
    ExecutionMutant(
        "told once",
        "the sweep reconciles, but resends no notification",
        patched("groundwork.execution.coordinator.ExecutionCoordinator.resync", _told_once),
        first=4,
    ),
    ExecutionMutant(
        "an execution's end not heard",
        "a plan ignores the end of its execution",
        patched("groundwork.execution.coordinator.ExecutionCoordinator.execution_over", _not_heard),
        under=lambda faults: replace(faults, stopped=0.05, until_s=max(900.0, faults.until_s)),
    ),
    ExecutionMutant(
        "resumed in the dead execution",
        "a failed plan resumes under the number of the ended execution",
        patched("groundwork.execution.commands._set_running", _in_the_same),
        under=lambda faults: replace(faults, stopped=0.05, until_s=max(900.0, faults.until_s)),
    ),
    ExecutionMutant(
        "turns counted twice",
        "a resent request counts the cost of a turn twice",
        patched("groundwork.adapters.dynamodb.executions.DynamoExecutions.record_turn", _counted_each_time),
        under=lost_answers,
    ),
    ExecutionMutant(
        "a failed task passed over",
        "the plan continues after a failed task without a pause",
        patched_all(
            ("groundwork.execution.attempt_result.pause_after_failure", lambda execution_state: execution_state),
            ("groundwork.execution.commands.pause_after_failure", lambda execution_state: execution_state),
        ),
        first=7,
    ),
    ExecutionMutant(
        "cancelled in name only",
        "tasks of a cancelled plan keep running",
        patched("groundwork.execution.reconcile._stop_tasks", _only_the_plan),
        busy,
    ),
    ExecutionMutant(
        "dependents left behind",
        "dependents of a skipped task are neither skipped nor run",
        patched("groundwork.execution.reconcile._skips_dependents", lambda state: False),
        busy,
        first=6,
    ),
    ExecutionMutant(
        "events lost",
        "a change writes no event",
        patched("groundwork.execution.coordinator.events_between", lambda *asked: ()),
    ),
    ExecutionMutant(
        "rolled back in any order",
        "a rollback reverts the oldest task first",
        patched(
            "groundwork.execution.rollback.newest_first",
            lambda execution_state, ids: sorted(ids, key=lambda id_: execution_state.of(id_).completed_seq),
        ),
        taking_back,
        first=11,
    ),
    ExecutionMutant(
        "dependents stay",
        "a task is reverted without its dependents",
        patched("groundwork.execution.rollback.dependents_of", lambda execution_state, ids: []),
        taking_back,
        first=16,
    ),
    ExecutionMutant(
        "rolled back behind the execution",
        "after a rollback the plan continues in an execution that has passed the reverted tasks",
        patched("groundwork.execution.rollback.record_reverts", _went_on),
        taking_back,
    ),
    ExecutionMutant(
        "begun anew as it ended",
        "tasks completed in the last round count as completed in this one",
        patched("groundwork.adapters.dynamodb.executions.in_round", _as_before),
        lambda world: replace(world, again=True, clicks=0),
    ),
    ExecutionMutant(
        "the state machine forgets to wait",
        "a task that continues later counts as done",
        _without("LATER", "DEFINITION"),
    ),
    ExecutionMutant(
        "the state machine forgets the gate",
        "a task sent back to its gate by a pause counts as done",
        _without("GATE", "DEFINITION"),
        busy,
    ),
    *MUTANTS_OF_ASKING,
    *OF_RELEASES_OF_PLANS,
)
