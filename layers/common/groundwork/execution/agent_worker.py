"""Worker that runs tasks in model sessions: `execution.worker.TaskWorker` over `agent`.

Each invocation has its own clone and checkout. The session is saved after each turn, so the next invocation continues
it on any machine.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from groundwork.agent import attempt as attempt_steps
from groundwork.agent import brief
from groundwork.agent import runner as sessions
from groundwork.agent.attempt import CheckoutSpec, StartedSession
from groundwork.agent.changes import Changes
from groundwork.agent.check_tools import SessionChecks, advance, next_look_s, stop_reason
from groundwork.agent.patches import EMPTY_STACK, Patch
from groundwork.agent.repository import (
    CommitGone,
    Landed,
    MergeConflict,
    NotLanded,
    RepositoryRefused,
    RepositoryUnreachable,
    Upstream,
)
from groundwork.agent.secret_scan import redact
from groundwork.agent.session import FailedAttempt, Session
from groundwork.agent.turn import TurnDeps
from groundwork.agent.workspace import Workspace
from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import Verified
from groundwork.checks.ports import CheckRunner, Owner, OwnerKind
from groundwork.errors import GroundworkError
from groundwork.execution.landing import Lander, LandingDeps, LandingTarget, SessionStore, review_text
from groundwork.execution.landing_targets import BranchTarget, PatchTarget, verified_of
from groundwork.execution.patch_stacks import PatchStacks
from groundwork.execution.review_reasons import findings_of
from groundwork.execution.sandbox_owners import attempt_owner
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
from groundwork.llm.conversation import ConversationModel
from groundwork.llm.port import Misconfigured, Usage
from groundwork.plans.repositories import Repository
from groundwork.sandbox.errors import SandboxUnavailable
from groundwork.sandbox.model import Tree

MAX_LOG_CHARACTERS = 2_000
"""Characters of a turn's log lines."""


@dataclass(frozen=True, slots=True)
class AgentWorker:
    """Runs one attempt of a task in a session.

    `open_clone` clones a repository into an empty folder. `cost` returns the price of one call in millionths of a
    dollar. `open_checks` is None if the system runs no checks. `model` takes a model's id and its effort, each None for
    the usual one.
    """

    open_clone: Callable[[Repository, Path], AbstractContextManager[Upstream]]
    model: Callable[[str | None, str | None], ConversationModel]
    cost: Callable[[str, Usage], int]
    sessions: SessionStore
    open_checks: Callable[[], CheckRunner] | None = None

    @property
    def checks(self) -> CheckRunner | None:
        return self.open_checks() if self.open_checks else None

    async def run_task(self, assignment: Assignment, context: WorkerContext) -> TaskOutcome:
        try:
            if waiting := await asyncio.to_thread(self._look_at_command, assignment):
                return waiting
            # Lambda reuses a sandbox with its /tmp: clones left behind would fill the disk
            with TemporaryDirectory(prefix="task-") as folder, ExitStack() as stack:
                clone = self.open_clone(assignment.repository, Path(folder) / "clone")
                upstream = await asyncio.to_thread(stack.enter_context, clone)
                return await _Invocation(self, assignment, context, upstream, Path(folder) / "files").run()
        except RepositoryUnreachable as fault:
            return TransientFailure(str(fault))
        except ClaimLost:
            return Suspended()
        except SandboxUnavailable as unavailable:
            return Blocked(f"The checks cannot run: {unavailable}")
        # another attempt would be refused as well: a user must act
        except (RepositoryRefused, Misconfigured) as refused:
            return Failed(str(refused), final=True)

    def _look_at_command(self, assignment: Assignment) -> Waiting | None:
        """Look if the session's command still runs. No clone is needed for that."""
        session = self.sessions.load(assignment.task.id, assignment.attempt)
        if session is None or not session.unfinished_turn:
            return None
        checks = _session_checks(self, assignment, session, lambda changes: "")
        if checks is None:
            return None
        try:
            progress = advance(session, _no_tree, checks, lambda: 0.0)
        except _TreeNeeded:
            return None
        if progress.verdict is not None or stop_reason(session, progress):
            return None
        return Waiting(next_look_s(session, progress), redact(progress.activity))

    def release(self, plan_id: str, task_id: str, attempt: int, epoch: int) -> None:
        """Close the sandboxes of an attempt that does not continue now.

        Safe to repeat. Raises Transient.
        """
        if self.checks is not None:
            self.checks.close(Owner(OwnerKind.TASK, plan_id, task_id, attempt, epoch))
            self.checks.close(Owner(OwnerKind.LANDING, plan_id, task_id, attempt, epoch))


@dataclass(slots=True)
class _Invocation:
    """One invocation of an attempt."""

    worker: AgentWorker
    assignment: Assignment
    context: WorkerContext
    upstream: Upstream
    folder: Path

    async def run(self) -> TaskOutcome:
        try:
            completed = await self.context.completed_tasks()
            started = await asyncio.to_thread(self._open_session, completed)
            if isinstance(started, Landed):
                # an earlier push has landed, but its answer was lost
                return await self._already(started, "The task is already committed.")
            session = await self._run_session(started)
            if not isinstance(session, Session):
                return session
            await self._close_sandbox(session)
            return await self._outcome_of(session)
        # the next attempt starts on the branch's new head
        except CommitGone as gone:
            return Failed(str(gone))
        except MergeConflict as conflict:
            # being second is no fault of the attempt
            return Failed(str(conflict), conflict=True)

    @property
    def _stacks(self) -> PatchStacks:
        return PatchStacks(self.worker.sessions)

    def _open_session(self, completed: tuple[CompletedTask, ...]) -> StartedSession | Landed:
        """Restore the saved session, or start one on a clean checkout."""
        saved = self.worker.sessions.load(self.assignment.task.id, self.assignment.attempt)
        if saved is not None:
            return StartedSession(saved, self._workspace(saved))
        plan, repository = self.assignment.plan, self.assignment.repository
        # a branch with commits of this plan must exist: a new one would lack them
        branch_must_exist = any(one.commit_sha and one.changed for one in completed)
        spec = CheckoutSpec(
            branch=self.assignment.branch,
            start_from=None if branch_must_exist else repository.default_branch,
            folder=self.folder,
            commits=plan.auto_commit,
            attempts_before_round=self.assignment.attempts_before_round,
            stack=EMPTY_STACK if plan.auto_commit else self._stacks.of_tasks(completed),
        )
        effort, settings = self.assignment.task.effort, self.assignment.checks
        reviewed = settings is not None or self.assignment.review
        limits = brief.limits_for(effort, self.assignment.max_cost_micro_usd, reviewed)
        checks = brief.check_state_for(effort, settings) if settings and self.worker.checks else None
        started = attempt_steps.start_session(self.upstream, self._brief(), limits, spec, checks)
        failed = self._attempt_to_continue()
        if failed is None or isinstance(started, Landed):
            return started
        stacks = self._stacks.of_patches(failed.base_patches), spec.stack
        return replace(started, session=attempt_steps.carry_over(self.upstream, started, failed, stacks))

    def _attempt_to_continue(self) -> Session | None:
        """Return the attempt before, if this one starts with its change."""
        number = self.assignment.attempt - 1
        last = self.assignment.failed[-1] if self.assignment.failed else None
        if last is None or last.number != number or not last.keep_changes:
            return None
        return self.worker.sessions.load(self.assignment.task.id, number)

    def _workspace(self, session: Session) -> Workspace:
        return attempt_steps.restore_workspace(
            self.upstream, session, self.folder, self._stacks.of_patches(session.base_patches)
        )

    def _brief(self) -> Any:
        assignment = self.assignment
        done = {
            one.task.id: brief.CompletedDependency(summary=one.summary, files=one.files)
            for one in assignment.dependencies
        }
        earlier = [FailedAttempt(attempt=one.number, reason=one.reason) for one in assignment.failed]
        return brief.make_brief(assignment.plan, assignment.task, assignment.attempt, done, earlier)

    async def _run_session(self, started: StartedSession) -> Session | TaskOutcome:
        """Run the session to its end, or return the outcome of an invocation that stops earlier."""
        if started.session.ended:
            return started.session
        model, lines = self._model(), list[str]()
        # log lines quote the model and the repository: a secret among them must not reach the log
        log = lambda line: lines.append(redact(line))  # noqa: E731
        checks = _session_checks(self.worker, self.assignment, started.session, partial(self._tree_of, started))
        deps = TurnDeps(model, started.workspace, self.worker.cost, _now_ms, log, checks)
        last = [started.session]

        async def save(session: Session) -> None:
            # reported before it is saved: an unsaved turn is repeated, but it has been paid for
            await self.context.report_turn(_turn_report(last[0], session, lines))
            await asyncio.to_thread(self.worker.sessions.save, session)
            last[0] = session
            lines.clear()

        try:
            stagger_s = self.assignment.stagger_s
            context = sessions.RunnerContext(
                save,
                self.context.left_ms,
                self.context.stop,
                stagger_s=stagger_s,
                report_activity=self._report_activity,
                monotonic=time.monotonic,
            )
            result = await sessions.run_session(started.session, deps, context)
        finally:
            await model.close()
        if result.pause is sessions.Pause.PROVIDER:
            return TransientFailure(f"The model's provider failed: {redact(result.activity)}", result.wait_s)
        if result.pause is sessions.Pause.COMMAND:
            return Waiting(result.wait_s, redact(result.activity))
        return Suspended() if result.pause else result.session

    async def _report_activity(self, text: str) -> None:
        # it names a command with the model's own arguments
        await self.context.report_activity(redact(text))

    def _tree_of(self, started: StartedSession, changes: Changes) -> str:
        return self.upstream.tree_of(started.workspace.commit, changes)

    async def _close_sandbox(self, session: Session) -> None:
        """Close the sandbox of an ended session: a task that waits to land must hold none."""
        if self.worker.checks and session.checks and session.checks.runs:
            await asyncio.to_thread(self.worker.checks.close, attempt_owner(self.assignment))

    async def _outcome_of(self, session: Session) -> TaskOutcome:
        assert session.ended is not None
        if not session.ended.success:
            return Failed(session.ended.reason)
        if not session.changes:
            # success without changes means that the task asked for none: no commit is made
            return Completed(None, session.ended.summary)
        await self.context.report_activity("Landing the change")
        if self.assignment.checks is None and not self.assignment.review:
            return await self._land_unchecked(session, session.ended.summary)
        result = await self._lander().land(session)
        return await self._found(session, result) if isinstance(result, Landed) else result

    async def _land_unchecked(self, session: Session, summary: str) -> TaskOutcome:
        # the last check was seconds ago: a task cancelled meanwhile must not push
        if not await self.context.claim_is_valid():
            return Suspended()
        if self.assignment.plan.auto_commit:
            try:
                return await self._found(session, await asyncio.to_thread(self._land, session))
            except NotLanded:
                return Suspended()
        completed = await self.context.completed_tasks()
        patch = await asyncio.to_thread(self._make_patch, session, completed)
        # `based_on` is compared in the commit: another patch may land until then
        files, verified = tuple(patch.changes), Verified.NOT_CONFIGURED
        return Completed(None, summary, files, based_on=completed, verified=verified)

    def _make_patch(self, session: Session, completed: tuple[CompletedTask, ...]) -> Patch:
        """Rebase the change onto patches completed meanwhile, and save it."""
        stacks = self._stacks
        patch = attempt_steps.make_patch(
            self.upstream, session, stacks.of_patches(session.base_patches), stacks.of_tasks(completed)
        )
        self.worker.sessions.save_patch(patch)
        return patch

    def _land(self, session: Session) -> Landed:
        # landing may take long on a slow or busy server, so a stop is checked before each push
        branch, attempts_before_round, stop = (
            self.assignment.branch,
            self.assignment.attempts_before_round,
            self.context.stop,
        )
        return attempt_steps.land(self.upstream, session, branch, attempts_before_round, lambda: not stop.is_set())

    async def _found(self, session: Session, landed: Landed) -> Completed:
        """Complete the task with a commit of this attempt, or of an earlier one."""
        assert session.ended
        # the branch then has the earlier attempt's files, not those of this session
        if landed.marks.attempt != session.brief.attempt:
            return await self._already(landed, "An earlier attempt is already committed.")
        return await self._completed(landed, session.ended.summary, tuple(session.changes), session)

    def _model(self) -> ConversationModel:
        return self.worker.model(self.assignment.model, self.assignment.model_effort)

    def _lander(self) -> Lander:
        worker, assignment = self.worker, self.assignment
        target: LandingTarget = BranchTarget(self.upstream, assignment)
        if not assignment.plan.auto_commit:
            target = PatchTarget(self.upstream, worker.sessions)
        deps = LandingDeps(worker.checks, self._model, worker.cost, worker.sessions.save)
        return Lander(deps, assignment, self.context, self.upstream, target, self.folder.parent / "landing")

    async def _already(self, landed: Landed, summary: str) -> Completed:
        files = await asyncio.to_thread(self.upstream.files_of, landed.sha)
        session = await asyncio.to_thread(self.worker.sessions.load, self.assignment.task.id, landed.marks.attempt)
        return await self._completed(landed, summary, files, session)

    async def _completed(
        self, landed: Landed, summary: str, files: tuple[str, ...], session: Session | None
    ) -> Completed:
        """Complete the task with a commit that is already there.

        The proof is that of its session's landing.
        """
        verified = verified_of(landed, self.assignment.checks is not None)
        done = Completed(landed.sha, summary, files, verified=verified)
        if session is None or session.landing is None:
            return done
        found = findings_of(session, self.assignment, await self.context.completed_tasks())
        review = session.landing.review
        reviewed = review_text(review if review and review.findings == found else None)
        return replace(done, tests=session.landing.tests, findings=found, reviewed=reviewed)


class _TreeNeeded(GroundworkError):
    """The command's files must be put into a sandbox."""


def _no_tree() -> Tree:
    raise _TreeNeeded


def _session_checks(
    worker: AgentWorker, assignment: Assignment, session: Session, tree_id: Callable[[Changes], str]
) -> SessionChecks | None:
    runner, settings = worker.checks, assignment.checks
    if runner is None or settings is None or session.checks is None:
        return None
    return SessionChecks(runner, attempt_owner(assignment), assignment.repository.id, settings, tree_id)


def _now_ms() -> int:
    # monotonic: a corrected wall clock must not change the working time of a session
    return time.monotonic_ns() // 1_000_000


def _turn_report(before: Session, after: Session, lines: list[str]) -> TurnReport:
    """Report the difference of two sessions as one turn."""
    blocks = [block for one in after.messages[len(before.messages) :] for block in one.content]
    tools = tuple(str(block.get("name", "")) for block in blocks if block.get("type") == "tool_use")
    earlier, later = before.usage, after.usage
    spent = TaskUsage(
        input=later.input - earlier.input,
        output=later.output - earlier.output,
        cache_read=later.cache_read - earlier.cache_read,
        cache_write=later.cache_write - earlier.cache_write,
        calls=later.calls - earlier.calls,
        cost_micro_usd=after.cost_micro_usd - before.cost_micro_usd,
    )
    message, files = "\n".join(lines)[:MAX_LOG_CHARACTERS], tuple(after.changes)[:50]
    return TurnReport(after.turns, tools, files, message, spent, continued=after.turns == before.turns)
