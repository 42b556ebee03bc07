"""One attempt at a task, from a clean checkout to a commit on the plan's branch, or a patch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from groundwork.agent import changes
from groundwork.agent.check_state import CheckState
from groundwork.agent.commit_message import task_message
from groundwork.agent.patches import EMPTY_STACK, Patch, Stack
from groundwork.agent.repository import Checkout, Landed, MergeConflict, Upstream, always
from groundwork.agent.search import iter_files
from groundwork.agent.session import AttemptLimits, Session, TaskBrief
from groundwork.agent.workspace import Workspace
from groundwork.plans.repo_map import layout


@dataclass(frozen=True, slots=True)
class CheckoutSpec:
    """Branch, start branch and empty folder for a checkout.

    `start_from` is None if the branch must exist because it holds the plan's work. With `commits` False the change
    becomes a patch: nothing is written to the server, and the patches of `stack` lie under the work. Attempts up to
    `attempts_before_round` belong to earlier rounds: their commits do not count, though the branch may contain them.
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


def start_session(
    upstream: Upstream, brief: TaskBrief, limits: AttemptLimits, spec: CheckoutSpec, checks: CheckState | None = None
) -> StartedSession | Landed:
    """Start a session on the branch's head, or return the commit of an earlier attempt.

    `checks` is None if the repository has none. Raises RepositoryUnreachable (no attempt is used up) or
    RepositoryRefused (a user must act).
    """
    base = upstream.head(spec.branch, spec.start_from, make=spec.commits)
    # an earlier push may have landed with a lost answer: the commit must not be made twice
    if spec.commits and (there := upstream.find(spec.branch, brief.task_id, spec.attempts_before_round)):
        return there
    workspace = _workspace(upstream.checkout(upstream.apply_stack(base, spec.stack), spec.folder), brief)
    told = brief.model_copy(update={"layout": layout(iter_files(workspace), f"{brief.title} {brief.description}")})
    session = Session(brief=told, base=base, base_patches=spec.stack.order, limits=limits, checks=checks)
    return StartedSession(session, workspace)


def restore_workspace(upstream: Upstream, session: Session, folder: Path, stack: Stack = EMPTY_STACK) -> Workspace:
    """Restore the session's files in an empty folder, on any machine.

    `stack` holds its base patches.
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
    """Commit the change of a successful session without a check. Safe to repeat.

    Raises MergeConflict (start another attempt on the new head), RepositoryUnreachable (repeat this call),
    RepositoryRefused, and NotLanded if `going` returns False before the push.
    """
    assert session.ended
    assert session.ended.success
    new = changes.from_json(session.changes)
    text = task_message(session.ended.subject, session.ended.summary, session.brief.marks)
    return upstream.land(branch, session.base, new, text, attempts_before_round, going)


CARRIED = "The change of that attempt is already in your files; go on from it."
NOT_CARRIED = "Left out, because the branch has other changes there: "


def carry_over(upstream: Upstream, started: StartedSession, failed: Session, stacks: tuple[Stack, Stack]) -> Session:
    """Apply the change of a failed attempt to the session's files, as far as it still fits.

    `stacks` are those below the failed attempt and below this one.
    """
    before = upstream.apply_stack(failed.base, stacks[0])
    now = upstream.apply_stack(started.session.base, stacks[1])
    change, conflicts = _what_fits(upstream, before, now, changes.from_json(failed.changes))
    started.workspace.restore(change)
    told = f"{CARRIED} {NOT_CARRIED}{', '.join(conflicts[:10])}." if conflicts else CARRIED
    *earlier, last = started.session.brief.earlier
    last = last.model_copy(update={"reason": f"{last.reason}\n{told}"})
    brief = started.session.brief.model_copy(update={"earlier": (*earlier, last)})
    return started.session.changed(brief=brief, changes=changes.as_json(started.workspace.changes()))


def _what_fits(upstream: Upstream, before: str, now: str, change: changes.Changes) -> tuple[changes.Changes, list[str]]:
    """Rebase a change path by path; return it with the paths in conflict."""
    fits: dict[str, bytes | None] = {}
    conflicts: list[str] = []
    for path, content in change.items():
        try:
            fits |= upstream.rebase(before, now, {path: content})
        except MergeConflict:
            conflicts.append(path)
    return fits, conflicts


def make_patch(upstream: Upstream, session: Session, began_on: Stack = EMPTY_STACK, now: Stack = EMPTY_STACK) -> Patch:
    """Build the patch of a successful session, rebased from `began_on` onto `now`.

    Raises MergeConflict, CommitGone.
    """
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
