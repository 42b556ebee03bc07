"""Transaction actions of the writes that runs make, by kind of write.

Conditions carry the item's index as their tag: a failed one is a conflict of this item. Conditions on the run as a
whole have the tag "run".
"""

from collections.abc import Callable, Iterable
from typing import Any

from groundwork.adapters.dynamodb import import_writes, plan_run_writes
from groundwork.adapters.dynamodb.backlog_rows import (
    ROW_OF_KIND,
    CardRow,
    ProjectRow,
    dead_prefixes,
    row_of,
    sort_key,
    stored_analysis,
)
from groundwork.adapters.dynamodb.client import Transaction
from groundwork.adapters.dynamodb.run_rows import LinesRow, draft_line, run_key
from groundwork.backlog.writes import DeleteArtifact, PutArtifact, SetAnalysis
from groundwork.generation.writes import StoreDrafts, StoreUncovered
from groundwork.imports.writes import SaveRows, StartImport
from groundwork.plans.ports import PartSuggestions, PlanRunEnded, PlanWritten
from groundwork.runs.model import Run
from groundwork.runs.ports import Write


def add_writes(transaction: Transaction, run: Run, writes: Iterable[Write]) -> None:
    """Add the actions of all writes of a commit.

    Raises KeyError for an unregistered kind.
    """
    dead: set[str] = set()
    for write in writes:
        ACTIONS[type(write)](transaction, run, write)
        if isinstance(write, DeleteArtifact):
            dead |= dead_prefixes(write.path)
    # once for all writes: a transaction names a row only once
    if dead:
        _mark_dead(transaction, run, dead)


def _mark_dead(transaction: Transaction, run: Run, prefixes: set[str]) -> None:
    """List the descendants of deleted artifacts for the purge.

    One action for all writes of the commit.
    """
    actions = [
        ProjectRow.retired.add(prefixes),
        ProjectRow.attention.set("PURGE"),
        ProjectRow.attention_at.set(run.heartbeat_at or run.created_at),
    ]
    transaction.update(ProjectRow(run_key(run.id)[0]), actions, ProjectRow.name.exists(), "run")


def _put_artifact(transaction: Transaction, run: Run, write: PutArtifact) -> None:
    row: Any = row_of(write.artifact)
    # a person may have created an item with this number meanwhile
    transaction.put(row, type(row).pk.does_not_exist(), write.index)


def _delete_artifact(transaction: Transaction, run: Run, write: DeleteArtifact) -> None:
    row = ROW_OF_KIND[write.path.kind](write.path.project_id, sort_key(write.path))
    # an item that is already gone must not be counted again
    transaction.delete(row, type(row).pk.exists(), write.index)


def _set_analysis(transaction: Transaction, run: Run, write: SetAnalysis) -> None:
    card = CardRow(write.card.project_id, sort_key(write.card))
    actions = [CardRow.analysis.set(stored_analysis(write.analysis))]
    # an update keeps what it does not name: the mark of a replaced analysis must not stay
    made_by, mark = write.analysis.made_by, CardRow.analysis_made_by
    actions.append(mark.set(made_by) if made_by else mark.remove())
    # an edit since the call has another text, without this analysis
    transaction.update(card, actions, CardRow.text == write.text, write.index)


def _store_drafts(transaction: Transaction, run: Run, write: StoreDrafts) -> None:
    lines = [draft_line(draft) for draft in write.drafts]
    transaction.put(LinesRow(run.id, f"D#{write.index:05d}", lines=lines))


def _store_uncovered(transaction: Transaction, run: Run, write: StoreUncovered) -> None:
    numbers = [int(id_.rpartition("-C")[2]) for id_ in write.card_ids]
    transaction.put(LinesRow(run.id, "REST", lines=numbers))


ACTIONS: dict[type, Callable[[Transaction, Run, Any], None]] = {
    PutArtifact: _put_artifact,
    DeleteArtifact: _delete_artifact,
    SetAnalysis: _set_analysis,
    StoreDrafts: _store_drafts,
    StoreUncovered: _store_uncovered,
    PlanWritten: plan_run_writes.write_plan,
    PartSuggestions: plan_run_writes.write_suggestions,
    PlanRunEnded: plan_run_writes.end_iteration,
    StartImport: import_writes.start_import,
    SaveRows: import_writes.save_rows,
}
"""How each kind of write is stored. A new kind is registered here."""
