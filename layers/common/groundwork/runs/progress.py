"""Progress of runs as the API shows it. Pure: a run and the time in, JSON out."""

from collections.abc import Iterable, Mapping

from groundwork.backlog.model import rfc3339
from groundwork.ids import Kind, Path, path_of
from groundwork.llm.port import Usage
from groundwork.llm.rate_limit import Pace
from groundwork.runs import leases
from groundwork.runs.handler import RunHandler
from groundwork.runs.model import CardCoverage, Claim, ItemStatus, JournalEntry, ManifestEntry, Run, RunPhase, RunStatus
from groundwork.runs.ports import RunLogLine
from groundwork.runs.schemas import CoverageCounts, OptionsUsed, Progress, RunItem, RunLog, Tokens


def progress_of(run: Run, now: int, handler: RunHandler) -> Progress:
    """Return the progress object. pending + active + completed + failed + skipped = total."""
    return {
        "runId": run.id,
        "projectId": _owner(run) if handler.owner is Kind.PROJECT else None,
        "planId": _owner(run) if handler.owner is Kind.PLAN else None,
        "type": run.type,
        "status": run.status,
        "phase": run.phase,
        "phaseDetail": phase_detail(run, handler.activity),
        "stale": leases.is_stale(run, now),
        "totalItems": run.total,
        "pendingItems": run.pending,
        "activeItems": run.active_items,
        "completedItems": run.completed,
        "failedItems": run.failed,
        "skippedItems": run.skipped,
        "artifactsCreated": run.created,
        "artifactsDeleted": run.deleted,
        "progress": percent(run),
        "tokens": tokens(run.usage),
        "costUsd": usd(run.cost),
        "elapsedMs": elapsed_ms(run, now),
        "estimatedRemainingMs": remaining_ms(run, now, handler.batch_size, handler.calls_model),
        "hops": run.hops,
        "attempts": run.attempts,
        "retryOf": run.retry_of,
        # the row of an ended run is never written again, so a past time stays in it
        "nextRetryAt": _rfc3339_or_none(run.next_retry_at if (run.next_retry_at or 0) > now else None),
        "errorMessage": run.error,
        "options": options_of(run),
        "ai": run.ai,
        "model": run.model,
        "coverage": coverage_counts(run.coverage) if run.coverage else None,
        "seq": run.seq,
        "createdAt": rfc3339(run.created_at),
        "startedAt": _rfc3339_or_none(run.started_at),
        "heartbeatAt": _rfc3339_or_none(run.heartbeat_at),
        "completedAt": _rfc3339_or_none(run.completed_at),
        "pollAfterMs": poll_after_ms(run),
    }


def options_of(run: Run) -> OptionsUsed:
    options = run.options
    return {
        "mode": options.mode,
        "existingBehavior": options.existing_behavior,
        "pacing": options.pacing,
        "maxCostUsd": options.max_cost_usd,
        "model": options.model or run.model,
    }


def coverage_counts(coverage: CardCoverage) -> CoverageCounts:
    return {"stated": coverage.actionable, "covered": coverage.covered, "rest": coverage.uncovered}


def percent(run: Run) -> int:
    """Return the percentage of items ended, rounded down: 100 means all."""
    if run.total == 0:
        return 0 if run.status.active else 100
    return run.ended * 100 // run.total


def elapsed_ms(run: Run, now: int) -> int:
    return max(0, (run.completed_at or now) - (run.started_at or run.created_at))


def remaining_ms(run: Run, now: int, batch_size: int, paced: bool = True) -> int | None:
    """Estimate the time left from the measured duration and the present concurrency.

    None before the first measurement.

    `paced`: the run calls a model.

    A pace with an interval starts at most one call an interval, however many it allows at a time. If the items in
    flight have taken longer than the measured average, their mean age replaces it.
    """
    if not run.status.active:
        return 0
    if run.average_ms == 0 or run.phase in (RunPhase.WAITING, RunPhase.QUEUEING):
        return None
    calls = -(-(run.total - run.ended) // batch_size)
    call_ms = max(run.average_ms, mean_age_ms(run, now))
    pause_ms = Pace.named(run.options.pacing).interval_ms if paced else 0
    interval_ms = max(call_ms / max(1, run.concurrency if paced else 1), pause_ms)
    return round(calls * interval_ms)


def mean_age_ms(run: Run, now: int) -> float:
    """Return the mean time since the start of the items in flight."""
    ages = [max(0, now - claim.started_at) for claim in run.claims.values() if claim.active]
    return sum(ages) / len(ages) if ages else 0.0


def poll_after_ms(run: Run) -> int:
    """Return the time until a client should poll again."""
    if not run.status.active:
        return 60_000
    if run.status is RunStatus.QUEUED:
        return 1_000
    # about two polls for each item that ends
    return min(5_000, max(1_000, run.average_ms // max(1, 2 * run.concurrency)))


def phase_detail(run: Run, activity: str) -> str:
    if run.phase_detail:
        return run.phase_detail
    match run.phase:
        case RunPhase.WAITING:
            return "Waiting for a worker"
        case RunPhase.QUEUEING:
            return f"Queueing items: {run.queued} of about {run.total}"
        case RunPhase.MERGING:
            return "Merging the proposed epics"
        case RunPhase.GENERATING:
            return f"{activity}: {run.ended} of {run.total} ended, {run.active_items} in flight"
        case RunPhase.DONE:
            return run.error or f"{run.completed} completed, {run.failed} failed, {run.skipped} skipped"


def item_of(run: Run, target: ManifestEntry, entry: JournalEntry | None, kind: Kind | None) -> RunItem:
    """Return an item: target from the manifest, state from the journal or the run's claims."""
    claim = run.claims.get(target.index)
    status = item_status(target, entry, claim)
    usage = entry.usage if entry else claim.usage if claim else Usage()
    cost = entry.cost if entry else claim.cost if claim else 0
    started = entry.started_at if entry else claim.started_at if claim else 0
    path = Path(kind, _owner(run), target.numbers) if kind else None
    return {
        "id": f"{run.id}-{target.index}",
        "targetId": str(path) if path else None,
        "code": path.code if path else f"B{target.numbers[0]}",
        "title": target.title,
        "status": status,
        "created": entry.created if entry else 0,
        "deleted": entry.deleted if entry else 0,
        "tokens": tokens(usage),
        "costUsd": usd(cost),
        "durationMs": max(0, entry.completed_at - started) if entry and started else None,
        "attempts": entry.attempts if entry else claim.attempts if claim else 0,
        "errorCode": entry.error_code if entry else None,
        "errorMsg": entry.error if entry else None,
        "startedAt": _rfc3339_or_none(started or None),
        "completedAt": _rfc3339_or_none(entry.completed_at if entry else None),
        # claims carry no seq: an open item counts as changed by the last commit
        "seq": entry.seq if entry else run.seq if claim else 0,
    }


def item_status(target: ManifestEntry, entry: JournalEntry | None, claim: Claim | None) -> ItemStatus:
    if target.skipped:
        return ItemStatus.SKIPPED
    if entry:
        return entry.status
    if claim and claim.active:
        return ItemStatus.SAVING if claim.saving else ItemStatus.GENERATING
    return ItemStatus.PENDING


def items_of(
    run: Run, targets: Iterable[ManifestEntry], entries: Mapping[int, JournalEntry], kind: Kind | None
) -> list[RunItem]:
    return [item_of(run, target, entries.get(target.index), kind) for target in targets]


def log_of(run_id: str, line: RunLogLine) -> RunLog:
    item = None if line.item is None else f"{run_id}-{line.item}"
    return {"at": rfc3339(line.at), "level": line.level, "message": line.message, "itemId": item, "seq": line.seq}


def tokens(usage: Usage) -> Tokens:
    return {
        "input": usage.input,
        "output": usage.output,
        "cacheRead": usage.cache_read,
        "cacheWrite": usage.cache_write,
    }


def usd(cost: int) -> float:
    """Convert millionths of a US dollar to dollars."""
    return round(cost / 1_000_000, 6)


def _owner(run: Run) -> str:
    """Return the id of the project or plan of the run."""
    path = path_of(Kind.RUN, run.id)
    return path.project_id if path else ""


def _rfc3339_or_none(ms: int | None) -> str | None:
    return rfc3339(ms) if ms else None
