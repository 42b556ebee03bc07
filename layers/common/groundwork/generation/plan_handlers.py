"""What the runs about a plan do with their items: a generation is one item, a review one for each part it looks at.

As in `jobs`, nothing is written here but what nobody sees before the run's own commit makes it the plan.
"""

from collections.abc import Sequence
from typing import Any

from groundwork.backlog.model import Story, rfc3339
from groundwork.errors import NotFound, Refusal
from groundwork.generation import plan_draft, plan_review
from groundwork.generation.backlog_handlers import ItemFailed, ItemOutcome, Job, JobContext, Results, Spend
from groundwork.generation.review_answers import ReviewScope
from groundwork.ids import Kind, Path, path_of
from groundwork.llm.structured_output import ask
from groundwork.plans import templates
from groundwork.plans.history import Iteration, IterationRequest, change_fields, compare
from groundwork.plans.model import Plan, PlanStatus
from groundwork.plans.ports import PlanServices, PlanWritten, Suggested
from groundwork.plans.repo_survey import RepositoryUnavailable, Survey
from groundwork.plans.templates import Template
from groundwork.runs.model import ErrorCode, ManifestEntry, RunType


async def write_plan(desk: JobContext, targets: Sequence[ManifestEntry], spend: Spend) -> Results:
    (target,) = targets
    means, iteration, plan = await _loaded(desk)
    request = iteration.request or IterationRequest()
    try:
        brief = plan_draft.PlanBrief(
            plan=plan,
            survey=await _survey(desk, means, plan),
            mode=desk.run.options.mode,
            stories=await _stories(desk, request),
            template=await _template(desk, means, request),
        )
    except ItemFailed as failed:
        return {target.index: failed}
    question = plan_draft.question(brief)
    written = await ask(desk.model, question, lambda answer: plan_draft.interpret(brief, answer), spend)
    after = written.changed(status=PlanStatus.DRAFT, version=plan.version + 1, updated_at=rfc3339(desk.now_ms()))
    # nobody sees it before the commit that makes it the plan's next version
    await desk.io(means.store.put_content, after)
    done = iteration.model_copy(update={"version": after.version} | change_fields(compare(plan, after)))
    return {target.index: ItemOutcome(target, plan=PlanWritten(after, plan, done))}


async def review_plan(desk: JobContext, targets: Sequence[ManifestEntry], spend: Spend) -> Results:
    (target,) = targets
    means, iteration, plan = await _loaded(desk)
    request = iteration.request or IterationRequest()
    assert request.review_type
    part = plan_review.parts(plan, request)[target.index]
    begun = await _begun(desk, means, plan)
    sight = ReviewScope(plan, frozenset(part.task_ids) - begun, part.phase_ids, target.index)
    if part.task_ids and not sight.task_ids:
        return {target.index: ItemOutcome(target, plan=Suggested(iteration.id, target.index, ()))}
    survey: Survey | None = None
    if request.review_type in plan_review.SURVEYED:
        try:
            survey = await _survey(desk, means, plan)
        except ItemFailed as failed:
            return {target.index: failed}
    question = plan_review.question(sight, request.review_type, survey)
    kept, dropped = await ask(desk.model, question, plan_review.judge(sight, request.review_type), spend)
    suggested = Suggested(iteration.id, target.index, tuple(kept), tuple(dropped))
    return {target.index: ItemOutcome(target, plan=suggested)}


async def _loaded(desk: JobContext) -> tuple[PlanServices, Iteration, Plan]:
    """The means, the iteration that the run makes, and the plan at the version it was started on."""
    means, path = desk.plans, path_of(Kind.RUN, desk.run.id)
    assert means
    assert path
    iteration: Iteration = await desk.io(
        means.store.iteration, str(Path(Kind.ITERATION, path.project_id, path.numbers))
    )
    plan: Plan = await desk.io(means.store.at_version, path.project_id, iteration.from_version)
    return means, iteration, plan


async def _survey(desk: JobContext, means: PlanServices, plan: Plan) -> Survey:
    """Raises ItemFailed."""
    try:
        repository = await desk.io(means.store.repository, plan.repository_id)
        survey: Survey = await desk.io(means.survey, repository)
        return survey
    except NotFound as gone:
        raise ItemFailed(ErrorCode.TARGET_GONE, str(gone)) from gone
    except RepositoryUnavailable as fault:
        raise ItemFailed(ErrorCode.REPOSITORY_UNAVAILABLE, str(fault)) from fault


async def _begun(desk: JobContext, means: PlanServices, plan: Plan) -> frozenset[str]:
    """Tasks that an execution has begun: nothing is suggested of them, for nothing of it could be applied."""
    if not plan.status.executing:
        return frozenset()
    states: dict[str, Any] = await desk.io(means.store.states, plan.id)
    return frozenset(id_ for id_, state in states.items() if state.status.started)


async def _stories(desk: JobContext, request: IterationRequest) -> plan_draft.Written:
    """Each story with its subtasks, in the order asked for. Raises ItemFailed where one is gone."""
    return [await _story(desk, story_id) for story_id in request.story_ids]


async def _story(desk: JobContext, story_id: str) -> tuple[Story, Sequence[Any]]:
    path = path_of(Kind.STORY, story_id)
    story, epic = await desk.io(desk.backlog.story_and_epic, path) if path else (None, None)
    if story is None or epic is None or path is None:
        raise ItemFailed(ErrorCode.TARGET_GONE, f"The story {story_id} is not there any more.")
    return story, await desk.io(desk.backlog.subtasks, path)


async def _template(desk: JobContext, means: PlanServices, request: IterationRequest) -> Template | None:
    """The template with its places filled in. Raises ItemFailed."""
    if not request.template_id:
        return None
    try:
        template: Template = await desk.io(means.template, request.template_id)
        return templates.fill(template, request.parameters)
    except Refusal as refusal:
        raise ItemFailed(ErrorCode.TARGET_GONE, str(refusal)) from refusal


PLAN_JOBS: dict[RunType, Job] = {RunType.GENERATE_PLAN: write_plan, RunType.REVIEW_PLAN: review_plan}
