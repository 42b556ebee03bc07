"""Landing of a session's change: rebase, check exactly the tree, review, push.

A landing may take many invocations. Its state is saved with the session before each step with an effect, so any later
invocation continues: a sandbox is opened once for each tree, and nothing is pushed twice.
"""

import asyncio
import hashlib
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from groundwork.agent.brief import review_cost_for
from groundwork.agent.landing import Landing, Review
from groundwork.agent.patches import Patch, PatchRef
from groundwork.agent.repository import BranchMoved, Checkout, Landed, Upstream
from groundwork.agent.review import ChangeToReview, review
from groundwork.agent.session import Session
from groundwork.agent.stop import unless_stopped
from groundwork.agent.workspace import Workspace
from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import CheckSettings, Verified
from groundwork.checks.poll_delay import MIN_DELAY_S, next_look_s
from groundwork.checks.ports import CheckJob, CheckProgress, CheckRunner
from groundwork.execution import check_report
from groundwork.execution.review_reasons import findings_of
from groundwork.execution.sandbox_owners import landing_owner
from groundwork.execution.state import TaskUsage
from groundwork.execution.worker import (
    Assignment,
    Blocked,
    Completed,
    CompletedTask,
    Failed,
    Suspended,
    TaskOutcome,
    TransientFailure,
    TurnReport,
    Waiting,
    WorkerContext,
)
from groundwork.llm.conversation import ConversationModel, Turn
from groundwork.llm.port import Misconfigured, ModelError, RateLimited, Usage
from groundwork.sandbox.errors import SandboxUnavailable
from groundwork.sandbox.verdict import Verdict

CHECK_S = 20.0
"""Time to watch a command before the landing is put away."""

RESERVED_S = 30.0
"""Time of an invocation kept for what follows a check."""

REVIEW_MS = 240_000
"""Time left that a review needs to begin in this invocation."""

MAX_MOVES = 20
"""Moves of the branch by others during one landing; then a user must act."""

MAX_NOT_RUN = 5
"""Checks in a row that could not run, by cause: trouble outside, or the commands."""

QUEUE_S = 15.0
MAX_QUEUE_S = 120.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change on top of what it would land on: a local commit with its tree.

    `diff` returns the change for a review. `finish` pushes the commit, or saves the patch; it raises BranchMoved.
    """

    commit: str
    tree: str
    diff: Callable[[], str]
    finish: Callable[[], Landed | None]


class SessionStore(Protocol):
    """Store of the sessions of tasks' attempts. Raises Transient."""

    def load(self, task_id: str, attempt: int) -> Session | None: ...

    def save(self, session: Session) -> None: ...

    def save_patch(self, patch: Patch) -> None:
        """Save the change of a task in a plan without commits."""
        ...

    def load_patch(self, ref: PatchRef) -> Patch | None: ...


class LandingTarget(Protocol):
    """Place of a landing: a branch, or the stack of patches."""

    def prepare(
        self, session: Session, verified: Verified | None, completed: tuple[CompletedTask, ...]
    ) -> Candidate | Landed:
        """Rebase the change. Raises MergeConflict, CommitGone.

        `verified` is None if a red baseline proves nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class LandingDeps:
    """`runner` is None if the system runs no checks. `save` stores the session."""

    runner: CheckRunner | None
    model: Callable[[], ConversationModel]
    cost: Callable[[str, Usage], int]
    save: Callable[[Session], None]


@dataclass(slots=True)
class Lander:
    """One invocation of a landing. `folder` is empty or missing, and deleted by the caller."""

    deps: LandingDeps
    assignment: Assignment
    context: WorkerContext
    upstream: Upstream
    target: LandingTarget
    folder: Path
    _checkouts: dict[str, Checkout] = field(default_factory=dict)

    async def land(self, session: Session) -> TaskOutcome | Landed:
        """Return the outcome, or an earlier landing of this task."""
        if waiting := await self._wait_for_turn():
            return waiting
        while True:
            completed = await self.context.completed_tasks()
            candidate = await self._prepare(session, Verified.NOT_RUN, completed)
            if isinstance(candidate, Landed):
                return candidate
            result = await self._prove(session, candidate, completed)
            if not isinstance(result, _Proven):
                return result
            session = result.session
            pushed = await self._push(session, result, candidate.tree, completed)
            if not isinstance(pushed, Session):
                return pushed
            session = pushed

    async def _wait_for_turn(self) -> Waiting | None:
        """Wait while others of the plan land in this repository."""
        ahead = await self.context.landing_turn()
        if not ahead:
            return None
        told = f"Waiting to land: {ahead} {'task is' if ahead == 1 else 'tasks are'} before it"
        return Waiting(min(MAX_QUEUE_S, QUEUE_S * ahead), told)

    async def _prepare(
        self, session: Session, verified: Verified | None, completed: tuple[CompletedTask, ...]
    ) -> Candidate | Landed:
        return await asyncio.to_thread(self.target.prepare, session, verified, completed)

    async def _push(
        self, session: Session, proven: "_Proven", tree: str, completed: tuple[CompletedTask, ...]
    ) -> TaskOutcome | Landed | Session:
        """Push the proven tree and nothing else. Returns the session if the branch has moved."""
        # the commit's message tells the verdict, so it is made anew; its tree must be the proven one
        final = await self._prepare(session, proven.verified, completed)
        if isinstance(final, Landed):
            return final
        # the last check was a while ago: a task cancelled meanwhile must not push
        if self.context.stop.is_set() or not await self.context.claim_is_valid():
            return Suspended()
        if final.tree == tree:
            try:
                landed = await asyncio.to_thread(final.finish)
            except BranchMoved:
                pass
            else:
                return self._completed(session, proven, landed, completed)
        return await self._after_move(session)

    async def _after_move(self, session: Session) -> Session | Blocked:
        landing = _landing(session)
        moved = landing.changed(moves=landing.moves + 1)
        if moved.moves > MAX_MOVES:
            await self._save(session.changed(landing=moved.changed(moves=0)))
            return Blocked(f"The branch moved {moved.moves} times while this change was checked. Resume to try again.")
        await self.context.report_activity(f"The branch moved; checking the new tree (move {moved.moves})")
        return await self._save(session.changed(landing=moved))

    def _completed(
        self, session: Session, proven: "_Proven", landed: Landed | None, completed: tuple[CompletedTask, ...]
    ) -> Completed:
        assert session.ended
        return Completed(
            landed.sha if landed else None,
            session.ended.summary,
            tuple(session.changes),
            # compared in the commit: another patch may land until then
            based_on=None if landed else completed,
            verified=proven.verified,
            tests=_landing(session).tests,
            findings=proven.findings,
            reviewed=review_text(proven.review),
        )

    # proof

    async def _prove(
        self, session: Session, candidate: Candidate, completed: tuple[CompletedTask, ...]
    ) -> "_Proven | TaskOutcome":
        """Check exactly this tree, then review the change if needed."""
        settings = self.assignment.checks
        verified = Verified.NOT_CONFIGURED if settings is None else Verified.NOT_RUN
        if settings is not None and self.deps.runner is not None:
            checked = await self._check(session, candidate, settings, self.deps.runner)
            if not isinstance(checked, Session):
                return checked
            session = checked
            passed = _landing(session).verdict_on(candidate.tree)
            if not passed and not settings.allow_red_baseline:
                return Failed(_landing(session).log, keep_changes=True, verified=Verified.FAILED)
            verified = Verified.PASSED if passed else Verified.FAILED
        return await self._reviewed(session, candidate, verified, completed)

    async def _check(
        self, session: Session, candidate: Candidate, settings: CheckSettings, runner: CheckRunner
    ) -> Session | TaskOutcome:
        """Return the session with a verdict on the tree, or the outcome without one."""
        if _landing(session).verdict_on(candidate.tree) is not None:
            return session
        begun = await self._begin_round(session, candidate, runner)
        if not isinstance(begun, Session):
            return begun
        session = begun
        progress = await self._advance(await self._job(session, candidate, settings), runner)
        if not isinstance(progress, CheckProgress):
            return progress
        if progress.verdict is None:
            return await self._wait(session, progress, runner)
        session = await self._record(session, candidate, progress)
        # closed after the record: a lost worker's check is asked for again, and its sandbox still there
        await self._close(_landing(session), runner)
        if progress.verdict is Verdict.COULD_NOT_RUN:
            return await self._could_not_run(session, progress)
        return session

    async def _wait(self, session: Session, progress: CheckProgress, runner: CheckRunner) -> TaskOutcome:
        """Wait for the commands, unless the attempt's cost is spent: then end it."""
        left, delay = self._cost_left(session, progress), next_look_s(progress)
        if left is None or progress.bill is None:
            return Waiting(delay, progress.activity)
        if left <= 0:
            await self._close(_landing(session), runner)
            return Failed("The checks of the landing have reached the attempt's limit of cost.", keep_changes=True)
        until_spent = left / progress.bill.micro_usd_per_s
        return Waiting(min(delay, max(MIN_DELAY_S, until_spent)), progress.activity)

    def _cost_left(self, session: Session, progress: CheckProgress) -> int | None:
        """Return the rest of the attempt's cost in millionths of a dollar; None without a limit."""
        most, landing = self.assignment.max_cost_micro_usd, _landing(session)
        if most is None:
            return None
        running = progress.bill.cost_micro_usd if progress.bill else 0
        return most - session.total_cost_micro_usd - landing.review_cost - landing.check_cost - running

    async def _begin_round(self, session: Session, candidate: Candidate, runner: CheckRunner) -> Session | Blocked:
        """Save the tree to check, once. Returns Blocked after too many moves of the branch."""
        landing = _landing(session)
        if landing.tree == candidate.tree:
            return session
        if landing.tree and landing.verdict_on(landing.tree) is None:
            # the branch has moved between two invocations: the check in progress proves nothing any more
            moved = await self._after_move(session)
            if isinstance(moved, Blocked):
                return moved
            session, landing = moved, _landing(moved)
        # a new sandbox for each tree: the check of an earlier one ran the change's code, which may alter the set-up
        await self._close(landing, runner)
        # saved before the sandbox: whoever continues must know its owner
        return await self._save(session.changed(landing=landing.begin(candidate.tree)))

    async def _advance(self, job: CheckJob, runner: CheckRunner) -> CheckProgress | TaskOutcome:
        started = time.monotonic()

        def seconds() -> float:
            if self.context.stop.is_set():
                return 0.0
            watched = CHECK_S - (time.monotonic() - started)
            return max(0.0, min(watched, self.context.left_ms() / 1000 - RESERVED_S))

        await self.context.report_activity("Checking the rebased change")
        try:
            return await asyncio.to_thread(runner.advance, job, seconds)
        except ClaimLost:
            return Suspended()
        except SandboxUnavailable as unavailable:
            return Blocked(f"The checks cannot run: {unavailable}")

    async def _job(self, session: Session, candidate: Candidate, settings: CheckSettings) -> CheckJob:
        checkout = await self._checkout(candidate.commit)
        return CheckJob(
            # a repeated id continues, also after its end; with the tree, an outdated session cannot reuse a verdict
            id=f"land-{_landing(session).rounds}-{candidate.tree[:16]}",
            owner=landing_owner(self.assignment),
            repository_id=self.assignment.repository.id,
            settings=settings,
            tree=checkout.tree,
            tree_sha=candidate.tree,
            commit=candidate.commit,
            commands=settings.verify,
        )

    async def _checkout(self, commit: str) -> Checkout:
        if commit not in self._checkouts:
            # one at a time: the disk of a function holds little more than one
            shutil.rmtree(self.folder, ignore_errors=True)
            self._checkouts = {commit: await asyncio.to_thread(self.upstream.checkout, commit, self.folder)}
        return self._checkouts[commit]

    async def _record(self, session: Session, candidate: Candidate, progress: CheckProgress) -> Session:
        fields: dict[str, Any] = {"tests": check_report.tests_of(progress.results), "log": ""}
        match progress.verdict:
            case Verdict.PASSED:
                fields |= {"passed": candidate.tree, "not_run": 0, "unended": 0}
            case Verdict.FAILED:
                log = check_report.failure(progress.results)
                fields |= {"failed": candidate.tree, "not_run": 0, "unended": 0, "log": log}
            # without a tree, the next invocation begins another round in a new sandbox
            case _ if check_report.ended_by_commands(progress.results):
                fields = {"tree": "", "unended": _landing(session).unended + 1}
            case _:
                fields = {"tree": "", "not_run": _landing(session).not_run + 1}
        fields["check_cost"] = _landing(session).check_cost + (progress.bill.cost_micro_usd if progress.bill else 0)
        return await self._save(session.changed(landing=_landing(session).changed(**fields)))

    async def _could_not_run(self, session: Session, progress: CheckProgress) -> TaskOutcome:
        landing, told = _landing(session), f"The checks could not run {MAX_NOT_RUN} times in a row."
        if landing.unended >= MAX_NOT_RUN:
            # probably the change's own doing, and no session would see it otherwise: only the next one can mend it
            log = check_report.could_not_run_with_log(progress.results)
            return Failed(f"{told} {log}", keep_changes=True, could_not_run=True)
        reason = check_report.could_not_run(progress.results)
        if landing.not_run < MAX_NOT_RUN:
            return TransientFailure(reason)
        await self._save(session.changed(landing=landing.changed(not_run=0)))
        return Blocked(f"{told} {reason}")

    async def _close(self, landing: Landing, runner: CheckRunner) -> None:
        if landing.rounds:
            await asyncio.to_thread(runner.close, landing_owner(self.assignment))

    async def _save(self, session: Session) -> Session:
        await asyncio.to_thread(self.deps.save, session)
        return session

    # review

    async def _reviewed(
        self, session: Session, candidate: Candidate, verified: Verified, completed: tuple[CompletedTask, ...]
    ) -> "_Proven | TaskOutcome":
        settings, found = self.assignment.checks, findings_of(session, self.assignment, completed)
        red = settings is not None and settings.allow_red_baseline
        shown = None if red and verified is Verified.PASSED else verified
        required = self.assignment.review or red or bool(found) or (settings is not None and settings.require_review)
        if not required:
            return _Proven(session, shown, found, None)
        diff = await asyncio.to_thread(candidate.diff)
        decision = _landing(session).review
        # after a move of the branch there may be other findings, and the reviewer has not seen them
        if decision is None or (decision.findings, decision.diff) != (found, _digest(diff)):
            reviewed = await self._review(session, candidate, found, diff)
            if not isinstance(reviewed, Session):
                return reviewed
            session, decision = reviewed, _landing(reviewed).review
        assert decision
        if not decision.approved:
            return Failed(f"The reviewer rejected the change: {decision.reason}", keep_changes=True)
        return _Proven(session, shown, found, decision)

    async def _review(
        self, session: Session, candidate: Candidate, found: tuple[str, ...], diff: str
    ) -> Session | TaskOutcome:
        if self.context.left_ms() < REVIEW_MS:
            return Suspended()
        await self.context.report_activity("Reviewing the change")
        checkout, landing = await self._checkout(candidate.commit), _landing(session)
        share = review_cost_for(self.assignment.task.effort, self.assignment.max_cost_micro_usd)
        request = ChangeToReview(session.brief, diff, found, Workspace(checkout), max(0, share - landing.review_cost))
        model, costs = self.deps.model(), list[int]()
        try:
            decision = await unless_stopped(review(request, model, self._report(session, costs)), self.context.stop)
        except Misconfigured:
            raise
        except ModelError as fault:
            await self._save_review(session, costs)
            wait_s = (fault.retry_after or 0.0) if isinstance(fault, RateLimited) else 0.0
            return TransientFailure(f"The reviewer's model failed: {fault}", wait_s)
        finally:
            await model.close()
        if decision is None:
            await self._save_review(session, costs)
            return Suspended()
        seen = decision.model_copy(update={"findings": found, "diff": _digest(diff)})
        return await self._save_review(session, costs, review=seen)

    async def _save_review(self, session: Session, costs: list[int], **fields: Any) -> Session:
        """Save the cost of a review, also of an interrupted one.

        The next review gets the rest of the share.
        """
        landing = _landing(session)
        cost = landing.review_cost + sum(costs)
        return await self._save(session.changed(landing=landing.changed(review_cost=cost, **fields)))

    def _report(self, session: Session, costs: list[int]) -> Callable[[int, Turn], Awaitable[int]]:
        async def report(number: int, turn: Turn) -> int:
            used = turn.usage
            spent = TaskUsage(
                input=used.input,
                output=used.output,
                cache_read=used.cache_read,
                cache_write=used.cache_write,
                calls=used.calls,
                cost_micro_usd=self.deps.cost(turn.model, used),
            )
            tools = tuple(str(call.get("name", "")) for call in turn.calls)
            told = TurnReport(session.turns + number, tools, (), "Reviewing the change.", spent)
            await self.context.report_turn(told)
            costs.append(spent.cost_micro_usd)
            return spent.cost_micro_usd

        return report


@dataclass(frozen=True, slots=True)
class _Proven:
    """A change that may land.

    `verified` is None for a pass that proves nothing: with a red baseline.
    """

    session: Session
    verified: Verified | None
    findings: tuple[str, ...]
    review: Review | None


def review_text(review: Review | None) -> str:
    """Tell an approval to users; empty without a review."""
    return f"Approved: {review.reason}" if review else ""


def _landing(session: Session) -> Landing:
    return session.landing or Landing()


def _digest(diff: str) -> str:
    return hashlib.sha256(diff.encode(errors="surrogatepass")).hexdigest()
