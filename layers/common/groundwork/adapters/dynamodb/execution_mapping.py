"""Mapping of execution states to rows, and of changes to update actions."""

from typing import Any

from groundwork.adapters.dynamodb.execution_rows import StateRow
from groundwork.adapters.dynamodb.plan_rows import PlanRow
from groundwork.execution.state import Execution, TaskExecution, TaskUsage
from groundwork.plans.model import PlanStatus, TaskStatus

OWN_ATTRIBUTES = {
    "status",
    "round",
    "attempts",
    "epoch",
    "commit_sha",
    "error_msg",
    "lease_until",
    "pending_token",
    "pending_execution",
    "usage",
    "turns",
    "activity",
    "verified",
    "conflicts",
}
"""Fields with their own attributes: other code reads or writes them separately."""


def read_execution(head: PlanRow) -> Execution:
    return Execution.read((head.execution or {}) | {"status": PlanStatus(head.status), "seq": _int(head.seq)})


def execution_body(execution: Execution) -> dict[str, Any]:
    return execution.stored(exclude={"status", "seq"}, exclude_defaults=True)


def read_task_execution(row: StateRow) -> TaskExecution:
    spent = TaskUsage(
        input=_int(row.input),
        output=_int(row.output),
        cache_read=_int(row.cache_read),
        cache_write=_int(row.cache_write),
        calls=_int(row.calls),
        cost_micro_usd=_int(row.cost),
    )
    return TaskExecution.read(
        (row.body or {})
        | {
            "status": TaskStatus(row.status or TaskStatus.PENDING),
            "round": _int(row.round),
            "attempts": _int(row.attempts),
            "epoch": _int(row.epoch),
            "commitSha": row.commit_sha,
            "errorMsg": row.error_msg,
            "leaseUntil": _int(row.lease_until),
            "pending_token": row.pending_token,
            "pending_execution": _int(row.pending_execution),
            "turns": _int(row.turns),
            "activity": row.activity,
            "verified": row.verified,
            "conflicts": _int(row.conflicts),
            "usage": spent,
        }
    )


def in_round(state: TaskExecution, round_: int) -> TaskExecution:
    """Reset a task of an earlier round. Its row is not rewritten for that."""
    return state if state.round == round_ else state.for_round(round_)


def state_actions(before: TaskExecution, after: TaskExecution) -> list[Any]:
    """Actions to update a task's row.

    Fields with other writers are included only if they differ.
    """
    body = after.stored(exclude=OWN_ATTRIBUTES, exclude_defaults=True)
    actions = [
        StateRow.status.set(after.status.value),
        StateRow.attempts.set(after.attempts),
        StateRow.round.set(after.round),
        StateRow.epoch.set(after.epoch),
        StateRow.body.set(body),
        _set(StateRow.commit_sha, after.commit_sha),
        _set(StateRow.error_msg, after.error_msg),
        _set(StateRow.verified, after.verified.value if after.verified else None),
    ]
    if after.conflicts != before.conflicts:
        actions.append(StateRow.conflicts.set(after.conflicts))
    if after.lease_until != before.lease_until:
        actions.append(StateRow.lease_until.set(after.lease_until))
    if after.activity != before.activity:
        actions.append(_set(StateRow.activity, after.activity))
    # a change can only use a token up; new ones come from `save_pending_token`
    if after.pending_token != before.pending_token:
        actions += [StateRow.pending_token.remove(), StateRow.pending_execution.remove()]
    return actions


def _set(attribute: Any, value: Any) -> Any:
    return attribute.remove() if value is None else attribute.set(value)


def _int(value: Any) -> int:
    return int(value or 0)
