"""Start plan generations: validate the request, write the plan, its iteration and its run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from groundwork.backlog.model import Mode, Value, rfc3339
from groundwork.errors import Invalid, NotFound
from groundwork.ids import Kind, Path, new_plan_id, path_of
from groundwork.plans.history import Iteration, IterationKind, IterationRequest, IterationStatus
from groundwork.plans.model import MAX_STORIES, Plan, PlanStatus, Title
from groundwork.plans.ports import PlanRuns
from groundwork.plans.templates import ParameterValue, Template, fill
from groundwork.runs import leases
from groundwork.runs.model import Lease, Run, RunOptions, RunType
from groundwork.runs.ports import BacklogReader

MAX_GENERATED_TASKS = 60
"""Tasks in one answer of the model.

A larger plan is composed of several generations, or written by hand.
"""

MAX_GENERATION_PARTS = 50
"""Subtasks, and stories without any, in one generation."""


class ModelOptions(Value):
    """Options of the model: `mode` (granularity), `model`, `maxCostUsd` (limit of the run)."""

    mode: Mode = Mode.STANDARD
    model: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    max_cost_usd: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] | None = None

    def of_run(self) -> RunOptions:
        return RunOptions(mode=self.mode, model=self.model, max_cost_usd=self.max_cost_usd)


class GenerateRequest(Value):
    """The body of POST /api/plans/generate. `parameters` belong to the template."""

    repository_id: str
    title: Title
    description: Annotated[str, Field(max_length=20_000)] = ""
    story_ids: Annotated[list[str], Field(max_length=MAX_STORIES)] = Field(default_factory=list)
    template_id: str | None = None
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    options: ModelOptions = ModelOptions()


@dataclass(frozen=True, slots=True)
class GenerationStarted:
    """Ids of the started run and of the iteration to hold its result."""

    plan_id: str
    iteration_id: str
    run_id: str

    def as_json(self) -> dict[str, str]:
        return {"planId": self.plan_id, "iterationId": self.iteration_id, "runId": self.run_id}


@dataclass(slots=True)
class Generator:
    """Starts generations.

    `ai_and_model` returns the AI and model of a run, or raises Invalid. `trigger` starts a run's first hop.
    """

    plans: PlanRuns
    backlog: BacklogReader
    template: Callable[[str], Template]
    trigger: Callable[[str], None]
    now_ms: Callable[[], int]
    ai_and_model: Callable[[str | None], tuple[str, str]]

    def generate(self, request: GenerateRequest, actor: str) -> GenerationStarted:
        """Start a generation. Raises Invalid for unknown references or too many parts."""
        self._check_repository(request.repository_id)
        parts = self._story_parts(request)
        template = self._template(request)
        if not (request.description.strip() or parts or template):
            raise Invalid.field("description", "is required without stories or a template")
        plan = self._plan(request)
        run = new_run(plan.id, 1, RunType.GENERATE_PLAN, 1, request.options, self.now_ms(), self.ai_and_model)
        plan = plan.changed(made_by=run.made_by)
        iteration_request = IterationRequest(
            story_ids=plan.story_ids, template_id=request.template_id, parameters=dict(request.parameters)
        )
        iteration = pending_iteration(
            plan, run, IterationKind.GENERATED, actor, _summary(parts, template), iteration_request
        )
        try:
            # one transaction with the run: a crash before the trigger is repaired by the sweep
            self.plans.create(plan, iteration, run)
        # deleted since the check above
        except NotFound as missing:
            raise Invalid.field("repositoryId", str(missing)) from missing
        self.trigger(run.id)
        return GenerationStarted(plan.id, iteration.id, run.id)

    def _plan(self, request: GenerateRequest) -> Plan:
        now = rfc3339(self.now_ms())
        return Plan(
            id=new_plan_id(),
            repository_id=request.repository_id,
            title=request.title.strip(),
            description=request.description,
            status=PlanStatus.GENERATING,
            story_ids=tuple(dict.fromkeys(request.story_ids)),
            created_at=now,
            updated_at=now,
        )

    def _check_repository(self, repository_id: str) -> None:
        try:
            self.plans.repository(repository_id)
        except NotFound as missing:
            raise Invalid.field("repositoryId", str(missing)) from missing

    def _story_parts(self, request: GenerateRequest) -> int:
        """Count the parts to become tasks: subtasks, and stories without subtasks."""
        parts, problems = 0, []
        for position, id_ in enumerate(dict.fromkeys(request.story_ids)):
            path = path_of(Kind.STORY, id_)
            story, epic = self.backlog.story_and_epic(path) if path else (None, None)
            if path is None or story is None or epic is None:
                problems.append({"field": f"storyIds[{position}]", "message": f"There is no story {id_!r}."})
            else:
                parts += max(1, len(self.backlog.subtasks(path)))
        if problems:
            raise Invalid(problems)
        if parts > MAX_GENERATION_PARTS:
            raise Invalid.field(
                "storyIds", f"have {parts} subtasks; the limit of a generation is {MAX_GENERATION_PARTS}"
            )
        return parts

    def _template(self, request: GenerateRequest) -> Template | None:
        """Fill the template now, so that an error shows before anything starts."""
        if request.template_id is None:
            if request.parameters:
                raise Invalid.field("parameters", "require a templateId")
            return None
        try:
            template = self.template(request.template_id)
        except NotFound as missing:
            raise Invalid.field("templateId", str(missing)) from missing
        count = sum(len(phase.tasks) for phase in template.phases)
        if count > MAX_GENERATED_TASKS:
            raise Invalid.field("templateId", f"has {count} tasks; the limit of a generation is {MAX_GENERATED_TASKS}")
        return fill(template, request.parameters)


def _summary(parts: int, template: Template | None) -> str:
    sources = ["a description"]
    if parts:
        sources = [f"stories with {parts} parts"]
    if template:
        sources.append(f"the template {template.name!r}")
    return f"Written by the model from {' and '.join(sources)}"


def new_run(
    plan_id: str,
    number: int,
    type_: RunType,
    items: int,
    options: ModelOptions,
    now: int,
    ai_and_model: Callable[[str | None], tuple[str, str]],
) -> Run:
    """Return a run for a plan, numbered like its iteration. Raises Invalid for an unknown model."""
    ai, model = ai_and_model(options.model)
    return Run(
        id=str(Path(Kind.RUN, plan_id, (number,))),
        type=type_,
        created_at=now,
        options=options.of_run(),
        ai=ai,
        model=model,
        total=items,
        # the sweep leaves the run alone until its trigger has had time to arrive
        lease=Lease(0, None, now + leases.TRIGGER_MS),
    )


def pending_iteration(
    plan: Plan, run: Run, kind: IterationKind, actor: str, summary: str, iteration_request: IterationRequest
) -> Iteration:
    """Return the iteration to be completed by a run."""
    path = path_of(Kind.RUN, run.id)
    assert path
    return Iteration(
        id=str(Path(Kind.ITERATION, plan.id, path.numbers)),
        plan_id=plan.id,
        number=path.number,
        kind=kind,
        status=IterationStatus.PENDING,
        actor=actor,
        summary=summary,
        from_version=plan.version,
        version=plan.version,
        created_at=rfc3339(run.created_at),
        run_id=run.id,
        made_by=run.made_by,
        request=iteration_request,
    )
