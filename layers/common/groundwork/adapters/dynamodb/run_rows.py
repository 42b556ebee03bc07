"""Rows of the runs table.

Under a project: run rows (R#), locks of active runs (LOCK#), idempotency records (IDEM#), retries due (RETRY#) and
done (RETRIED#). Under a run: manifest pages (M#), journal (J#), logs (L#), drafts (D#).

Every commit rewrites the run's row, so it stays below 1 KB, one write unit: zeros are left out and attribute names are
short.
"""

import json
from collections.abc import Sequence
from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from groundwork.adapters.dynamodb.backlog_rows import AttentionIndex
from groundwork.generation.epics import EpicDraft
from groundwork.ids import Kind, Path, path_of
from groundwork.llm.port import Usage
from groundwork.runs.model import (
    CardCoverage,
    Claim,
    ErrorCode,
    ItemStatus,
    JournalEntry,
    Lease,
    ManifestEntry,
    Run,
    RunOptions,
    RunPhase,
    RunStatus,
    RunType,
)

ACTIVE = "ACTIVE"
RETRY = "RETRY"
DAY_S = 86_400
LOG_DAYS = 30
IDEMPOTENCY_DAYS = 1


class CompactJson(JSONAttribute):
    """JSON without spaces: these rows are billed by size."""

    def serialize(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class RunRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    type = UnicodeAttribute(attr_name="type")
    status = UnicodeAttribute(attr_name="status")
    phase = UnicodeAttribute(attr_name="phase")
    phase_detail = UnicodeAttribute(attr_name="detail", null=True)
    options = CompactJson(attr_name="opt")
    ai = UnicodeAttribute(attr_name="ai")
    model = UnicodeAttribute(attr_name="model")
    # total, queued, cursor, completed, failed, skipped, retryable
    counters = CompactJson(attr_name="n")
    created = NumberAttribute(attr_name="created", default=0)
    deleted = NumberAttribute(attr_name="deleted", default=0)
    claims = CompactJson(attr_name="claims", null=True)
    usage = CompactJson(attr_name="tok", null=True)
    cost = NumberAttribute(attr_name="cost", null=True)
    # hops, stalled hops, progress mark before this hop, attempts, average ms, slowest ms, concurrency
    course = CompactJson(attr_name="course")
    retry_of = NumberAttribute(attr_name="retryOf", null=True)
    next_retry_at = NumberAttribute(attr_name="nextRetry", null=True)
    epic = NumberAttribute(attr_name="epic", null=True)
    selected = BooleanAttribute(attr_name="selected", null=True)
    error = UnicodeAttribute(attr_name="error", null=True)
    seq = NumberAttribute(attr_name="seq")
    epoch = NumberAttribute(attr_name="epoch")
    owner = UnicodeAttribute(attr_name="owner", null=True)
    until = NumberAttribute(attr_name="until")
    created_at = NumberAttribute(attr_name="createdAt")
    started_at = NumberAttribute(attr_name="startedAt", null=True)
    heartbeat_at = NumberAttribute(attr_name="heartbeatAt", null=True)
    completed_at = NumberAttribute(attr_name="endedAt", null=True)
    coverage = CompactJson(attr_name="coverage", null=True)
    attention = UnicodeAttribute(attr_name="attention", null=True)
    attention_at = NumberAttribute(attr_name="attentionAt", null=True)
    attention_index = AttentionIndex()


def run_key(run_id: str) -> tuple[str, str]:
    """Return the key of a run's row. Raises ValueError for an invalid run id."""
    path = path_of(Kind.RUN, run_id)
    if path is None:
        raise ValueError(run_id)
    return path.project_id, f"R#{path.number:06d}"


def run_row(run: Run) -> RunRow:
    pk, sk = run_key(run.id)
    active = run.status.active
    retry_of = path_of(Kind.RUN, run.retry_of) if run.retry_of else None
    return RunRow(
        pk=pk,
        sk=sk,
        type=run.type.value,
        status=run.status.value,
        phase=run.phase.value,
        phase_detail=run.phase_detail or None,
        options=run.options.stored(exclude_none=True),
        ai=run.ai,
        model=run.model,
        counters=[run.total, run.queued, run.cursor, run.completed, run.failed, run.skipped, run.retryable],
        created=run.created,
        deleted=run.deleted,
        claims={str(index): _claim_list(claim) for index, claim in run.claims.items()} or None,
        usage=_usage_list(run.usage) if run.usage != Usage() else None,
        cost=run.cost or None,
        course=[
            run.hops,
            run.stalled_hops,
            run.ended_before_hop,
            run.attempts,
            run.average_ms,
            run.slowest_ms,
            run.concurrency,
        ],
        retry_of=retry_of.number if retry_of else None,
        next_retry_at=run.next_retry_at,
        epic=run.epic,
        selected=run.selected or None,
        error=run.error,
        seq=run.seq,
        epoch=run.lease.epoch,
        owner=run.lease.owner,
        until=run.lease.until,
        created_at=run.created_at,
        started_at=run.started_at,
        heartbeat_at=run.heartbeat_at,
        completed_at=run.completed_at,
        coverage=[run.coverage.actionable, run.coverage.covered] if run.coverage else None,
        attention=ACTIVE if active else None,
        attention_at=run.created_at if active else None,
    )


def run_actions(run: Run) -> list[Any]:
    """Return an update of all attributes.

    A put would drop attributes and options of a newer release.
    """
    row, attributes = run_row(run), RunRow.get_attributes()
    values = {name: getattr(row, name) for name in attributes if name not in ("pk", "sk", "options")}
    return [_set_or_remove(attributes[name], value) for name, value in values.items()]


def _set_or_remove(attribute: Any, value: Any) -> Any:
    return attribute.remove() if value is None else attribute.set(value)


def run_of(row: RunRow) -> Run:
    # `*_`: a newer release may have appended values
    total, queued, cursor, completed, failed, skipped, retryable, *_ = row.counters
    hops, stalled, before_hop, attempts, average, slowest, concurrency, *_ = row.course
    return Run(
        id=f"{row.pk}-R{int(row.sk[2:])}",
        type=RunType(row.type),
        created_at=int(row.created_at),
        options=RunOptions.read(row.options),
        ai=row.ai,
        model=row.model,
        status=RunStatus(row.status),
        phase=RunPhase(row.phase),
        phase_detail=row.phase_detail or "",
        total=total,
        queued=queued,
        cursor=cursor,
        completed=completed,
        failed=failed,
        skipped=skipped,
        retryable=retryable,
        created=int(row.created),
        deleted=int(row.deleted),
        claims={int(index): _claim(values) for index, values in (row.claims or {}).items()},
        usage=_usage(row.usage or ()),
        cost=int(row.cost or 0),
        hops=hops,
        stalled_hops=stalled,
        ended_before_hop=before_hop,
        attempts=attempts,
        retry_of=f"{row.pk}-R{int(row.retry_of)}" if row.retry_of else None,
        next_retry_at=_int(row.next_retry_at),
        epic=_int(row.epic),
        selected=bool(row.selected),
        error=row.error,
        seq=int(row.seq),
        lease=Lease(int(row.epoch), row.owner, int(row.until)),
        started_at=_int(row.started_at),
        heartbeat_at=_int(row.heartbeat_at),
        completed_at=_int(row.completed_at),
        average_ms=average,
        slowest_ms=slowest,
        concurrency=concurrency,
        coverage=CardCoverage(*row.coverage[:2]) if row.coverage else None,
    )


def _int(value: float | None) -> int | None:
    return None if value is None else int(value)


def _usage(counts: Sequence[int]) -> Usage:
    return Usage(*counts[:5])


def _usage_list(usage: Usage) -> list[int]:
    return [usage.input, usage.output, usage.cache_read, usage.cache_write, usage.calls]


def _claim_list(claim: Claim) -> list[Any]:
    values: list[Any] = [claim.attempts, claim.started_at]
    if claim.lost or claim.saving or claim.cost or claim.usage != Usage():
        # two flags in one number, for the limit of 1 KB
        values += [int(claim.lost) + 2 * int(claim.saving), claim.cost, _usage_list(claim.usage)]
    return values


def _claim(values: Sequence[Any]) -> Claim:
    attempts, started_at, flags, cost, usage, *_ = [*values, 0, 0, []] if len(values) == 2 else values
    return Claim(attempts, started_at, bool(flags & 1), bool(flags & 2), _usage(usage), cost)


class LockRow(Model):
    """LOCK#: the active run of a type in a project.

    `replaces`: the run deletes existing results.
    """

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    run_id = UnicodeAttribute(attr_name="runId")
    replaces = BooleanAttribute(attr_name="replaces", default=False)


def lock_key(lock_name: str) -> str:
    return f"LOCK#{lock_name}"


class IdempotencyRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    run_id = UnicodeAttribute(attr_name="runId")
    fingerprint = UnicodeAttribute(attr_name="fingerprint")
    expires_at = NumberAttribute(attr_name="expiresAt")


class RetryRow(Model):
    """RETRY#R000012: a retry of the run is due. A separate row, because an ended run is final."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    attention = UnicodeAttribute(attr_name="attention", default=RETRY)
    attention_at = NumberAttribute(attr_name="attentionAt")
    attention_index = AttentionIndex()


class RetriedRow(Model):
    """RETRIED#R000012: the run's retry. It prevents a second one."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    run_id = UnicodeAttribute(attr_name="runId")


class LinesRow(Model):
    """Lines of JSON: manifest page (M#), journal (J#), drafts (D#), selection, uncovered cards."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    lines = CompactJson(attr_name="l")


class RunLogRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    at = NumberAttribute(attr_name="at")
    level = UnicodeAttribute(attr_name="level")
    message = UnicodeAttribute(attr_name="message")
    item = NumberAttribute(attr_name="item", null=True)
    expires_at = NumberAttribute(attr_name="expiresAt")


RUN_ROWS: list[type[Model]] = [RunRow, LockRow, IdempotencyRow, RetryRow, RetriedRow, LinesRow, RunLogRow]


def manifest_line(target: ManifestEntry) -> list[Any]:
    """Return the entry as a list without trailing default values."""
    line: list[Any] = [
        list(target.numbers),
        target.title,
        int(target.skipped),
        target.first_number,
        list(target.replaced),
        list(target.card_numbers),
        target.merge_of_run,
    ]
    usual: list[Any] = [None, None, 0, 1, [], [], None]
    while line[-1] == usual[len(line) - 1]:
        line.pop()
    return line


def manifest_entry_of(index: int, line: Sequence[Any]) -> ManifestEntry:
    usual: list[Any] = [None, None, 0, 1, [], [], None]
    numbers, title, skipped, first, old, cards, merges, *_ = [*line, *usual[len(line) :]]
    return ManifestEntry(index, tuple(numbers), title, bool(skipped), first, tuple(old), tuple(cards), merges)


_STATUSES = {ItemStatus.COMPLETED: "C", ItemStatus.FAILED: "F", ItemStatus.SKIPPED: "S"}


def journal_line(entry: JournalEntry) -> list[Any]:
    line: list[Any] = [
        entry.index,
        _STATUSES[entry.status],
        entry.attempts,
        entry.created,
        entry.deleted,
        _usage_list(entry.usage),
        entry.cost,
        entry.started_at,
        entry.completed_at,
    ]
    return [*line, entry.error_code.value, entry.error] if entry.error_code else line


def journal_entry_of(seq: int, line: Sequence[Any]) -> JournalEntry:
    index, status, attempts, created, deleted, usage, cost, started, completed, *error = line
    return JournalEntry(
        index=index,
        status=next(its for its, letter in _STATUSES.items() if letter == status),
        attempts=attempts,
        created=created,
        deleted=deleted,
        usage=_usage(usage),
        cost=cost,
        started_at=started,
        completed_at=completed,
        error_code=ErrorCode(error[0]) if error else None,
        error=error[1] if error else None,
        seq=seq,
    )


def draft_line(draft: EpicDraft) -> list[Any]:
    numbers = [int(id_.rpartition("-C")[2]) for id_ in draft.card_ids]
    return [draft.title, draft.description, draft.goal, draft.priority, numbers]


def draft_of(project_id: str, line: Sequence[Any]) -> EpicDraft:
    title, description, goal, priority, numbers, *_ = line
    ids = tuple(str(Path(Kind.CARD, project_id, (number,))) for number in numbers)
    return EpicDraft(title, description, goal, priority, ids)
