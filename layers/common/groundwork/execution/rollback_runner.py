"""Carries out a rollback that was asked for: repository by repository, each by revert commits in one push, or, where
the plan makes no commits, by withdrawing patches: they are kept, and nothing is built on them any more.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import batched

from groundwork.errors import NotFound, Transient
from groundwork.execution import rollback
from groundwork.execution.completed_work import completed_tasks
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.ports import Executions
from groundwork.execution.reconcile import MAX_CHANGES
from groundwork.execution.state import ExecutionState, Rollback
from groundwork.execution.worker import CommitToRevert, NotReverted, Reverter
from groundwork.plans.repositories import Repository

MAX_ROLLBACK_MS = 3_600_000
"""How long a repository that cannot be reached is tried again."""


@dataclass(slots=True)
class _RepositoryRollback:
    """What is to be taken back in one repository: commits, and ids of tasks whose patches are."""

    commits: list[CommitToRevert] = field(default_factory=list)
    patches: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RollbackRunner:
    store: Executions
    coordinator: ExecutionCoordinator
    reverter: Reverter
    repository: Callable[[str], Repository]
    now_ms: Callable[[], int]

    def run(self, plan_id: str) -> str:
        """What has become of the plan's rollback. Raises NotFound, Transient: asked again, it goes on where it was."""
        execution_state = self.store.read(plan_id)
        asked = execution_state.execution.rollback
        if asked is None or asked.status != "RUNNING":
            return asked.status if asked else "NONE"
        try:
            for repository_id, there in _by_repository(execution_state, asked.task_ids):
                self._written(plan_id, asked, self._undone(execution_state, self.repository(repository_id), there))
        except (NotReverted, NotFound) as refused:
            self._give_up(plan_id, asked, str(refused))
        except Transient as fault:
            if self.now_ms() - asked.at_ms < MAX_ROLLBACK_MS:
                raise
            # while commits are being taken back nobody can go on with the plan: a person is told, and may ask again
            self._give_up(plan_id, asked, f"Given up: {fault}")
        after = self.store.read(plan_id).execution.rollback
        return after.status if after else "NONE"

    def _undone(
        self, execution_state: ExecutionState, repository: Repository, there: _RepositoryRollback
    ) -> Mapping[str, str | None]:
        """The reverts by task id, None for a patch that is withdrawn. Raises NotReverted, Transient."""
        reverts: dict[str, str | None] = {}
        if there.commits:
            reverts |= self.reverter.revert_commits(repository, execution_state.branch, there.commits)
        if there.patches:
            done = completed_tasks(execution_state, repository.id)
            left = [one for one in done if one.is_patch and one.task.id not in there.patches]
            self.reverter.check_remaining_patches(repository, execution_state.branch, left)
            reverts |= dict.fromkeys(there.patches)
        return reverts

    def _written(self, plan_id: str, asked: Rollback, reverts: Mapping[str, str | None]) -> None:
        """In the order of the work, as many at once as a transaction takes."""
        for part in batched(reverts.items(), MAX_CHANGES, strict=False):
            self.coordinator.change(plan_id, partial(rollback.record_reverts, number=asked.number, reverts=dict(part)))

    def _give_up(self, plan_id: str, asked: Rollback, reason: str) -> None:
        self.coordinator.change(plan_id, lambda now: rollback.fail_rollback(now, asked.number, reason))


def _by_repository(
    execution_state: ExecutionState, task_ids: tuple[str, ...]
) -> Iterator[tuple[str, _RepositoryRollback]]:
    """What is still to be taken back, in order within each repository: what is done in two of them never touches."""
    found: dict[str, _RepositoryRollback] = {}
    for id_ in task_ids:
        task, state = execution_state.plan.task(id_), execution_state.of(id_)
        if task is None or not rollback.has_result(state):
            continue
        there = found.setdefault(task.repository_id or execution_state.plan.repository_id, _RepositoryRollback())
        if state.commit_sha:
            there.commits.append(CommitToRevert(task, state.commit_sha, state.attempts))
        else:
            there.patches.append(id_)
    yield from found.items()
