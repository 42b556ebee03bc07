"""The routes by which people control a plan that is carried out, and watch it."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body

from groundwork.errors import Invalid, NotFound
from groundwork.executing import control, rollback
from groundwork.executing.answers import PlanControlled, TaskControlled
from groundwork.executing.bodies import Because, Complete, Execute, RollBack, Skip
from groundwork.executing.conducting import Conductor
from groundwork.executing.control import Asked
from groundwork.executing.standing import Standing
from groundwork.executing.timing import NewTiming, Timer, scheduled, unscheduled
from groundwork.http import answers
from groundwork.ids import Kind, path_of

AnExecute = Annotated[Execute | None, Body()]
ABecause = Annotated[Because | None, Body()]
ARollBack = Annotated[RollBack | None, Body()]
ASkip = Annotated[Skip | None, Body()]
AComplete = Annotated[Complete | None, Body()]


def add_control(app: APIGatewayHttpResolver, conductor: Callable[[], Conductor], timer: Callable[[], Timer]) -> None:
    """Adds them to a function's resolver; `conductor` acts for whoever asks, `timer` wakes us."""

    def changed(plan_id: str, act: Callable[[Standing, Asked], Standing]) -> Standing:
        acting = conductor()
        asked = Asked(acting.who or "somebody", acting.now_ms())
        return acting.change(plan_id, lambda standing: act(standing, asked))

    def of_plan(plan_id: str, act: Callable[[Standing, Asked], Standing]) -> dict[str, Any]:
        return _plan(changed(plan_id, act))

    def of_task(task_id: str, act: Callable[[Standing, Asked], Standing]) -> dict[str, Any]:
        return _task(changed(_plan_id(task_id), act), task_id)

    @app.post(
        "/api/plans/<plan_id>/schedule",
        status_code=202,
        tags=["control"],
        summary="Carry it out at a time",
        responses=answers(PlanControlled, 202),
    )
    def schedule(plan_id: str, body: NewTiming) -> dict[str, Any]:
        def act(standing: Standing, asked: Asked) -> Standing:
            return scheduled(standing, body.timing(asked))

        after = changed(plan_id, act)
        assert after.execution.schedule is not None
        # kept first: what the timer does not know is not done, and is asked for again
        timer().set(plan_id, after.execution.schedule)
        return _plan(after)

    @app.delete(
        "/api/plans/<plan_id>/schedule",
        tags=["control"],
        summary="Do not carry it out by itself",
        responses=answers(PlanControlled),
    )
    def unschedule(plan_id: str) -> dict[str, Any]:
        timer().clear(plan_id)
        return of_plan(plan_id, lambda standing, asked: unscheduled(standing))

    _of_plans(app, of_plan)
    _of_tasks(app, of_task)


_Ask = Callable[[str, Callable[[Standing, Asked], Standing]], dict[str, Any]]


def _of_plans(app: APIGatewayHttpResolver, ask: _Ask) -> None:
    @app.post(
        "/api/plans/<plan_id>/execute",
        status_code=202,
        tags=["control"],
        summary="Carry out a plan",
        responses=answers(PlanControlled, 202),
    )
    def execute(plan_id: str, body: AnExecute = None) -> dict[str, Any]:
        again = body.again if body else False
        return ask(plan_id, lambda standing, asked: control.execute(standing, asked, again))

    @app.post(
        "/api/plans/<plan_id>/pause",
        status_code=202,
        tags=["control"],
        summary="Begin nothing more",
        responses=answers(PlanControlled, 202),
    )
    def pause(plan_id: str, body: ABecause = None) -> dict[str, Any]:
        reason = body.reason if body else None
        return ask(plan_id, lambda standing, asked: control.pause(standing, asked, reason))

    @app.post(
        "/api/plans/<plan_id>/resume",
        status_code=202,
        tags=["control"],
        summary="Go on",
        responses=answers(PlanControlled, 202),
    )
    def resume(plan_id: str) -> dict[str, Any]:
        return ask(plan_id, control.resume)

    @app.post(
        "/api/plans/<plan_id>/rollback",
        status_code=202,
        tags=["control"],
        summary="Take back commits",
        responses=answers(PlanControlled, 202),
    )
    def roll_back(plan_id: str, body: ARollBack = None) -> dict[str, Any]:
        what = body or RollBack()
        if what.task_id and what.phase_id:
            raise Invalid.field("phaseId", "does not go with a taskId")
        include = what.dependents == "include"
        return ask(
            plan_id,
            lambda standing, asked: rollback.roll_back(standing, asked, what.task_id, what.phase_id, include),
        )

    @app.post(
        "/api/plans/<plan_id>/cancel",
        status_code=202,
        tags=["control"],
        summary="Stop for good",
        responses=answers(PlanControlled, 202),
    )
    def cancel(plan_id: str) -> dict[str, Any]:
        return ask(plan_id, control.cancel)


def _of_tasks(app: APIGatewayHttpResolver, ask: _Ask) -> None:
    @app.post(
        "/api/plan-tasks/<task_id>/approve",
        tags=["control"],
        summary="Let a manual task begin",
        responses=answers(TaskControlled),
    )
    def approve(task_id: str) -> dict[str, Any]:
        return ask(task_id, lambda standing, asked: control.approve(standing, task_id, asked))

    @app.post(
        "/api/plan-tasks/<task_id>/reject",
        tags=["control"],
        summary="Let a manual task not begin",
        responses=answers(TaskControlled),
    )
    def reject(task_id: str, body: ABecause = None) -> dict[str, Any]:
        reason = body.reason if body else None
        return ask(task_id, lambda standing, asked: control.reject(standing, task_id, asked, reason))

    @app.post(
        "/api/plan-tasks/<task_id>/retry",
        tags=["control"],
        summary="Three attempts more at a failed task",
        responses=answers(TaskControlled),
    )
    def retry(task_id: str) -> dict[str, Any]:
        return ask(task_id, lambda standing, asked: control.retry(standing, task_id, asked))

    @app.post(
        "/api/plan-tasks/<task_id>/skip",
        tags=["control"],
        summary="Do without a task",
        responses=answers(TaskControlled),
    )
    def skip(task_id: str, body: ASkip = None) -> dict[str, Any]:
        dependents = body.dependents if body else "skip"
        return ask(task_id, lambda standing, asked: control.skip(standing, task_id, asked, dependents))

    @app.post(
        "/api/plan-tasks/<task_id>/complete",
        tags=["control"],
        summary="A task that a person has done",
        responses=answers(TaskControlled),
    )
    def complete(task_id: str, body: AComplete = None) -> dict[str, Any]:
        done = body or Complete()
        return ask(
            task_id, lambda standing, asked: control.complete(standing, task_id, asked, done.commit_sha, done.note)
        )


def _plan_id(task_id: str) -> str:
    path = path_of(Kind.TASK, task_id)
    if path is None:
        raise NotFound.of("task", task_id)
    return path.project_id


def _plan(standing: Standing) -> dict[str, Any]:
    execution = standing.execution
    return {
        "planId": standing.plan.id,
        "status": standing.status.value,
        "cause": execution.cause.value if execution.cause else None,
        "reason": execution.reason,
        "execution": execution.number,
        "schedule": execution.schedule.as_json() if execution.schedule else None,
        "rollback": execution.rollback.as_json() if execution.rollback else None,
    }


def _task(standing: Standing, task_id: str) -> dict[str, Any]:
    state = standing.of(task_id)
    return {
        "id": task_id,
        "planId": standing.plan.id,
        "status": state.status.value,
        "attempts": state.attempts,
        "commitSha": state.commit_sha,
        "errorMsg": state.error_msg,
        "note": state.note,
        "planStatus": standing.status.value,
    }
