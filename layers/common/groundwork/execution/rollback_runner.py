"""Runs a requested rollback, repository by repository.

Commits are reverted in one push. In a plan without commits, patches are withdrawn: they stay stored, and nothing is
built on them any more.
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
"""Limit of retries for an unreachable repository."""


@dataclass(slots=True)
class _RepositoryRollback:
    """Rollback in one repository: commits to revert, and ids of tasks with patches to withdraw."""

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
        """Run the plan's rollback and return its status. Safe to repeat after Transient.

        Raises NotFound, Transient.
        """
        execution_state = self.store.read(plan_id)
        request = execution_state.execution.rollback
        if request is None or request.status != "RUNNING":
            return request.status if request else "NONE"
        try:
            for repository_id, rest in _by_repository(execution_state, request.task_ids):
                # recorded per repository: a fault in the next one loses nothing
                self._record(plan_id, request, self._revert(execution_state, self.repository(repository_id), rest))
        except (NotReverted, NotFound) as refused:
            self._give_up(plan_id, request, str(refused))
        except Transient as fault:
            if self.now_ms() - request.at_ms < MAX_ROLLBACK_MS:
                # the sweep requests the rollback again
                raise
            # a rollback blocks every other command: give up, so that a user can act or request it again
            self._give_up(plan_id, request, f"Gave up after an hour: {fault}")
        after = self.store.read(plan_id).execution.rollback
        return after.status if after else "NONE"

    def _revert(
        self, execution_state: ExecutionState, repository: Repository, rest: _RepositoryRollback
    ) -> Mapping[str, str | None]:
        """Reverts by task id, None for a withdrawn patch. Raises NotReverted, Transient."""
        reverts: dict[str, str | None] = {}
        if rest.commits:
            reverts |= self.reverter.revert_commits(repository, execution_state.branch, rest.commits)
        if rest.patches:
            completed = completed_tasks(execution_state, repository.id)
            remaining = [one for one in completed if one.is_patch and one.task.id not in rest.patches]
            # a later patch may have changed the same lines without a dependency on this task
            self.reverter.check_remaining_patches(repository, execution_state.branch, remaining)
            reverts |= dict.fromkeys(rest.patches)
        return reverts

    def _record(self, plan_id: str, request: Rollback, reverts: Mapping[str, str | None]) -> None:
        """Record reverts newest first, in transactions of at most MAX_CHANGES tasks."""
        for part in batched(reverts.items(), MAX_CHANGES, strict=False):
            self.coordinator.change(
                plan_id, partial(rollback.record_reverts, number=request.number, reverts=dict(part))
            )

    def _give_up(self, plan_id: str, request: Rollback, reason: str) -> None:
        self.coordinator.change(plan_id, lambda now: rollback.fail_rollback(now, request.number, reason))


def _by_repository(
    execution_state: ExecutionState, task_ids: tuple[str, ...]
) -> Iterator[tuple[str, _RepositoryRollback]]:
    """Group the rest of the rollback by repository, in order.

    Repositories are independent of each other.
    """
    found: dict[str, _RepositoryRollback] = {}
    for id_ in task_ids:
        task, state = execution_state.plan.task(id_), execution_state.of(id_)
        # reverted by an earlier invocation
        if task is None or not rollback.has_result(state):
            continue
        rest = found.setdefault(task.repository_id or execution_state.plan.repository_id, _RepositoryRollback())
        if state.commit_sha:
            rest.commits.append(CommitToRevert(task, state.commit_sha, state.attempts))
        else:
            rest.patches.append(id_)
    yield from found.items()
