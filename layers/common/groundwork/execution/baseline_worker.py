"""Runs a baseline, one invocation after another: clone, suggestions, checks."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from groundwork.agent.repository import Checkout, RepositoryFault, RepositoryUnreachable, Upstream
from groundwork.checks.baseline import Baseline, Baselines, BaselineStatus
from groundwork.checks.errors import ClaimLost
from groundwork.checks.ports import CheckJob, CheckProgress, CheckRunner
from groundwork.checks.suggest import MAX_FILE, SuggestedCommands, suggest
from groundwork.checks.watch import watch
from groundwork.errors import NotFound, Transient
from groundwork.execution import check_report
from groundwork.plans.repositories import Repository
from groundwork.sandbox.errors import SandboxError, SandboxUnavailable

LEASE_MS = 360_000
"""Longer than any single request to a sandbox."""

RESERVE_MS = 60_000
"""Time kept free at the end of the invocation."""

MAX_CLAIMS = 40
"""Claims of one baseline: a repository may have any number of baselines."""

MAX_FETCHES = 3

JOB = "baseline"


@dataclass(slots=True)
class BaselineWorker:
    """`again` triggers the next invocation."""

    baselines: Baselines
    runner: Callable[[], CheckRunner]
    open_repository: Callable[[Repository, Path], AbstractContextManager[Upstream]]
    repository: Callable[[str], Repository]
    again: Callable[[str], None]
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]
    sleep: Callable[[float], None] = time.sleep

    def run(self, repository_id: str) -> str:
        """Advance an unfinished baseline without another worker. Returns its status.

        Raises Transient: the event comes again, or the sweep repeats it.
        """
        now = self.now_ms()
        claimed = self.baselines.claim(repository_id, now, now + LEASE_MS)
        if claimed is None:
            return "taken"
        try:
            return self._run(claimed)
        except ClaimLost:
            # a later request may have replaced this baseline; a later worker has its own epoch
            with suppress(Transient, SandboxError):
                self.runner().close(claimed.owner)
            return "taken"
        except Transient as fault:
            # another worker need not wait for the end of the lease
            with suppress(ClaimLost, Transient):
                self.baselines.save(claimed.changed(reason=str(fault)), 0)
            raise

    def sweep(self, stop: Callable[[], bool]) -> list[str]:
        """Trigger unfinished baselines: trigger or worker may be lost. Raises Transient."""
        found = []
        for repository_id in self.baselines.unfinished():
            if stop():
                break
            self.again(repository_id)
            found.append(repository_id)
        return found

    def _run(self, baseline: Baseline) -> str:
        if baseline.claims > MAX_CLAIMS:
            return self._end(baseline, BaselineStatus.COULD_NOT_RUN, "It was interrupted too often.")
        try:
            repository = self.repository(baseline.repository_id)
        except NotFound:
            return self._end(baseline, BaselineStatus.COULD_NOT_RUN, "The repository is gone.")
        with TemporaryDirectory() as folder:
            try:
                baseline, checkout = self._check_out(baseline, repository, Path(folder))
            # NotFound: the secret is missing
            except (RepositoryFault, NotFound) as fault:
                return self._end(baseline, BaselineStatus.COULD_NOT_RUN, str(fault))
            return self._check(baseline, checkout, repository)

    def _check_out(self, baseline: Baseline, repository: Repository, folder: Path) -> tuple[Baseline, Checkout]:
        """Check out the head, or the commit of an earlier invocation. Raises RepositoryFault."""
        for attempt in range(MAX_FETCHES):
            (place := folder / str(attempt)).mkdir()
            try:
                with self.open_repository(repository, place / "clone") as upstream:
                    commit = baseline.commit or upstream.head(repository.default_branch, None, make=False)
                    checkout = upstream.checkout(commit, place / "tree")
                    break
            except RepositoryUnreachable as fault:
                if attempt + 1 == MAX_FETCHES:
                    raise
                self._save(baseline.changed(activity=f"Retrying: {fault}"))
                self.sleep(2.0 * 4**attempt)
        found = baseline.changed(commit=commit, tree=checkout.tree_sha, suggested=_suggestion(checkout), reason=None)
        self._save(found)
        return found, checkout

    def _check(self, baseline: Baseline, checkout: Checkout, repository: Repository) -> str:
        settings = baseline.settings
        if settings is None or not settings.verify:
            reason = "The commands have not run yet." if repository.checks else "No commands are configured."
            return self._end(baseline, BaselineStatus.COULD_NOT_RUN, reason)
        job = CheckJob(
            id=JOB,
            owner=baseline.owner,
            repository_id=baseline.repository_id,
            settings=settings,
            tree=checkout.tree,
            tree_sha=checkout.tree_sha,
            commit=checkout.commit,
            commands=settings.verify,
            keep_setup=True,
        )
        try:
            return self._advance(baseline, job)
        except SandboxUnavailable as fault:
            return self._end(baseline, BaselineStatus.COULD_NOT_RUN, str(fault))
        except SandboxError as fault:
            raise Transient(str(fault)) from fault

    def _advance(self, baseline: Baseline, job: CheckJob) -> str:
        def report(progress: CheckProgress) -> None:
            nonlocal baseline
            baseline = baseline.changed(activity=progress.activity)
            self._save(baseline)

        runner = self.runner()
        ended = watch(runner, job, self._seconds, self.sleep, report)
        if ended is not None:
            return self._finish(baseline, runner, ended)
        self.baselines.save(baseline, 0)
        self.again(baseline.repository_id)
        return baseline.status.value

    def _finish(self, baseline: Baseline, runner: CheckRunner, progress: CheckProgress) -> str:
        assert progress.verdict is not None
        baseline = baseline.changed(tests=check_report.tests_of(progress.results))
        details = [one.detail for one in progress.results if one.detail]
        reason = details[-1] if details else None
        # the sweep closes it otherwise
        with suppress(Transient, SandboxError):
            runner.close(baseline.owner)
        return self._end(baseline, BaselineStatus.of(progress.verdict), reason)

    def _end(self, baseline: Baseline, status: BaselineStatus, reason: str | None) -> str:
        self._save(baseline.changed(status=status, reason=reason, activity="", ended_at=self.now_ms()))
        return status.value

    def _save(self, baseline: Baseline) -> None:
        self.baselines.save(baseline, 0 if baseline.status.ended else self.now_ms() + LEASE_MS)

    def _seconds(self) -> float:
        return (self.left_ms() - RESERVE_MS) / 1000


def _suggestion(checkout: Checkout) -> SuggestedCommands:
    paths = {place.relative_to(checkout.folder).as_posix() for place in checkout.folder.rglob("*") if place.is_file()}

    def read(path: str) -> str | None:
        if path not in paths:
            return None
        with (checkout.folder / path).open(encoding="utf-8", errors="replace") as file:
            return file.read(MAX_FILE)

    return suggest(paths, read)
