"""Invariants of branches: one commit per completed task, reverts in order."""

from groundwork.agent.commit_message import REVERTS, TASK, trailers
from groundwork.plans.model import PlanStatus, TaskStatus
from tests.fakes.upstream import FakeCommit
from tests.simulation.execution.repositories import Repositories
from tests.simulation.execution.seen import Moment, SeenPlans, branch_of
from tests.simulation.known import demand

LATE_S = 30.0
"""A push allowed before a cancel may land this much later, without other delays."""


def on_commit(seen: SeenPlans, repositories: Repositories, repository_id: str, branch: str, commit: FakeCommit) -> None:
    marks = trailers(commit.text)
    task_id = marks.get(TASK, "")
    if REVERTS in marks:
        goes_in_order(seen, repositories, repository_id, branch, commit)
        return
    if not task_id:
        return
    count = len(repositories.of_task(repository_id, branch, task_id))
    demand(count <= 1, "one_commit_a_task", f"{count} commits of {task_id} on {branch}")
    moment = seen.moments[task_id.rpartition("-")[0]]
    demand(branch == branch_of(moment), "a_commit_is_on_the_branch_of_its_round", f"{task_id} on {branch}")
    demand(moment.plan.auto_commit, "patches_are_not_pushed", f"{task_id} on {branch}")
    hold = seen.holds.get(task_id)
    cancelled = moment.execution.status is PlanStatus.CANCELLED and hold is not None and hold.lost_at is not None
    if cancelled and hold and hold.lost_at is not None:
        hindered = hold.sandbox.disturbed_at > hold.lost_at - LATE_S
        late = seen.cloud.loop.now - hold.lost_at > LATE_S
        demand(hindered or not late, "nothing_lands_long_after_a_cancel", task_id)


def goes_in_order(
    seen: SeenPlans, repositories: Repositories, repository_id: str, branch: str, commit: FakeCommit
) -> None:
    """Dependents of a task are reverted before it."""
    reverted = repositories.servers[repository_id].commits[trailers(commit.text)[REVERTS]]
    task_id = trailers(reverted.text)[TASK]
    plan = seen.moments[task_id.rpartition("-")[0]].plan
    for other in plan.tasks:
        if task_id in other.depends_on and (other.repository_id or plan.repository_id) == repository_id:
            there = repositories.of_task(repository_id, branch, other.id, commit.sha)
            demand(not there, "a_rollback_goes_in_order", f"{task_id} before {other.id}, which was built on it")


def a_completed_task_has_its_commit(repositories: Repositories, before: Moment, after: Moment) -> None:
    """The commit lands with the task's id before the record, unless a user completed the task."""
    for task in after.plan.tasks:
        state = after.of(task.id)
        if state.status is not TaskStatus.COMPLETED or before.of(task.id).status is TaskStatus.COMPLETED:
            continue
        if (state.note or "").startswith("Completed by"):
            continue
        if not after.plan.auto_commit:
            demand(state.commit_sha is None, "a_completed_task_has_its_commit", f"{task.id} makes no commits")
            continue
        repository_id = task.repository_id or after.plan.repository_id
        there = [one.sha for one in repositories.of_task(repository_id, branch_of(after), task.id)]
        demand(state.commit_sha in there, "a_completed_task_has_its_commit", f"{task.id}: {state.commit_sha}, {there}")
