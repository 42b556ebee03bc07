"""Commits of users, named when they complete a task by hand."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

from groundwork.agent.repository import RepositoryFault, RepositoryUnreachable, Upstream
from groundwork.errors import Invalid, NotFound, Transient
from groundwork.execution.state import ExecutionState
from groundwork.plans.repositories import Repository

OpenClone = Callable[[Repository, Path], AbstractContextManager[Upstream]]


def find_own_commit(
    execution_state: ExecutionState,
    task_id: str,
    commit: str,
    repository: Callable[[str], Repository],
    open_clone: OpenClone,
) -> str:
    """Return the whole id of a user's commit.

    Raises Invalid if the branch lacks it, NotFound, Transient.

    A rollback reverts the commit later, so it must be on the branch that the rollback works on.
    """
    plan, task = execution_state.plan, execution_state.plan.task(task_id)
    if task is None:
        raise NotFound.of("task", task_id)
    place = repository(task.repository_id or plan.repository_id)
    branch = execution_state.branch if plan.auto_commit else place.default_branch
    try:
        with TemporaryDirectory(prefix="commit-") as folder, open_clone(place, Path(folder)) as upstream:
            found = upstream.on_branch(branch, commit)
    except RepositoryUnreachable as fault:
        raise Transient(str(fault)) from fault
    except RepositoryFault as refused:
        raise Invalid.field("commitSha", f"cannot be looked up: {refused}") from refused
    if found is None:
        raise Invalid.field("commitSha", f"is not a commit of the branch {branch!r}")
    return found
