"""GENERATE_PLAN: the run's only item is the whole plan.

Content rows are written before the commit; the commit publishes them as the plan's next version.
"""

from collections.abc import Sequence
from typing import Any

from groundwork.backlog.model import Story, rfc3339
from groundwork.errors import Refusal
from groundwork.generation import plan_draft
from groundwork.generation.handlers.entries import target_gone
from groundwork.generation.handlers.plan import PlanHandler
from groundwork.ids import Kind, path_of
from groundwork.llm.structured_output import ask
from groundwork.plans import templates
from groundwork.plans.history import IterationRequest, change_fields, compare
from groundwork.plans.model import PlanStatus
from groundwork.plans.ports import PlanWritten
from groundwork.plans.templates import Template
from groundwork.runs.handler import ItemFailed, ItemOutcome, JobContext, Results, Spend
from groundwork.runs.model import ErrorCode, ManifestEntry, RunType


class GeneratePlan(PlanHandler):
    type = RunType.GENERATE_PLAN
    activity = "Writing the plan"
    generates = True

    async def process(self, context: JobContext, entries: Sequence[ManifestEntry], spend: Spend) -> Results:
        (entry,) = entries
        iteration, plan = await self.load(context)
        request = iteration.request or IterationRequest()
        try:
            brief = plan_draft.PlanBrief(
                plan=plan,
                survey=await self.survey(context, plan),
                mode=context.run.options.mode,
                stories=await _stories(context, request),
                template=await self._template(context, request),
            )
        except ItemFailed as failed:
            return {entry.index: failed}
        question = plan_draft.question(brief)
        written = await ask(context.model, question, lambda answer: plan_draft.interpret(brief, answer), spend)
        now = rfc3339(context.now_ms())
        after = written.changed(status=PlanStatus.DRAFT, version=plan.version + 1, updated_at=now)
        # before the commit: a lost worker leaves rows of a version that nobody reads
        await context.io(self.services.store.put_content, after)
        done = iteration.model_copy(update={"version": after.version} | change_fields(compare(plan, after)))
        return {entry.index: ItemOutcome(entry, lambda current: [PlanWritten(after, plan, done, current.index)])}

    async def _template(self, context: JobContext, request: IterationRequest) -> Template | None:
        """Return the template with its parameters filled in. Raises ItemFailed."""
        if not request.template_id:
            return None
        try:
            template: Template = await context.io(self.services.template, request.template_id)
            return templates.fill(template, request.parameters)
        except Refusal as refusal:
            raise ItemFailed(ErrorCode.TARGET_GONE, str(refusal)) from refusal


async def _stories(context: JobContext, request: IterationRequest) -> plan_draft.StoriesWithSubtasks:
    """Return each story with its subtasks, in the order requested.

    Raises ItemFailed if one is gone.
    """
    return [await _story(context, story_id) for story_id in request.story_ids]


async def _story(context: JobContext, story_id: str) -> tuple[Story, Sequence[Any]]:
    path = path_of(Kind.STORY, story_id)
    story, epic = await context.io(context.backlog.story_and_epic, path) if path else (None, None)
    if story is None or epic is None or path is None:
        raise target_gone("story", story_id)
    return story, await context.io(context.backlog.subtasks, path)
