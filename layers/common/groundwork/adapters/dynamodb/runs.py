"""Runs on DynamoDB. Writes of a run are conditional on the epoch and seq last read."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pynamodb.connection import Connection
from pynamodb.expressions.condition import Condition

from groundwork.adapters.dynamodb.backlog_rows import ProjectRow
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.run_rows import (
    ACTIVE,
    DAY_S,
    IDEMPOTENCY_DAYS,
    LOG_DAYS,
    RETRY,
    IdempotencyRow,
    LinesRow,
    LockRow,
    RetriedRow,
    RetryRow,
    RunLogRow,
    RunRow,
    draft_of,
    journal_entry_of,
    journal_line,
    lock_key,
    manifest_entry_of,
    manifest_line,
    run_actions,
    run_key,
    run_of,
    run_row,
)
from groundwork.adapters.dynamodb.write_actions import add_writes
from groundwork.errors import (
    IdempotencyKeyReused,
    LeaseLost,
    NotFound,
    NothingToRetry,
    RunAlreadyActive,
    Transient,
    Unreadable,
)
from groundwork.generation.epics import EpicDraft
from groundwork.ids import Kind, Path, parse, path_of
from groundwork.runs.handler import RunHandlers
from groundwork.runs.manifest import PAGE
from groundwork.runs.model import JournalEntry, ManifestEntry, Run, RunStatus, RunType
from groundwork.runs.ports import AlreadyStarted, Changes, Idempotency, ItemsConflict, RunLogLine, Write

_ACTIVE = (RunStatus.QUEUED.value, RunStatus.RUNNING.value)


class DynamoRuns:
    """Implementation of `groundwork.runs.ports.RunStore`, with reads for the HTTP functions."""

    def __init__(self, connection: Callable[[], Connection], handlers: RunHandlers) -> None:
        self._connection, self._handlers = connection, handlers

    # start

    def next_number(self, project_id: str) -> int:
        row = ProjectRow(project_id)
        alive = ProjectRow.name.exists() & ProjectRow.deleted_at.does_not_exist()
        try:
            with translate_errors():
                # a write of its own: a refused start leaves a gap, never a number used twice
                row.update(actions=[ProjectRow.last_run.add(1)], condition=alive)
        except ConditionFailed:
            raise NotFound.of("project", project_id) from None
        return int(row.last_run)

    def find_by_key(self, project_id: str, idempotency: Idempotency) -> str | None:
        with translate_errors():
            rows = list(
                IdempotencyRow.query(
                    project_id, IdempotencyRow.sk == _idempotency_key(idempotency.key), consistent_read=True
                )
            )
        if not rows:
            return None
        if rows[0].fingerprint != idempotency.fingerprint:
            raise IdempotencyKeyReused
        return str(rows[0].run_id)

    def start(
        self,
        run: Run,
        selection: Sequence[tuple[int, ...]],
        idempotency: Idempotency | None,
        writes: Sequence[Write] = (),
    ) -> None:
        project_id, _ = run_key(run.id)
        transaction = Transaction(self._connection())
        name = self._handlers[run.type].lock_name
        lock = LockRow(project_id, lock_key(name), run_id=run.id, replaces=run.options.replaces)
        if idempotency:
            transaction.put(_idempotency_row(run, idempotency), IdempotencyRow.pk.does_not_exist(), "idempotency")
        transaction.put(lock, LockRow.pk.does_not_exist(), run.type)
        _check_exclusions(transaction, project_id, run, self._handlers)
        alive = ProjectRow.name.exists() & ProjectRow.deleted_at.does_not_exist()
        transaction.check(ProjectRow, project_id, "P", alive, "project")
        transaction.put(run_row(run), RunRow.pk.does_not_exist(), "run")
        if selection:
            transaction.put(LinesRow(run.id, "SELECTION", lines=[list(numbers) for numbers in selection]))
        if run.retry_of:
            self._take_retry(transaction, run)
        add_writes(transaction, run, writes)
        try:
            transaction.commit()
        except Cancelled as cancelled:
            self._refuse(run, cancelled.tags, idempotency)

    def _take_retry(self, transaction: Transaction, run: Run) -> None:
        """Record the retry. A run is retried once; again only after a cancelled retry."""
        project_id, sk = run_key(run.retry_of or "")
        with translate_errors():
            given = list(RetriedRow.query(project_id, RetriedRow.sk == f"RETRIED#{sk}", consistent_read=True))
        condition: Condition = RetriedRow.pk.does_not_exist()
        if given and self.load(given[0].run_id).status is RunStatus.CANCELLED:
            condition = RetriedRow.run_id == given[0].run_id
        transaction.put(RetriedRow(project_id, f"RETRIED#{sk}", run_id=run.id), condition, "retried")
        # in the same transaction: the sweep must not start this retry again
        transaction.delete(RetryRow(project_id, f"RETRY#{sk}", attention_at=0))

    def _refuse(self, run: Run, tags: Iterable[Any], idempotency: Idempotency | None) -> None:
        """Raise the refusal of a start. The client's own earlier request comes first."""
        tags = list(tags)
        project_id, _ = run_key(run.id)
        if "idempotency" in tags and idempotency:
            # raises if the key was used with another body; else the caller returns the existing run
            raise AlreadyStarted(self.find_by_key(project_id, idempotency) or "")
        if "project" in tags:
            raise NotFound.of("project", project_id)
        types = [tag for tag in tags if isinstance(tag, RunType)]
        if types:
            holder = self.active_by_type(project_id).get(types[0])
            if holder is None:
                raise Transient("The active run of this type has just ended; try again.")
            raise RunAlreadyActive(holder)
        if "import" in tags:
            raise Transient("The import has just been started; try again.")
        raise NothingToRetry("The run's failed items were retried already.")

    # writes of the lease holder

    def load(self, run_id: str, consistent: bool = True) -> Run:
        try:
            key = run_key(run_id)
        except ValueError:
            raise NotFound.of("run", run_id) from None
        try:
            with translate_errors():
                row = RunRow.get(*key, consistent_read=consistent)
        except RunRow.DoesNotExist:
            raise NotFound.of("run", run_id) from None
        try:
            return run_of(row)
        except (KeyError, ValueError) as exc:
            raise Unreadable(run_id) from exc

    def save(self, run: Run, before: Run, changes: Changes) -> None:
        # a plain update costs half the write units of a transaction
        if changes == Changes():
            try:
                with translate_errors():
                    RunRow(*run_key(run.id)).update(actions=run_actions(run), condition=_is_unchanged(before))
            except ConditionFailed:
                raise LeaseLost from None
            return
        transaction = Transaction(self._connection())
        self._write(transaction, run, before, changes)
        _commit(transaction)

    def finish(self, run: Run, before: Run, changes: Changes) -> None:
        project_id, sk = run_key(run.id)
        handler = self._handlers[run.type]
        transaction = Transaction(self._connection())
        self._write(transaction, run, before, changes)
        # in the same transaction: no other run starts before this one is final, and no lock outlives it
        transaction.delete(LockRow(project_id, lock_key(handler.lock_name)), LockRow.run_id == run.id, "run")
        if run.next_retry_at:
            transaction.put(RetryRow(project_id, f"RETRY#{sk}", attention_at=run.next_retry_at))
        add_writes(transaction, run, handler.closing_writes(run))
        self._count(transaction, run, handler.counts)
        _commit(transaction)

    def _count(self, transaction: Transaction, run: Run, counted: str | None) -> None:
        gained, project_id = run.created - run.deleted, run_key(run.id)[0]
        if gained and counted:
            actions = [getattr(ProjectRow, counted).add(gained)]
            transaction.update(ProjectRow(project_id), actions, ProjectRow.name.exists(), "run")

    def _write(self, transaction: Transaction, run: Run, before: Run, changes: Changes) -> None:
        transaction.update(RunRow(*run_key(run.id)), run_actions(run), _is_unchanged(before), "run")
        if changes.entries:
            lines = [journal_line(entry) for entry in changes.entries]
            transaction.put(LinesRow(run.id, f"J#{run.seq:09d}", lines=lines))
        if changes.manifest:
            page = changes.manifest[0].index // PAGE
            transaction.put(LinesRow(run.id, f"M#{page:05d}", lines=[manifest_line(t) for t in changes.manifest]))
        add_writes(transaction, run, changes.writes)

    # reads

    def manifest(self, run_id: str, start: int, stop: int) -> list[ManifestEntry]:
        """Return the entries with start <= index < stop."""
        first, last = f"M#{start // PAGE:05d}", f"M#{max(start, stop - 1) // PAGE:05d}"
        with translate_errors():
            rows = list(LinesRow.query(run_id, LinesRow.sk.between(first, last), consistent_read=True))
        lines = [
            manifest_entry_of(int(row.sk[2:]) * PAGE + position, line)
            for row in rows
            for position, line in enumerate(row.lines)
        ]
        return [target for target in lines if start <= target.index < stop]

    def journal(self, run_id: str, after: int = 0) -> Iterator[JournalEntry]:
        with translate_errors():
            lines = LinesRow.sk.between(f"J#{after + 1:09d}", "J#999999999")
            for row in LinesRow.query(run_id, lines, consistent_read=True):
                yield from (journal_entry_of(int(row.sk[2:]), line) for line in row.lines)

    def selection(self, run_id: str) -> list[tuple[int, ...]]:
        return [tuple(numbers) for numbers in self._lines(run_id, "SELECTION")]

    def uncovered_card_ids(self, run_id: str) -> list[str]:
        path = path_of(Kind.RUN, run_id)
        project_id = path.project_id if path else ""
        return [str(Path(Kind.CARD, project_id, (number,))) for number in self._lines(run_id, "REST")]

    def drafts(self, run_id: str) -> list[EpicDraft]:
        project_id, _ = run_key(run_id)
        with translate_errors():
            rows = list(LinesRow.query(run_id, LinesRow.sk.startswith("D#"), consistent_read=True))
        return [draft_of(project_id, line) for row in rows for line in row.lines]

    def _lines(self, run_id: str, sk: str) -> list[Any]:
        with translate_errors():
            rows = list(LinesRow.query(run_id, LinesRow.sk == sk, consistent_read=True))
        return list(rows[0].lines) if rows else []

    def runs_of(self, project_id: str, before: int | None, limit: int) -> list[Run]:
        """Return the project's runs with a number below `before`, newest first."""
        upper = f"R#{(before or 1_000_000) - 1:06d}"
        with translate_errors():
            rows = RunRow.query(project_id, RunRow.sk.between("R#000000", upper), scan_index_forward=False, limit=limit)
            return [run_of(row) for row in rows]

    def runs_after(self, run_id: str) -> list[Run]:
        project_id, sk = run_key(run_id)
        after = RunRow.sk.between(f"{sk}!", "R#~")
        with translate_errors():
            return [run_of(row) for row in RunRow.query(project_id, after, consistent_read=True)]

    def active_by_type(self, project_id: str) -> dict[RunType, str]:
        with translate_errors():
            rows = list(LockRow.query(project_id, LockRow.sk.startswith("LOCK#"), consistent_read=True))
        types = {lock_key(handler.lock_name): handler.type for handler in self._handlers}
        # a newer release may have types, and so locks, unknown to this one
        return {types[row.sk]: row.run_id for row in rows if row.sk in types}

    # logs

    def append_log(self, run_id: str, lines: Sequence[RunLogLine]) -> None:
        with translate_errors(), RunLogRow.batch_write() as batch:
            for position, line in enumerate(lines):
                # time and position: the seq rises from hop to hop without a counter
                seq = line.at * 1000 + position % 1000
                batch.save(
                    RunLogRow(
                        run_id,
                        f"L#{seq:017d}",
                        at=line.at,
                        level=line.level,
                        message=line.message[:1_000],
                        item=line.item,
                        expires_at=line.at // 1000 + LOG_DAYS * DAY_S,
                    )
                )

    def logs(self, run_id: str, after: int, limit: int) -> list[RunLogLine]:
        with translate_errors():
            rows = list(RunLogRow.query(run_id, RunLogRow.sk.between(f"L#{after + 1:017d}", "L#9"), limit=limit))
        return [RunLogLine(int(row.at), row.level, row.message, _maybe_int(row.item), int(row.sk[2:])) for row in rows]

    def set_phase_detail(self, run_id: str, message: str) -> None:
        try:
            with translate_errors():
                RunRow(*run_key(run_id)).update(
                    actions=[RunRow.phase_detail.set(message[:300])],
                    # epoch 0: from the first lease on, the row belongs to the worker
                    condition=(RunRow.status == RunStatus.QUEUED.value) & (RunRow.epoch == 0),
                )
        except ConditionFailed:
            return  # the run has started after all

    # sweep

    def active_ids(self) -> list[str]:
        with translate_errors():
            return [_id_of(row.pk, row.sk) for row in RunRow.attention_index.query(ACTIVE)]

    def due_for_retry(self, now: int) -> list[str]:
        index = RetryRow.attention_index
        with translate_errors():
            rows = index.query(RETRY, RetryRow.attention_at <= now)
            return [_id_of(row.pk, row.sk.removeprefix("RETRY#")) for row in rows]

    def clear_retry(self, run_id: str) -> None:
        project_id, sk = run_key(run_id)
        with translate_errors():
            RetryRow(project_id, f"RETRY#{sk}", attention_at=0).delete()


def _commit(transaction: Transaction) -> None:
    try:
        transaction.commit()
    except Cancelled as cancelled:
        # first: without the lease, conflicts of items are another worker's concern
        if "run" in cancelled.tags:
            raise LeaseLost from cancelled
        raise ItemsConflict([tag for tag in cancelled.tags if isinstance(tag, int)]) from cancelled


def _is_unchanged(before: Run) -> Condition:
    # epoch: another worker; seq: a write of our own with a lost answer; status: an ended run is final
    unchanged: Condition = (
        (RunRow.epoch == before.lease.epoch) & (RunRow.seq == before.seq) & RunRow.status.is_in(*_ACTIVE)
    )
    return unchanged


def _check_exclusions(transaction: Transaction, project_id: str, run: Run, handlers: RunHandlers) -> None:
    """Check that no active run deletes the input of another one.

    Of this run, or of runs building on it.
    """
    for type_ in handlers[run.type].builds_on:
        harmless = LockRow.pk.does_not_exist() | (LockRow.replaces == False)  # noqa: E712
        transaction.check(LockRow, project_id, lock_key(handlers[type_].lock_name), harmless, type_)
    for handler in handlers.building_on(run.type) if run.options.replaces else ():
        free = LockRow.pk.does_not_exist()
        transaction.check(LockRow, project_id, lock_key(handler.lock_name), free, handler.type)


def _idempotency_key(key: str) -> str:
    return f"IDEM#{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _idempotency_row(run: Run, idempotency: Idempotency) -> IdempotencyRow:
    project_id, _ = run_key(run.id)
    return IdempotencyRow(
        project_id,
        _idempotency_key(idempotency.key),
        run_id=run.id,
        fingerprint=idempotency.fingerprint,
        expires_at=run.created_at // 1000 + IDEMPOTENCY_DAYS * DAY_S,
    )


def _id_of(pk: str, sk: str) -> str:
    path = parse(f"{pk}-R{int(sk[2:])}")
    return str(path)


def _maybe_int(value: float | None) -> int | None:
    return None if value is None else int(value)
