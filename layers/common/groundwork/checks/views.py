"""Checks as returned by the API."""

from collections.abc import Sequence
from typing import Any

from groundwork.backlog.model import rfc3339
from groundwork.checks.baseline import Baseline
from groundwork.checks.ports import Owner
from groundwork.checks.prices import bill
from groundwork.checks.records import CheckRecord, StoredResult
from groundwork.sandbox.verdict import Verdict


def baseline_view(
    baseline: Baseline, results: Sequence[StoredResult], billed_ms: int, micro_usd: int
) -> dict[str, Any]:
    return {
        "commit": baseline.commit,
        "status": baseline.status.value,
        "steps": [one.result.as_json() for one in results],
        "suggested": baseline.suggested.as_json(),
        "reason": baseline.reason,
        "activity": baseline.activity,
        "seconds": billed_ms / 1000,
        "costUsd": micro_usd / 1_000_000,
        "requestedAt": rfc3339(baseline.requested_at),
        "endedAt": rfc3339(baseline.ended_at) if baseline.ended_at else None,
    }


def check_view(
    owner: Owner, record: CheckRecord, stored: StoredResult, memory_mb: int, is_open: bool
) -> dict[str, Any]:
    """`is_open`: the sandbox of the check still exists, so a command without an end may run."""
    result = stored.result
    running = result.ending is None and is_open
    price = bill(round(result.seconds * 1000), memory_mb)
    return result.as_json() | {
        "tree": record.tree,
        "commit": record.commit,
        "status": "running" if running else (result.verdict or Verdict.COULD_NOT_RUN).value,
        "costUsd": price.cost_micro_usd / 1_000_000,
        "kind": owner.kind.value,
        "attempt": owner.number,
        "startedAt": rfc3339(record.started_at),
    }
