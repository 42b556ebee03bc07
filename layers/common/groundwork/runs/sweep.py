"""Scheduled sweep: revive stale runs, retry failures that are due, purge deleted data.

The sweep finds them in sparse indexes. It leaves live runs alone: their leases have not expired.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from groundwork.errors import GroundworkError, NotFound, Refusal
from groundwork.runs import leases
from groundwork.runs.ports import RunStore
from groundwork.runs.start import Starter


@dataclass(slots=True)
class SweepResult:
    """Ids of the runs, projects and imports of one sweep, by what was done.

    `deferred`: left for the next one.
    """

    revived: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    purged: list[str] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)
    deferred: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Sweeper:
    store: RunStore
    starter: Starter
    to_purge: Callable[[], list[str]]
    purge: Callable[[str, Callable[[], bool]], bool]
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]
    start_imports: Callable[[], list[str]] = list
    """Starts the imports that waited for another one."""

    def sweep(self) -> SweepResult:
        """Process everything due. A fault defers its object to the next sweep; the others go on."""
        swept = SweepResult()
        for run_id in self.store.active_ids():
            self._each(self._revive, run_id, swept)
        for run_id in self.store.due_for_retry(self.now_ms()):
            self._each(self._retry, run_id, swept)
        self._each(self._import, "imports", swept)
        for project_id in self.to_purge():
            self._each(self._purge, project_id, swept)
        return swept

    def revive(self, run_id: str) -> bool:
        """Trigger the worker of a stale run. The worker itself takes only a free run."""
        try:
            # a dead letter may outlive its project
            run = self.store.load(run_id)
        except NotFound:
            return False
        # a dead letter may be older than the worker now at work
        if not leases.is_stale(run, self.now_ms()):
            return False
        self.starter.trigger(run_id)
        return True

    def _each(self, act: Callable[[str, SweepResult], None], id_: str, swept: SweepResult) -> None:
        # Lambda's time limit would end the sweep without its report, the source of an alarm
        if self.left_ms() < 5_000:
            swept.deferred.append(id_)
            return
        try:
            act(id_, swept)
        # one unreadable row must not keep all others waiting
        except GroundworkError:
            swept.deferred.append(id_)

    def _revive(self, run_id: str, swept: SweepResult) -> None:
        if self.revive(run_id):
            swept.revived.append(run_id)

    def _retry(self, run_id: str, swept: SweepResult) -> None:
        try:
            swept.retried.append(self.starter.retry(run_id, automatic=True).run_id)
        except Refusal as refusal:
            # the retry is still due when that run has ended
            if refusal.code == "RUN_ALREADY_ACTIVE":
                swept.deferred.append(run_id)
                return
            # a user has retried it, or the project is gone
            self.store.clear_retry(run_id)

    def _import(self, _: str, swept: SweepResult) -> None:
        swept.imported += self.start_imports()

    def _purge(self, project_id: str, swept: SweepResult) -> None:
        done = self.purge(project_id, lambda: self.left_ms() < 5_000)
        (swept.purged if done else swept.deferred).append(project_id)
