"""Start reviews of a plan and apply their suggestions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import Field

from groundwork.backlog.model import Value
from groundwork.errors import Invalid, NothingToDo
from groundwork.plans.editor import ChangeMetadata, Editor, ExpectedVersions
from groundwork.plans.errors import NothingToApply, PlanNotEditable
from groundwork.plans.generate import GenerationStarted, ModelOptions, new_run, pending_iteration
from groundwork.plans.history import Iteration, IterationKind, IterationRequest, IterationStatus, ReviewType, Scope
from groundwork.plans.model import Plan
from groundwork.plans.review_parts import parts
from groundwork.plans.suggestions import Suggestion, apply_chosen, combined_schedule
from groundwork.runs.model import Run, RunType

MAX_CHOSEN = 500

_REVIEW_SUBJECTS: dict[ReviewType, str] = {
    "refine_descriptions": "descriptions",
    "add_missing": "missing tasks",
    "optimize_order": "the order",
    "break_down": "large tasks",
}


class ReviewRequest(Value):
    """The body of POST /api/plans/{id}/review. `targetId` names the phase or task in scope."""

    review_type: ReviewType
    scope: Scope = "plan"
    target_id: str | None = None
    options: ModelOptions = ModelOptions()


class Choice(Value):
    """The body of POST /api/plans/{id}/apply-suggestions."""

    iteration_id: str
    suggestion_indices: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=MAX_CHOSEN)]


class ReviewStore(Protocol):
    """The part of the plan store used by reviews. Raises NotFound, Transient."""

    def load(self, plan_id: str) -> Plan: ...
    def next_iteration(self, plan_id: str) -> int: ...
    def iteration(self, iteration_id: str) -> Iteration: ...
    def suggestions(self, iteration: Iteration) -> list[Suggestion]: ...

    def start_review(self, plan: Plan, iteration: Iteration, run: Run) -> None:
        """Raises RunAlreadyActive if a generation or another review of the plan is running."""
        ...


@dataclass(slots=True)
class Reviewer:
    """Starts reviews.

    `ai_and_model` returns the AI and model of a run, or raises Invalid. `trigger` starts a run's first hop.
    """

    store: ReviewStore
    trigger: Callable[[str], None]
    now_ms: Callable[[], int]
    ai_and_model: Callable[[str | None], tuple[str, str]]

    def review(self, plan_id: str, request: ReviewRequest, actor: str) -> GenerationStarted:
        """Start a review. Raises NotFound, Invalid, NothingToDo, PlanNotEditable, RunAlreadyActive."""
        plan = self.store.load(plan_id)
        if not plan.status.editable:
            raise PlanNotEditable(f"Cannot review: the plan is {plan.status.value}.")
        target = _target(plan, request)
        iteration_request = IterationRequest(
            review_type=request.review_type, scope=request.scope, target_id=request.target_id
        )
        items = parts(plan, iteration_request)
        if not items:
            raise NothingToDo("The plan has nothing to review in this scope.")
        # taken before the write: a refused review leaves a gap in the numbers, and gaps do no harm
        number = self.store.next_iteration(plan_id)
        options, now = request.options, self.now_ms()
        run = new_run(plan_id, number, RunType.REVIEW_PLAN, len(items), options, now, self.ai_and_model)
        summary = f"Reviewed {_REVIEW_SUBJECTS[request.review_type]} of {target}"
        iteration = pending_iteration(plan, run, IterationKind.REVIEWED, actor, summary, iteration_request)
        self.store.start_review(plan, iteration, run)
        self.trigger(run.id)
        return GenerationStarted(plan_id, iteration.id, run.id)


def _target(plan: Plan, request: ReviewRequest) -> str:
    """Describe the target in words. Raises Invalid if it does not match the scope."""
    target = request.target_id
    if request.scope == "plan":
        if target is not None:
            raise Invalid.field("targetId", "is allowed only with the scopes phase and task")
        return "the plan"
    if request.scope == "phase" and (phase := plan.phase(target or "")):
        return f"the phase {phase.title!r}"
    if request.scope == "task" and (task := plan.task(target or "")):
        return f"the task {task.key}"
    raise Invalid.field(
        "targetId", f"is not a {request.scope} of this plan" if target else "is required with this scope"
    )


def apply_suggestions(
    store: ReviewStore, editor: Editor, plan_id: str, choice: Choice, expected: ExpectedVersions = None
) -> Plan:
    """Apply all chosen suggestions in one version, or none.

    Raises NotFound, NothingToApply, Invalid (unknown index), StaleSuggestion, ConflictingSuggestions, and the errors of
    `Editor.change`.
    """
    iteration = store.iteration(choice.iteration_id)
    if iteration.plan_id != plan_id:
        raise Invalid.field("iterationId", "is not an iteration of this plan")
    # an index is final only after the review has ended: parts arrive in any order
    ended = iteration.kind is IterationKind.REVIEWED and iteration.status is not IterationStatus.PENDING
    suggestions = store.suggestions(iteration) if ended else []
    if not suggestions:
        raise NothingToApply
    if unknown := [index for index in choice.suggestion_indices if index >= len(suggestions)]:
        last = len(suggestions) - 1
        raise Invalid.field("suggestionIndices", f"suggestion {unknown[0]} does not exist; indices are 0 to {last}")
    indices = tuple(dict.fromkeys(choice.suggestion_indices))
    metadata = ChangeMetadata(
        IterationKind.SUGGESTIONS_APPLIED,
        f"Applied {len(indices)} of {len(suggestions)} suggestions",
        {"source_iteration_id": iteration.id, "suggestion_indices": indices},
        made_by=iteration.made_by,
    )
    return editor.change(plan_id, lambda plan: apply_chosen(plan, suggestions, indices).plan, expected, metadata)


def order_effect(plan: Plan, iteration: Iteration, suggestions: Sequence[Suggestion]) -> dict[str, Any] | None:
    """Return the schedule before and after the compatible suggestions of an order review.

    `plan` is the reviewed version. None for other reviews.
    """
    iteration_request = iteration.request
    if iteration_request is None or iteration_request.review_type != "optimize_order":
        return None
    return combined_schedule(plan, suggestions)
