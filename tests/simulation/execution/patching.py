"""Invariants of plans without commits: each patch is built on all before it."""

from groundwork.adapters.dynamodb.sessions import DynamoSessions
from groundwork.agent.patches import PatchRef
from groundwork.agent.repository import PatchConflict
from groundwork.execution.completed_work import completed_tasks
from groundwork.execution.patch_stacks import PatchStacks
from groundwork.execution.state import ExecutionState
from groundwork.plans.model import TaskStatus
from tests.fakes.upstream import FakeUpstream
from tests.simulation.execution.repositories import Repositories
from tests.simulation.execution.seen import Moment, SeenPlans
from tests.simulation.known import Violation, demand


def a_patch_is_put_on_all_before_it(sessions: DynamoSessions, before: Moment, after: Moment) -> None:
    """A patch is built on exactly the patches of its repository at that time, in order."""
    if after.plan.auto_commit:
        return
    name = "a_patch_is_put_on_all_before_it"
    for task in after.plan.tasks:
        state = after.of(task.id)
        if state.status is not TaskStatus.COMPLETED or before.of(task.id).status is state.status or not state.files:
            continue
        patch = sessions.load_patch(PatchRef(task_id=task.id, attempt=state.attempts))
        demand(patch is not None, name, f"{task.id} has none")
        assert patch
        found = [(under.task_id, under.attempt) for under in patch.base_patches]
        there = _patched(before, task.repository_id or after.plan.repository_id)
        demand(found == there, name, f"{task.id} is on {found}, there are {there}")


def _patched(moment: Moment, repository_id: str) -> list[tuple[str, int]]:
    there = [
        (moment.of(task.id).completed_seq, task.id, moment.of(task.id).attempts)
        for task in moment.plan.tasks
        if moment.of(task.id).status is TaskStatus.COMPLETED
        and moment.of(task.id).files
        and (task.repository_id or moment.plan.repository_id) == repository_id
    ]
    return [(task_id, attempt) for _, task_id, attempt in sorted(there)]


def patches_go_together(seen: SeenPlans, repositories: Repositories, sessions: DynamoSessions) -> None:
    """At the end all patches apply one after the other."""
    for moment in seen.moments.values():
        for repository_id, server in repositories.servers.items():
            left = completed_tasks(ExecutionState(moment.plan, moment.execution, moment.states), repository_id)
            git = FakeUpstream(server)
            try:
                git.apply_stack(git.head("main", None), PatchStacks(sessions).of_tasks(left))
            except PatchConflict as apart:
                raise Violation("patches_go_together", str(apart)) from apart
