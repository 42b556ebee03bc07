"""Runs on DynamoDB. Every write of a run is conditional on the epoch and the seq the writer last saw."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pynamodb.connection import Connection
from pynamodb.expressions.condition import Condition

from groundwork.adapters.dynamodb.backlog_rows import (
    ROW_OF_KIND,
    CardRow,
    ProjectRow,
    dead_prefixes,
    row_of,
    sort_key,
    stored_analysis,
)
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.plan_run_writes import close, write
from groundwork.adapters.dynamodb.run_rows import (
    ACTIVE,
    DAY_S,
    IDEMPOTENCY_DAYS,
    LOG_DAYS,
    RETRY,
    IdempotencyRow,
    LinesRow,
    LockRow,
    LogRow,
    RetriedRow,
    RetryRow,
    RunRow,
    draft_line,
    draft_of,
    entry_line,
    entry_of,
    lock_key,
    run_actions,
    run_key,
    run_of,
    run_row,
    target_line,
    target_of,
)
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
from groundwork.runs.manifest import PAGE
from groundwork.runs.model import JournalEntry, ManifestEntry, Run, RunStatus, RunType
from groundwork.runs.ports import AlreadyStarted, Changes, Idempotency, ItemsConflict, LogLine

_ACTIVE = (RunStatus.QUEUED.value, RunStatus.RUNNING.value)


class DynamoRuns:
    """The port `groundwork.runs.ports.RunStore`, and what the HTTP functions read besides."""

    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection

    # starting

    def next_number(self, project_id: str) -> int:
        row = ProjectRow(project_id)
        alive = ProjectRow.name.exists() & ProjectRow.deleted_at.does_not_exist()
        try:
            with translate_errors():
                row.update(actions=[ProjectRow.last_run.add(1)], condition=alive)
        except ConditionFailed:
            raise NotFound.of("project", project_id) from None
        return int(row.last_run)

    def started_with(self, project_id: str, idempotency: Idempotency) -> str | None:
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

    def start(self, run: Run, selection: Sequence[tuple[int, ...]], idempotency: Idempotency | None) -> None:
        project_id, _ = run_key(run.id)
        transaction = Transaction(self._connection())
        lock = LockRow(project_id, lock_key(run.type), run_id=run.id, replaces=run.options.replaces)
        if idempotency:
            transaction.put(_idempotency_row(run, idempotency), IdempotencyRow.pk.does_not_exist(), "idempotency")
        transaction.put(lock, LockRow.pk.does_not_exist(), run.type)
        _keep_apart(transaction, project_id, run)
        alive = ProjectRow.name.exists() & ProjectRow.deleted_at.does_not_exist()
        transaction.check(ProjectRow, project_id, "P", alive, "project")
        transaction.put(run_row(run), RunRow.pk.does_not_exist(), "run")
        if selection:
            transaction.put(LinesRow(run.id, "SELECTION", lines=[list(numbers) for numbers in selection]))
        if run.retry_of:
            self._take_retry(transaction, run)
        try:
            transaction.commit()
        except Cancelled as cancelled:
            self._refuse(run, cancelled.tags, idempotency)

    def _take_retry(self, transaction: Transaction, run: Run) -> None:
        """A run is retried once; again only where that retry was cancelled."""
        project_id, sk = run_key(run.retry_of or "")
        with translate_errors():
            given = list(RetriedRow.query(project_id, RetriedRow.sk == f"RETRIED#{sk}", consistent_read=True))
        condition: Condition = RetriedRow.pk.does_not_exist()
        if given and self.load(given[0].run_id).status is RunStatus.CANCELLED:
            condition = RetriedRow.run_id == given[0].run_id
        transaction.put(RetriedRow(project_id, f"RETRIED#{sk}", run_id=run.id), condition, "retried")
        transaction.delete(RetryRow(project_id, f"RETRY#{sk}", attention_at=0))

    def _refuse(self, run: Run, tags: Iterable[Any], idempotency: Idempotency | None) -> None:
        """Says why a run was not started; the client's own earlier request comes first."""
        tags = list(tags)
        project_id, _ = run_key(run.id)
        if "idempotency" in tags and idempotency:
            # raises if the key was used with another body; else the caller answers with the run it gave
            raise AlreadyStarted(self.started_with(project_id, idempotency) or "")
        if "project" in tags:
            raise NotFound.of("project", project_id)
        types = [tag for tag in tags if isinstance(tag, RunType)]
        if types:
            holder = self.holders(project_id).get(types[0])
            if holder is None:
                raise Transient("The run that stood in the way has just ended.")
            raise RunAlreadyActive(holder)
        raise NothingToRetry("The run's failed items have been tried again already.")

    # one writer

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
        if changes == Changes():
            try:
                with translate_errors():
                    RunRow(*run_key(run.id)).update(actions=run_actions(run), condition=_unchanged(before))
            except ConditionFailed:
                raise LeaseLost from None
            return
        transaction = Transaction(self._connection())
        self._write(transaction, run, before, changes)
        _commit(transaction)

    def finish(self, run: Run, before: Run, changes: Changes) -> None:
        project_id, sk = run_key(run.id)
        transaction = Transaction(self._connection())
        self._write(transaction, run, before, changes)
        transaction.delete(LockRow(project_id, lock_key(run.type)), LockRow.run_id == run.id, "run")
        if run.next_retry_at:
            transaction.put(RetryRow(project_id, f"RETRY#{sk}", attention_at=run.next_retry_at))
        if run.type.of_plan:
            close(transaction, run)
        gained, counted = run.created - run.deleted, run.type.counted
        if gained and counted:
            transaction.update(
                ProjectRow(project_id), [getattr(ProjectRow, counted).add(gained)], ProjectRow.name.exists(), "run"
            )
        _commit(transaction)

    def _write(self, transaction: Transaction, run: Run, before: Run, changes: Changes) -> None:
        transaction.update(RunRow(*run_key(run.id)), run_actions(run), _unchanged(before), "run")
        if changes.entries:
            lines = [entry_line(entry) for entry in changes.entries]
            transaction.put(LinesRow(run.id, f"J#{run.seq:09d}", lines=lines))
        if changes.manifest:
            page = changes.manifest[0].index // PAGE
            transaction.put(LinesRow(run.id, f"M#{page:05d}", lines=[target_line(t) for t in changes.manifest]))
        if changes.rest is not None:
            numbers = [int(id_.rpartition("-C")[2]) for id_ in changes.rest]
            transaction.put(LinesRow(run.id, "REST", lines=numbers))
        for index, drafts in changes.drafts:
            transaction.put(LinesRow(run.id, f"D#{index:05d}", lines=[draft_line(draft) for draft in drafts]))
        self._write_artifacts(transaction, changes)
        self._retire(transaction, run, changes.retired)

    def _write_artifacts(self, transaction: Transaction, changes: Changes) -> None:
        for index, artifact in changes.puts:
            new: Any = row_of(artifact)
            transaction.put(new, type(new).pk.does_not_exist(), index)
        for index, path in changes.deletes:
            row = ROW_OF_KIND[path.kind](path.project_id, sort_key(path))
            transaction.delete(row, type(row).pk.exists(), index)
        for index, path, analysis, text in changes.analyses:
            card = CardRow(path.project_id, sort_key(path))
            set_analysis = CardRow.analysis.set(stored_analysis(analysis))
            # of the text that was asked about: somebody may have changed it meanwhile
            transaction.update(card, [set_analysis], CardRow.text == text, index)
        for index, written in changes.plans:
            write(transaction, written, index)

    def _retire(self, transaction: Transaction, run: Run, retired: Sequence[Path]) -> None:
        dead = set().union(*(dead_prefixes(path) for path in retired))
        if dead:
            actions = [
                ProjectRow.retired.add(dead),
                ProjectRow.attention.set("PURGE"),
                ProjectRow.attention_at.set(run.heartbeat_at or run.created_at),
            ]
            transaction.update(ProjectRow(run_key(run.id)[0]), actions, ProjectRow.name.exists(), "run")

    # reading

    def manifest(self, run_id: str, start: int, stop: int) -> list[ManifestEntry]:
        """The targets with start <= index < stop."""
        first, last = f"M#{start // PAGE:05d}", f"M#{max(start, stop - 1) // PAGE:05d}"
        with translate_errors():
            rows = list(LinesRow.query(run_id, LinesRow.sk.between(first, last), consistent_read=True))
        lines = [
            target_of(int(row.sk[2:]) * PAGE + position, line)
            for row in rows
            for position, line in enumerate(row.lines)
        ]
        return [target for target in lines if start <= target.index < stop]

    def journal(self, run_id: str, after: int = 0) -> Iterator[JournalEntry]:
        with translate_errors():
            lines = LinesRow.sk.between(f"J#{after + 1:09d}", "J#999999999")
            for row in LinesRow.query(run_id, lines, consistent_read=True):
                yield from (entry_of(int(row.sk[2:]), line) for line in row.lines)

    def selection(self, run_id: str) -> list[tuple[int, ...]]:
        return [tuple(numbers) for numbers in self._lines(run_id, "SELECTION")]

    def rest(self, run_id: str) -> list[str]:
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
        """The project's runs, newest first, with a number below `before`."""
        upper = f"R#{(before or 1_000_000) - 1:06d}"
        with translate_errors():
            rows = RunRow.query(project_id, RunRow.sk.between("R#000000", upper), scan_index_forward=False, limit=limit)
            return [run_of(row) for row in rows]

    def later(self, run_id: str) -> list[Run]:
        project_id, sk = run_key(run_id)
        after = RunRow.sk.between(f"{sk}!", "R#~")
        with translate_errors():
            return [run_of(row) for row in RunRow.query(project_id, after, consistent_read=True)]

    def holders(self, project_id: str) -> dict[RunType, str]:
        with translate_errors():
            rows = list(LockRow.query(project_id, LockRow.sk.startswith("LOCK#"), consistent_read=True))
        return {RunType(row.sk[5:]): row.run_id for row in rows}

    # logs

    def log(self, run_id: str, lines: Sequence[LogLine]) -> None:
        with translate_errors(), LogRow.batch_write() as batch:
            for position, line in enumerate(lines):
                # a time with a position: it rises from hop to hop without anybody counting
                seq = line.at * 1000 + position % 1000
                batch.save(
                    LogRow(
                        run_id,
                        f"L#{seq:017d}",
                        at=line.at,
                        level=line.level,
                        message=line.message[:1_000],
                        item=line.item,
                        expires_at=line.at // 1000 + LOG_DAYS * DAY_S,
                    )
                )

    def logs(self, run_id: str, after: int, limit: int) -> list[LogLine]:
        with translate_errors():
            rows = list(LogRow.query(run_id, LogRow.sk.between(f"L#{after + 1:017d}", "L#9"), limit=limit))
        return [LogLine(int(row.at), row.level, row.message, _maybe_int(row.item), int(row.sk[2:])) for row in rows]

    def note(self, run_id: str, message: str) -> None:
        try:
            with translate_errors():
                RunRow(*run_key(run_id)).update(
                    actions=[RunRow.phase_detail.set(message[:300])],
                    condition=(RunRow.status == RunStatus.QUEUED.value) & (RunRow.epoch == 0),
                )
        except ConditionFailed:
            return  # it moves after all

    # the schedule

    def active(self) -> list[str]:
        with translate_errors():
            return [_id_of(row.pk, row.sk) for row in RunRow.attention_index.query(ACTIVE)]

    def due_for_retry(self, now: int) -> list[str]:
        index = RetryRow.attention_index
        with translate_errors():
            rows = index.query(RETRY, RetryRow.attention_at <= now)
            return [_id_of(row.pk, row.sk.removeprefix("RETRY#")) for row in rows]

    def settle_retry(self, run_id: str) -> None:
        project_id, sk = run_key(run_id)
        with translate_errors():
            RetryRow(project_id, f"RETRY#{sk}", attention_at=0).delete()


def _commit(transaction: Transaction) -> None:
    try:
        transaction.commit()
    except Cancelled as cancelled:
        if "run" in cancelled.tags:
            raise LeaseLost from cancelled
        raise ItemsConflict([tag for tag in cancelled.tags if isinstance(tag, int)]) from cancelled


def _unchanged(before: Run) -> Condition:
    unchanged: Condition = (
        (RunRow.epoch == before.lease.epoch) & (RunRow.seq == before.seq) & RunRow.status.is_in(*_ACTIVE)
    )
    return unchanged


def _keep_apart(transaction: Transaction, project_id: str, run: Run) -> None:
    """A run that replaces must not pull the ground from under one that works below it, nor the other way round."""
    for type_ in run.type.above:
        harmless = LockRow.pk.does_not_exist() | (LockRow.replaces == False)  # noqa: E712
        transaction.check(LockRow, project_id, lock_key(type_), harmless, type_)
    for type_ in run.type.below if run.options.replaces else ():
        transaction.check(LockRow, project_id, lock_key(type_), LockRow.pk.does_not_exist(), type_)


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
