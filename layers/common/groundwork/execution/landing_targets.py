"""Targets of a landing: the plan's branch, or the stack of patches."""

from dataclasses import dataclass

from groundwork.agent import attempt as attempt_steps
from groundwork.agent import changes
from groundwork.agent.commit_message import task_message
from groundwork.agent.patches import Patch, PatchRef, Stack
from groundwork.agent.repository import Landed, Upstream
from groundwork.agent.session import Session
from groundwork.checks.model import Verified
from groundwork.execution.landing import Candidate, SessionStore
from groundwork.execution.patch_stacks import PatchStacks
from groundwork.execution.worker import Assignment, CompletedTask

NOT_PROVEN = "not proven: red baseline"
"""Trailer of a change whose checks passed although they fail on the default branch."""


@dataclass(frozen=True, slots=True)
class BranchTarget:
    """The plan's branch on the server."""

    upstream: Upstream
    assignment: Assignment

    def prepare(
        self, session: Session, verified: Verified | None, completed: tuple[CompletedTask, ...]
    ) -> Candidate | Landed:
        assert session.ended
        change, assignment = changes.from_json(session.changes), self.assignment
        checks = checks_trailer(assignment, verified)
        text = task_message(session.ended.subject, session.ended.summary, session.brief.marks, checks)
        since = assignment.attempts_before_round
        prepared = self.upstream.prepare(assignment.branch, session.base, change, text, since)
        if isinstance(prepared, Landed):
            return prepared
        return Candidate(
            prepared.commit,
            prepared.tree,
            diff=lambda: self.upstream.patch(session.base, change),
            finish=lambda: self.upstream.push(prepared),
        )


@dataclass(frozen=True, slots=True)
class PatchTarget:
    """The stack of patches: nothing is written to the server."""

    upstream: Upstream
    store: SessionStore

    def prepare(
        self, session: Session, verified: Verified | None, completed: tuple[CompletedTask, ...]
    ) -> Candidate | Landed:
        stacks = PatchStacks(self.store)
        below = stacks.of_tasks(completed)
        patch = attempt_steps.make_patch(self.upstream, session, stacks.of_patches(session.base_patches), below)
        commit = self.upstream.apply_stack(session.base, _with(below, patch))
        return Candidate(
            commit,
            self.upstream.tree_of(commit, {}),
            diff=lambda: patch.text,
            finish=lambda: self.store.save_patch(patch),
        )


def _with(stack: Stack, patch: Patch) -> Stack:
    ref = PatchRef(task_id=patch.task_id, attempt=patch.attempt)
    return Stack((*stack.order, ref), {**stack.patches, ref: patch})


def checks_trailer(assignment: Assignment, verified: Verified | None) -> str:
    """Tell the verdict and the commands; nothing for a repository without checks."""
    if assignment.checks is None:
        return ""
    if verified is None:
        return NOT_PROVEN
    if verified is Verified.NOT_RUN:
        return verified.value
    return f"{verified.value}: {'; '.join(assignment.checks.verify)}"


def verified_of(landed: Landed, configured: bool) -> Verified | None:
    """Read the verdict from the trailer of a commit; None if it proves nothing."""
    told = landed.checks.partition(":")[0]
    if told in set(Verified):
        return Verified(told)
    return None if configured else Verified.NOT_CONFIGURED
