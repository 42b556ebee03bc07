"""What a run would take, before it is started: items, calls, tokens, cost and time. Rough, and said to be."""

from collections.abc import Sequence

from groundwork.generation import analyze_cards, token_estimates
from groundwork.llm.port import Usage
from groundwork.llm.prices import cost_micro_usd
from groundwork.llm.rate_limit import Pace
from groundwork.runs.manifest import manifest_entries
from groundwork.runs.model import ManifestEntry, Run, RunType
from groundwork.runs.ports import BacklogReader, RunStore
from groundwork.runs.schemas import RunEstimate

CALL_SECONDS = {
    RunType.ANALYZE_CARDS: 12,
    RunType.GENERATE_EPICS: 40,
    RunType.GENERATE_STORIES: 35,
    RunType.GENERATE_SUBTASKS: 20,
}
"""How long a call is taken to last: the output tokens of `sizes` at about 80 a second."""

LOOKED_AT = 10_000


def estimate_of(
    run: Run,
    project_id: str,
    backlog: BacklogReader,
    store: RunStore,
    selection: Sequence[tuple[int, ...]],
    mock_latency_ms: int,
) -> RunEstimate:
    """The contract's estimate for a run as it would be queued now. Items that would be skipped cost nothing."""
    lines = manifest_entries(run, project_id, backlog, store, selection) if run.total else iter(())
    todo = [target for target in lines if not target.skipped][:LOOKED_AT]
    calls = _calls(run, project_id, backlog, todo)
    usage = Usage(input=sum(i for i, _ in calls), output=sum(o for _, o in calls), calls=len(calls))
    each = mock_latency_ms / 1000 if run.ai == "mock" else CALL_SECONDS[run.type]
    pace = Pace.named(run.options.pacing)
    seconds = len(calls) * max(each / min(pace.slots, max(1, len(calls))), pace.interval_ms / 1000)
    return {
        "items": len(todo),
        "calls": usage.calls,
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "costUsd": round(sum(cost_micro_usd(run.model, Usage(i, o, calls=1)) for i, o in calls) / 1_000_000, 4),
        "seconds": round(seconds),
    }


def _calls(run: Run, project_id: str, backlog: BacklogReader, todo: list[ManifestEntry]) -> list[tuple[int, int]]:
    """Input and output tokens of each call."""
    match run.type:
        case RunType.ANALYZE_CARDS:
            return _analyses(project_id, backlog, {target.numbers[0] for target in todo})
        case RunType.GENERATE_EPICS:
            batches = [target for target in todo if target.cards]
            merges = [token_estimates.merge_call(8 * len(batches)) for target in todo if target.merges]
            return [token_estimates.epics_call(len(target.cards)) for target in batches] + merges
        case RunType.GENERATE_STORIES:
            return [token_estimates.stories_call(_linked(project_id, backlog, t), run.options.mode) for t in todo]
        case RunType.GENERATE_SUBTASKS:
            return [token_estimates.subtasks_call(run.options.mode) for _ in todo]
        case _:
            # what a plan's run takes is not asked for here
            return []


def _analyses(project_id: str, backlog: BacklogReader, wanted: set[int]) -> list[tuple[int, int]]:
    pages = backlog.all_cards(project_id)
    cards = [card for page in pages for card in page if int(card.id.rpartition("-C")[2]) in wanted]
    return [
        token_estimates.analyze_call(sum(len(card.text) for card in batch), len(batch))
        for batch in analyze_cards.batches(cards)
    ]


def _linked(project_id: str, backlog: BacklogReader, target: ManifestEntry) -> int:
    found = backlog.epics(project_id, [target.numbers[0]])
    return len(found[0].card_ids) if found else 0
