"""Transitions of a run's claims and counters as items start and end.

Pure: values in, the next run out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from groundwork.runs.handler import ItemOutcome
from groundwork.runs.model import ITEM_ATTEMPTS, Claim, JournalEntry, ManifestEntry, Run, RunPhase
from groundwork.runs.results import ItemResult


def with_attempt(claim: Claim | None, now: int) -> Claim:
    """Return the claim of an item that starts now. The attempt counts before the call is made."""
    # a call that kills its worker must have used an attempt, or it would kill one worker after another
    if claim is None:
        return Claim(1, now)
    return replace(claim, attempts=claim.attempts + 1, started_at=now, lost=False, saving=False)


def without_ended(run: Run, results: Iterable[ItemResult]) -> Run:
    """Return the run as it will be once these results are saved: the base for the next claims.

    A result beyond the commit's limits keeps its claim, so its item does not start again before the result is saved.
    """
    ended = {result.entry.index for result in results if result.final}
    waiting = {result.entry.index: result.waiting_claim() for result in results if not result.final}
    claims = {index: waiting.get(index, claim) for index, claim in run.claims.items() if index not in ended}
    return replace(run, claims=claims)


def count_results(
    run: Run, results: Sequence[ItemResult], entries: Sequence[JournalEntry], unsaved: Sequence[ItemResult]
) -> Run:
    """Return the run after a commit of these results and their journal entries.

    `unsaved` wait for the next commit.
    """
    after = run.with_entries(entries)
    claims = dict(after.claims)
    for result in results:
        if not result.final:
            claims[result.entry.index] = result.waiting_claim()
    for result in unsaved:
        # the call has ended: progress shows such an item as SAVING
        claims[result.entry.index] = replace(claims[result.entry.index], saving=True)
    usage, cost = after.usage, after.cost
    for result in results:
        usage, cost = usage + result.spent.usage, cost + result.spent.cost
    return _with_coverage(_with_durations(replace(after, claims=claims, usage=usage, cost=cost), results), results)


def with_item_error(run: Run, entries: Sequence[JournalEntry], shown: bool) -> Run:
    """Return the run with the entries' last error as its own, if its type shows item errors."""
    errors = [entry.error for entry in entries if entry.error] if shown else []
    return replace(run, error=errors[-1]) if errors else run


def advance(run: Run, claims: Mapping[int, Claim], entries: Mapping[int, ManifestEntry], concurrency: int) -> Run:
    """Return the run after these items are claimed.

    The cursor also passes the skipped items that follow.
    """
    cursor = max([run.cursor, *(index + 1 for index in claims)])
    while cursor in entries and entries[cursor].skipped:
        cursor += 1
    # an item without a counted attempt stays claimed with zero attempts: the cursor has passed it
    kept = {index: claim for index, claim in run.claims.items() if index not in claims} | dict(claims)
    merging = any(entries[index].merge_of_run for index in claims)
    phase = RunPhase.MERGING if merging else run.phase
    return replace(run, cursor=cursor, claims=kept, phase=phase, concurrency=concurrency)


def exhausted(run: Run) -> list[int]:
    """Return the indexes of waiting items that have used all their attempts, in order."""
    waiting = ((index, claim) for index, claim in run.claims.items() if not claim.active)
    return sorted(index for index, claim in waiting if claim.attempts >= ITEM_ATTEMPTS)


def next_unskipped(run: Run, entries: Mapping[int, ManifestEntry]) -> int:
    """Return the index of the first item from the cursor on, known skipped ones excepted."""
    index = run.cursor
    while index in entries and entries[index].skipped:
        index += 1
    return index


def _with_durations(run: Run, results: Sequence[ItemResult]) -> Run:
    """Update the average and the slowest duration, the base of time estimates."""
    average, slowest = run.average_ms, run.slowest_ms
    for duration in (result.duration_ms for result in results if result.result is not None):
        # a moving average follows a provider that becomes slower or faster
        average = duration if not average else (average * 7 + duration) // 8
        # the maximum decays: one outlier must not shorten all later hops
        slowest = max(duration, slowest * 15 // 16)
    return replace(run, average_ms=average, slowest_ms=slowest)


def _with_coverage(run: Run, results: Sequence[ItemResult]) -> Run:
    reports = [r.result.coverage for r in results if isinstance(r.result, ItemOutcome) and r.result.coverage]
    return replace(run, coverage=reports[-1]) if reports else run
