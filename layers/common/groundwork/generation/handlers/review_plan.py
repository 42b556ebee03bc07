"""REVIEW_PLAN: each item is one part of the plan; its suggestions wait for a user's choice."""

from collections.abc import Sequence
from typing import Any

from groundwork.generation import plan_review
from groundwork.generation.handlers.plan import PlanHandler
from groundwork.generation.review_answers import ReviewScope
from groundwork.llm.structured_output import ask
from groundwork.plans.history import IterationRequest
from groundwork.plans.model import Plan
from groundwork.plans.ports import PartSuggestions
from groundwork.plans.repo_survey import Survey
from groundwork.plans.review_parts import parts
from groundwork.runs.handler import ItemFailed, ItemOutcome, JobContext, Results, Spend
from groundwork.runs.model import ManifestEntry, RunType


class ReviewPlan(PlanHandler):
    type = RunType.REVIEW_PLAN
    activity = "Reviewing the plan"
    generates = False

    async def process(self, context: JobContext, entries: Sequence[ManifestEntry], spend: Spend) -> Results:
        (entry,) = entries
        iteration, plan = await self.load(context)
        request = iteration.request or IterationRequest()
        assert request.review_type
        part = parts(plan, request)[entry.index]
        started = await self._started_tasks(context, plan)
        scope = ReviewScope(plan, frozenset(part.task_ids) - started, part.phase_ids, entry.index)
        # an execution has started them all meanwhile: the call could suggest nothing of use
        if part.task_ids and not scope.task_ids:
            return {entry.index: _outcome(entry, PartSuggestions(iteration.id, entry.index, ()))}
        survey: Survey | None = None
        if request.review_type in plan_review.SURVEYED:
            try:
                survey = await self.survey(context, plan)
            except ItemFailed as failed:
                return {entry.index: failed}
        question = plan_review.question(scope, request.review_type, survey)
        kept, dropped = await ask(context.model, question, plan_review.judge(scope, request.review_type), spend)
        return {entry.index: _outcome(entry, PartSuggestions(iteration.id, entry.index, tuple(kept), tuple(dropped)))}

    async def _started_tasks(self, context: JobContext, plan: Plan) -> frozenset[str]:
        """Return the ids of tasks started by an execution.

        Suggestions for them could not be applied.
        """
        if not plan.status.executing:
            return frozenset()
        states: dict[str, Any] = await context.io(self.services.store.states, plan.id)
        return frozenset(id_ for id_, state in states.items() if state.status.started)


def _outcome(entry: ManifestEntry, suggested: PartSuggestions) -> ItemOutcome:
    return ItemOutcome(entry, lambda current: [suggested])
