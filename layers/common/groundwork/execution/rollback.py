"""Rollback of tasks: selection, order and resulting state.

Commits are reverted and patches withdrawn. No task is rolled back while work built on it stays: its dependents go
first.
"""

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from typing import Any

from groundwork.checks.model import Verified
from groundwork.errors import NotFound
from groundwork.execution.commands import Actor
from groundwork.execution.errors import DependentsFirst, NothingToRollBack, RollingBack, WrongStatus
from groundwork.execution.state import MAX_ATTEMPTS, ExecutionState, HeadCheck, Rollback, TaskExecution
from groundwork.plans.model import PlanStatus, Task, TaskStatus

_FINISHED = (PlanStatus.COMPLETED, PlanStatus.CANCELLED)
# RUNNING and PAUSING are missing: tasks could land on top of commits about to be reverted
_ALLOWED = (PlanStatus.PAUSED, PlanStatus.FAILED, *_FINISHED)


def roll_back(
    execution_state: ExecutionState, actor: Actor, task_id: str | None, phase_id: str | None, with_dependents: bool
) -> ExecutionState:
    """Request a rollback of a task, a phase or the plan.

    Raises DependentsFirst, NothingToRollBack, NotFound.
    """
    if execution_state.status not in _ALLOWED or not execution_state.execution.number:
        raise WrongStatus("roll back the plan", execution_state.status.value)
    if execution_state.execution.rolling_back:
        raise RollingBack
    chosen = [id_ for id_ in _selected_tasks(execution_state, task_id, phase_id) if has_result(execution_state.of(id_))]
    if not chosen:
        raise NothingToRollBack
    dependents = [id_ for id_ in dependents_of(execution_state, chosen) if has_result(execution_state.of(id_))]
    if dependents and not with_dependents:
        raise DependentsFirst(newest_first(execution_state, dependents))
    # seq rises with every change, so the number is unique without a counter of its own
    order, number = newest_first(execution_state, [*chosen, *dependents]), execution_state.execution.seq + 1
    return execution_state.with_execution(
        rollback=Rollback(number=number, task_ids=tuple(order), who=actor.name, at_ms=actor.at_ms)
    )


def _selected_tasks(execution_state: ExecutionState, task_id: str | None, phase_id: str | None) -> list[str]:
    if task_id is not None:
        if execution_state.plan.task(task_id) is None:
            raise NotFound.of("task", task_id)
        return [task_id]
    if phase_id is not None:
        phase = execution_state.plan.phase(phase_id)
        if phase is None:
            raise NotFound.of("phase", phase_id)
        return [task.id for task in phase.tasks]
    return [task.id for task in execution_state.plan.tasks]


def has_result(state: TaskExecution) -> bool:
    """True if the branch holds a commit of the task, or a patch is stored in its place."""
    return state.status is TaskStatus.COMPLETED and (state.commit_sha is not None or bool(state.files))


def dependents_of(execution_state: ExecutionState, task_ids: Iterable[str]) -> list[str]:
    """List transitive dependents of these tasks, without the tasks themselves."""
    found, chosen = set(task_ids), set(task_ids)
    for task in _topological_order(execution_state):
        if found & set(task.depends_on):
            found.add(task.id)
    return [task.id for task in execution_state.plan.tasks if task.id in found - chosen]


def _topological_order(execution_state: ExecutionState) -> list[Task]:
    """Order tasks after their dependencies."""
    tasks = {task.id: task for task in execution_state.plan.tasks}
    graph = {id_: [other for other in task.depends_on if other in tasks] for id_, task in tasks.items()}
    return [tasks[id_] for id_ in TopologicalSorter(graph).static_order()]


def newest_first(execution_state: ExecutionState, task_ids: Iterable[str]) -> list[str]:
    """Order tasks by completion, newest first: a task completes after its dependencies."""
    return sorted(task_ids, key=lambda id_: -execution_state.of(id_).completed_seq)


def record_reverts(execution_state: ExecutionState, number: int, reverts: Mapping[str, str | None]) -> ExecutionState:
    """Record reverted commits (SHA by task id) and withdrawn patches (None).

    In an unfinished plan these tasks must run again; in a finished one they become SKIPPED.
    """
    rollback = execution_state.execution.rollback
    # a late invocation: its rollback has ended, and another one may be running
    if rollback is None or rollback.number != number:
        return execution_state
    for task_id, sha in reverts.items():
        # an earlier invocation may have recorded this revert: after a fault everything is repeated
        if has_result(execution_state.of(task_id)):
            execution_state = execution_state.with_tasks(
                {task_id: _revert_task(execution_state, execution_state.of(task_id), sha)}
            )
    left = [id_ for id_ in rollback.task_ids if has_result(execution_state.of(id_))]
    # the current execution has passed these tasks, so they need a new one
    fields: dict[str, Any] = {
        "needs_restart": execution_state.execution.needs_restart or execution_state.status is PlanStatus.PAUSED
    }
    if not left:
        fields["rollback"] = _ended(execution_state, rollback, "DONE")
    return execution_state.with_execution(**fields)


def _revert_task(execution_state: ExecutionState, state: TaskExecution, sha: str | None) -> TaskExecution:
    ended = execution_state.status in _FINISHED
    return state.changed(
        status=TaskStatus.SKIPPED if ended else TaskStatus.PENDING,
        dependents="run",
        commit_sha=None,
        revert_sha=sha,
        withdrawn=state.attempts if sha is None else state.withdrawn,
        note="Rolled back",
        # the reverted commit stays in the branch's history: it must not be found as the next attempt's
        attempts_before_round=state.attempts,
        max_attempts=state.attempts + MAX_ATTEMPTS,
        failed=(),
        approved=None,
        files=(),
        completed_seq=0,
    )


def fail_rollback(execution_state: ExecutionState, number: int, reason: str) -> ExecutionState:
    """Fail a rollback. Reverted tasks stay reverted, all others stay done."""
    rollback = execution_state.execution.rollback
    if rollback is None or rollback.number != number or rollback.status != "RUNNING":
        return execution_state
    ended = _ended(execution_state, rollback, "FAILED", reason[:1_000])
    return execution_state.with_execution(rollback=ended)


def _ended(execution_state: ExecutionState, rollback: Rollback, status: str, error: str | None = None) -> Rollback:
    heads = tuple(_pushed_heads(execution_state, rollback).values())
    fields = {"status": status, "error": error, "heads": heads, "verified": _summary(heads)}
    return rollback.model_copy(update=fields)


def _pushed_heads(execution_state: ExecutionState, rollback: Rollback) -> dict[str, HeadCheck]:
    """Return the newest revert by repository. A withdrawn patch pushes nothing."""
    heads: dict[str, HeadCheck] = {}
    # a plan without checks stores nothing about them
    if not execution_state.execution.checks:
        return heads
    for task_id in rollback.task_ids:
        task, state = execution_state.plan.task(task_id), execution_state.of(task_id)
        if task is None or has_result(state) or not state.revert_sha:
            continue
        repository_id = task.repository_id or execution_state.plan.repository_id
        checks = execution_state.checks_of(repository_id)
        heads[repository_id] = HeadCheck(
            repository_id=repository_id,
            task_id=task_id,
            commit=state.revert_sha,
            verified=None if checks and checks.settings.verify else Verified.NOT_CONFIGURED,
        )
    return heads


def _summary(heads: Iterable[HeadCheck]) -> Verified | None:
    """Return the least favourable verdict; None without a head, or with a pending one."""
    verdicts = {head.verified for head in heads}
    if None in verdicts:
        return None
    order = (Verified.FAILED, Verified.NOT_RUN, Verified.PASSED, Verified.NOT_CONFIGURED)
    return next((verdict for verdict in order if verdict in verdicts), None)


def record_head_check(
    execution_state: ExecutionState, number: int, repository_id: str, verified: Verified, reason: str | None
) -> ExecutionState:
    """Record a pending check's verdict. Does nothing after another rollback's request."""
    rollback = execution_state.execution.rollback
    if rollback is None or rollback.number != number:
        return execution_state
    result = {"verified": verified, "reason": reason[:1_000] if reason else None}
    heads = tuple(
        head.model_copy(update=result) if head.repository_id == repository_id and head.verified is None else head
        for head in rollback.heads
    )
    checked = rollback.model_copy(update={"heads": heads, "verified": _summary(heads)})
    return execution_state.with_execution(rollback=checked)
