"""What the schedule does: revive runs that have lost their worker, retry failures that are due, purge what is dead.

It finds them in sparse indexes and touches no run that is alive: a live run's lease has not expired.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from groundwork.errors import GroundworkError, NotFound, Refusal
from groundwork.runs import leases
from groundwork.runs.ports import RunStore
from groundwork.runs.start import Starter


@dataclass(slots=True)
class SweepResult:
    """What one sweep did: ids of runs and projects."""

    revived: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    purged: list[str] = field(default_factory=list)
    deferred: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Sweeper:
    store: RunStore
    starter: Starter
    to_purge: Callable[[], list[str]]
    purge: Callable[[str, Callable[[], bool]], bool]
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]

    def sweep(self) -> SweepResult:
        """One fault does not stop the rest: it is noted, and the next sweep tries again."""
        swept = SweepResult()
        for run_id in self.store.active_ids():
            self._each(self._revive, run_id, swept)
        for run_id in self.store.due_for_retry(self.now_ms()):
            self._each(self._retry, run_id, swept)
        for project_id in self.to_purge():
            self._each(self._purge, project_id, swept)
        return swept

    def revive(self, run_id: str) -> bool:
        """Triggers process-next for a run that nobody works on. The worker decides: it takes only what is free."""
        try:
            run = self.store.load(run_id)
        except NotFound:
            return False
        if not leases.is_stale(run, self.now_ms()):
            return False
        self.starter.trigger(run_id)
        return True

    def _each(self, act: Callable[[str, SweepResult], None], id_: str, swept: SweepResult) -> None:
        if self.left_ms() < 5_000:
            swept.deferred.append(id_)
            return
        try:
            act(id_, swept)
        except GroundworkError:
            swept.deferred.append(id_)

    def _revive(self, run_id: str, swept: SweepResult) -> None:
        if self.revive(run_id):
            swept.revived.append(run_id)

    def _retry(self, run_id: str, swept: SweepResult) -> None:
        try:
            swept.retried.append(self.starter.retry(run_id, automatic=True).run_id)
        except Refusal as refusal:
            if refusal.code == "RUN_ALREADY_ACTIVE":
                swept.deferred.append(run_id)
                return
            # retried by a person, or the project is gone: nothing is due any more
            self.store.clear_retry(run_id)

    def _purge(self, project_id: str, swept: SweepResult) -> None:
        done = self.purge(project_id, lambda: self.left_ms() < 5_000)
        (swept.purged if done else swept.deferred).append(project_id)
