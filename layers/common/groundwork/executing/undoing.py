"""Carries out a rollback that was asked for: repository by repository, each by revert commits in one push."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from groundwork.errors import NotFound, Transient
from groundwork.executing import rollback
from groundwork.executing.conducting import Conductor
from groundwork.executing.ports import Executions
from groundwork.executing.standing import Rollback, Standing
from groundwork.executing.work import NotReverted, Reverter, Taken
from groundwork.plans.repositories import Repository

LONGEST_MS = 3_600_000
"""How long a repository that cannot be reached is tried again."""


@dataclass(slots=True)
class Undoer:
    store: Executions
    conductor: Conductor
    reverter: Reverter
    repository: Callable[[str], Repository]
    now_ms: Callable[[], int]

    def undo(self, plan_id: str) -> str:
        """What has become of the plan's rollback. Raises NotFound, Transient: asked again, it goes on where it was."""
        standing = self.store.read(plan_id)
        asked = standing.execution.rollback
        if asked is None or asked.status != "RUNNING":
            return asked.status if asked else "NONE"
        try:
            for repository_id, taken in _by_repository(standing, asked.task_ids):
                repository = self.repository(repository_id)
                reverts = self.reverter.take_back(repository, standing.branch, taken)
                self.conductor.change(
                    plan_id,
                    lambda now, reverts=reverts: rollback.taken_back(now, asked.number, reverts),  # type: ignore[misc]
                )
        except (NotReverted, NotFound) as refused:
            self._give_up(plan_id, asked, str(refused))
        except Transient as fault:
            if self.now_ms() - asked.at_ms < LONGEST_MS:
                raise
            # while commits are being taken back nobody can go on with the plan: a person is told, and may ask again
            self._give_up(plan_id, asked, f"Given up: {fault}")
        after = self.store.read(plan_id).execution.rollback
        return after.status if after else "NONE"

    def _give_up(self, plan_id: str, asked: Rollback, reason: str) -> None:
        self.conductor.change(plan_id, lambda now: rollback.given_up(now, asked.number, reason))


def _by_repository(standing: Standing, task_ids: tuple[str, ...]) -> Iterator[tuple[str, list[Taken]]]:
    """What is still to be taken back, in order within each repository: commits of two of them never touch."""
    found: dict[str, list[Taken]] = {}
    for id_ in task_ids:
        task, state = standing.plan.task(id_), standing.of(id_)
        if task and state.commit_sha and rollback.is_there(state):
            repository_id = task.repository_id or standing.plan.repository_id
            found.setdefault(repository_id, []).append(Taken(task, state.commit_sha, state.attempts))
    yield from found.items()
