"""Checks pushed heads after a rollback: told to users, and without effect on the rollback.

A check may take several invocations. Each verdict is recorded in the plan, and a claim keeps two workers apart.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from groundwork.agent.repository import Checkout, RepositoryFault, RepositoryUnreachable, Upstream
from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import Verified
from groundwork.checks.ports import CheckJob, CheckProgress, CheckRunner, Owner, OwnerKind
from groundwork.checks.watch import watch
from groundwork.errors import NotFound, Transient
from groundwork.execution import check_report, rollback
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.ports import Executions
from groundwork.execution.state import HeadCheck, RepositoryChecks, Rollback
from groundwork.plans.repositories import Repository
from groundwork.sandbox.errors import SandboxError, SandboxUnavailable
from groundwork.sandbox.verdict import Verdict

LEASE_MS = 360_000
"""Longer than any single request to a sandbox."""

RESERVE_MS = 60_000
"""Time kept free at the end of the invocation."""

MAX_CHECK_MS = 4 * 3_600_000
"""Limit from the request of the rollback; then the check is not run."""

JOB = "rollback"

Told = tuple[Verified, str | None]
"""Verdict of a head, with its reason."""


class RollbackClaims(Protocol):
    """Claims of a plan's check, one a plan. Every method raises Transient."""

    def claim(self, plan_id: str, number: int, now_ms: int, until_ms: int) -> int | None:
        """Claim the check of this rollback. Return the epoch; None while another worker has it."""
        ...

    def renew(self, plan_id: str, number: int, epoch: int, until_ms: int) -> None:
        """Extend the lease. Raises ClaimLost."""
        ...

    def end(self, plan_id: str, number: int, epoch: int) -> None:
        """End the check: its sandboxes may close. Raises ClaimLost."""
        ...

    def end_up_to(self, plan_id: str, number: int) -> None:
        """End the check of a rollback with at most this number, if one is open."""
        ...


@dataclass(slots=True)
class RollbackChecker:
    """`runner` is None if the system runs no checks. `again` triggers the next invocation."""

    store: Executions
    coordinator: ExecutionCoordinator
    claims: RollbackClaims
    runner: Callable[[], CheckRunner] | None
    open_repository: Callable[[Repository, Path], AbstractContextManager[Upstream]]
    repository: Callable[[str], Repository]
    again: Callable[[str], None]
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]
    sleep: Callable[[float], None] = time.sleep

    def end_earlier(self, plan_id: str) -> None:
        """End the check of a rollback replaced by the one in progress, so that its sandbox closes.

        Raises NotFound, Transient.
        """
        execution = self.store.read(plan_id).execution
        # while it is in progress, the sweep repeats this; a later rollback has a number above the seq
        if execution.rolling_back:
            self.claims.end_up_to(plan_id, execution.seq)

    def run(self, plan_id: str) -> str:
        """Advance the plan's pending check. Safe to repeat after Transient.

        Raises NotFound, Transient.
        """
        request = self.store.read(plan_id).execution.rollback
        if request is None or not request.check_pending:
            return "NONE"
        now = self.now_ms()
        epoch = self.claims.claim(plan_id, request.number, now, now + LEASE_MS)
        if epoch is None:
            return "TAKEN"
        try:
            return _Check(self, plan_id, request, epoch).run()
        except ClaimLost:
            return "TAKEN"
        except Transient:
            # another worker need not wait for the end of the lease
            with suppress(ClaimLost, Transient):
                self.claims.renew(plan_id, request.number, epoch, 0)
            raise


@dataclass(frozen=True, slots=True)
class _Check:
    """One invocation's part of a check, under one claim."""

    deps: RollbackChecker
    plan_id: str
    request: Rollback
    epoch: int

    def run(self) -> str:
        pending = [head for head in self.request.heads if head.verified is None]
        for head in pending:
            told = self._check(head)
            if told is None:
                self.deps.claims.renew(self.plan_id, self.request.number, self.epoch, 0)
                self.deps.again(self.plan_id)
                return "RUNNING"
            if head is pending[-1]:
                # before the record: while the plan waits for a verdict, the sweep repeats what a crash leaves
                self.deps.claims.end(self.plan_id, self.request.number, self.epoch)
            else:
                self._renew()
            self._record(head, *told)
        return "CHECKED"

    def _record(self, head: HeadCheck, verified: Verified, reason: str | None) -> None:
        number, repository_id = self.request.number, head.repository_id
        record = partial(
            rollback.record_head_check,
            number=number,
            repository_id=repository_id,
            verified=verified,
            reason=reason,
        )
        self.deps.coordinator.change(self.plan_id, record)

    def _check(self, head: HeadCheck) -> Told | None:
        """Return None if the time of the invocation is up."""
        if self.deps.runner is None:
            return Verified.NOT_RUN, "The system runs no checks."
        if self.deps.now_ms() - self.request.at_ms > MAX_CHECK_MS:
            return self._closed(head, (Verified.NOT_RUN, "The check did not end in time."))
        checks = self.deps.store.read(self.plan_id).checks_of(head.repository_id)
        if checks is None:
            return self._closed(head, (Verified.NOT_RUN, "The plan started anew without checks."))
        try:
            repository = self.deps.repository(head.repository_id)
            with TemporaryDirectory(prefix="rollback-") as folder:
                checkout = self._check_out(head, repository, Path(folder))
                return self._advance(head, self._job(head, checks, checkout), checks)
        except RepositoryUnreachable as fault:
            raise Transient(str(fault)) from fault
        # NotFound: the repository or its secret is missing
        except (RepositoryFault, NotFound, SandboxUnavailable) as fault:
            return self._closed(head, (Verified.NOT_RUN, str(fault)))
        except SandboxError as fault:
            raise Transient(str(fault)) from fault

    def _check_out(self, head: HeadCheck, repository: Repository, folder: Path) -> Checkout:
        with self.deps.open_repository(repository, folder / "clone") as upstream:
            return upstream.checkout(head.commit, folder / "tree")

    def _job(self, head: HeadCheck, checks: RepositoryChecks, checkout: Checkout) -> CheckJob:
        return CheckJob(
            id=JOB,
            owner=self._owner(head),
            repository_id=head.repository_id,
            settings=checks.settings,
            tree=checkout.tree,
            tree_sha=checkout.tree_sha,
            commit=checkout.commit,
            commands=checks.settings.verify,
        )

    def _owner(self, head: HeadCheck) -> Owner:
        return Owner(OwnerKind.ROLLBACK, self.plan_id, head.task_id, self.request.number, self.epoch)

    def _advance(self, head: HeadCheck, job: CheckJob, checks: RepositoryChecks) -> Told | None:
        assert self.deps.runner
        ended = watch(self.deps.runner(), job, self._seconds, self.deps.sleep, lambda progress: self._renew())
        return self._closed(head, _told(ended, checks)) if ended else None

    def _closed(self, head: HeadCheck, told: Told) -> Told:
        """Close the head's sandbox. The sweep repeats a failed close."""
        assert self.deps.runner
        with suppress(Transient, SandboxError):
            self.deps.runner().close(self._owner(head))
        return told

    def _renew(self) -> None:
        self.deps.claims.renew(self.plan_id, self.request.number, self.epoch, self.deps.now_ms() + LEASE_MS)

    def _seconds(self) -> float:
        return (self.deps.left_ms() - RESERVE_MS) / 1000


def _told(progress: CheckProgress, checks: RepositoryChecks) -> Told:
    match progress.verdict:
        case Verdict.PASSED if checks.red_baseline:
            return Verified.NOT_RUN, "The checks failed on the default branch, so that they prove nothing."
        case Verdict.PASSED:
            return Verified.PASSED, None
        case Verdict.FAILED:
            return Verified.FAILED, check_report.failure(progress.results)
    return Verified.NOT_RUN, check_report.could_not_run(progress.results)
