"""Estimate of a run before its start: items, calls, tokens, cost and time."""

from collections.abc import Sequence

from groundwork.llm.port import Usage
from groundwork.llm.prices import cost_micro_usd
from groundwork.llm.rate_limit import Pace
from groundwork.runs.handler import RunHandler, RunScope
from groundwork.runs.manifest import manifest_entries
from groundwork.runs.model import Run
from groundwork.runs.ports import BacklogReader, RunStore
from groundwork.runs.schemas import RunEstimate

MAX_ITEMS = 10_000
"""Maximum number of items in an estimate."""


def estimate_of(
    handler: RunHandler,
    run: Run,
    project_id: str,
    backlog: BacklogReader,
    store: RunStore,
    selection: Sequence[tuple[int, ...]],
    mock_latency_ms: int,
) -> RunEstimate:
    """Estimate a run as it would be queued now. Skipped items cost nothing."""
    lines = manifest_entries(handler, run, project_id, backlog, store, selection) if run.total else iter(())
    todo = [entry for entry in lines if not entry.skipped][:MAX_ITEMS]
    calls = handler.estimate_calls(RunScope(run, project_id, backlog, store), todo)
    usage = Usage(input=sum(i for i, _ in calls), output=sum(o for _, o in calls), calls=len(calls))
    each = mock_latency_ms / 1000 if run.ai == "mock" else handler.call_seconds
    pace = Pace.named(run.options.pacing)
    # `slots` is the width at the start; a run may widen or narrow it
    seconds = len(calls) * max(each / min(pace.slots, max(1, len(calls))), pace.interval_ms / 1000)
    return {
        "items": len(todo),
        "calls": usage.calls,
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        # priced call by call: a sum of tokens would look like one long prompt
        "costUsd": round(sum(cost_micro_usd(run.model, Usage(i, o, calls=1)) for i, o in calls) / 1_000_000, 4),
        "seconds": round(seconds),
    }
