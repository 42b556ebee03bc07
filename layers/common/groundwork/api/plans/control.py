"""Routes to control the execution of a plan and its tasks."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from groundwork.api.deps import new_router, services
from groundwork.api.http import answers
from groundwork.api.plans.deps import deps, plan_of
from groundwork.errors import Invalid
from groundwork.execution import commands, rollback
from groundwork.execution.commands import Actor
from groundwork.execution.own_commits import find_own_commit
from groundwork.execution.progress import rollback_shown
from groundwork.execution.requests import Because, Complete, Execute, RollBack, Skip
from groundwork.execution.schedule import NewTiming, clear_schedule, set_schedule
from groundwork.execution.schemas import PlanControlled, TaskControlled
from groundwork.execution.state import ExecutionState
from groundwork.ids import Kind
from groundwork.plans.model import TaskStatus

Command = Callable[[ExecutionState, Actor], ExecutionState]

router = new_router()
TAG: dict[str, Any] = {"tags": ["control"]}
PLAN: dict[str, Any] = TAG | {"status_code": 202, "responses": answers(PlanControlled, 202)}
TASK: dict[str, Any] = TAG | {"responses": answers(TaskControlled)}


def _changed(plan_id: str, command: Command) -> ExecutionState:
    actor = _actor()
    return deps(router).coordinator.change(plan_id, lambda state: command(state, actor))


def _actor() -> Actor:
    return Actor(deps(router).actor, services(router).now_ms())


@router.post("/api/plans/<plan_id>/execute", operation_id="executePlan", summary="Execute a plan", **PLAN)
def execute(plan_id: str, body: Annotated[Execute | None, Body()] = None) -> dict[str, Any]:
    again, checks = body.again if body else False, deps(router).checks_at_start

    def start(state: ExecutionState, actor: Actor) -> ExecutionState:
        # tried on a copy: a plan that cannot start needs no sandbox
        commands.execute(state, actor, again)
        # read with the plan: an edit just before the start may bring in another repository
        return commands.execute(state, actor, again, checks.settings_of(state.plan))

    return _plan(_changed(plan_id, start))


@router.post("/api/plans/<plan_id>/pause", operation_id="pausePlan", summary="Pause a plan", **PLAN)
def pause(plan_id: str, body: Annotated[Because | None, Body()] = None) -> dict[str, Any]:
    reason = body.reason if body else None
    return _plan(_changed(plan_id, lambda state, actor: commands.pause(state, actor, reason)))


@router.post("/api/plans/<plan_id>/resume", operation_id="resumePlan", summary="Resume a plan", **PLAN)
def resume(plan_id: str) -> dict[str, Any]:
    return _plan(_changed(plan_id, commands.resume))


@router.post("/api/plans/<plan_id>/cancel", operation_id="cancelPlan", summary="Cancel a plan", **PLAN)
def cancel(plan_id: str) -> dict[str, Any]:
    return _plan(_changed(plan_id, commands.cancel))


@router.post(
    "/api/plans/<plan_id>/rollback", operation_id="rollBackPlan", summary="Roll back commits of a plan", **PLAN
)
def roll_back(plan_id: str, body: Annotated[RollBack | None, Body()] = None) -> dict[str, Any]:
    scope = body or RollBack()
    if scope.task_id and scope.phase_id:
        raise Invalid.field("phaseId", "cannot be combined with taskId")
    include = scope.dependents == "include"
    return _plan(
        _changed(plan_id, lambda state, actor: rollback.roll_back(state, actor, scope.task_id, scope.phase_id, include))
    )


@router.post("/api/plans/<plan_id>/schedule", operation_id="schedulePlan", summary="Schedule a plan", **PLAN)
def schedule(plan_id: str, body: NewTiming) -> dict[str, Any]:
    coordinator = deps(router).coordinator
    timing = body.timing(_actor())
    # tried on a copy: a refused schedule must not touch the timer
    set_schedule(coordinator.store.read(plan_id), timing)
    # the timer first: it may refuse the timing, and a timer without a stored timing starts nothing
    deps(router).timer.set(plan_id, timing)
    return _plan(coordinator.change(plan_id, lambda state: set_schedule(state, timing)))


@router.delete(
    "/api/plans/<plan_id>/schedule",
    operation_id="unschedulePlan",
    summary="Remove the schedule of a plan",
    responses=answers(PlanControlled),
    **TAG,
)
def unschedule(plan_id: str) -> dict[str, Any]:
    # the stored timing first: a timer left over after a crash starts nothing
    after = _changed(plan_id, lambda state, actor: clear_schedule(state))
    deps(router).timer.clear(plan_id)
    return _plan(after)


@router.post("/api/plan-tasks/<task_id>/approve", operation_id="approveTask", summary="Approve a task", **TASK)
def approve(task_id: str) -> dict[str, Any]:
    return _of_task(task_id, lambda state, actor: commands.approve(state, task_id, actor))


@router.post("/api/plan-tasks/<task_id>/reject", operation_id="rejectTask", summary="Reject a task", **TASK)
def reject(task_id: str, body: Annotated[Because | None, Body()] = None) -> dict[str, Any]:
    reason = body.reason if body else None
    return _of_task(task_id, lambda state, actor: commands.reject(state, task_id, actor, reason))


@router.post("/api/plan-tasks/<task_id>/retry", operation_id="retryTask", summary="Retry a failed task", **TASK)
def retry(task_id: str) -> dict[str, Any]:
    return _of_task(task_id, lambda state, actor: commands.retry(state, task_id, actor))


@router.post("/api/plan-tasks/<task_id>/skip", operation_id="skipTask", summary="Skip a task", **TASK)
def skip(task_id: str, body: Annotated[Skip | None, Body()] = None) -> dict[str, Any]:
    dependents = body.dependents if body else "skip"
    return _of_task(task_id, lambda state, actor: commands.skip(state, task_id, actor, dependents))


@router.post(
    "/api/plan-tasks/<task_id>/complete", operation_id="completeTask", summary="Complete a task by hand", **TASK
)
def complete(task_id: str, body: Annotated[Complete | None, Body()] = None) -> dict[str, Any]:
    done = body or Complete()
    sha = _own_commit(task_id, done.commit_sha) if done.commit_sha else None
    return _of_task(task_id, lambda state, actor: commands.complete(state, task_id, actor, sha, done.note))


def _own_commit(task_id: str, commit: str) -> str:
    """Raises Invalid unless the plan's branch has the commit."""
    own, plan_id = services(router), plan_of(Kind.TASK, task_id)
    state, repository = own.tables.executions.read(plan_id), own.tables.repositories.get
    # first the state: a task that cannot be completed needs no look at its repository
    commands.complete(state, task_id, _actor(), commit)
    return find_own_commit(state, task_id, commit, repository, own.open_clone)


def _of_task(task_id: str, command: Command) -> dict[str, Any]:
    return _task(_changed(plan_of(Kind.TASK, task_id), command), task_id)


def _plan(state: ExecutionState) -> dict[str, Any]:
    execution = state.execution
    return {
        "planId": state.plan.id,
        "status": state.status.value,
        "cause": execution.cause.value if execution.cause else None,
        "reason": execution.reason,
        "execution": execution.number,
        "schedule": execution.schedule.as_json() if execution.schedule else None,
        "passedOver": execution.passed_over.as_json() if execution.passed_over else None,
        "rollback": rollback_shown(execution),
    }


def _task(state: ExecutionState, task_id: str) -> dict[str, Any]:
    task = state.of(task_id)
    return {
        "id": task_id,
        "planId": state.plan.id,
        "status": task.status.value,
        "attempts": task.attempts,
        "commitSha": task.commit_sha,
        "errorMsg": task.error_msg,
        "activity": task.activity if task.status is TaskStatus.RUNNING else None,
        "verified": task.verified.value if task.verified else None,
        "note": task.note,
        "planStatus": state.status.value,
    }
