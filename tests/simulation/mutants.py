"""Mutants of the run engine: bugs known from such engines.

The simulator must catch each of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from pynamodb.exceptions import PynamoDBException

from groundwork.adapters.dynamodb import client
from groundwork.adapters.dynamodb import runs as store
from groundwork.adapters.dynamodb.backlog_rows import ROW_OF_KIND, sort_key
from groundwork.adapters.dynamodb.run_rows import LockRow, RunRow, lock_key, run_row
from groundwork.adapters.dynamodb.runs import DynamoRuns
from groundwork.backlog.writes import DeleteArtifact
from groundwork.runs import leases
from groundwork.runs.call_pool import CallPool
from groundwork.runs.cancel import cancel
from groundwork.runs.model import Claim, Run, RunStatus
from groundwork.runs.ports import Changes, RunStore
from groundwork.runs.results import ItemResult
from groundwork.runs.sweep import Sweeper
from groundwork.runs.writer import RunWriter
from tests.simulation.faults import Faults
from tests.simulation.mutant import SEEDS, Mutant, in_many_hops, patched, with_a_cancel
from tests.simulation.mutants_of_imports import OF_IMPORTS
from tests.simulation.mutants_of_items import OF_ITEMS
from tests.simulation.mutants_of_releases import OF_RELEASES
from tests.simulation.mutants_of_retries import OF_RETRIES


def _heartbeat_without_condition(self: DynamoRuns, run: Run, before: Run, changes: Changes) -> None:
    if changes == Changes():
        with client.translate_errors():
            run_row(run).save()
        return
    _save(self, run, before, changes)


def _counters_first(self: DynamoRuns, run: Run, before: Run, changes: Changes) -> None:
    """Save the run's row first, its counted results in a second request."""
    _save(self, run, before, Changes())
    if changes != Changes():
        with mock.patch.object(store, "_is_unchanged", return_value=RunRow.pk.exists()):
            _save(self, run, before, changes)


def _old_children_first(self: DynamoRuns, run: Run, before: Run, changes: Changes) -> None:
    deletes = [write for write in changes.writes if isinstance(write, DeleteArtifact)]
    for write in deletes:
        ROW_OF_KIND[write.path.kind](write.path.project_id, sort_key(write.path)).delete()
    others = tuple(write for write in changes.writes if write not in deletes)
    _save(self, run, before, replace(changes, writes=others))


_save, _finish = DynamoRuns.save, DynamoRuns.finish


@contextmanager
def _lock_kept() -> Iterator[None]:
    """Delete the lock in its own request, after the end of the run."""

    def finish(self: DynamoRuns, run: Run, before: Run, changes: Changes) -> None:
        with mock.patch.object(client.Transaction, "delete"):
            _finish(self, run, before, changes)
        project_id, _, _ = run.id.rpartition("-")
        with client.translate_errors():
            LockRow(project_id, lock_key(self._handlers[run.type].lock_name)).delete()

    with mock.patch.object(DynamoRuns, "finish", finish):
        yield


@contextmanager
def _cancel_leaves_the_lease() -> Iterator[None]:
    """Change only the status on a cancel, and save the model's later results as usual."""
    ended = leases.end

    def only_said(run: Run, status: RunStatus, now: int) -> Run:
        return (
            replace(run, status=status, completed_at=now) if status is RunStatus.CANCELLED else ended(run, status, now)
        )

    with (
        mock.patch.object(leases, "end", only_said),
        mock.patch.object(store, "_is_unchanged", lambda before: RunRow.seq == before.seq),
    ):
        yield


def _cancel_at_once(runs: RunStore, run_id: str, now_ms: Callable[[], int], sleep: Callable[[float], None]) -> Run:
    return cancel(runs, run_id, now_ms, lambda seconds: sleep(min(seconds, 0.2)))


async def _always_holds_lease(self: RunWriter) -> bool:
    self.known_at = self._now_ms()
    return True


def _attempt_uncounted(claim: Claim | None, now: int) -> Claim:
    return replace(claim or Claim(1), attempts=1, started_at=now, lost=False)


def _revive_all(self: Sweeper, run_id: str) -> bool:
    if not self.store.load(run_id).status.active:
        return False
    self.starter.trigger(run_id)
    return True


def _failures_are_free(self: CallPool, unit: Any, claims: Any, results: Any, spent: Any) -> None:
    failed = any(isinstance(result, Exception) for result in results.values())
    _take(self, unit, claims, results, type(spent)() if failed else spent)


_take = CallPool._take


def _attempt_back(self: ItemResult) -> Claim:
    return Claim(
        self.claim.attempts - 1, usage=self.claim.usage + self.spent.usage, cost=self.claim.cost + self.spent.cost
    )


def _code_of_any(exc: PynamoDBException) -> str | None:
    return exc.cause_response_code


_OF_RUNS = [
    Mutant(
        "heartbeat without its condition",
        "the epoch condition is dropped from the write that renews a lease",
        patched("groundwork.adapters.dynamodb.runs.DynamoRuns.save", _heartbeat_without_condition),
    ),
    Mutant(
        "commit without its condition",
        "the epoch condition is dropped from the transaction that saves results",
        patched("groundwork.adapters.dynamodb.runs._is_unchanged", lambda before: RunRow.pk.exists()),
    ),
    Mutant(
        "claim not counted",
        "an attempt is not counted when an item is claimed",
        patched("groundwork.runs.claims.with_attempt", _attempt_uncounted),
    ),
    Mutant(
        "attempt given back",
        "an attempt whose call failed does not count",
        patched("groundwork.runs.results.ItemResult.waiting_claim", _attempt_back),
    ),
    Mutant(
        "sweep without its lease condition",
        "the schedule triggers every active run",
        patched("groundwork.runs.sweep.Sweeper.revive", _revive_all),
    ),
    Mutant(
        "lease taken from the living",
        "any worker takes over a run, even with a valid lease",
        patched("groundwork.runs.leases.may_take", lambda run, now: run.status.active),
    ),
    Mutant("lease not renewed", "a worker sends no heartbeats", patched("groundwork.runs.leases.RENEW_MS", 600_000)),
    Mutant(
        "one name for two deliveries",
        "a worker's id is the id of its event, so duplicate deliveries share it",
        patched("groundwork.runs.leases.invocation_id", lambda request_id: request_id),
        in_many_hops,
        lambda faults: Faults(twice=0.9, until_s=1_500.0),
    ),
    Mutant(
        "cancel not looked for",
        "a worker never checks for a cancel",
        patched("groundwork.runs.writer.RunWriter.holds_lease", _always_holds_lease),
        with_a_cancel,
    ),
    Mutant(
        "cancel not checked after the call",
        "a cancel does not take the lease",
        _cancel_leaves_the_lease,
        with_a_cancel,
    ),
    Mutant(
        "cancel answered at once",
        "a cancel returns while a call can still start",
        patched("tests.simulation.people.cancel", _cancel_at_once),
        with_a_cancel,
    ),
    Mutant(
        "counters outside the transaction",
        "the run's counters are written before the results",
        patched("groundwork.adapters.dynamodb.runs.DynamoRuns.save", _counters_first),
    ),
    Mutant(
        "old children go first",
        "replaced children are deleted in a separate request",
        patched("groundwork.adapters.dynamodb.runs.DynamoRuns.save", _old_children_first),
    ),
    Mutant("lock released afterwards", "the lock is released in a separate request", _lock_kept),
    Mutant(
        "no hop guard",
        "a run without progress never stops",
        patched("groundwork.runs.continuation.give_up_reason", lambda run: None),
    ),
    Mutant(
        "items of a lost worker forgotten",
        "items in flight of a lost worker stay claimed",
        patched("groundwork.runs.leases._orphaned_claim", lambda claim, lost: claim),
    ),
    Mutant(
        "failures are free",
        "the cost of failed items is not counted",
        patched("groundwork.runs.call_pool.CallPool._take", _failures_are_free),
    ),
    Mutant(
        "no margin at the end",
        "a hop starts items until its time is up, and never hands over",
        patched("groundwork.runs.continuation.save_ms", lambda total_ms: -60_000),
    ),
    Mutant(
        "connection error crashes",
        "a broken connection to DynamoDB crashes the hop",
        patched("groundwork.adapters.dynamodb.client._code", _code_of_any),
        crash="AttributeError",
    ),
    Mutant(
        "given up before it was queued",
        "a run that failed before its manifest was complete cannot be retried",
        patched("groundwork.runs.model.Run.queued_all", property(lambda run: True)),
    ),
]

MUTANTS = [*_OF_RUNS, *OF_RETRIES, *OF_ITEMS, *OF_RELEASES, *OF_IMPORTS]
__all__ = ["MUTANTS", "SEEDS", "Mutant"]
