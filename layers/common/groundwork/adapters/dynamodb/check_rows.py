"""Checks on DynamoDB: rows, and the port `groundwork.checks.records.CheckRecords`.

Keys are listed in `plan_rows`.
"""

import re
from collections.abc import Callable
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.models import Model

from groundwork.adapters.dynamodb.backlog_rows import AttentionIndex
from groundwork.adapters.dynamodb.client import Cancelled, Transaction, translate_errors
from groundwork.adapters.dynamodb.execution_rows import StateRow, state_key
from groundwork.adapters.dynamodb.plan_rows import suffix
from groundwork.adapters.dynamodb.run_rows import CompactJson
from groundwork.checks.errors import ClaimLost
from groundwork.checks.ports import Owner, OwnerKind
from groundwork.checks.records import CheckRecord, StoredResult
from groundwork.plans.model import TaskStatus

BASELINE = "BASELINE"
RUNNING = "running"
"""Status of a baseline or a check of a rollback in progress, in its row."""

ROLLBACK = "ROLLBACK"


class CheckRow(Model):
    """Record of a job."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    body = CompactJson(attr_name="body")


class CheckResultRow(Model):
    """Result of a job's command. Each has its own row: a log takes up to 64 KB."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    body = CompactJson(attr_name="body")


class BaselineRow(Model):
    """The last baseline of a repository. `number` counts them, `epoch` fences its workers."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True, default=BASELINE)
    number = NumberAttribute(attr_name="number")
    status = UnicodeAttribute(attr_name="status")
    epoch = NumberAttribute(attr_name="epoch", default=0)
    # rows of earlier releases have none until their next claim
    first_epoch = NumberAttribute(attr_name="firstEpoch", null=True)
    lease_until = NumberAttribute(attr_name="lease", null=True)
    body = CompactJson(attr_name="body")
    cost = NumberAttribute(attr_name="cost", null=True)
    sandbox_ms = NumberAttribute(attr_name="sandboxMs", null=True)
    # while it is unfinished
    attention = UnicodeAttribute(attr_name="attention", null=True)
    attention_at = NumberAttribute(attr_name="attentionAt", null=True)
    attention_index = AttentionIndex()


class RollbackCheckRow(Model):
    """Claim of the check after a plan's rollback `number`. `epoch` fences its workers."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True, default=ROLLBACK)
    number = NumberAttribute(attr_name="number")
    status = UnicodeAttribute(attr_name="status")
    epoch = NumberAttribute(attr_name="epoch", default=0)
    lease_until = NumberAttribute(attr_name="lease", null=True)


CHECK_ROWS: list[type[Model]] = [CheckRow, CheckResultRow, BaselineRow, RollbackCheckRow]


class DynamoCheckRecords:
    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection

    def load(self, owner: Owner, job_id: str) -> CheckRecord | None:
        with translate_errors():
            rows = list(CheckRow.query(owner.plan_id, CheckRow.sk == check_key(owner, job_id), consistent_read=True))
        return CheckRecord.read(rows[0].body) if rows else None

    def of_owner(self, owner: Owner) -> list[CheckRecord]:
        with translate_errors():
            below = CheckRow.sk.startswith(f"{owner_key(owner)}#")
            rows = [row for row in CheckRow.query(owner.plan_id, below, consistent_read=True) if _is_record(row.sk)]
        return sorted((CheckRecord.read(row.body) for row in rows), key=lambda record: record.started_at)

    def of_task(self, plan_id: str, task_id: str) -> list[tuple[Owner, CheckRecord]]:
        """Return the records of a task's owners, newest first."""
        with translate_errors():
            below = CheckRow.sk.startswith(f"C#{suffix(task_id)}#")
            # results hold the logs, a record is small: `attributes_to_get` would be billed alike
            rows = [row for row in CheckRow.query(plan_id, below, consistent_read=True) if _is_record(row.sk)]
        found = [(_owner(plan_id, task_id, row.sk), CheckRecord.read(row.body)) for row in rows]
        return sorted(found, key=lambda one: (-one[1].started_at, one[1].job_id))

    def results(self, owner: Owner, job_id: str) -> list[StoredResult]:
        with translate_errors():
            below = CheckResultRow.sk.startswith(f"{check_key(owner, job_id)}#")
            rows = list(CheckResultRow.query(owner.plan_id, below, consistent_read=True))
        return [StoredResult.read(row.body) for row in rows]

    def save(self, owner: Owner, record: CheckRecord, result: StoredResult | None = None) -> None:
        transaction = Transaction(self._connection())
        check_claim(transaction, owner)
        transaction.put(CheckRow(owner.plan_id, check_key(owner, record.job_id), body=record.stored()))
        if result is not None:
            key = f"{check_key(owner, record.job_id)}#{result.position:03d}"
            transaction.put(CheckResultRow(owner.plan_id, key, body=result.stored()))
        try:
            transaction.commit()
        except Cancelled as cancelled:
            raise ClaimLost from cancelled

    def forget_results(self, owner: Owner, job_id: str) -> None:
        _delete_below(owner.plan_id, f"{check_key(owner, job_id)}#")

    def forget(self, owner: Owner) -> None:
        """Delete all records and results of an ended owner."""
        _delete_below(owner.plan_id, f"{owner_key(owner)}#")


def _delete_below(pk: str, start: str) -> None:
    with translate_errors():
        rows = list(CheckResultRow.query(pk, CheckResultRow.sk.startswith(start), consistent_read=True))
        with CheckResultRow.batch_write() as batch:
            for row in rows:
                batch.delete(row)


def owner_key(owner: Owner) -> str:
    return f"C#{suffix(owner.task_id)}#{owner.kind}:{owner.number}"


def check_key(owner: Owner, job_id: str) -> str:
    return f"{owner_key(owner)}#{job_id}"


def is_result_position(text: str) -> bool:
    return re.fullmatch(r"[a-z]+:[0-9]+#[^#]+#[0-9]{3}", text) is not None


def _owner(plan_id: str, task_id: str, sk: str) -> Owner:
    kind, _, number = sk.split("#")[2].partition(":")
    return Owner(OwnerKind(kind), plan_id, task_id, int(number))


def _is_record(sk: str) -> bool:
    return sk.count("#") == 3


def claim_of(owner: Owner) -> tuple[Any, str, Any]:
    """Return the row class, sort key and condition of a valid claim."""
    if owner.kind is OwnerKind.BASELINE:
        return BaselineRow, BASELINE, (BaselineRow.epoch == owner.epoch) & running_baseline(owner)
    if owner.kind is OwnerKind.ROLLBACK:
        return RollbackCheckRow, ROLLBACK, (RollbackCheckRow.epoch == owner.epoch) & running_rollback_check(owner)
    return StateRow, state_key(owner.task_id), (StateRow.epoch == owner.epoch) & running_task()


def check_claim(transaction: Transaction, owner: Owner) -> None:
    row, key, condition = claim_of(owner)
    transaction.check(row, owner.plan_id, key, condition, "claim")


def running_task() -> Any:
    return StateRow.status == TaskStatus.RUNNING.value


def running_baseline(owner: Owner) -> Any:
    return (BaselineRow.number == owner.number) & (BaselineRow.status == RUNNING)


def running_rollback_check(owner: Owner) -> Any:
    return (RollbackCheckRow.number == owner.number) & (RollbackCheckRow.status == RUNNING)


def billed_row(owner: Owner) -> tuple[Any, str]:
    """Return the row class and sort key of the row with the owner's usage."""
    if owner.kind is OwnerKind.BASELINE:
        return BaselineRow, BASELINE
    return StateRow, state_key(owner.task_id)
