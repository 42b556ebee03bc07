"""Mutants of item selection and of item results."""

from dataclasses import replace
from typing import Any
from unittest import mock

from groundwork.adapters.dynamodb.backlog_rows import CardRow, sort_key, stored_analysis
from groundwork.adapters.dynamodb.client import Transaction
from groundwork.adapters.dynamodb.runs import DynamoRuns
from groundwork.adapters.dynamodb.write_actions import ACTIONS
from groundwork.backlog.writes import PutArtifact, SetAnalysis
from groundwork.generation.handlers import children
from groundwork.generation.handlers.children import ChildrenHandler
from groundwork.generation.writes import StoreDrafts
from groundwork.runs import claims, selection
from groundwork.runs.call_pool import CallPool
from groundwork.runs.hop import Hop
from groundwork.runs.model import Claim, Run, RunType
from groundwork.runs.ports import Changes
from groundwork.runs.results import CallCost
from groundwork.runs.start import RunRequest, Starter
from tests.simulation.mutant import Mutant, patched
from tests.simulation.mutants_of_retries import with_retries
from tests.simulation.scenario import Scenario

_WRITE = "groundwork.adapters.dynamodb.runs.DynamoRuns._write"

_write, _commit = DynamoRuns._write, Hop._commit
_advance, _count_results = claims.advance, claims.count_results
_describe_parents, _refresh, _draft = children.describe_parents, ChildrenHandler.refresh, Starter.draft
_work, _fresh_units = CallPool._work, selection.fresh_units


def _replacing(scenario: Scenario) -> Scenario:
    """Retries of a run with something to replace below every item."""
    options = scenario.options | {"existing_behavior": "replace"}
    return replace(with_retries(scenario), options=options, type=RunType.GENERATE_STORIES, children=12, second=None)


def _of_batches(scenario: Scenario) -> Scenario:
    """Epics from many batches at once."""
    options = scenario.options | {"pacing": "fast", "max_cost_usd": None}
    calm = replace(scenario, type=RunType.GENERATE_EPICS, items=max(40, scenario.items), options=options, selected=0)
    return replace(calm, cards_a_chunk=9, children=0, cancel_at=None, cancel_after_calls=None, second=None)


def _claim_forgotten(run: Run, started: dict[int, Claim], entries: Any, concurrency: int) -> Run:
    after = _advance(run, started, entries, concurrency)
    if len(started) < 3:
        return after
    return replace(after, claims={index: claim for index, claim in after.claims.items() if index != max(started)})


def _tokens_not_counted(run: Run, *arguments: Any) -> Run:
    return replace(_count_results(run, *arguments), usage=run.usage)


async def _skipped_twice(self: Hop, after: Run, changes: Changes | None = None) -> None:
    if changes and changes.manifest:
        after = replace(after, skipped=after.skipped + sum(target.skipped for target in changes.manifest))
    await _commit(self, after, changes)


def _without(kind: type) -> Any:
    def write(self: DynamoRuns, transaction: Transaction, run: Run, before: Run, changes: Changes) -> None:
        others = tuple(write for write in changes.writes if not isinstance(write, kind))
        _write(self, transaction, run, before, replace(changes, writes=others))

    return write


def _analyses_mixed_up(self: DynamoRuns, transaction: Transaction, run: Run, before: Run, changes: Changes) -> None:
    those = [write for write in changes.writes if isinstance(write, SetAnalysis)]
    mixed = [replace(one, analysis=other.analysis) for one, other in zip(those, those[1:] + those[:1], strict=True)]
    others = [write for write in changes.writes if not isinstance(write, SetAnalysis)]
    _write(self, transaction, run, before, replace(changes, writes=(*others, *mixed)))


def _marks_dropped(self: DynamoRuns, transaction: Transaction, run: Run, before: Run, changes: Changes) -> None:
    bare = [
        replace(write, artifact=write.artifact.model_copy(update={"made_by": None}))
        if isinstance(write, PutArtifact)
        else write
        for write in changes.writes
    ]
    _write(self, transaction, run, before, replace(changes, writes=tuple(bare)))


def _mark_left(transaction: Transaction, run: Run, write: SetAnalysis) -> None:
    """Write the analysis alone, beside the mark of the one it replaces."""
    card = CardRow(write.card.project_id, sort_key(write.card))
    actions = [CardRow.analysis.set(stored_analysis(write.analysis))]
    transaction.update(card, actions, CardRow.text == write.text, write.index)


async def _abandoned_for_free(self: CallPool, unit: Any, claims: Any) -> None:
    try:
        await _work(self, unit, claims)
    finally:
        self.abandoned = CallCost()


def _merge_at_any_time(run: Run, entries: Any, batch_size: int, slots: int, busy: bool) -> list[selection.Unit]:
    if run.type is not RunType.GENERATE_EPICS:
        return _fresh_units(run, entries, batch_size, slots, busy)
    units: list[selection.Unit] = []
    index = run.cursor
    while len(units) < slots and index < run.total and index in entries:
        if not entries[index].skipped:
            units.append((entries[index],))
        index += 1
    return units


def _whole_project(self: Starter, project_id: str, request: RunRequest) -> tuple[Run, list[Any]]:
    run, _ = _draft(self, project_id, request)
    return replace(run, selected=False), []


OF_ITEMS = [
    Mutant(
        "claim forgotten",
        "an item is started without a claim",
        patched("groundwork.runs.claims.advance", _claim_forgotten),
    ),
    Mutant(
        "skipped twice", "skipped items are counted twice", patched("groundwork.runs.hop.Hop._commit", _skipped_twice)
    ),
    Mutant(
        "tokens not counted",
        "the cost is counted, but not the tokens",
        patched("groundwork.runs.claims.count_results", _tokens_not_counted),
    ),
    Mutant(
        "abandoned for free",
        "calls abandoned at the end of a hop are not counted",
        patched("groundwork.runs.call_pool.CallPool._work", _abandoned_for_free),
    ),
    Mutant(
        "nothing is skipped",
        "items with children are processed again",
        patched(
            "groundwork.generation.handlers.children.describe_parents",
            lambda *arguments: (replace(target, skipped=False) for target in _describe_parents(*arguments)),
        ),
    ),
    Mutant(
        "nothing is replaced",
        "old children stay beside the new ones",
        patched(
            "groundwork.generation.handlers.children.describe_parents",
            lambda *arguments: (replace(target, replaced=()) for target in _describe_parents(*arguments)),
        ),
    ),
    Mutant(
        "a retry replaces nothing",
        "old children stay beside those of a retry",
        patched(
            "groundwork.generation.handlers.children.ChildrenHandler.refresh",
            lambda *arguments: (replace(target, replaced=()) for target in _refresh(*arguments)),
        ),
        _replacing,
    ),
    Mutant(
        "selection ignored",
        "a run of selected items processes all items",
        patched("groundwork.runs.start.Starter.draft", _whole_project),
    ),
    Mutant("analyses not written", "items complete without a stored analysis", patched(_WRITE, _without(SetAnalysis))),
    Mutant("analyses mixed up", "each card gets the next one's analysis", patched(_WRITE, _analyses_mixed_up)),
    Mutant("marks dropped", "results do not name their model", patched(_WRITE, _marks_dropped)),
    Mutant(
        "mark of a replaced analysis left",
        "an analysis keeps the mark of the one before",
        lambda: mock.patch.dict(ACTIONS, {SetAnalysis: _mark_left}),
    ),
    Mutant(
        "mock passed off as a model",
        "results of the mock are marked with the model's id",
        patched("groundwork.runs.model.Run.made_by", property(lambda run: run.model)),
    ),
    Mutant("drafts not written", "the drafts of a batch are lost", patched(_WRITE, _without(StoreDrafts))),
    Mutant(
        "not purged",
        "rows below replaced items stay",
        patched("groundwork.adapters.dynamodb.write_actions._mark_dead", lambda *arguments: None),
        _replacing,
    ),
    Mutant(
        "merge at any time",
        "the merge does not wait for all batches",
        patched("groundwork.runs.selection.fresh_units", _merge_at_any_time),
        _of_batches,
    ),
    Mutant(
        "suspects run with others",
        "an item with two lost workers runs beside others",
        patched("groundwork.runs.selection.SUSPECT_ATTEMPTS", 99),
    ),
]
