"""Baselines on DynamoDB: the port `groundwork.checks.baseline.Baselines`."""

from contextlib import suppress
from typing import Any

from groundwork.adapters.dynamodb.check_rows import BASELINE, BaselineRow
from groundwork.adapters.dynamodb.client import ConditionFailed, translate_errors
from groundwork.checks.baseline import Baseline, BaselineStatus
from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import CheckSettings
from groundwork.errors import WriteConflict

COLUMNS = {"repository_id", "number", "status", "epoch", "first_epoch"}
MAX_REQUESTS = 5
"""Tries to queue a baseline while workers change the one before."""

UNFINISHED = (BaselineStatus.QUEUED.value, BaselineStatus.RUNNING.value)


class DynamoBaselines:
    def get(self, repository_id: str) -> Baseline | None:
        row = _row(repository_id)
        return _baseline(row) if row else None

    def costs(self, repository_id: str) -> tuple[int, int]:
        """Return the billed milliseconds and millionths of a dollar."""
        row = _row(repository_id)
        return (int(row.sandbox_ms or 0), int(row.cost or 0)) if row else (0, 0)

    def request(self, repository_id: str, settings: CheckSettings | None, now_ms: int) -> tuple[Baseline, bool]:
        for _ in range(MAX_REQUESTS):
            row = _row(repository_id)
            if row and row.status in UNFINISHED and _baseline(row).settings == settings:
                return _baseline(row), False
            # a worker may end the old baseline meanwhile: its result is no answer to this request
            with suppress(ConditionFailed):
                return self._replace(row, repository_id, settings, now_ms), True
        raise WriteConflict("The baseline has changed.")

    def _replace(
        self, row: BaselineRow | None, repository_id: str, settings: CheckSettings | None, now_ms: int
    ) -> Baseline:
        """Queue the baseline after the one of `row`. Raises ConditionFailed."""
        number, epoch = (int(row.number) + 1, int(row.epoch)) if row else (1, 0)
        new = Baseline(repository_id=repository_id, number=number, settings=settings, requested_at=now_ms)
        fields: dict[str, Any] = {"number": number, "status": new.status.value, "epoch": epoch, "first_epoch": epoch}
        made = BaselineRow(repository_id, body=new.stored(exclude=COLUMNS), attention=BASELINE, **fields)
        made.attention_at = now_ms
        unchanged = (
            (BaselineRow.number == number - 1) & (BaselineRow.status == row.status)
            if row
            else BaselineRow.pk.does_not_exist()
        )
        with translate_errors():
            made.save(condition=unchanged)
        return new

    def claim(self, repository_id: str, now_ms: int, until_ms: int) -> Baseline | None:
        row = _row(repository_id)
        if row is None or row.status not in UNFINISHED:
            return None
        free = BaselineRow.lease_until.does_not_exist() | (BaselineRow.lease_until <= now_ms)
        same = (BaselineRow.epoch == int(row.epoch)) & (BaselineRow.number == int(row.number))
        epoch = int(row.epoch) + 1
        actions: list[Any] = [
            BaselineRow.epoch.set(epoch),
            BaselineRow.first_epoch.set(_first_epoch(row)),
            BaselineRow.status.set(BaselineStatus.RUNNING.value),
            BaselineRow.lease_until.set(until_ms),
        ]
        try:
            with translate_errors():
                BaselineRow(repository_id).update(
                    actions, condition=same & free & BaselineRow.status.is_in(*UNFINISHED)
                )
        except ConditionFailed:
            return None
        return _baseline(row).changed(epoch=epoch, status=BaselineStatus.RUNNING)

    def save(self, baseline: Baseline, until_ms: int) -> None:
        actions: list[Any] = [
            BaselineRow.status.set(baseline.status.value),
            BaselineRow.body.set(baseline.stored(exclude=COLUMNS)),
            BaselineRow.lease_until.set(until_ms),
        ]
        if baseline.status.ended:
            actions += [BaselineRow.attention.remove(), BaselineRow.attention_at.remove()]
        mine = (BaselineRow.epoch == baseline.epoch) & (BaselineRow.number == baseline.number)
        try:
            with translate_errors():
                row = BaselineRow(baseline.repository_id)
                row.update(actions, condition=mine & (BaselineRow.status == BaselineStatus.RUNNING.value))
        except ConditionFailed as exc:
            raise ClaimLost from exc

    def unfinished(self) -> list[str]:
        with translate_errors():
            return [row.pk for row in BaselineRow.attention_index.query(BASELINE)]


def _row(repository_id: str) -> BaselineRow | None:
    with translate_errors():
        rows = list(BaselineRow.query(repository_id, BaselineRow.sk == BASELINE, consistent_read=True))
    return rows[0] if rows else None


def _baseline(row: BaselineRow) -> Baseline:
    columns = {"repositoryId": row.pk, "number": int(row.number), "epoch": int(row.epoch)}
    columns["firstEpoch"] = _first_epoch(row)
    return Baseline.read(row.body | columns | {"status": BaselineStatus(row.status)})


def _first_epoch(row: BaselineRow) -> int:
    # an earlier release did not tell the claims of this baseline from those of earlier ones
    return int(row.epoch if row.first_epoch is None else row.first_epoch)
