"""Request bodies of plans (POST and PATCH), and the operations they stand for."""

from typing import Annotated, Literal

from pydantic import Field

from groundwork.backlog.model import Effort, LongText, Value
from groundwork.backlog.requests import PartialUpdate
from groundwork.errors import Invalid
from groundwork.plans.draft import PhaseDraft, Phases, TaskDraft
from groundwork.plans.model import (
    MAX_PHASES,
    MAX_STORIES,
    MAX_TASKS,
    Condition,
    Criteria,
    Files,
    Id,
    Key,
    PhaseMode,
    Plan,
    References,
    Title,
)
from groundwork.plans.operations import (
    AddPhase,
    AddTask,
    ChangeDependencies,
    MovePhase,
    MoveTask,
    Operation,
    Position,
    Reorder,
    UpdatePhase,
    UpdatePlan,
    UpdateTask,
)
from groundwork.plans.repositories import Branch, Name, SecretName, Url
from groundwork.plans.templates import Parameter, ParameterValue

Description = Annotated[str, Field(max_length=20_000)]
MaxParallel = Annotated[int, Field(ge=1, le=100)]
StoryIds = Annotated[tuple[Id, ...], Field(max_length=MAX_STORIES)]
Parameters = Annotated[dict[str, ParameterValue], Field(max_length=30)]
PhasePosition = Annotated[int, Field(ge=0, le=MAX_PHASES)]


class NewRepository(Value):
    name: Name
    url: Url
    default_branch: Branch = "main"
    credentials_secret: SecretName | None = None


class RepositoryPatch(PartialUpdate):
    # defaults of a patch only make its fields optional: `changes` returns the fields sent
    name: Name = ""
    url: Url = ""
    default_branch: Branch = ""
    credentials_secret: SecretName | None = None


class NewPlan(Value):
    """A new plan: from `phases` (nested or empty), from a template, or from stories."""

    repository_id: Id
    title: Title | None = None
    description: Description | None = None
    branch: Branch | None = None
    auto_commit: bool = True
    max_parallel: MaxParallel = 10
    story_ids: StoryIds = ()
    phases: Phases | None = None
    template_id: Id | None = None
    parameters: Parameters = Field(default_factory=dict)


class PlanPatch(PartialUpdate):
    """`status`: READY marks a complete plan as ready to run, DRAFT reverts that."""

    title: Title = ""
    description: Description = ""
    branch: Branch | None = None
    auto_commit: bool = True
    max_parallel: MaxParallel = 10
    story_ids: StoryIds = ()
    status: Literal["DRAFT", "READY"] = "DRAFT"

    def operations(self) -> list[Operation]:
        fields = {name: value for name, value in self.changes().items() if name != "status"}
        return [UpdatePlan(fields=fields)] if fields else []


class NewPhase(PhaseDraft):
    plan_id: str
    position: PhasePosition | None = None

    def operation(self) -> AddPhase:
        draft = {name: getattr(self, name) for name in PhaseDraft.model_fields}
        return AddPhase(phase=PhaseDraft(**draft), position=self.position)


class PhasePatch(PartialUpdate):
    """`position`: its new place among the phases; `taskIds`: the order of its tasks."""

    title: Title = ""
    description: LongText = ""
    mode: PhaseMode = "sequential"
    pause_after: bool = False
    condition: Condition | None = None
    position: PhasePosition = 0
    task_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_TASKS)] = ()

    def operations(self, phase_id: str) -> list[Operation]:
        sent = self.changes()
        made: list[Operation] = []
        fields = {name: value for name, value in sent.items() if name not in ("position", "task_ids")}
        if fields:
            made.append(UpdatePhase(phase_id=phase_id, fields=fields))
        if "task_ids" in sent:
            made.append(Reorder(phase_id=phase_id, task_ids=self.task_ids))
        if "position" in sent:
            made.append(MovePhase(phase_id=phase_id, position=self.position))
        return made


class NewTask(TaskDraft):
    """`neededBy`: tasks to depend on the new one; `position` null is the end of the phase."""

    phase_id: str
    position: Position | None = None
    needed_by: References = ()

    def operation(self) -> AddTask:
        draft = {name: getattr(self, name) for name in TaskDraft.model_fields}
        return AddTask(
            phase_id=self.phase_id, task=TaskDraft(**draft), position=self.position, needed_by=self.needed_by
        )


class TaskPatch(PartialUpdate):
    """`phaseId` and `position` move the task; defaults: its own phase, and the end of the phase."""

    key: Key = ""
    title: Title = ""
    description: LongText = ""
    acceptance_criteria: Criteria = ()
    depends_on: References = ()
    repository_id: Id | None = None
    effort: Effort = "M"
    files: Files = ()
    story_id: Id | None = None
    subtask_id: Id | None = None
    change_asked: bool = True
    condition: Condition | None = None
    phase_id: str = ""
    position: Position | None = None

    def operations(self, task_id: str, plan: Plan) -> list[Operation]:
        """Return the operations for the current plan. Raises Invalid."""
        sent = self.changes()
        other_fields = ("depends_on", "phase_id", "position")
        made: list[Operation] = []
        if fields := {name: value for name, value in sent.items() if name not in other_fields}:
            made.append(UpdateTask(task_id=task_id, fields=fields))
        if "phase_id" in sent or "position" in sent:
            made.append(MoveTask(task_id=task_id, phase_id=self._phase(task_id, plan), position=self.position))
        if "depends_on" in sent:
            made.append(ChangeDependencies(task_id=task_id, depends_on=self.depends_on))
        return made

    def _phase(self, task_id: str, plan: Plan) -> str:
        if "phase_id" in self.model_fields_set:
            if plan.phase(self.phase_id) is None:
                raise Invalid.field("phaseId", "is not a phase of the task's plan")
            return self.phase_id
        own = plan.phase_of(task_id)
        return own.id if own else ""


class Restoration(Value):
    version: Annotated[int, Field(ge=1, le=999_999)]


class NewTemplate(Value):
    """A template from a plan (`planId`), or from `title` and `phases`.

    Texts name parameters as {{name}}.
    """

    name: Name
    description: LongText = ""
    plan_id: str | None = None
    title: Title | None = None
    plan_description: Description | None = None
    phases: Phases | None = None
    parameters: Annotated[tuple[Parameter, ...], Field(max_length=30)] = ()
    replace: Annotated[
        dict[str, ParameterValue],
        Field(max_length=30, description="By parameter: the text of the plan to replace by its placeholder"),
    ] = Field(default_factory=dict)
