"""Plans on DynamoDB: versions of any size, committed atomically, with a history."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb.backlog_rows import PURGE, to_ms
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.execution_rows import StateRow, state_key
from groundwork.adapters.dynamodb.list_rows import ListRow, RepositoryRow, list_key
from groundwork.adapters.dynamodb.plan_lists import PLANS, DynamoRepositories
from groundwork.adapters.dynamodb.plan_reader import PlanReader
from groundwork.adapters.dynamodb.plan_rows import (
    HEAD,
    ContentRow,
    IterationRow,
    LinkRow,
    PlanRow,
    VersionRow,
    iteration_key,
    iteration_row,
    link_rows,
    plan_row,
    version_key,
)
from groundwork.adapters.dynamodb.plan_versions import contents, keys_of
from groundwork.adapters.dynamodb.purge import delete_partition
from groundwork.adapters.dynamodb.run_rows import LockRow, RunRow, lock_key, run_row
from groundwork.clock import backoff
from groundwork.errors import NotFound, RunAlreadyActive, Transient
from groundwork.ids import Kind, path_of
from groundwork.plans.edit_guard import ChangedElements, changed_elements, refusal
from groundwork.plans.errors import PlanInUse, PlanNotEditable, VersionConflict
from groundwork.plans.history import Iteration
from groundwork.plans.model import Plan, PlanStatus, TaskStatus, links
from groundwork.plans.ports import PLAN_LOCK
from groundwork.plans.repositories import Repository
from groundwork.runs.model import Run

MAX_ATTEMPTS = 4
"""Attempts of a write that conflicts with another one."""

MAX_REVISIONS_IN_TRANSACTION = 40
"""Up to this many new revisions are written with the version itself; more precede it."""

MAX_BYTES_IN_TRANSACTION = 1_000_000

_NOT_STARTED = [status.value for status in TaskStatus if not status.started]


class DynamoPlans(PlanReader):
    """The port `groundwork.plans.ports.PlanStore`, plus methods of the HTTP function."""

    def __init__(self, connection: Callable[[], Connection], now_ms: Callable[[], int] | None = None) -> None:
        self._connection = connection
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)
        self._repositories = DynamoRepositories(connection)

    def repository(self, repository_id: str) -> Repository:
        return self._repositories.get(repository_id)

    def next_iteration(self, plan_id: str) -> int:
        """Return a number for the plan's next iteration, and for its run if it has one."""
        self._head(plan_id)
        row = PlanRow(plan_id)

        def count() -> None:
            with translate_errors():
                row.update(actions=[PlanRow.last_iteration.add(1)], condition=_alive())

        try:
            _retry(count)
        except ConditionFailed:
            raise NotFound.of("plan", plan_id) from None
        return int(row.last_iteration)

    def put_content(self, plan: Plan) -> None:
        self._put_revisions(plan.id, contents(plan)[1])

    def _put_revisions(self, plan_id: str, rows: dict[str, Any]) -> None:
        with translate_errors(), ContentRow.batch_write() as batch:
            for sk, content in rows.items():
                batch.save(ContentRow(plan_id, sk, content=content))

    def create(self, plan: Plan, iteration: Iteration, run: Run | None = None) -> None:
        """Create the plan, its first iteration and its run. Raises NotFound (repository)."""
        index, rows = contents(plan)
        # revisions first: nothing shows them until a version names them
        self._put_revisions(plan.id, rows)
        transaction = Transaction(self._connection())
        transaction.put(plan_row(plan, iteration.number), PlanRow.pk.does_not_exist(), "plan")
        transaction.put(VersionRow(plan.id, version_key(plan.version), index=index))
        transaction.put(iteration_row(iteration))
        for list_ in (PLANS, plan.repository_id):
            transaction.put(ListRow(list_, list_key(to_ms(plan.created_at), plan.id)))
        for link in link_rows(plan).values():
            transaction.put(link)
        increment = [RepositoryRow.plans.add(1)]
        transaction.update(RepositoryRow(plan.repository_id), increment, RepositoryRow.url.exists(), "repository")
        if run:
            _put_run(transaction, run)
        try:
            self._commit_once(transaction, iteration)
        except Cancelled as cancelled:
            if "repository" in cancelled.tags:
                raise NotFound.of("repository", plan.repository_id) from None
            raise Transient("The plan's id is already in use.") from cancelled

    def commit(self, before: Plan, after: Plan, iteration: Iteration) -> None:
        guarded = changed_elements(before, after)
        transaction = Transaction(self._connection())
        self._write_content(transaction, before, after)
        # a task started since the read refuses the edit
        for id_ in guarded.changed:
            transaction.check(StateRow, after.id, state_key(id_), _absent_or(_NOT_STARTED), "task")
        for id_ in guarded.removed:
            transaction.check(StateRow, after.id, state_key(id_), _absent_or([TaskStatus.PENDING.value]), "task")
        transaction.put(VersionRow(after.id, version_key(after.version), index=contents(after)[0]))
        transaction.put(iteration_row(iteration), IterationRow.pk.does_not_exist(), "iteration")
        _relink(transaction, before, after)
        unchanged = _alive() & (PlanRow.version == before.version) & (PlanRow.status == before.status.value)
        transaction.update(PlanRow(after.id), _head_of(after), unchanged, "head")
        try:
            self._commit_once(transaction, iteration)
        except Cancelled as cancelled:
            self._refuse(before, guarded, cancelled)

    def _write_content(self, transaction: Transaction, before: Plan, after: Plan) -> None:
        """Put new revisions into the transaction, or write many ahead: no version names them yet."""
        # use the stored index: another release may hash the same content differently
        known = set(keys_of(self._index(before.id, before.version)))
        new = {sk: content for sk, content in contents(after)[1].items() if sk not in known}
        size = sum(len(str(content)) for content in new.values())
        # during execution the checks of the tasks need the 100 actions of the transaction
        if len(new) > MAX_REVISIONS_IN_TRANSACTION or size > MAX_BYTES_IN_TRANSACTION or before.status.executing:
            self._put_revisions(after.id, new)
            return
        for sk, content in new.items():
            transaction.put(ContentRow(after.id, sk, content=content))

    def _commit_once(self, transaction: Transaction, iteration: Iteration) -> None:
        """Commit. After an unclear or negative answer, look for the iteration.

        Only we use its number, so its existence proves our commit. Raises Cancelled, Transient.
        """

        def commit() -> None:
            try:
                transaction.commit()
            except (Cancelled, Transient):
                if not self._is_there(iteration):
                    raise

        _retry(commit)

    def _is_there(self, iteration: Iteration) -> bool:
        key = IterationRow.sk == iteration_key(iteration.number)
        with translate_errors():
            rows = list(IterationRow.query(iteration.plan_id, key, consistent_read=True))
        return bool(rows) and rows[0].body == iteration_row(iteration).body

    def _refuse(self, before: Plan, guarded: ChangedElements, cancelled: Cancelled) -> None:
        if "iteration" in cancelled.tags:
            raise Transient("The edit was already committed.") from cancelled
        head = self._head(before.id)
        if int(head.version) != before.version:
            raise VersionConflict(int(head.version)) from cancelled
        if "head" in cancelled.tags:
            if not PlanStatus(head.status).editable:
                raise PlanNotEditable(f"Cannot edit: the plan is {head.status}.") from cancelled
            # only the status has changed, but the plan as read is still outdated
            raise VersionConflict(int(head.version)) from cancelled
        # the blocking task may have another state by now
        raise refusal(guarded, self.states(before.id)) or VersionConflict(before.version) from cancelled

    def start_review(self, plan: Plan, iteration: Iteration, run: Run) -> None:
        """Raises RunAlreadyActive if a generation or another review of the plan is running."""
        for attempt in range(MAX_ATTEMPTS):
            try:
                return self._try_review(plan, iteration, run)
            except Cancelled as cancelled:
                if "plan" in cancelled.tags:
                    raise NotFound.of("plan", plan.id) from None
                if holder := self._lock_holder(plan.id):
                    raise RunAlreadyActive(holder) from None
            # the other run has ended since: its lock is free
            time.sleep(backoff(attempt, 0.05, 0.2))
        raise Transient("Too many concurrent runs of the plan.")

    def _try_review(self, plan: Plan, iteration: Iteration, run: Run) -> None:
        """Raises Cancelled."""
        transaction = Transaction(self._connection())
        transaction.check(PlanRow, plan.id, HEAD, _alive(), "plan")
        transaction.put(iteration_row(iteration))
        _put_run(transaction, run)
        self._commit_once(transaction, iteration)

    def _lock_holder(self, plan_id: str) -> str | None:
        with translate_errors():
            rows = list(LockRow.query(plan_id, LockRow.sk == lock_key(PLAN_LOCK), consistent_read=True))
        return str(rows[0].run_id) if rows else None

    def delete(self, plan_id: str, expected: Collection[int] | None = None) -> bool:
        """Delete the plan at once; its rows are purged later. Return True if it had a schedule.

        Raises PlanInUse, PlanNotEditable, VersionConflict.
        """
        for _ in range(MAX_ATTEMPTS):
            head = self._head(plan_id)
            if expected is not None and int(head.version) not in expected:
                raise VersionConflict(int(head.version))
            if PlanStatus(head.status).executing:
                raise PlanNotEditable("Cannot delete an executing plan: cancel it first.")
            if self._has_running_task(plan_id):
                # a large cancel takes several transactions: a delete between two would leak its slots
                raise PlanNotEditable("Tasks of the plan are still being stopped: try again in a moment.")
            if self._try_delete(head):
                return bool((head.execution or {}).get("schedule"))
        raise VersionConflict(int(head.version))

    def _try_delete(self, head: PlanRow) -> bool:
        """Return False if the plan has changed meanwhile. Raises PlanInUse."""
        plan_id, now = head.pk, self._now_ms()
        transaction = Transaction(self._connection())
        transaction.check(LockRow, plan_id, lock_key(PLAN_LOCK), LockRow.pk.does_not_exist(), "lock")
        deletion = [PlanRow.deleted_at.set(now), PlanRow.attention.set(PURGE), PlanRow.attention_at.set(now)]
        unchanged = _alive() & (PlanRow.status == head.status) & (PlanRow.version == int(head.version))
        # this also excludes a task started since
        unchanged &= PlanRow.seq.does_not_exist() if head.seq is None else PlanRow.seq == int(head.seq)
        transaction.update(PlanRow(plan_id), deletion, unchanged, "head")
        for list_ in (PLANS, head.repository_id):
            transaction.delete(ListRow(list_, list_key(int(head.created_at), plan_id)))
        for story_id in head.story_ids or ():
            transaction.delete(LinkRow(story_id, plan_id))
        transaction.update(RepositoryRow(head.repository_id), [RepositoryRow.plans.add(-1)])
        try:
            _retry(transaction.commit)
        except Cancelled as cancelled:
            # deleted by us, where an earlier response was lost
            if self._deleted_at(plan_id) == now:
                return True
            if "lock" in cancelled.tags and (holder := self._lock_holder(plan_id)):
                raise PlanInUse(holder) from None
            return False
        return True

    def _has_running_task(self, plan_id: str) -> bool:
        with translate_errors():
            rows = StateRow.query(plan_id, StateRow.sk.startswith("X#"), consistent_read=True)
            return any(row.status == TaskStatus.RUNNING.value for row in rows)

    def _deleted_at(self, plan_id: str) -> int | None:
        with translate_errors():
            rows = list(PlanRow.query(plan_id, PlanRow.sk == HEAD, consistent_read=True))
        return int(rows[0].deleted_at) if rows and rows[0].deleted_at is not None else None

    def to_purge(self) -> list[str]:
        with translate_errors():
            return [row.pk for row in PlanRow.attention_index.query(PURGE)]

    def purge(self, plan_id: str, stop: Callable[[], bool]) -> bool:
        """Delete rows of a deleted plan; return True if none is left. The head goes last."""
        with translate_errors():
            runs = [f"{plan_id}-R{int(row.sk[2:])}" for row in RunRow.query(plan_id, RunRow.sk.startswith("R#"))]
        # one row class stands for all rows of its table
        partitions: list[tuple[type[Any], str]] = [(LockRow, run_id) for run_id in runs]
        partitions += [(LockRow, plan_id), (ListRow, plan_id)]
        for table, partition in partitions:
            if not delete_partition(table, partition, stop, keep=HEAD):
                return False
        try:
            with translate_errors():
                # last: after a crash the head still brings the plan to the next sweep
                PlanRow(plan_id).delete(condition=PlanRow.deleted_at.exists())
        except ConditionFailed:
            return True  # another purger came first
        return True


def _head_of(after: Plan) -> list[Any]:
    stories = list(links(after))
    return [
        PlanRow.version.set(after.version),
        PlanRow.title.set(after.title),
        PlanRow.last_phase.set(after.last_phase),
        PlanRow.last_task.set(after.last_task),
        PlanRow.phase_count.set(len(after.phases)),
        PlanRow.task_count.set(sum(1 for _ in after.tasks)),
        PlanRow.updated_at.set(to_ms(after.updated_at)),
        PlanRow.status.set(after.status.value),
        PlanRow.story_ids.set(stories) if stories else PlanRow.story_ids.remove(),
    ]


def _relink(transaction: Transaction, before: Plan, after: Plan) -> None:
    old, new = link_rows(before), link_rows(after)
    for story_id, row in new.items():
        if story_id not in old or old[story_id].tasks != row.tasks:
            transaction.put(row)
    for story_id in old.keys() - new.keys():
        transaction.delete(LinkRow(story_id, after.id))


def _put_run(transaction: Transaction, run: Run) -> None:
    path = path_of(Kind.RUN, run.id)
    assert path is not None
    lock = LockRow(path.project_id, lock_key(PLAN_LOCK), run_id=run.id)
    transaction.put(lock, LockRow.pk.does_not_exist(), "lock")
    transaction.put(run_row(run), RunRow.pk.does_not_exist(), "run")


def _retry(action: Callable[[], None]) -> None:
    """Retry conflicts with other transactions, with jitter. Raises Transient."""
    for attempt in range(MAX_ATTEMPTS - 1):
        try:
            return action()
        except Transient:
            time.sleep(backoff(attempt, 0.05, 0.2))
    return action()


def _absent_or(statuses: Sequence[str]) -> Any:
    return StateRow.status.does_not_exist() | StateRow.status.is_in(*statuses)


def _alive() -> Any:
    return PlanRow.title.exists() & PlanRow.deleted_at.does_not_exist()
