"""Parts of a review: one call to the model each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched

from groundwork.plans.history import IterationRequest, ReviewType
from groundwork.plans.model import Plan, Task

TASKS_PER_PART: dict[ReviewType, int] = {
    "refine_descriptions": 12,
    "add_missing": 60,
    # all tasks of a plan: parts cannot be put in order one by one
    "optimize_order": 500,
    "break_down": 8,
}
"""Tasks in one call, so that its answer fits."""


@dataclass(frozen=True, slots=True)
class ReviewPart:
    """Scope of one call: ids of its tasks, and of the phases open to new tasks."""

    task_ids: tuple[str, ...]
    phase_ids: tuple[str, ...]

    def title(self, plan: Plan) -> str:
        keys = [task.key for task in plan.tasks if task.id in self.task_ids]
        return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "") or plan.title


def parts(plan: Plan, request: IterationRequest) -> list[ReviewPart]:
    """Split a review into calls.

    Every worker gets the same parts for the same version of a plan.
    """
    assert request.review_type
    phases = _phases_in_scope(plan, request)
    tasks = [task.id for task in plan.tasks if _in_scope(plan, task, request)]
    if request.review_type == "optimize_order":
        return [ReviewPart(tuple(tasks), phases)] if tasks and sum(1 for _ in plan.tasks) > 1 else []
    # an empty phase has nothing to review, but may lack tasks
    if request.review_type == "add_missing" and not tasks:
        return [ReviewPart((), phases)] if phases else []
    size = TASKS_PER_PART[request.review_type]
    groups = list(batched(tasks, size, strict=False))
    return [ReviewPart(group, _phases_of(plan, group)) for group in groups]


def _phases_in_scope(plan: Plan, request: IterationRequest) -> tuple[str, ...]:
    if request.scope == "plan":
        return tuple(phase.id for phase in plan.phases)
    around = plan.phase_of(request.target_id or "") if request.scope == "task" else plan.phase(request.target_id or "")
    return (around.id,) if around else ()


def _in_scope(plan: Plan, task: Task, request: IterationRequest) -> bool:
    if request.scope == "plan":
        return True
    if request.scope == "task":
        return task.id == request.target_id
    phase = plan.phase_of(task.id)
    return phase is not None and phase.id == request.target_id


def _phases_of(plan: Plan, task_ids: Sequence[str]) -> tuple[str, ...]:
    inside = set(task_ids)
    return tuple(phase.id for phase in plan.phases if any(task.id in inside for task in phase.tasks))
