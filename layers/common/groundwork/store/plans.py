"""Plans on DynamoDB: versions that are committed whole, whatever their size, and a history that can be gone back on."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import batched
from typing import Any

from pynamodb.connection import Connection

from groundwork.errors import NotFound, RunAlreadyActive, Transient
from groundwork.ids import Kind, path_of
from groundwork.plans.history import Change, Iteration
from groundwork.plans.model import Plan, PlanStatus, TaskState, TaskStatus
from groundwork.plans.refusals import PlanInUse, PlanNotEditable, TaskBegun, VersionConflict
from groundwork.plans.repositories import Repository
from groundwork.plans.suggestions import Suggestion
from groundwork.runs import Run, RunType
from groundwork.store.backlog_rows import PURGE, to_ms
from groundwork.store.dynamo import Cancelled, ConditionFailed, Transaction, wrapped
from groundwork.store.plan_lists import PLANS, DynamoRepositories
from groundwork.store.plan_rows import (
    HEAD,
    ContentRow,
    IterationRow,
    ListRow,
    PlanRow,
    RepositoryRow,
    StateRow,
    VersionRow,
    contents,
    iteration_key,
    iteration_of,
    iteration_row,
    keys_of,
    list_key,
    plan_of,
    plan_row,
    state_key,
    version_key,
)
from groundwork.store.run_rows import LockRow, RunRow, lock_key, run_row

IN_ONE_TRANSACTION = 40
"""New revisions up to this many are written with the version itself; more are written before it."""

GUARDED = 90
"""Tasks of a plan under execution that one edit may touch: each takes an action of the transaction."""

_NOT_BEGUN = [status.value for status in TaskStatus if not status.begun]


class DynamoPlans:
    """The port `groundwork.plans.writes.PlanStore`, and what the HTTP function reads besides."""

    def __init__(self, connection: Callable[[], Connection], now_ms: Callable[[], int] | None = None) -> None:
        self._connection = connection
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)
        self._repositories = DynamoRepositories(connection)

    # reading

    def load(self, plan_id: str) -> Plan:
        head = self._head(plan_id)
        return self._version(head, int(head.version))

    def at_version(self, plan_id: str, version: int) -> Plan:
        return self._version(self._head(plan_id), version)

    def summary(self, plan_id: str) -> dict[str, Any]:
        return self._head(plan_id).summary()

    def repository(self, repository_id: str) -> Repository:
        return self._repositories.get(repository_id)

    def states(self, plan_id: str) -> dict[str, TaskState]:
        with wrapped():
            rows = list(StateRow.query(plan_id, StateRow.sk.startswith("X#"), consistent_read=True))
        return {f"{plan_id}-{row.sk[2:]}": _state(row) for row in rows}

    def _head(self, plan_id: str) -> PlanRow:
        if path_of(Kind.PLAN, plan_id) is None:
            raise NotFound.of("plan", plan_id)
        try:
            with wrapped():
                row = PlanRow.get(plan_id, HEAD, consistent_read=True)
        except PlanRow.DoesNotExist:
            raise NotFound.of("plan", plan_id) from None
        if row.deleted_at is not None:
            raise NotFound.of("plan", plan_id)
        return row

    def _version(self, head: PlanRow, version: int) -> Plan:
        index = self._index(head.pk, version)
        keys = [(head.pk, sk) for sk in dict.fromkeys(keys_of(index))]
        with wrapped():
            # consistent: the revisions may be a moment old
            content = {row.sk: row.content for row in ContentRow.batch_get(keys, consistent_read=True)}
        return plan_of(head, version, index, content)

    def _index(self, plan_id: str, version: int) -> list[Any]:
        with wrapped():
            rows = list(VersionRow.query(plan_id, VersionRow.sk == version_key(version), consistent_read=True))
        if not rows:
            raise NotFound(f"The plan {plan_id!r} has no version {version}.")
        return list(rows[0].index)

    # writing

    def next_iteration(self, plan_id: str) -> int:
        """A number for the plan's next iteration, and for its run where it has one."""
        self._head(plan_id)
        row = PlanRow(plan_id)
        try:
            with wrapped():
                row.update(actions=[PlanRow.last_iteration.add(1)], condition=_alive())
        except ConditionFailed:
            raise NotFound.of("plan", plan_id) from None
        return int(row.last_iteration)

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
        transaction.put(plan_row(plan, iteration.number), PlanRow.pk.does_not_exist())
        transaction.put(VersionRow(plan.id, version_key(plan.version), index=index))
        transaction.put(iteration_row(iteration))
        created = to_ms(plan.created_at)
        for list_ in (PLANS, plan.repository_id):
            transaction.put(ListRow(list_, list_key(created, plan.id)))
        for story_id in plan.story_ids:
            transaction.put(ListRow(story_id, plan.id, linked=True))
        one_more = [RepositoryRow.plans.add(1)]
        transaction.update(RepositoryRow(plan.repository_id), one_more, RepositoryRow.url.exists(), "repository")
        if run:
            _put_run(transaction, run)
        try:
            transaction.commit()
        except Cancelled as cancelled:
            if "repository" in cancelled.tags:
                raise NotFound.of("repository", plan.repository_id) from None
            raise Transient("The plan's id was taken.") from cancelled

    def commit(self, before: Plan, after: Plan, iteration: Iteration, changes: Sequence[Change]) -> None:
        index, rows = contents(after)
        new = {sk: content for sk, content in rows.items() if sk not in contents(before)[1]}
        transaction = Transaction(self._connection())
        if len(new) > IN_ONE_TRANSACTION:
            self._put_revisions(after.id, new)
        else:
            for sk, content in new.items():
                transaction.put(ContentRow(after.id, sk, content=content))
        touched = touched_tasks(changes) if before.status.executing else []
        for task_id in touched:
            untouched = StateRow.pk.does_not_exist() | StateRow.status.is_in(*_NOT_BEGUN)
            transaction.check(StateRow, after.id, state_key(task_id), untouched, "task")
        transaction.put(VersionRow(after.id, version_key(after.version), index=index))
        transaction.put(iteration_row(iteration))
        unmoved = _alive() & (PlanRow.version == before.version) & (PlanRow.status == before.status.value)
        transaction.update(PlanRow(after.id), _head_of(after), unmoved, "head")
        try:
            transaction.commit()
        except Cancelled as cancelled:
            self._refuse(before, touched, cancelled.tags)

    def _refuse(self, before: Plan, touched: Sequence[str], tags: Iterable[Any]) -> None:
        head = self._head(before.id)
        if int(head.version) != before.version:
            raise VersionConflict(int(head.version))
        if "head" in list(tags):
            if not PlanStatus(head.status).editable:
                raise PlanNotEditable(f"A plan that is {head.status} cannot be edited.")
            # its status alone has changed: what was read is out of date all the same
            raise VersionConflict(int(head.version))
        states = self.states(before.id)
        raise TaskBegun([id_ for id_ in touched if id_ in states and states[id_].status.begun])

    def set_status(self, plan_id: str, status: PlanStatus, allowed: Sequence[PlanStatus]) -> None:
        """Raises PlanNotEditable unless the plan is in one of the allowed states."""
        condition = _alive() & PlanRow.status.is_in(*(one.value for one in allowed))
        try:
            with wrapped():
                PlanRow(plan_id).update(actions=[PlanRow.status.set(status.value)], condition=condition)
        except ConditionFailed:
            head = self._head(plan_id)
            raise PlanNotEditable(f"A plan that is {head.status} cannot become {status.value}.") from None

    # iterations

    def iteration(self, iteration_id: str) -> Iteration:
        path = path_of(Kind.ITERATION, iteration_id)
        if path is None:
            raise NotFound.of("iteration", iteration_id)
        self._head(path.project_id)
        try:
            with wrapped():
                row = IterationRow.get(path.project_id, iteration_key(path.number), consistent_read=True)
        except IterationRow.DoesNotExist:
            raise NotFound.of("iteration", iteration_id) from None
        return iteration_of(row)

    def iterations(self, plan_id: str, before: int | None, limit: int) -> list[Iteration]:
        """Newest first, with a number below `before`."""
        self._head(plan_id)
        between = IterationRow.sk.between(iteration_key(0), iteration_key((before or 1_000_000) - 1))
        with wrapped():
            rows = IterationRow.query(plan_id, between, scan_index_forward=False, limit=limit, consistent_read=True)
            return [iteration_of(row) for row in rows]

    def suggestions(self, iteration: Iteration) -> list[Suggestion]:
        """In the order their indices count."""
        start = f"S#{iteration.number:06d}#"
        with wrapped():
            rows = list(ContentRow.query(iteration.plan_id, ContentRow.sk.startswith(start), consistent_read=True))
        return [Suggestion.model_validate(row.content) for row in rows]

    def dropped(self, iteration: Iteration) -> tuple[str, ...]:
        """Why suggestions of the model are not among them."""
        start = f"Q#{iteration.number:06d}#"
        with wrapped():
            rows = list(ContentRow.query(iteration.plan_id, ContentRow.sk.startswith(start), consistent_read=True))
        return tuple(str(reason) for row in rows for reason in row.content)

    def start_review(self, plan: Plan, iteration: Iteration, run: Run) -> None:
        """Raises RunAlreadyActive where a generation or another review of the plan is under way."""
        transaction = Transaction(self._connection())
        transaction.check(PlanRow, plan.id, HEAD, _alive(), "plan")
        transaction.put(iteration_row(iteration))
        _put_run(transaction, run)
        try:
            transaction.commit()
        except Cancelled as cancelled:
            if "plan" in cancelled.tags:
                raise NotFound.of("plan", plan.id) from None
            raise RunAlreadyActive(self._holder(plan.id) or "") from None

    # deleting

    def delete(self, plan_id: str) -> None:
        """Gone at once; what it held is purged afterwards. Raises PlanInUse, PlanNotEditable."""
        head = self._head(plan_id)
        if PlanStatus(head.status).executing:
            raise PlanNotEditable("A plan under execution cannot be deleted: cancel it first.")
        now = self._now_ms()
        transaction = Transaction(self._connection())
        transaction.check(LockRow, plan_id, lock_key(RunType.GENERATE_PLAN), LockRow.pk.does_not_exist(), "lock")
        gone = [PlanRow.deleted_at.set(now), PlanRow.attention.set(PURGE), PlanRow.attention_at.set(now)]
        transaction.update(PlanRow(plan_id), gone, _alive() & (PlanRow.status == head.status), "head")
        created = int(head.created_at)
        for list_ in (PLANS, head.repository_id):
            transaction.delete(ListRow(list_, list_key(created, plan_id)))
        for story_id in head.story_ids or ():
            transaction.delete(ListRow(story_id, plan_id))
        transaction.update(RepositoryRow(head.repository_id), [RepositoryRow.plans.add(-1)])
        try:
            transaction.commit()
        except Cancelled as cancelled:
            if "lock" in cancelled.tags:
                raise PlanInUse(self._holder(plan_id)) from None
            self._head(plan_id)
            raise PlanNotEditable("The plan has just changed; try again.") from None

    def to_purge(self) -> list[str]:
        with wrapped():
            return [row.pk for row in PlanRow.attention_index.query(PURGE)]

    def purge(self, plan_id: str, stop: Callable[[], bool]) -> bool:
        """Whether nothing of a deleted plan is left. Its own row goes last."""
        with wrapped():
            runs = [f"{plan_id}-R{int(row.sk[2:])}" for row in RunRow.query(plan_id, RunRow.sk.startswith("R#"))]
        partitions: list[tuple[type[Any], str]] = [(LockRow, run_id) for run_id in runs]
        for table, partition in [*partitions, (LockRow, plan_id), (ListRow, plan_id)]:
            if not _emptied(table, partition, stop):
                return False
        with wrapped():
            PlanRow(plan_id).delete(condition=PlanRow.deleted_at.exists())
        return True

    def _holder(self, plan_id: str) -> str | None:
        with wrapped():
            rows = list(LockRow.query(plan_id, LockRow.sk == lock_key(RunType.GENERATE_PLAN), consistent_read=True))
        return str(rows[0].run_id) if rows else None


def touched_tasks(changes: Sequence[Change]) -> list[str]:
    """The tasks that an edit changes, moves or removes; new ones have no state yet. Raises TaskBegun for too many."""
    ids = [change.id for change in changes if path_of(Kind.TASK, change.id) and change.kind != "added"]
    if len(ids) > GUARDED:
        raise PlanNotEditable(f"While a plan is executed, an edit may touch at most {GUARDED} tasks.")
    return ids


def _head_of(after: Plan) -> list[Any]:
    return [
        PlanRow.version.set(after.version),
        PlanRow.title.set(after.title),
        PlanRow.last_phase.set(after.last_phase),
        PlanRow.last_task.set(after.last_task),
        PlanRow.phase_count.set(len(after.phases)),
        PlanRow.task_count.set(sum(1 for _ in after.tasks)),
        PlanRow.updated_at.set(to_ms(after.updated_at)),
        PlanRow.status.set(after.status.value),
    ]


def _put_run(transaction: Transaction, run: Run) -> None:
    path = path_of(Kind.RUN, run.id)
    assert path is not None
    lock = LockRow(path.project_id, lock_key(run.type), run_id=run.id)
    transaction.put(lock, LockRow.pk.does_not_exist(), "lock")
    transaction.put(run_row(run), RunRow.pk.does_not_exist(), "run")


def _state(row: StateRow) -> TaskState:
    return TaskState(
        status=TaskStatus(row.status), attempts=int(row.attempts), commit_sha=row.commit_sha, error_msg=row.error_msg
    )


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

