"""What people ask of a plan that is carried out, and of its tasks."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from groundwork.api.http import answers
from groundwork.api.plans.deps import given, plan_of
from groundwork.errors import Invalid
from groundwork.execution import commands, rollback
from groundwork.execution.commands import Actor
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.requests import Because, Complete, Execute, RollBack, Skip
from groundwork.execution.schedule import NewTiming, Timer, clear_schedule, set_schedule
from groundwork.execution.schemas import PlanControlled, TaskControlled
from groundwork.execution.state import ExecutionState
from groundwork.ids import Kind

AnExecute = Annotated[Execute | None, Body()]
ABecause = Annotated[Because | None, Body()]
ARollBack = Annotated[RollBack | None, Body()]
ASkip = Annotated[Skip | None, Body()]
AComplete = Annotated[Complete | None, Body()]
Ask = Callable[[ExecutionState, Actor], ExecutionState]

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped
TAG: dict[str, Any] = {"tags": ["control"]}
PLAN: dict[str, Any] = TAG | {"status_code": 202, "responses": answers(PlanControlled, 202)}
TASK: dict[str, Any] = TAG | {"responses": answers(TaskControlled)}


def changed(plan_id: str, ask: Ask) -> ExecutionState:
    acting: ExecutionCoordinator = given(router, "conductor")
    asked = Actor(acting.actor or "somebody", acting.now_ms())
    return acting.change(plan_id, lambda execution_state: ask(execution_state, asked))


# plans


@router.post("/api/plans/<plan_id>/execute", operation_id="executePlan", summary="Execute a plan", **PLAN)
def execute(plan_id: str, body: AnExecute = None) -> dict[str, Any]:
    again = body.again if body else False
    return _plan(changed(plan_id, lambda execution_state, asked: commands.execute(execution_state, asked, again)))


@router.post("/api/plans/<plan_id>/pause", operation_id="pausePlan", summary="Pause a plan", **PLAN)
def pause(plan_id: str, body: ABecause = None) -> dict[str, Any]:
    reason = body.reason if body else None
    return _plan(changed(plan_id, lambda execution_state, asked: commands.pause(execution_state, asked, reason)))


@router.post("/api/plans/<plan_id>/resume", operation_id="resumePlan", summary="Resume a plan", **PLAN)
def resume(plan_id: str) -> dict[str, Any]:
    return _plan(changed(plan_id, commands.resume))


@router.post("/api/plans/<plan_id>/cancel", operation_id="cancelPlan", summary="Cancel a plan", **PLAN)
def cancel(plan_id: str) -> dict[str, Any]:
    return _plan(changed(plan_id, commands.cancel))


@router.post(
    "/api/plans/<plan_id>/rollback", operation_id="rollBackPlan", summary="Roll back commits of a plan", **PLAN
)
def roll_back(plan_id: str, body: ARollBack = None) -> dict[str, Any]:
    what = body or RollBack()
    if what.task_id and what.phase_id:
        raise Invalid.field("phaseId", "does not go with a taskId")
    include = what.dependents == "include"
    return _plan(
        changed(
            plan_id,
            lambda execution_state, asked: rollback.roll_back(
                execution_state, asked, what.task_id, what.phase_id, include
            ),
        )
    )


@router.post("/api/plans/<plan_id>/schedule", operation_id="schedulePlan", summary="Schedule a plan", **PLAN)
def schedule(plan_id: str, body: NewTiming) -> dict[str, Any]:
    acting: ExecutionCoordinator = given(router, "conductor")
    timing = body.timing(Actor(acting.actor or "somebody", acting.now_ms()))
    set_schedule(acting.store.read(plan_id), timing)
    # set first: a timing that the timer refuses is not kept, and one that is not kept begins nothing
    _timer().set(plan_id, timing)
    return _plan(acting.change(plan_id, lambda execution_state: set_schedule(execution_state, timing)))


@router.delete(
    "/api/plans/<plan_id>/schedule",
    operation_id="unschedulePlan",
    summary="Remove the schedule of a plan",
    responses=answers(PlanControlled),
    **TAG,
)
def unschedule(plan_id: str) -> dict[str, Any]:
    after = changed(plan_id, lambda execution_state, asked: clear_schedule(execution_state))
    _timer().clear(plan_id)
    return _plan(after)


def _timer() -> Timer:
    timer: Timer = given(router, "timer")
    return timer


# tasks


@router.post("/api/plan-tasks/<task_id>/approve", operation_id="approveTask", summary="Approve a task", **TASK)
def approve(task_id: str) -> dict[str, Any]:
    return _of_task(task_id, lambda execution_state, asked: commands.approve(execution_state, task_id, asked))


@router.post("/api/plan-tasks/<task_id>/reject", operation_id="rejectTask", summary="Reject a task", **TASK)
def reject(task_id: str, body: ABecause = None) -> dict[str, Any]:
    reason = body.reason if body else None
    return _of_task(task_id, lambda execution_state, asked: commands.reject(execution_state, task_id, asked, reason))


@router.post("/api/plan-tasks/<task_id>/retry", operation_id="retryTask", summary="Retry a failed task", **TASK)
def retry(task_id: str) -> dict[str, Any]:
    return _of_task(task_id, lambda execution_state, asked: commands.retry(execution_state, task_id, asked))


@router.post("/api/plan-tasks/<task_id>/skip", operation_id="skipTask", summary="Skip a task", **TASK)
def skip(task_id: str, body: ASkip = None) -> dict[str, Any]:
    dependents = body.dependents if body else "skip"
    return _of_task(task_id, lambda execution_state, asked: commands.skip(execution_state, task_id, asked, dependents))


@router.post(
    "/api/plan-tasks/<task_id>/complete", operation_id="completeTask", summary="Complete a task by hand", **TASK
)
def complete(task_id: str, body: AComplete = None) -> dict[str, Any]:
    done = body or Complete()
    return _of_task(
        task_id,
        lambda execution_state, asked: commands.complete(execution_state, task_id, asked, done.commit_sha, done.note),
    )


def _of_task(task_id: str, ask: Ask) -> dict[str, Any]:
    return _task(changed(plan_of(Kind.TASK, task_id), ask), task_id)


def _plan(execution_state: ExecutionState) -> dict[str, Any]:
    execution = execution_state.execution
    return {
        "planId": execution_state.plan.id,
        "status": execution_state.status.value,
        "cause": execution.cause.value if execution.cause else None,
        "reason": execution.reason,
        "execution": execution.number,
        "schedule": execution.schedule.as_json() if execution.schedule else None,
        "passedOver": execution.passed_over.as_json() if execution.passed_over else None,
        "rollback": execution.rollback.as_json() if execution.rollback else None,
    }


def _task(execution_state: ExecutionState, task_id: str) -> dict[str, Any]:
    state = execution_state.of(task_id)
    return {
        "id": task_id,
        "planId": execution_state.plan.id,
        "status": state.status.value,
        "attempts": state.attempts,
        "commitSha": state.commit_sha,
        "errorMsg": state.error_msg,
        "note": state.note,
        "planStatus": execution_state.status.value,
    }
