"""HTTP: repositories, plans, phases, tasks, generation, review, iterations, templates and control."""

import time
from functools import cache
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from groundwork import http
from groundwork.ai.choose import ai_and_model
from groundwork.answers import Listed
from groundwork.aws import async_invoker
from groundwork.backlog import rfc3339
from groundwork.control_http import router
from groundwork.errors import NotFound, TooLarge, Transient
from groundwork.executing.answers import LogLine, PlanProgress, TaskPatchShown
from groundwork.executing.conducting import Conductor
from groundwork.executing.progress import progress
from groundwork.http import answers
from groundwork.ids import PLAN_ID, REPOSITORY_ID, TEMPLATE_ID, Kind, new_repository_id, path_of
from groundwork.plain_text import clean
from groundwork.plans import showing
from groundwork.plans.answers import (
    Comparison,
    IterationShown,
    PhaseOfPlan,
    PlanEstimate,
    PlanInBrief,
    PlanShown,
    TaskOfPlan,
    TemplateInBrief,
    UnderWay,
)
from groundwork.plans.bodies import (
    NewPhase,
    NewPlan,
    NewRepository,
    NewTask,
    NewTemplate,
    PhasePatch,
    PlanPatch,
    RepositoryPatch,
    Restoration,
    TaskPatch,
)
from groundwork.plans.creating import drafted, source_of
from groundwork.plans.editing import Editor
from groundwork.plans.estimating import estimate_of_plan, expecting
from groundwork.plans.generating import GenerateRequest, Generator
from groundwork.plans.model import Plan, PlanStatus
from groundwork.plans.operations import RemovePhase, RemoveTask
from groundwork.plans.repositories import Repository, checked_url, must_keep_host
from groundwork.plans.reviewing import Choice, Reviewer, ReviewRequest, apply_suggestions, effect
from groundwork.plans.saving import is_own_position, new_template, page
from groundwork.plans.templates import Template
from groundwork.scheduler import PlanTimer
from groundwork.settings import Settings
from groundwork.starting import Starter
from groundwork.stepfunctions import PlanMachine
from groundwork.store.plan_rows import is_iteration_position, is_list_position, is_log_position
from groundwork.store.tables import Tables, open_tables

PURGE_S = 5.0
"""How long a delete tidies up before it answers; what is left then is the schedule's."""

PAGE_BYTES = 4 * 1024 * 1024
"""A page of the history ends early rather than outgrow what one answer holds."""

app = http.api()
Limit = Annotated[int, Query(ge=1, le=200)]
Token = Annotated[str | None, Query(alias="nextToken", max_length=400)]
Version = Annotated[int | None, Query(ge=1, le=999_999)]
Dependents = Annotated[Literal["refuse", "repair"], Query()]
IfMatch = Annotated[
    str | None,
    Header(alias="if-match", max_length=400, description="The plan's version as its ETag: else 409 VERSION_CONFLICT"),
]


@cache
def settings() -> Settings:
    return Settings.from_environment()


@cache
def tables() -> Tables:
    return open_tables(settings())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def author() -> str:
    """Who is asking, for the history: what the client says of itself, else whom the authorizer has let pass."""
    named = clean(app.current_event.headers.get("x-groundwork-author", "")).strip()
    context = app.current_event.raw_event.get("requestContext", {}).get("authorizer", {}).get("lambda") or {}
    return named[:100] or str(context.get("principal", "admin"))


def editor() -> Editor:
    return Editor(tables().plans, tables().entries, now_ms, author(), under_way=followed)


def followed(plan_id: str) -> None:
    """What an edit lets follow in a plan that is carried out, such as a gate that opens; else the sweep sees to it."""
    try:
        conductor().change(plan_id, lambda standing: standing)
    except (NotFound, Transient) as fault:
        http.logger.warning("Nothing has followed from an edit", plan_id=plan_id, fault=str(fault))


def starter() -> Starter:
    return Starter(
        store=tables().runs,
        backlog=tables().backlog,
        counts=tables().projects.counts,
        invoke=async_invoker(settings().process_next),
        now_ms=now_ms,
        ai_and_model=which_model,
    )


def which_model(asked: str | None) -> tuple[str, str]:
    return ai_and_model(settings(), asked)


# repositories


@app.post(
    "/api/repositories",
    status_code=201,
    tags=["repositories"],
    summary="Name a repository",
    responses=answers(Repository, 201),
)
def create_repository(body: NewRepository) -> dict[str, Any]:
    checked_url(body.url, settings().local)
    made = Repository(id=new_repository_id(), created_at=rfc3339(now_ms()), **body.model_dump())
    return tables().repositories.create(made).as_json()


@app.get(
    "/api/repositories",
    tags=["repositories"],
    summary="The repositories, newest first",
    responses=answers(Listed[Repository]),
)
def list_repositories(limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    before = http.position_of(next_token, lambda text: is_list_position(text, REPOSITORY_ID))
    found, more = tables().repositories.page(before, limit)
    return _page([repository.as_json() for repository in found], more)


@app.get(
    "/api/repositories/<repository_id>", tags=["repositories"], summary="A repository", responses=answers(Repository)
)
def get_repository(repository_id: str) -> dict[str, Any]:
    return tables().repositories.get(repository_id).as_json()


@app.patch(
    "/api/repositories/<repository_id>",
    tags=["repositories"],
    summary="Change a repository",
    responses=answers(Repository),
)
def patch_repository(repository_id: str, body: RepositoryPatch) -> dict[str, Any]:
    changes = body.changes()
    if "url" in changes:
        checked_url(body.url, settings().local)
        if "credentials_secret" not in changes:
            must_keep_host(tables().repositories.get(repository_id), body.url)
    return tables().repositories.update(repository_id, changes).as_json()


@app.delete("/api/repositories/<repository_id>", status_code=204, tags=["repositories"], summary="Forget a repository")
def delete_repository(repository_id: str) -> Response[str]:
    tables().repositories.delete(repository_id)
    return Response(204, "application/json", "")


# plans


@app.post(
    "/api/plans",
    status_code=201,
    tags=["plans"],
    summary="A plan by hand, from a template or from stories",
    responses=answers(PlanShown, 201),
)
def create_plan(body: NewPlan) -> Response[str]:
    source = source_of(body, tables().templates.get, tables().entries)
    return _plan(editor().create(drafted(body, source), source.summary), 201)


@app.get(
    "/api/plans", tags=["plans"], summary="The plans in brief, newest first", responses=answers(Listed[PlanInBrief])
)
def list_plans(
    repository_id: Annotated[str | None, Query(alias="repositoryId")] = None,
    limit: Limit = 50,
    next_token: Token = None,
) -> dict[str, Any]:
    before = http.position_of(next_token, lambda text: is_list_position(text, PLAN_ID))
    if repository_id is not None:
        tables().repositories.get(repository_id)
    return _page(*tables().plans.page(repository_id, before, limit))


@app.get(
    "/api/plans/<plan_id>", tags=["plans"], summary="A plan with its phases and tasks", responses=answers(PlanShown)
)
def get_plan(plan_id: str, version: Version = None) -> Response[str]:
    return _plan(tables().plans.load(plan_id) if version is None else tables().plans.at_version(plan_id, version))


@app.patch(
    "/api/plans/<plan_id>",
    tags=["plans"],
    summary="Change what a plan says, or mark it as READY",
    responses=answers(PlanShown),
)
def patch_plan(plan_id: str, body: PlanPatch, if_match: IfMatch = None) -> Response[str]:
    status = body.changes().get("status")
    wanted = PlanStatus(status) if status else None
    return _plan(editor().edit(plan_id, body.operations(), http.versions_seen(if_match), wanted))


@app.delete("/api/plans/<plan_id>", status_code=204, tags=["plans"], summary="Delete a plan with its history")
def delete_plan(plan_id: str, if_match: IfMatch = None) -> Response[str]:
    was_scheduled = tables().plans.delete(plan_id, http.versions_seen(if_match))
    ends = time.monotonic() + PURGE_S
    try:
        if was_scheduled:
            timer().clear(plan_id)
        tables().plans.purge(plan_id, lambda: time.monotonic() > ends)
    except Transient as fault:
        # the plan is gone all the same: the sweep finds what is left of it, and its timer ends when it fires next
        http.logger.warning("A purge was put off", plan_id=plan_id, fault=str(fault))
    return Response(204, "application/json", "")


@app.get(
    "/api/plans/<plan_id>/compare",
    tags=["plans"],
    summary="What makes one version of another",
    responses=answers(Comparison),
)
def compare(
    plan_id: str, since: Annotated[int, Query(alias="from", ge=1, le=999_999)], to: Version = None
) -> Response[str]:
    plans = tables().plans
    after = plans.load(plan_id) if to is None else plans.at_version(plan_id, to)
    return _answer(showing.comparison(plans.at_version(plan_id, since), after))


@app.post(
    "/api/plans/<plan_id>/restore",
    tags=["plans"],
    summary="An earlier version as the newest",
    responses=answers(PlanShown),
)
def restore(plan_id: str, body: Restoration, if_match: IfMatch = None) -> Response[str]:
    return _plan(editor().restore(plan_id, body.version, http.versions_seen(if_match)))


@app.get(
    "/api/plans/<plan_id>/iterations",
    tags=["plans"],
    summary="The history, newest first",
    responses=answers(Listed[IterationShown]),
)
def list_iterations(plan_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    position = http.position_of(next_token, is_iteration_position)
    found = tables().plans.iterations(plan_id, int(position) if position else None, limit)
    shown, last = showing.history_page(map(tables().plans.with_suggestions, found), PAGE_BYTES)
    return _page(shown, str(last) if last and last > 1 else None)


@app.get(
    "/api/plans/<plan_id>/iterations/<iteration_id>",
    tags=["plans"],
    summary="An iteration, before and after",
    responses=answers(IterationShown),
)
def get_iteration(plan_id: str, iteration_id: str) -> Response[str]:
    plans = tables().plans
    iteration, suggestions = plans.with_suggestions(plans.iteration(iteration_id))
    if iteration.plan_id != plan_id:
        raise NotFound.of("iteration", iteration_id)
    before, after = plans.before_and_after(iteration)
    iteration = iteration.model_copy(update={"schedule": effect(before, iteration, suggestions)})
    return _answer(showing.iteration_compared(iteration, before, after, suggestions, plans.load(plan_id)))


# the model's part


@app.post(
    "/api/plans/generate",
    status_code=202,
    tags=["plans"],
    summary="A plan written by the model",
    responses=answers(UnderWay, 202),
)
def generate(body: GenerateRequest) -> dict[str, str]:
    generator = Generator(
        tables().plans, tables().backlog, tables().templates.get, starter().trigger, now_ms, which_model
    )
    return generator.generate(body, author()).as_json()


@app.post(
    "/api/plans/<plan_id>/review",
    status_code=202,
    tags=["plans"],
    summary="Suggestions by the model",
    responses=answers(UnderWay, 202),
)
def review(plan_id: str, body: ReviewRequest) -> dict[str, str]:
    reviewer = Reviewer(tables().plans, starter().trigger, now_ms, which_model)
    return reviewer.review(plan_id, body, author()).as_json()


@app.post(
    "/api/plans/<plan_id>/apply-suggestions",
    tags=["plans"],
    summary="Some of a review's suggestions, or none",
    responses=answers(PlanShown),
)
def apply(plan_id: str, body: Choice, if_match: IfMatch = None) -> Response[str]:
    return _plan(apply_suggestions(tables().plans, editor(), plan_id, body, http.versions_seen(if_match)))


@app.post(
    "/api/plans/<plan_id>/estimate",
    tags=["plans"],
    summary="What carrying out a plan would take",
    responses=answers(PlanEstimate),
)
def estimate(plan_id: str) -> dict[str, Any]:
    plan, (ai, model) = tables().plans.load(plan_id), which_model(None)
    history = tables().measures.of_repository(plan.repository_id)
    return estimate_of_plan(plan, tables().plans.states(plan_id), history, ai, model, settings().mock_latency_ms)


# phases and tasks


@app.post("/api/phases", status_code=201, tags=["phases"], summary="Add a phase", responses=answers(PhaseOfPlan, 201))
def create_phase(body: NewPhase, if_match: IfMatch = None) -> Response[str]:
    plan = editor().edit(body.plan_id, [body.operation()], http.versions_seen(if_match))
    return _phase(plan, _newest(Kind.PHASE, [phase.id for phase in plan.phases]), 201)


@app.patch(
    "/api/phases/<phase_id>", tags=["phases"], summary="Change, move or reorder a phase", responses=answers(PhaseOfPlan)
)
def patch_phase(phase_id: str, body: PhasePatch, if_match: IfMatch = None) -> Response[str]:
    operations = body.operations(phase_id)
    return _phase(editor().edit(_plan_id(Kind.PHASE, phase_id), operations, http.versions_seen(if_match)), phase_id)


@app.delete("/api/phases/<phase_id>", status_code=204, tags=["phases"], summary="Delete a phase with its tasks")
def delete_phase(phase_id: str, dependents: Dependents = "refuse", if_match: IfMatch = None) -> Response[str]:
    operation = RemovePhase(phase_id=phase_id, dependents=dependents)
    return _gone(editor().edit(_plan_id(Kind.PHASE, phase_id), [operation], http.versions_seen(if_match)))


@app.post("/api/plan-tasks", status_code=201, tags=["tasks"], summary="Add a task", responses=answers(TaskOfPlan, 201))
def create_task(body: NewTask, if_match: IfMatch = None) -> Response[str]:
    plan = editor().edit(_plan_id(Kind.PHASE, body.phase_id), [body.operation()], http.versions_seen(if_match))
    return _task(plan, _newest(Kind.TASK, [task.id for task in plan.tasks]), 201)


@app.patch("/api/plan-tasks/<task_id>", tags=["tasks"], summary="Change or move a task", responses=answers(TaskOfPlan))
def patch_task(task_id: str, body: TaskPatch, if_match: IfMatch = None) -> Response[str]:
    plan_id = _plan_id(Kind.TASK, task_id)
    edited = editor().edit(plan_id, lambda plan: body.operations(task_id, plan), http.versions_seen(if_match))
    return _task(edited, task_id)


@app.delete("/api/plan-tasks/<task_id>", status_code=204, tags=["tasks"], summary="Delete a task")
def delete_task(task_id: str, dependents: Dependents = "refuse", if_match: IfMatch = None) -> Response[str]:
    operation = RemoveTask(task_id=task_id, dependents=dependents)
    return _gone(editor().edit(_plan_id(Kind.TASK, task_id), [operation], http.versions_seen(if_match)))


# templates


@app.get(
    "/api/plan-templates",
    tags=["templates"],
    summary="The templates in brief, the project's own first",
    responses=answers(Listed[TemplateInBrief]),
)
def list_templates(limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    position = http.position_of(next_token, lambda text: is_own_position(text) or is_list_position(text, TEMPLATE_ID))
    return _page(*page(position, limit, tables().templates.page))


@app.post(
    "/api/plan-templates",
    status_code=201,
    tags=["templates"],
    summary="Save a plan as a template",
    responses=answers(Template, 201),
)
def create_template(body: NewTemplate) -> Response[str]:
    template = new_template(body, tables().plans.load, rfc3339(now_ms()))
    tables().templates.create(template)
    return _answer(template.as_json(), 201)


@app.get(
    "/api/plan-templates/<template_id>",
    tags=["templates"],
    summary="A template with its phases and tasks",
    responses=answers(Template),
)
def get_template(template_id: str) -> Response[str]:
    return _answer(tables().templates.get(template_id).as_json())


@app.delete("/api/plan-templates/<template_id>", status_code=204, tags=["templates"], summary="Delete a template")
def delete_template(template_id: str) -> Response[str]:
    tables().templates.delete(template_id)
    return Response(204, "application/json", "")


# carrying out


def conductor() -> Conductor:
    machine = PlanMachine(settings().plan_machine, settings().plan_executor)
    return Conductor(
        tables().executions, machine, now_ms, author(), unheard=lambda what: http.logger.warning("Unheard", what=what)
    )


def timer() -> PlanTimer:
    return PlanTimer(settings().schedule_prefix, settings().plan_executor_arn, settings().schedule_role)


app.include_router(router)


@app.get(
    "/api/plans/<plan_id>/progress", tags=["control"], summary="How far a plan is", responses=answers(PlanProgress)
)
def plan_progress(plan_id: str) -> Response[str]:
    executions, (ai, _) = tables().executions, which_model(None)
    standing = executions.read(plan_id)
    history = tables().measures.of_repository(standing.plan.repository_id)
    expect = expecting(history, ai, settings().mock_latency_ms)
    return _answer(progress(standing, executions.events(plan_id), expect, now_ms()))


@app.get(
    "/api/plan-tasks/<task_id>/patch",
    tags=["control"],
    summary="The change of a task whose plan makes no commits",
    responses=answers(TaskPatchShown),
)
def task_patch(task_id: str) -> Response[str]:
    tables().plans.summary(_plan_id(Kind.TASK, task_id))
    patch = tables().sessions.patch(task_id)
    if patch is None:
        raise NotFound(f"There is no patch of the task {task_id!r}.")
    return _answer({"taskId": task_id, "patch": patch})


@app.get(
    "/api/plan-tasks/<task_id>/log",
    tags=["control"],
    summary="What a task's sessions do, turn by turn",
    responses=answers(Listed[LogLine]),
)
def task_log(task_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    position = http.position_of(next_token, is_log_position)
    plan_id = _plan_id(Kind.TASK, task_id)
    tables().plans.summary(plan_id)
    return _page(*tables().executions.log(plan_id, task_id, position, limit))


# what all of them have in common


def _page(items: list[dict[str, Any]], more: str | None) -> dict[str, Any]:
    if len(http.to_json(items).encode()) > http.MOST_ANSWER_BYTES:
        raise TooLarge("The page is larger than the 6 MB that one answer holds; ask for fewer with limit.")
    return {"items": items, "nextToken": http.page_token(more) if more else None}


def _plan(plan: Plan, status: int = 200) -> Response[str]:
    return _answer(showing.plan_shown(plan, tables().plans.states(plan.id)), status, plan.version)


def _phase(plan: Plan, phase_id: str, status: int = 200) -> Response[str]:
    return _answer(showing.phase_shown(plan, phase_id, tables().plans.states(plan.id)), status, plan.version)


def _task(plan: Plan, task_id: str, status: int = 200) -> Response[str]:
    return _answer(showing.task_shown(plan, task_id, tables().plans.states(plan.id)), status, plan.version)


def _gone(plan: Plan) -> Response[str]:
    return Response(204, "application/json", "", headers={"ETag": f'"{plan.version}"'})


def _answer(body: dict[str, Any], status: int = 200, version: int | None = None) -> Response[str]:
    text = http.to_json(body)
    if len(text.encode()) > http.MOST_ANSWER_BYTES:
        raise TooLarge("The answer is larger than the 6 MB that one answer holds.")
    return Response(status, "application/json", text, headers={} if version is None else {"ETag": f'"{version}"'})


def _newest(kind: Kind, ids: list[str]) -> str:
    """What has been added last: numbers only rise. (The plan's counters may be ahead: others go on editing.)"""
    return str(max((path for id_ in ids if (path := path_of(kind, id_))), key=lambda path: path.number))


def _plan_id(kind: Kind, id_: str) -> str:
    path = path_of(kind, id_)
    if path is None:
        raise NotFound.of(kind.name.lower(), id_)
    return path.project_id


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    app.append_context(conductor=conductor, timer=timer)  # type: ignore[no-untyped-call]
    return http.serve(app, event, context)
