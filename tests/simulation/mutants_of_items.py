"""Bugs put on purpose into which items a run has and what becomes of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from groundwork.adapters.dynamodb.client import Transaction
from groundwork.adapters.dynamodb.runs import DynamoRuns
from groundwork.runs import manifest
from groundwork.runs.call_pool import CallCost, CallPool
from groundwork.runs.hop import Hop
from groundwork.runs.model import Claim, ManifestEntry, Run, RunType
from groundwork.runs.ports import Changes
from groundwork.runs.start import RunRequest, Starter
from tests.simulation.mutant import Mutant, patched
from tests.simulation.mutants_of_retries import with_retries
from tests.simulation.scenario import Scenario

_WRITE = "groundwork.adapters.dynamodb.runs.DynamoRuns._write"

_write, _advanced, _commit, _counted = DynamoRuns._write, Hop._advanced, Hop._commit, Hop._counted
_described, _refreshed, _draft = manifest.described, manifest._refreshed, Starter.draft
_work, _fresh = CallPool._work, CallPool._fresh


def _replacing(scenario: Scenario) -> Scenario:
    """Retries of a run that has something to replace below every item."""
    options = scenario.options | {"existing_behavior": "replace"}
    return replace(with_retries(scenario), options=options, type=RunType.GENERATE_STORIES, children=12, second=None)


def _of_batches(scenario: Scenario) -> Scenario:
    """Epics from many batches at once."""
    options = scenario.options | {"pacing": "fast", "max_cost_usd": None}
    calm = replace(scenario, type=RunType.GENERATE_EPICS, items=max(40, scenario.items), options=options, selected=0)
    return replace(calm, cards_a_chunk=9, children=0, cancel_at=None, cancel_after_calls=None, second=None)


def _claim_forgotten(self: Hop, run: Run, claims: dict[int, Claim], crew: CallPool) -> Run:
    after = _advanced(self, run, claims, crew)
    if len(claims) < 3:
        return after
    return replace(after, claims={index: claim for index, claim in after.claims.items() if index != max(claims)})


async def _skipped_twice(self: Hop, after: Run, changes: Changes | None = None) -> None:
    if changes and changes.manifest:
        after = replace(after, skipped=after.skipped + sum(target.skipped for target in changes.manifest))
    await _commit(self, after, changes)


def _without(*names: str) -> Any:
    def write(self: DynamoRuns, transaction: Transaction, run: Run, before: Run, changes: Changes) -> None:
        _write(self, transaction, run, before, replace(changes, **dict.fromkeys(names, ())))

    return write


def _analyses_mixed_up(self: DynamoRuns, transaction: Transaction, run: Run, before: Run, changes: Changes) -> None:
    those = changes.analyses
    mixed = tuple(
        (i, path, other[2], text) for (i, path, _, text), other in zip(those, those[1:] + those[:1], strict=True)
    )
    _write(self, transaction, run, before, replace(changes, analyses=mixed))


async def _abandoned_for_free(self: CallPool, unit: Any, claims: Any) -> None:
    try:
        await _work(self, unit, claims)
    finally:
        self.abandoned = CallCost()


def _merge_at_any_time(self: CallPool, run: Run, targets: dict[int, ManifestEntry], room: int) -> Sequence[Any]:
    if run.type is not RunType.GENERATE_EPICS:
        return _fresh(self, run, targets, room)
    units: list[tuple[ManifestEntry, ...]] = []
    index = run.cursor
    while len(units) < room and index < run.total and index in targets:
        if not targets[index].skipped:
            units.append((targets[index],))
        index += 1
    return units


def _whole_project(self: Starter, project_id: str, request: RunRequest) -> tuple[Run, list[Any]]:
    run, _ = _draft(self, project_id, request)
    return replace(run, selected=False), []


OF_ITEMS = [
    Mutant(
        "claim forgotten",
        "an item is begun and not claimed",
        patched("groundwork.runs.hop.Hop._advanced", _claim_forgotten),
    ),
    Mutant(
        "skipped twice", "skipped items are counted twice", patched("groundwork.runs.hop.Hop._commit", _skipped_twice)
    ),
    Mutant(
        "tokens not counted",
        "the cost is counted, its tokens are not",
        patched(
            "groundwork.runs.hop.Hop._counted",
            lambda self, *arguments: replace(_counted(self, *arguments), usage=self.run.usage),
        ),
    ),
    Mutant(
        "abandoned for free",
        "what was given up at the end of a hop is not counted",
        patched("groundwork.runs.call_pool.CallPool._work", _abandoned_for_free),
    ),
    Mutant(
        "nothing is skipped",
        "what has children is done again",
        patched(
            "groundwork.runs.manifest.described",
            lambda *arguments: (replace(target, skipped=False) for target in _described(*arguments)),
        ),
    ),
    Mutant(
        "nothing is replaced",
        "the old children stay beside the new",
        patched(
            "groundwork.runs.manifest.described",
            lambda *arguments: (replace(target, old=()) for target in _described(*arguments)),
        ),
    ),
    Mutant(
        "a retry replaces nothing",
        "the old children stay beside those of a retry",
        patched(
            "groundwork.runs.manifest._refreshed",
            lambda *arguments: (replace(target, old=()) for target in _refreshed(*arguments)),
        ),
        _replacing,
    ),
    Mutant(
        "selection ignored",
        "a run of some items does all of them",
        patched("groundwork.runs.start.Starter.draft", _whole_project),
    ),
    Mutant("analyses not written", "items complete and nothing is there", patched(_WRITE, _without("analyses"))),
    Mutant("analyses mixed up", "each card gets the next one's analysis", patched(_WRITE, _analyses_mixed_up)),
    Mutant("drafts not written", "what a batch has proposed is lost", patched(_WRITE, _without("drafts"))),
    Mutant(
        "not purged",
        "what was below what a run replaced stays",
        patched("groundwork.adapters.dynamodb.runs.DynamoRuns._retire", lambda *arguments: None),
        _replacing,
    ),
    Mutant(
        "merge at any time",
        "the merge does not wait for all batches",
        patched("groundwork.runs.call_pool.CallPool._fresh", _merge_at_any_time),
        _of_batches,
    ),
    Mutant(
        "suspects run with others",
        "an item that has lost two workers is tried beside others",
        patched("groundwork.runs.call_pool.SUSPECT_ATTEMPTS", 99),
    ),
]
