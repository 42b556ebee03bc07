"""Plans on DynamoDB: versions that are committed whole, whatever their size, and a history that can be gone back on."""

import random
import time
from collections.abc import Callable, Collection, Sequence
from itertools import batched
from typing import Any

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb.backlog_rows import PURGE, to_ms
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, wrapped
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
from groundwork.adapters.dynamodb.run_rows import LockRow, RunRow, lock_key, run_row
from groundwork.errors import NotFound, RunAlreadyActive, Transient
from groundwork.ids import Kind, path_of
from groundwork.plans.edit_guard import ChangedElements, changed_elements, refusal
from groundwork.plans.errors import PlanInUse, PlanNotEditable, VersionConflict
from groundwork.plans.history import Iteration
from groundwork.plans.model import Plan, PlanStatus, TaskStatus, links
from groundwork.plans.ports import PLAN_LOCK
from groundwork.plans.repositories import Repository
from groundwork.runs.model import Run

TRIES = 4
"""How often a write is tried that another was in the way of."""

IN_ONE_TRANSACTION = 40
"""New revisions up to this many are written with the version itself; more are written before it."""

BYTES_IN_ONE_TRANSACTION = 1_000_000

_NOT_BEGUN = [status.value for status in TaskStatus if not status.begun]


class DynamoPlans(PlanReader):
    """The port `groundwork.plans.ports.PlanStore`, and what the HTTP function needs besides."""

    def __init__(self, connection: Callable[[], Connection], now_ms: Callable[[], int] | None = None) -> None:
        self._connection = connection
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)
        self._repositories = DynamoRepositories(connection)

    def repository(self, repository_id: str) -> Repository:
        return self._repositories.get(repository_id)

    def next_iteration(self, plan_id: str) -> int:
        """A number for the plan's next iteration, and for its run where it has one."""
        self._head(plan_id)
        row = PlanRow(plan_id)

        def count() -> None:
            with wrapped():
                row.update(actions=[PlanRow.last_iteration.add(1)], condition=_alive())

        try:
            _patiently(count)
        except ConditionFailed:
            raise NotFound.of("plan", plan_id) from None
        return int(row.last_iteration)

    # versions

    def put_content(self, plan: Plan) -> None:
        self._put_revisions(plan.id, contents(plan)[1])

    def _put_revisions(self, plan_id: str, rows: dict[str, Any]) -> None:
        with wrapped(), ContentRow.batch_write() as batch:
            for sk, content in rows.items():
                batch.save(ContentRow(plan_id, sk, content=content))

    def create(self, plan: Plan, iteration: Iteration, run: Run | None = None) -> None:
        """The plan with its first iteration, and the run that generates it. Raises NotFound for its repository."""
        index, rows = contents(plan)
        self._put_revisions(plan.id, rows)
        transaction = Transaction(self._connection())
        transaction.put(plan_row(plan, iteration.number), PlanRow.pk.does_not_exist(), "plan")
        transaction.put(VersionRow(plan.id, version_key(plan.version), index=index))
        transaction.put(iteration_row(iteration))
        for list_ in (PLANS, plan.repository_id):
            transaction.put(ListRow(list_, list_key(to_ms(plan.created_at), plan.id)))
        for link in link_rows(plan).values():
            transaction.put(link)
        one_more = [RepositoryRow.plans.add(1)]
        transaction.update(RepositoryRow(plan.repository_id), one_more, RepositoryRow.url.exists(), "repository")
        if run:
            _put_run(transaction, run)
        try:
            self._settled(transaction, iteration)
        except Cancelled as cancelled:
            if "repository" in cancelled.tags:
                raise NotFound.of("repository", plan.repository_id) from None
            raise Transient("The plan's id was taken.") from cancelled

    def commit(self, before: Plan, after: Plan, iteration: Iteration) -> None:
        guarded = changed_elements(before, after)
        transaction = Transaction(self._connection())
        self._write_content(transaction, before, after)
        for id_ in guarded.changed:
            transaction.check(StateRow, after.id, state_key(id_), _absent_or(_NOT_BEGUN), "task")
        for id_ in guarded.removed:
            transaction.check(StateRow, after.id, state_key(id_), _absent_or([TaskStatus.PENDING.value]), "task")
        transaction.put(VersionRow(after.id, version_key(after.version), index=contents(after)[0]))
        transaction.put(iteration_row(iteration), IterationRow.pk.does_not_exist(), "iteration")
        _relink(transaction, before, after)
        unmoved = _alive() & (PlanRow.version == before.version) & (PlanRow.status == before.status.value)
        transaction.update(PlanRow(after.id), _head_of(after), unmoved, "head")
        try:
            self._settled(transaction, iteration)
        except Cancelled as cancelled:
            self._refuse(before, guarded, cancelled)

    def _write_content(self, transaction: Transaction, before: Plan, after: Plan) -> None:
        """New revisions go into the transaction, or before it where they are many: nothing names them until then."""
        # as the stored version names it: another release may name the same content otherwise
        known = set(keys_of(self._index(before.id, before.version)))
        new = {sk: content for sk, content in contents(after)[1].items() if sk not in known}
        size = sum(len(str(content)) for content in new.values())
        if len(new) > IN_ONE_TRANSACTION or size > BYTES_IN_ONE_TRANSACTION or before.status.executing:
            self._put_revisions(after.id, new)
            return
        for sk, content in new.items():
            transaction.put(ContentRow(after.id, sk, content=content))

    def _settled(self, transaction: Transaction, iteration: Iteration) -> None:
        """Commits; where the answer is unclear, or says no to what we have done before, looks: the number is ours.

        Raises Cancelled, Transient.
        """

        def commit() -> None:
            try:
                transaction.commit()
            except (Cancelled, Transient):
                if not self._is_there(iteration):
                    raise

        _patiently(commit)

    def _is_there(self, iteration: Iteration) -> bool:
        key = IterationRow.sk == iteration_key(iteration.number)
        with wrapped():
            rows = list(IterationRow.query(iteration.plan_id, key, consistent_read=True))
        return bool(rows) and rows[0].body == iteration_row(iteration).body

    def _refuse(self, before: Plan, guarded: ChangedElements, cancelled: Cancelled) -> None:
        if "iteration" in cancelled.tags:
            raise Transient("This edit has been made after all.") from cancelled
        head = self._head(before.id)
        if int(head.version) != before.version:
            raise VersionConflict(int(head.version)) from cancelled
        if "head" in cancelled.tags:
            if not PlanStatus(head.status).editable:
                raise PlanNotEditable(f"A plan that is {head.status} cannot be edited.") from cancelled
            # its status alone has changed: what was read is out of date all the same
            raise VersionConflict(int(head.version)) from cancelled
        # a task that stood in the way may stand elsewhere by now
        raise refusal(guarded, self.states(before.id)) or VersionConflict(before.version) from cancelled

    # reviews

    def start_review(self, plan: Plan, iteration: Iteration, run: Run) -> None:
        """Raises RunAlreadyActive where a generation or another review of the plan is under way."""
        transaction = Transaction(self._connection())
        transaction.check(PlanRow, plan.id, HEAD, _alive(), "plan")
        transaction.put(iteration_row(iteration))
        _put_run(transaction, run)
        try:
            self._settled(transaction, iteration)
        except Cancelled as cancelled:
            if "plan" in cancelled.tags:
                raise NotFound.of("plan", plan.id) from None
            raise RunAlreadyActive(self._holder(plan.id) or "") from None

    def _holder(self, plan_id: str) -> str | None:
        with wrapped():
            rows = list(LockRow.query(plan_id, LockRow.sk == lock_key(PLAN_LOCK), consistent_read=True))
        return str(rows[0].run_id) if rows else None

    # deleting

    def delete(self, plan_id: str, expected: Collection[int] | None = None) -> bool:
        """Gone at once; what it held is purged afterwards. Whether it had a schedule.

        Raises PlanInUse, PlanNotEditable, VersionConflict.
        """
        for _ in range(TRIES):
            head = self._head(plan_id)
            if expected is not None and int(head.version) not in expected:
                raise VersionConflict(int(head.version))
            if PlanStatus(head.status).executing:
                raise PlanNotEditable("A plan under execution cannot be deleted: cancel it first.")
            if self._at_work(plan_id):
                # a cancel of many takes several transactions: gone between two of them, the rest stays counted for ever
                raise PlanNotEditable("Tasks of the plan are still being stopped: delete it in a moment.")
            if self._deleted(head):
                return bool((head.execution or {}).get("schedule"))
        raise VersionConflict(int(head.version))

    def _deleted(self, head: PlanRow) -> bool:
        """False where it has changed meanwhile. Raises PlanInUse."""
        plan_id, now = head.pk, self._now_ms()
        transaction = Transaction(self._connection())
        transaction.check(LockRow, plan_id, lock_key(PLAN_LOCK), LockRow.pk.does_not_exist(), "lock")
        gone = [PlanRow.deleted_at.set(now), PlanRow.attention.set(PURGE), PlanRow.attention_at.set(now)]
        unmoved = _alive() & (PlanRow.status == head.status) & (PlanRow.version == int(head.version))
        # with that no task has begun since
        unmoved &= PlanRow.seq.does_not_exist() if head.seq is None else PlanRow.seq == int(head.seq)
        transaction.update(PlanRow(plan_id), gone, unmoved, "head")
        for list_ in (PLANS, head.repository_id):
            transaction.delete(ListRow(list_, list_key(int(head.created_at), plan_id)))
        for story_id in head.story_ids or ():
            transaction.delete(LinkRow(story_id, plan_id))
        transaction.update(RepositoryRow(head.repository_id), [RepositoryRow.plans.add(-1)])
        try:
            _patiently(transaction.commit)
        except Cancelled as cancelled:
            # by us, where the answer to an earlier try was lost
            if self._deleted_at(plan_id) == now:
                return True
            if "lock" in cancelled.tags:
                raise PlanInUse(self._holder(plan_id)) from None
            return False
        return True

    def _at_work(self, plan_id: str) -> bool:
        with wrapped():
            rows = StateRow.query(plan_id, StateRow.sk.startswith("X#"), consistent_read=True)
            return any(row.status == TaskStatus.RUNNING.value for row in rows)

    def _deleted_at(self, plan_id: str) -> int | None:
        with wrapped():
            rows = list(PlanRow.query(plan_id, PlanRow.sk == HEAD, consistent_read=True))
        return int(rows[0].deleted_at) if rows and rows[0].deleted_at is not None else None

    def to_purge(self) -> list[str]:
        with wrapped():
            return [row.pk for row in PlanRow.attention_index.query(PURGE)]

    def purge(self, plan_id: str, stop: Callable[[], bool]) -> bool:
        """Whether nothing of a deleted plan is left. Its own row goes last."""
        with wrapped():
            runs = [f"{plan_id}-R{int(row.sk[2:])}" for row in RunRow.query(plan_id, RunRow.sk.startswith("R#"))]
        # one row class stands for all rows of its table
        partitions: list[tuple[type[Any], str]] = [(LockRow, run_id) for run_id in runs]
        partitions += [(LockRow, plan_id), (ListRow, plan_id)]
        for table, partition in partitions:
            if not _emptied(table, partition, stop):
                return False
        try:
            with wrapped():
                PlanRow(plan_id).delete(condition=PlanRow.deleted_at.exists())
        except ConditionFailed:
            return True  # another purger was there first
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


def _patiently(act: Callable[[], None]) -> None:
    """Tries again what another transaction was in the way of; each writer waits another time. Raises Transient."""
    for attempt in range(TRIES - 1):
        try:
            return act()
        except Transient:
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311  # not a secret
    return act()


def _absent_or(statuses: Sequence[str]) -> Any:
    return StateRow.status.does_not_exist() | StateRow.status.is_in(*statuses)


def _alive() -> Any:
    return PlanRow.title.exists() & PlanRow.deleted_at.does_not_exist()


def _emptied(table: type[Any], partition: str, stop: Callable[[], bool]) -> bool:
    """All rows of a partition deleted but the head of a plan."""
    with wrapped():
        keys = [found.sk for found in table.query(partition, attributes_to_get=["pk", "sk"])]
    for group in batched((sk for sk in keys if sk != HEAD), 100, strict=False):
        if stop():
            return False
        with wrapped(), table.batch_write() as batch:
            for sk in group:
                batch.delete(table(partition, sk))
    return True
