"""Response types of the plan API, for OpenAPI and for the shapes of `views`."""

from typing import Any, TypedDict

from groundwork.backlog.model import Effort, MadeBy, Story, Value
from groundwork.plans.history import Iteration
from groundwork.plans.model import Phase, PlanStatus, Task, TaskStatus
from groundwork.plans.suggestions import Suggestion
from groundwork.plans.templates import Parameter


class TaskShown(Task):
    """A task with its state."""

    status: TaskStatus
    attempts: int
    commit_sha: str | None
    error_msg: str | None


class TaskOfPlan(TaskShown):
    plan_id: str
    phase_id: str
    plan_version: int


class PhaseShown(Phase):
    tasks: tuple[TaskShown, ...]


class PhaseOfPlan(PhaseShown):
    plan_id: str
    plan_version: int


class PlanHead(Value):
    """`error` tells why a plan is FAILED."""

    id: str
    repository_id: str
    title: str
    status: PlanStatus
    version: int
    task_count: int
    story_ids: tuple[str, ...]
    error: str | None
    made_by: MadeBy
    created_at: str
    updated_at: str


class PlanInBrief(PlanHead):
    phase_count: int


class PlanShown(PlanHead):
    description: str
    branch: str | None
    auto_commit: bool
    max_parallel: int
    phases: tuple[PhaseShown, ...]


class SuggestionShown(Suggestion):
    """A suggestion with its index.

    `stale` and `conflictsWith` (indices of incompatible suggestions) are null in lists; a single iteration has them.
    """

    index: int
    stale: bool | None
    conflicts_with: tuple[int, ...] | None


class IterationShown(Iteration):
    suggestions: tuple[SuggestionShown, ...]


class ChangeTold(Value):
    """The change of a phase, a task or the plan itself; in brief, without before and after."""

    id: str
    kind: str
    title: str
    fields: tuple[str, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


Comparison = TypedDict("Comparison", {"planId": str, "from": int, "to": int, "changes": list[ChangeTold]})


class TemplateInBrief(Value):
    id: str
    name: str
    description: str
    parameters: tuple[Parameter, ...]
    title: str
    builtin: bool
    created_at: str
    phase_count: int
    task_count: int


class GenerationAccepted(TypedDict):
    """The iteration will hold the result; GET the run for its progress."""

    planId: str
    iterationId: str
    runId: str


class TaskOfStory(TypedDict):
    id: str
    subtaskId: str | None
    status: TaskStatus


class PlanOfStory(TypedDict):
    """`tasks` work on the story; `counts` is their number in each state."""

    planId: str
    title: str
    status: PlanStatus
    version: int
    progress: int
    counts: dict[TaskStatus, int]
    tasks: list[TaskOfStory]


class StoryWithPlans(Story):
    plans: tuple[PlanOfStory, ...]


class EffortEstimate(TypedDict):
    effort: Effort
    tasks: int
    calls: int
    seconds: int
    costUsd: float
    basis: str
    measuredTasks: int


class PlanEstimate(TypedDict):
    """Covers tasks without an end state.

    `basis`: `measured` in this repository, `assumed`, or `mixed`.
    """

    tasks: int
    calls: int
    inputTokens: int
    outputTokens: int
    cacheReadTokens: int
    cacheWriteTokens: int
    costUsd: float
    criticalPath: list[str]
    criticalPathSeconds: int
    seconds: int
    workSeconds: int
    maxParallelism: int
    stops: int
    basis: str
    efforts: list[EffortEstimate]
    ai: str
    model: str
