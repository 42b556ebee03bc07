"""Claims of checks after rollbacks: port `execution.rollback_checker.RollbackClaims`."""

from typing import Any

from groundwork.adapters.dynamodb.check_rows import ROLLBACK, RUNNING, RollbackCheckRow
from groundwork.adapters.dynamodb.client import ConditionFailed, translate_errors
from groundwork.checks.errors import ClaimLost

ENDED = "ended"


class DynamoRollbackClaims:
    def claim(self, plan_id: str, number: int, now_ms: int, until_ms: int) -> int | None:
        row = _row(plan_id)
        epoch = int(row.epoch) + 1 if row else 1
        actions: list[Any] = [
            RollbackCheckRow.number.set(number),
            RollbackCheckRow.status.set(RUNNING),
            # never from 1 again: a worker of an earlier rollback would hold a valid epoch
            RollbackCheckRow.epoch.set(epoch),
            RollbackCheckRow.lease_until.set(until_ms),
        ]
        try:
            with translate_errors():
                RollbackCheckRow(plan_id).update(actions, condition=_is_free(row, number, now_ms))
        except ConditionFailed:
            return None
        return epoch

    def renew(self, plan_id: str, number: int, epoch: int, until_ms: int) -> None:
        self._update(plan_id, number, epoch, [RollbackCheckRow.lease_until.set(until_ms)])

    def end(self, plan_id: str, number: int, epoch: int) -> None:
        self._update(plan_id, number, epoch, [RollbackCheckRow.status.set(ENDED)])

    def _update(self, plan_id: str, number: int, epoch: int, actions: list[Any]) -> None:
        mine = (RollbackCheckRow.number == number) & (RollbackCheckRow.epoch == epoch)
        try:
            with translate_errors():
                RollbackCheckRow(plan_id).update(actions, condition=mine & (RollbackCheckRow.status == RUNNING))
        except ConditionFailed as exc:
            raise ClaimLost from exc

    def end_up_to(self, plan_id: str, number: int) -> None:
        row = _row(plan_id)
        if row is None or row.status != RUNNING or int(row.number) > number:
            return
        same = (RollbackCheckRow.number == int(row.number)) & (RollbackCheckRow.epoch == int(row.epoch))
        try:
            with translate_errors():
                RollbackCheckRow(plan_id).update([RollbackCheckRow.status.set(ENDED)], condition=same)
        except ConditionFailed:
            # claimed since the read: that worker ends it
            return


def _is_free(row: RollbackCheckRow | None, number: int, now_ms: int) -> Any:
    if row is None:
        return RollbackCheckRow.pk.does_not_exist()
    same = RollbackCheckRow.epoch == int(row.epoch)
    free = RollbackCheckRow.lease_until.does_not_exist() | (RollbackCheckRow.lease_until <= now_ms)
    # an ended claim of a check still pending in the plan is a worker lost before it recorded the verdict
    mine = (RollbackCheckRow.number == number) & (free | (RollbackCheckRow.status == ENDED))
    return same & (mine | (RollbackCheckRow.number < number))


def _row(plan_id: str) -> RollbackCheckRow | None:
    with translate_errors():
        rows = list(RollbackCheckRow.query(plan_id, RollbackCheckRow.sk == ROLLBACK, consistent_read=True))
    return rows[0] if rows else None
