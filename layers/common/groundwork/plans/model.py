"""Plans as values: phases of tasks with dependencies.

Execution keeps its results in `TaskState`. A plan numbers its phases and tasks from counters that only grow. So no id
is used twice, neither after a deletion nor after a restore.
"""

import hashlib
import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from groundwork.backlog.model import Effort, LongText, MadeBy, ShortText
from groundwork.ids import Kind, Path
from groundwork.values import Stored, Value, stored_as

# up to this size an execution stays below the limits of Step Functions
MAX_TASKS = 500
MAX_PHASES = 50
MAX_DEPENDENCIES = 50
# each linked story takes an action of the plan's transaction, and 100 is DynamoDB's limit
MAX_STORIES = 20
MAX_BYTES = 2_000_000
"""All texts of a plan as JSON: two versions of it must fit into one API response."""


class PlanStatus(StrEnum):
    GENERATING = "GENERATING"
    DRAFT = "DRAFT"
    READY = "READY"
    RUNNING = "RUNNING"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def executing(self) -> bool:
        return self in (PlanStatus.RUNNING, PlanStatus.PAUSING, PlanStatus.PAUSED)

    @property
    def editable(self) -> bool:
        """True for drafts, ready plans and executing plans (there: pending tasks only)."""
        return self in (PlanStatus.DRAFT, PlanStatus.READY) or self.executing


class TaskStatus(StrEnum):
    PENDING = "PENDING"
    WAITING = "WAITING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"

    @property
    def started(self) -> bool:
        """True if it is too late to change the task. A failed task may be edited before its retry."""
        return self in (TaskStatus.RUNNING, TaskStatus.COMPLETED, TaskStatus.SKIPPED, TaskStatus.CANCELLED)


Id = Annotated[str, Field(min_length=1, max_length=100)]
PhaseMode = Literal["sequential", "parallel", "manual"]
ConditionOutcome = Literal["COMPLETED", "FAILED", "SKIPPED"]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
Title = Annotated[ShortText, Field(pattern=r"\S")]
Criteria = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"\S")], ...], Field(max_length=20)
]
FilePath = Annotated[str, Field(min_length=1, max_length=300)]
Files = Annotated[tuple[FilePath, ...], Field(max_length=50)]
Reference = Annotated[str, Field(min_length=1, max_length=40)]
References = Annotated[tuple[Reference, ...], Field(max_length=MAX_DEPENDENCIES)]


class Condition(Stored):
    """Required result of an earlier task; otherwise this task (or phase) is skipped."""

    task_id: Annotated[Reference, stored_as("taskId")]
    outcome: Annotated[ConditionOutcome | None, stored_as("outcome")] = None
    files_changed: Annotated[FilePath | None, stored_as("filesChanged")] = Field(
        default=None, description="A glob that a changed file must match"
    )


class Task(Stored):
    """A unit of work. `key` is its short name, unique within the plan.

    `story_id` and `subtask_id` link it to the backlog. `change_asked` is False for a task that only reports: it
    completes without a changed file, and its summary is the result.
    """

    id: Annotated[str, stored_as("id")]
    key: Annotated[Key, stored_as("key")]
    title: Annotated[Title, stored_as("title")]
    description: Annotated[LongText, stored_as("description")] = ""
    acceptance_criteria: Annotated[Criteria, stored_as("acceptanceCriteria")] = ()
    depends_on: Annotated[References, stored_as("dependsOn")] = ()
    repository_id: Annotated[Id | None, stored_as("repositoryId")] = None
    effort: Annotated[Effort, stored_as("effort")] = "M"
    files: Annotated[Files, stored_as("files")] = ()
    story_id: Annotated[Id | None, stored_as("storyId")] = None
    subtask_id: Annotated[Id | None, stored_as("subtaskId")] = None
    change_asked: Annotated[bool, stored_as("changeAsked")] = True
    condition: Annotated[Condition | None, stored_as("condition")] = None


class Phase(Stored):
    id: Annotated[str, stored_as("id")]
    title: Annotated[Title, stored_as("title")]
    description: Annotated[LongText, stored_as("description")] = ""
    mode: Annotated[PhaseMode, stored_as("mode")] = "sequential"
    pause_after: Annotated[bool, stored_as("pauseAfter")] = False
    condition: Annotated[Condition | None, stored_as("condition")] = None
    tasks: Annotated[tuple[Task, ...], stored_as("tasks")] = ()


class TaskState(Value):
    """The result of a task so far; written by the execution, never by an edit."""

    status: TaskStatus = TaskStatus.PENDING
    attempts: int = 0
    commit_sha: str | None = None
    error_msg: str | None = None


class Plan(Stored):
    """One version of a plan. `last_phase` and `last_task` are the highest numbers ever used."""

    id: Annotated[str, stored_as("id")]
    repository_id: Annotated[str, stored_as("repositoryId")]
    title: Annotated[Title, stored_as("title")]
    description: Annotated[Annotated[str, Field(max_length=20_000)], stored_as("description")] = ""
    status: Annotated[PlanStatus, stored_as("status")] = PlanStatus.DRAFT
    version: Annotated[int, stored_as("version")] = 0
    branch: Annotated[Annotated[str, Field(max_length=200)] | None, stored_as("branch")] = None
    auto_commit: Annotated[bool, stored_as("autoCommit")] = True
    max_parallel: Annotated[Annotated[int, Field(ge=1, le=100)], stored_as("maxParallel")] = 10
    story_ids: Annotated[tuple[str, ...], stored_as("storyIds")] = ()
    phases: Annotated[tuple[Phase, ...], stored_as("phases")] = ()
    last_phase: Annotated[int, stored_as("lastPhase")] = 0
    last_task: Annotated[int, stored_as("lastTask")] = 0
    error: Annotated[str | None, stored_as("error")] = None
    made_by: Annotated[MadeBy, stored_as("madeBy")] = None
    created_at: Annotated[str, stored_as("createdAt")]
    updated_at: Annotated[str, stored_as("updatedAt")]

    @property
    def tasks(self) -> Iterator[Task]:
        return (task for phase in self.phases for task in phase.tasks)

    def task(self, task_id: str) -> Task | None:
        return next((task for task in self.tasks if task.id == task_id), None)

    def phase(self, phase_id: str) -> Phase | None:
        return next((phase for phase in self.phases if phase.id == phase_id), None)

    def phase_of(self, task_id: str) -> Phase | None:
        return next((phase for phase in self.phases if any(task.id == task_id for task in phase.tasks)), None)

    def with_phase_id(self) -> tuple[Self, str]:
        """Return the plan with the next phase number used, and the id made from it."""
        number = self.last_phase + 1
        return self.changed(last_phase=number), str(Path(Kind.PHASE, self.id, (number,)))

    def with_task_id(self) -> tuple[Self, str]:
        number = self.last_task + 1
        return self.changed(last_task=number), str(Path(Kind.TASK, self.id, (number,)))

    def changed(self, **fields: Any) -> Self:
        return self.model_copy(update=fields)

    def content(self) -> dict[str, Any]:
        """Return the editable content: everything a version consists of."""
        return {"plan": details(self), "phases": [phase.as_json() for phase in self.phases]}


DETAILS = ("title", "description", "branch", "auto_commit", "max_parallel", "story_ids")


def details(plan: Plan) -> dict[str, Any]:
    """Return the plan's own fields, without its phases."""
    return plan.model_dump(mode="json", by_alias=True, include=set(DETAILS))


def links(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return linked stories, the plan's and its tasks', each with the ids of its tasks."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(plan.story_ids, ())
    for task in plan.tasks:
        if task.story_id:
            found[task.story_id] = (*found.get(task.story_id, ()), task.id)
    return found


def fingerprint(content: Any) -> str:
    """Hash JSON content; equal content has equal fingerprints. Content rows are keyed by it."""
    # sorted keys: the order of fields in the code must not change a fingerprint
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # 20 hex digits are 80 bits, plenty for the contents of one plan; JSON texts may hold lone surrogates
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:20]
