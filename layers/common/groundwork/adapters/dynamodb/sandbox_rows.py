"""Open sandboxes on DynamoDB: the port `groundwork.checks.sandboxes.SandboxRows`.

All rows are in one partition, so the sweep reads them consistently. Their number is the counter of used slots.
"""

from collections.abc import Callable
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.models import Model

from groundwork.adapters.dynamodb.check_rows import (
    BASELINE,
    ROLLBACK,
    RUNNING,
    BaselineRow,
    RollbackCheckRow,
    billed_row,
    check_claim,
    claim_of,
)
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.execution_rows import SlotsRow, StateRow, state_key
from groundwork.adapters.dynamodb.executions import ACCOUNT
from groundwork.adapters.dynamodb.run_rows import CompactJson
from groundwork.checks.errors import ClaimLost, NoFreeSlot
from groundwork.checks.ports import Owner, OwnerKind
from groundwork.checks.prices import Bill
from groundwork.checks.sandboxes import OpenSandbox, SandboxState
from groundwork.errors import WriteConflict
from groundwork.plans.model import TaskStatus
from groundwork.sandbox.model import SandboxSpec

SANDBOXES = "SANDBOXES"
"""Partition of the rows, and the key of their slots."""


class SandboxRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True, default=SANDBOXES)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    kind = UnicodeAttribute(attr_name="kind")
    plan_id = UnicodeAttribute(attr_name="planId")
    task_id = UnicodeAttribute(attr_name="taskId")
    number = NumberAttribute(attr_name="number")
    epoch = NumberAttribute(attr_name="epoch")
    generation = NumberAttribute(attr_name="generation")
    state = UnicodeAttribute(attr_name="state")
    spec = CompactJson(attr_name="spec")
    created_at = NumberAttribute(attr_name="createdAt")
    machine_id = UnicodeAttribute(attr_name="machineId", null=True)
    endpoint = UnicodeAttribute(attr_name="endpoint", null=True)
    closing_at = NumberAttribute(attr_name="closingAt", null=True)
    setup_done = BooleanAttribute(attr_name="setupDone", default=False)
    setup_key = UnicodeAttribute(attr_name="setupKey", null=True)


class DynamoSandboxRows:
    """`limit` is the number of open sandboxes in the account."""

    def __init__(self, connection: Callable[[], Connection], limit: int = 2) -> None:
        self._connection = connection
        self.limit = limit

    def get(self, owner: Owner) -> OpenSandbox | None:
        with translate_errors():
            rows = list(SandboxRow.query(SANDBOXES, SandboxRow.sk == owner.id, consistent_read=True))
        return _sandbox(rows[0]) if rows else None

    def all(self) -> list[OpenSandbox]:
        with translate_errors():
            return [_sandbox(row) for row in SandboxRow.query(SANDBOXES, consistent_read=True)]

    def create(self, sandbox: OpenSandbox) -> None:
        transaction = Transaction(self._connection())
        check_claim(transaction, sandbox.owner)
        transaction.put(_row(sandbox), SandboxRow.pk.does_not_exist(), "row")
        room = SlotsRow.used.does_not_exist() | (SlotsRow.used < self.limit)
        transaction.update(SlotsRow(ACCOUNT, SANDBOXES), [SlotsRow.used.add(1)], room, "slot")
        try:
            transaction.commit()
        except Cancelled as cancelled:
            raise _reason(cancelled) from cancelled

    def update(self, before: OpenSandbox, after: OpenSandbox, bill: Bill | None = None) -> None:
        transaction = Transaction(self._connection())
        if bill is None:
            check_claim(transaction, after.owner)
        else:
            _bill_under_claim(transaction, after.owner, bill)
        transaction.update(SandboxRow(SANDBOXES, after.owner.id), _changes(after), _unchanged(before), "row")
        try:
            transaction.commit()
        except Cancelled as cancelled:
            raise _reason(cancelled) from cancelled

    def begin_closing(self, sandbox: OpenSandbox, at_ms: int) -> OpenSandbox:
        closing = sandbox.changed(state=SandboxState.CLOSING, closing_at=at_ms)
        try:
            with translate_errors():
                SandboxRow(SANDBOXES, sandbox.owner.id).update(_changes(closing), condition=_unchanged(sandbox))
        except ConditionFailed as exc:
            raise WriteConflict("The sandbox has changed.") from exc
        return closing

    def remove(self, sandbox: OpenSandbox, bill: Bill) -> None:
        try:
            self._remove(sandbox, bill)
        except Cancelled as cancelled:
            # a deleted plan has nothing left to bill
            if cancelled.tags == ["usage"]:
                return self._remove_unbilled(sandbox)
            self._require_gone(sandbox)

    def _remove_unbilled(self, sandbox: OpenSandbox) -> None:
        try:
            self._remove(sandbox, None)
        except Cancelled:
            self._require_gone(sandbox)

    def _require_gone(self, sandbox: OpenSandbox) -> None:
        """Raises WriteConflict unless an earlier request, with a lost answer, has removed the row."""
        found = self.get(sandbox.owner)
        if found is not None and found.generation == sandbox.generation:
            raise WriteConflict("The sandbox has changed.")

    def _remove(self, sandbox: OpenSandbox, bill: Bill | None) -> None:
        owner, transaction = sandbox.owner, Transaction(self._connection())
        transaction.delete(SandboxRow(SANDBOXES, owner.id), _unchanged(sandbox), "row")
        transaction.update(SlotsRow(ACCOUNT, SANDBOXES), [SlotsRow.used.add(-1)])
        if bill is not None:
            row, key = billed_row(owner)
            present = row.number == owner.number if row is BaselineRow else row.status.exists()
            transaction.update(row(owner.plan_id, key), _additions(row, bill), present, "usage")
        transaction.commit()

    def is_live(self, owner: Owner) -> bool:
        if owner.kind is OwnerKind.BASELINE:
            with translate_errors():
                found = list(BaselineRow.query(owner.plan_id, BaselineRow.sk == BASELINE, consistent_read=True))
            return any(row.status == RUNNING and int(row.number) == owner.number for row in found)
        if owner.kind is OwnerKind.ROLLBACK:
            with translate_errors():
                checks = list(
                    RollbackCheckRow.query(owner.plan_id, RollbackCheckRow.sk == ROLLBACK, consistent_read=True)
                )
            return any(row.status == RUNNING and int(row.number) == owner.number for row in checks)
        with translate_errors():
            key = state_key(owner.task_id)
            rows = list(StateRow.query(owner.plan_id, StateRow.sk == key, consistent_read=True))
        return any(row.status == TaskStatus.RUNNING.value and int(row.attempts) == owner.number for row in rows)


def _bill_under_claim(transaction: Transaction, owner: Owner, bill: Bill) -> None:
    row, key, claim = claim_of(owner)
    billed, billed_key = billed_row(owner)
    # one action on a row: where the usage is in the claim's row, its condition is the claim
    if billed is not row:
        check_claim(transaction, owner)
        transaction.update(billed(owner.plan_id, billed_key), _additions(billed, bill))
    else:
        transaction.update(row(owner.plan_id, key), _additions(row, bill), claim, "claim")


def _reason(cancelled: Cancelled) -> Exception:
    if "claim" in cancelled.tags:
        return ClaimLost()
    return NoFreeSlot() if cancelled.tags == ["slot"] else WriteConflict("The sandbox has changed.")


def _additions(row: Any, bill: Bill) -> list[Any]:
    # zeros add nothing, but an update without an action is invalid
    return [row.cost.add(bill.cost_micro_usd), row.sandbox_ms.add(bill.milliseconds)]


def _unchanged(sandbox: OpenSandbox) -> Any:
    same = (SandboxRow.generation == sandbox.generation) & (SandboxRow.state == sandbox.state.value)
    return same & (SandboxRow.epoch == sandbox.owner.epoch)


def _changes(sandbox: OpenSandbox) -> list[Any]:
    """Set all that can change. A put would drop attributes of a newer release."""
    optional: tuple[tuple[Any, Any], ...] = (
        (SandboxRow.machine_id, sandbox.machine_id),
        (SandboxRow.endpoint, sandbox.endpoint),
        (SandboxRow.closing_at, sandbox.closing_at),
        (SandboxRow.setup_key, sandbox.setup_key),
    )
    return [
        SandboxRow.epoch.set(sandbox.owner.epoch),
        SandboxRow.generation.set(sandbox.generation),
        SandboxRow.state.set(sandbox.state.value),
        SandboxRow.created_at.set(sandbox.created_at),
        SandboxRow.setup_done.set(sandbox.setup_done),
        *(attribute.set(value) if value else attribute.remove() for attribute, value in optional),
    ]


def _row(sandbox: OpenSandbox) -> SandboxRow:
    owner, spec = sandbox.owner, sandbox.spec
    return SandboxRow(
        SANDBOXES,
        owner.id,
        kind=owner.kind.value,
        plan_id=owner.plan_id,
        task_id=owner.task_id,
        number=owner.number,
        epoch=owner.epoch,
        generation=sandbox.generation,
        state=sandbox.state.value,
        spec={
            "imageVersion": spec.image_version,
            "maxS": spec.max_seconds,
            "idleS": spec.idle_seconds,
            "hosts": list(spec.hosts),
        },
        created_at=sandbox.created_at,
        machine_id=sandbox.machine_id or None,
        endpoint=sandbox.endpoint or None,
        closing_at=sandbox.closing_at or None,
        setup_done=sandbox.setup_done,
        setup_key=sandbox.setup_key or None,
    )


def _sandbox(row: SandboxRow) -> OpenSandbox:
    return OpenSandbox(
        owner=Owner(OwnerKind(row.kind), row.plan_id, row.task_id, int(row.number), int(row.epoch)),
        generation=int(row.generation),
        spec=SandboxSpec(row.spec["imageVersion"], row.spec["maxS"], row.spec["idleS"], tuple(row.spec["hosts"])),
        created_at=int(row.created_at),
        state=SandboxState(row.state),
        machine_id=row.machine_id or "",
        endpoint=row.endpoint or "",
        closing_at=int(row.closing_at or 0),
        setup_done=bool(row.setup_done),
        setup_key=row.setup_key or "",
    )
