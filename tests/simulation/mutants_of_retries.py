"""Mutants of starts, retries, limits and hand-over of runs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

from groundwork.adapters.dynamodb import client
from groundwork.adapters.dynamodb import runs as store
from groundwork.adapters.dynamodb.run_rows import LinesRow, LockRow, RetriedRow, RetryRow, RunRow, journal_line, run_key
from groundwork.adapters.dynamodb.runs import DynamoRuns
from groundwork.errors import LeaseLost
from groundwork.runs import leases, manifest
from groundwork.runs.call_pool import CallPool
from groundwork.runs.handler import RunHandler, RunScope
from groundwork.runs.hop import Hop, HopEnd
from groundwork.runs.model import ErrorCode, ItemStatus, JournalEntry, ManifestEntry, Run, RunOptions, RunStatus
from groundwork.runs.ports import Changes, Idempotency, RunStore
from groundwork.runs.start import StartedRun, Starter
from groundwork.runs.sweep import Sweeper
from groundwork.runs.work_loop import WorkLoop
from tests.simulation.mutant import Mutant, patched, patched_all
from tests.simulation.scenario import Scenario

_RUNS = "groundwork.adapters.dynamodb.runs.DynamoRuns"


def with_retries(scenario: Scenario) -> Scenario:
    """Two items fail each time, nothing else happens, and users ask for retries repeatedly."""
    options = scenario.options | {"max_cost_usd": None, "pacing": "fast"}
    calm = replace(scenario, options=options, second=None, poisons=0, down=(0.0, 0.0), items=max(12, scenario.items))
    calm = replace(calm, cancel_at=None, cancel_after_calls=None, selected=0, children=0, edits=0, one_epic=False)
    return replace(calm, hopeless=2, retries=2, deleted_at=None)


def to_the_last_retry(scenario: Scenario) -> Scenario:
    """Continue until the schedule gives the run up."""
    return replace(with_retries(scenario), retries=0, patience_s=3_000.0, items=12)


_retried_entries, _last_entries = manifest.retried_entries, manifest.last_entries
_start, _take_retry, _write, _finish = DynamoRuns.start, DynamoRuns._take_retry, DynamoRuns._write, DynamoRuns.finish
_handed_over, _taken, _retry = leases.hand_over, leases.acquire, Starter.retry
_with_entry = Run._with_entry


def _from_the_first(handler: RunHandler, scope: RunScope) -> Iterator[ManifestEntry]:
    runs = scope.store
    earlier = runs.load(scope.run.retry_of or "")
    if not earlier.retry_of:
        yield from _retried_entries(handler, scope)
        return
    failed = [one.index for one in _last_entries(runs, earlier.id).values() if one.status is ItemStatus.FAILED]
    lines = [target for target in runs.manifest(earlier.retry_of, 0, 10_000) if target.index in failed]
    yield from handler.refresh(scope, lines)


def _all_but_the_last_failed(runs: RunStore, run_id: str) -> dict[int, JournalEntry]:
    entries = _last_entries(runs, run_id)
    failed = [index for index, entry in entries.items() if entry.status is ItemStatus.FAILED]
    if len(failed) > 1:
        entries.pop(max(failed))
    return entries


def _any_cost(self: WorkLoop, pool: CallPool, watch: Any) -> None:
    if pool.broken:
        raise pool.broken
    if watch.done():
        raise watch.exception() or LeaseLost
    if pool.fatal:
        self.halt = (ErrorCode.MODEL_MISCONFIGURED, str(pool.fatal))


def _key_afterwards(self: DynamoRuns, run: Run, selection: Sequence[Any], idempotency: Idempotency | None) -> None:
    _start(self, run, selection, None)
    if idempotency:
        with client.translate_errors():
            store._idempotency_row(run, idempotency).save()


def _retry_stays_due(self: DynamoRuns, transaction: client.Transaction, run: Run) -> None:
    with mock.patch.object(transaction, "delete"):
        _take_retry(self, transaction, run)


def _retried_at_will(self: DynamoRuns, transaction: client.Transaction, run: Run) -> None:
    project_id, sk = run_key(run.retry_of or "")
    transaction.put(RetriedRow(project_id, f"RETRIED#{sk}", run_id=run.id))
    transaction.delete(RetryRow(project_id, f"RETRY#{sk}", attention_at=0))


def _journal_by_epoch(
    self: DynamoRuns, transaction: client.Transaction, run: Run, before: Run, changes: Changes
) -> None:
    _write(self, transaction, run, before, replace(changes, entries=()))
    if changes.entries:
        lines = [journal_line(entry) for entry in changes.entries]
        transaction.put(LinesRow(run.id, f"J#{run.lease.epoch:09d}", lines=lines))


async def _no_log(self: Any) -> None:
    self._log = []


_put = client.Transaction.put


def _put_any_lock(self: client.Transaction, row: Any, condition: Any = None, tag: Any = None) -> None:
    _put(self, row, None if isinstance(row, LockRow) else condition, tag)


def _same_epoch(run: Run, owner: str, now: int) -> Run:
    after = _taken(run, owner, now)
    return replace(after, lease=replace(after.lease, epoch=max(1, run.lease.epoch)))


def _stalled_for_good(run: Run, owner: str, now: int) -> Run:
    stalled = run.stalled_hops + (0 if run.progress_mark > run.ended_before_hop or run.hops == 0 else 1)
    return replace(_taken(run, owner, now), stalled_hops=stalled)


def _worth_it_always(self: Run, entry: JournalEntry) -> Run:
    return replace(_with_entry(self, entry), retryable=self.retryable + (entry.status is ItemStatus.FAILED))


def _cancelled_gain_lost(self: DynamoRuns, run: Run, before: Run, changes: Changes) -> None:
    if run.status is RunStatus.CANCELLED:
        with mock.patch.object(type(self._handlers[run.type]), "counts", None):
            _finish(self, run, before, changes)
        return
    _finish(self, run, before, changes)


async def _nobody_invoked(self: Hop) -> HopEnd:
    await self.writer.release(self.state)
    return HopEnd.CONTINUED


def _only_queued(self: Sweeper, run_id: str) -> bool:
    run = self.store.load(run_id)
    if not leases.is_stale(run, self.now_ms()) or run.status is RunStatus.RUNNING:
        return False
    self.starter.trigger(run_id)
    return True


def _other_options(self: Starter, run_id: str, automatic: bool = False) -> StartedRun:
    load = self.store.load

    class Forgetful:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def load(self, id_: str) -> Run:
            return replace(load(id_), options=RunOptions())

    real = self.store
    return _retry(replace(self, store=Forgetful()), run_id, automatic)


def _note_unconditionally(self: DynamoRuns, run_id: str, message: str) -> None:
    with client.translate_errors():
        RunRow(*run_key(run_id)).update(actions=[RunRow.phase_detail.set(message[:300])])


def _released_in_name_only(run: Run, now: int) -> Run:
    return replace(run, heartbeat_at=now, seq=run.seq + 1)


async def _never_saved(self: Any, after: Run) -> bool:
    return False


OF_RETRIES = [
    Mutant(
        "retry of a retry from the first",
        "the second retry takes the first run's items at the positions that failed in the second",
        patched("groundwork.runs.manifest.retried_entries", _from_the_first),
        with_retries,
    ),
    Mutant(
        "retry loses an item",
        "the last of several failed items is not retried",
        patched("groundwork.runs.manifest.last_entries", _all_but_the_last_failed),
        with_retries,
    ),
    Mutant(
        "retry with other options",
        "a retry uses the default options instead of its run's",
        patched("groundwork.runs.start.Starter.retry", _other_options),
    ),
    Mutant(
        "retry stays due",
        "a started retry stays in the list of due retries",
        patched(f"{_RUNS}._take_retry", _retry_stays_due),
    ),
    Mutant(
        "retried at will",
        "a run can be retried twice",
        patched(f"{_RUNS}._take_retry", _retried_at_will),
        with_retries,
    ),
    Mutant(
        "retried for ever",
        "the number of retries has no limit",
        patched("groundwork.runs.retry.RUN_ATTEMPTS", 99),
        to_the_last_retry,
    ),
    Mutant("never retried", "the schedule retries nothing", patched("groundwork.runs.retry.RUN_ATTEMPTS", 0)),
    Mutant(
        "retried at once", "a retry is due at once", patched("groundwork.runs.retry.retry_delay_ms", lambda attempts: 0)
    ),
    Mutant(
        "every failure is worth a retry",
        "failures that will happen again are retried",
        patched("groundwork.runs.model.Run._with_entry", _worth_it_always),
    ),
    Mutant(
        "any cost",
        "the cost limit is ignored",
        patched("groundwork.runs.work_loop.WorkLoop._check", _any_cost),
    ),
    Mutant(
        "released in name only",
        "a hop keeps its lease when it hands over",
        patched("groundwork.runs.leases.hand_over", _released_in_name_only),
    ),
    Mutant(
        "claims dropped on hand-over",
        "items that wait for another attempt are dropped at a hand-over",
        patched("groundwork.runs.leases.hand_over", lambda run, now: replace(_handed_over(run, now), claims={})),
    ),
    Mutant(
        "nobody invoked",
        "a hop hands over without invoking the next one",
        patched("groundwork.runs.hop.Hop._hand_over", _nobody_invoked),
    ),
    Mutant(
        "sweep of queued runs alone",
        "the sweep does not revive runs with a lost worker",
        patched("groundwork.runs.sweep.Sweeper.revive", _only_queued),
    ),
    Mutant(
        "key afterwards",
        "the Idempotency-Key is taken after the run is written",
        patched(f"{_RUNS}.start", _key_afterwards),
    ),
    Mutant(
        "key ignored",
        "a repeated request starts another run",
        patched_all(
            (f"{_RUNS}.start", lambda self, run, selection, key: _start(self, run, selection, None)),
            (f"{_RUNS}.find_by_key", lambda self, project_id, key: None),
        ),
    ),
    Mutant(
        "journal by epoch",
        "later journal lines overwrite earlier ones",
        patched(f"{_RUNS}._write", _journal_by_epoch),
    ),
    Mutant(
        "log lost", "lines of the log are not written", patched("groundwork.runs.writer.RunWriter.flush_log", _no_log)
    ),
    Mutant(
        "lock without its condition",
        "two runs of one type are active at once",
        patched("groundwork.adapters.dynamodb.client.Transaction.put", _put_any_lock),
    ),
    Mutant(
        "runs not kept apart",
        "a run with `replace` starts above an active run",
        patched("groundwork.adapters.dynamodb.runs._check_exclusions", lambda *arguments: None),
    ),
    Mutant(
        "epoch not raised",
        "a new holder keeps the epoch of the last one",
        patched("groundwork.runs.leases.acquire", _same_epoch),
    ),
    Mutant(
        "stalled for good",
        "progress does not reset the count of hops without progress",
        patched("groundwork.runs.leases.acquire", _stalled_for_good),
    ),
    Mutant(
        "what a cancelled run made",
        "results of a cancelled run are missing from the project's counts",
        patched(f"{_RUNS}.finish", _cancelled_gain_lost),
    ),
    Mutant(
        "note without its condition",
        "the note about a waiting run is written without its condition",
        patched(f"{_RUNS}.set_phase_detail", _note_unconditionally),
    ),
    Mutant(
        "lost answers not looked up",
        "a write with a lost answer is sent again",
        patched("groundwork.runs.writer.RunWriter._is_saved", _never_saved),
    ),
]
