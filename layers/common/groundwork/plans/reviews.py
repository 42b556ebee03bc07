"""Reviews of a plan: starting one, and applying what it has suggested."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import Field

from groundwork.backlog.model import Value
from groundwork.errors import Invalid, NothingToDo
from groundwork.plans.editor import ChangeMetadata, Editor, Expected
from groundwork.plans.errors import NothingToApply, PlanNotEditable
from groundwork.plans.generate import GenerationStarted, ModelOptions, new_run, pending
from groundwork.plans.history import Iteration, IterationKind, IterationRequest, IterationStatus, ReviewType, Scope
from groundwork.plans.model import Plan
from groundwork.plans.review_parts import parts
from groundwork.plans.suggestions import Suggestion, apply_chosen, together
from groundwork.runs.model import Run, RunType

MAX_CHOSEN = 500

_WORDS: dict[ReviewType, str] = {
    "refine_descriptions": "descriptions",
    "add_missing": "what is missing",
    "optimize_order": "the order",
    "break_down": "what is too large",
}


class ReviewRequest(Value):
    """The body of POST /api/plans/{id}/review. `targetId` names the phase or the task of the scope."""

    review_type: ReviewType
    scope: Scope = "plan"
    target_id: str | None = None
    options: ModelOptions = ModelOptions()


class Choice(Value):
    """The body of POST /api/plans/{id}/apply-suggestions."""

    iteration_id: str
    suggestion_indices: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=MAX_CHOSEN)]


class ReviewStore(Protocol):
    """The plans' store, as far as reviews need it. Raises NotFound, Transient."""

    def load(self, plan_id: str) -> Plan: ...
    def next_iteration(self, plan_id: str) -> int: ...
    def iteration(self, iteration_id: str) -> Iteration: ...
    def suggestions(self, iteration: Iteration) -> list[Suggestion]: ...

    def start_review(self, plan: Plan, iteration: Iteration, run: Run) -> None:
        """Raises RunAlreadyActive where a generation or another review of the plan is under way."""
        ...


@dataclass(slots=True)
class Reviewer:
    """`ai_and_model` says which AI and model a run will use, or raises Invalid; `trigger` starts a run's first hop."""

    store: ReviewStore
    trigger: Callable[[str], None]
    now_ms: Callable[[], int]
    ai_and_model: Callable[[str | None], tuple[str, str]]

    def review(self, plan_id: str, request: ReviewRequest, who: str) -> GenerationStarted:
        """Raises NotFound, Invalid, NothingToDo, PlanNotEditable, RunAlreadyActive."""
        plan = self.store.load(plan_id)
        if not plan.status.editable:
            raise PlanNotEditable(f"A plan that is {plan.status.value} cannot be reviewed.")
        target = _target(plan, request)
        asked = IterationRequest(review_type=request.review_type, scope=request.scope, target_id=request.target_id)
        items = parts(plan, asked)
        if not items:
            raise NothingToDo("There is nothing in the plan that such a review could look at.")
        number = self.store.next_iteration(plan_id)
        options, now = request.options, self.now_ms()
        run = new_run(plan_id, number, RunType.REVIEW_PLAN, len(items), options, now, self.ai_and_model)
        summary = f"Reviewed {_WORDS[request.review_type]} of {target}"
        iteration = pending(plan, run, IterationKind.REVIEWED, who, summary, asked)
        self.store.start_review(plan, iteration, run)
        self.trigger(run.id)
        return GenerationStarted(plan_id, iteration.id, run.id)


def _target(plan: Plan, request: ReviewRequest) -> str:
    """What is reviewed, in words. Raises Invalid where the target does not go with the scope."""
    target = request.target_id
    if request.scope == "plan":
        if target is not None:
            raise Invalid.field("targetId", "goes with the scopes phase and task")
        return "the plan"
    if request.scope == "phase" and (phase := plan.phase(target or "")):
        return f"the phase {phase.title!r}"
    if request.scope == "task" and (task := plan.task(target or "")):
        return f"the task {task.key}"
    raise Invalid.field("targetId", f"is no {request.scope} of this plan" if target else "is needed with this scope")


def apply_suggestions(
    store: ReviewStore, editor: Editor, plan_id: str, choice: Choice, expected: Expected = None
) -> Plan:
    """All that were chosen, in one version; or nothing.

    Raises NotFound, NothingToApply, Invalid for an index there is none of, StaleSuggestion, ConflictingSuggestions,
    and what `Editor.change` raises.
    """
    iteration = store.iteration(choice.iteration_id)
    if iteration.plan_id != plan_id:
        raise Invalid.field("iterationId", "is no iteration of this plan")
    # while parts are still coming in, an index may stand for one suggestion now and for another in a moment
    ended = iteration.kind is IterationKind.REVIEWED and iteration.status is not IterationStatus.PENDING
    suggestions = store.suggestions(iteration) if ended else []
    if not suggestions:
        raise NothingToApply
    if strange := [index for index in choice.suggestion_indices if index >= len(suggestions)]:
        last = len(suggestions) - 1
        raise Invalid.field("suggestionIndices", f"there is no suggestion {strange[0]}; they go from 0 to {last}")
    indices = tuple(dict.fromkeys(choice.suggestion_indices))
    made = ChangeMetadata(
        IterationKind.SUGGESTIONS_APPLIED,
        f"Applied {len(indices)} of {len(suggestions)} suggestions",
        {"source_iteration_id": iteration.id, "suggestion_indices": indices},
    )
    return editor.change(plan_id, lambda plan: apply_chosen(plan, suggestions, indices).plan, expected, made)


def effect(plan: Plan, iteration: Iteration, suggestions: Sequence[Suggestion]) -> dict[str, Any] | None:
    """For a review of the order: the schedule before and after as many of its suggestions as go together.

    `plan` is the version it was made against.
    """
    asked = iteration.request
    if asked is None or asked.review_type != "optimize_order":
        return None
    return together(plan, suggestions)
