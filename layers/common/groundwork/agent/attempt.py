"""One attempt at a task, from a clean checkout to what it leaves: a commit on the plan's branch, or a patch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from groundwork.agent import changes
from groundwork.agent.commit_message import task_message
from groundwork.agent.patches import EMPTY_STACK, Patch, Stack
from groundwork.agent.repository import Checkout, Landed, Upstream, always
from groundwork.agent.search import iter_files
from groundwork.agent.session import Limits, Session, TaskBrief
from groundwork.agent.workspace import Workspace
from groundwork.plans.repo_map import layout


@dataclass(frozen=True, slots=True)
class CheckoutSpec:
    """Where the work is done: the plan's branch, the one it starts from, and an empty folder for the checkout.

    `start_from` is None where the branch must be there, for it holds the plan's work. `commits` is False where a change
    is kept as a patch: then nothing is ever written to the server, and the patches of `stack` lie under the work.
    Attempts up to `since` belong to an earlier round: their commits are none of this one's, though the branch may have
    them below.
    """

    branch: str
    start_from: str | None
    folder: Path
    commits: bool = True
    attempts_before_round: int = 0
    stack: Stack = EMPTY_STACK


@dataclass(frozen=True, slots=True)
class StartedSession:
    session: Session
    workspace: Workspace


def start_session(upstream: Upstream, brief: TaskBrief, limits: Limits, spec: CheckoutSpec) -> StartedSession | Landed:
    """A session on a clean checkout of the branch's head; or the task's commit, if an earlier attempt has landed it.

    Raises RepositoryUnreachable (no attempt is used up) or RepositoryRefused (a person has to act).
    """
    base = upstream.head(spec.branch, spec.start_from, make=spec.commits)
    if spec.commits and (there := upstream.find(spec.branch, brief.task_id, spec.attempts_before_round)):
        return there
    workspace = _workspace(upstream.checkout(upstream.apply_stack(base, spec.stack), spec.folder), brief)
    told = brief.model_copy(update={"layout": layout(iter_files(workspace), f"{brief.title} {brief.description}")})
    return StartedSession(Session(brief=told, base=base, base_patches=spec.stack.order, limits=limits), workspace)


def restore_workspace(upstream: Upstream, session: Session, folder: Path, stack: Stack = EMPTY_STACK) -> Workspace:
    """The files as the session left them, in an empty folder; the invocation before may have been another machine's.

    `stack` holds the patches that are under the session.
    """
    workspace = _workspace(upstream.checkout(upstream.apply_stack(session.base, stack), folder), session.brief)
    workspace.restore(changes.from_json(session.changes))
    return workspace


def land(
    upstream: Upstream,
    session: Session,
    branch: str,
    attempts_before_round: int = 0,
    going: Callable[[], bool] = always,
) -> Landed:
    """The commit of a session that has ended well. Calling it again gives the same commit.

    Raises MergeConflict (another attempt on the new head), RepositoryUnreachable (this again), RepositoryRefused, and
    NotLanded where `going` says so before it has been pushed.
    """
    assert session.ended
    assert session.ended.success
    new = changes.from_json(session.changes)
    text = task_message(session.ended.subject, session.ended.summary, session.brief.marks)
    return upstream.land(branch, session.base, new, text, attempts_before_round, going)


def make_patch(upstream: Upstream, session: Session, began_on: Stack = EMPTY_STACK, now: Stack = EMPTY_STACK) -> Patch:
    """The change of a session that has ended well, on the patches that are there `now`. Raises as `land` does."""
    before, there = upstream.apply_stack(session.base, began_on), upstream.apply_stack(session.base, now)
    change: changes.Changes = changes.from_json(session.changes)
    if before != there:
        change = upstream.rebase(before, there, change)
    return Patch(
        task_id=session.brief.task_id,
        attempt=session.brief.attempt,
        base=session.base,
        base_patches=now.order,
        changes=changes.as_json(change),
        text=upstream.patch(there, change),
    )


def _workspace(checkout: Checkout, brief: TaskBrief) -> Workspace:
    return Workspace(checkout, named=brief.files)
