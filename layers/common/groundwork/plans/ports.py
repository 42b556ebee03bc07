"""What a run about a plan writes with an item, and what the plans' store is asked for: the port of this package."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from groundwork.plans.history import Iteration
from groundwork.plans.model import Plan, TaskState, links
from groundwork.plans.repo_survey import Surveyor
from groundwork.plans.repositories import Repository
from groundwork.plans.suggestions import Suggestion
from groundwork.plans.templates import Template
from groundwork.runs.model import Run


@dataclass(frozen=True, slots=True)
class PlanWritten:
    """A generated plan: version 1, with the content rows written before; in one step it becomes what the plan is."""

    plan: Plan
    before: Plan
    iteration: Iteration
    index: int = 0
    deleted: ClassVar[int] = 0

    @property
    def actions(self) -> int:
        return 3 + len(links(self.plan))

    @property
    def made(self) -> int:
        return sum(1 for _ in self.plan.tasks)

    @property
    def weight(self) -> int:
        """In bytes."""
        return 100 * self.made  # the index; the revisions themselves are there already


@dataclass(frozen=True, slots=True)
class Suggested:
    """What one part of a review suggests; `part` is its number, by which all parts' suggestions are in order."""

    iteration_id: str
    part: int
    suggestions: tuple[Suggestion, ...]
    dropped: tuple[str, ...] = ()
    deleted: ClassVar[int] = 0

    @property
    def index(self) -> int:
        return self.part

    @property
    def actions(self) -> int:
        return len(self.suggestions) + 1

    @property
    def made(self) -> int:
        return len(self.suggestions)

    @property
    def weight(self) -> int:
        return sum(len(one.model_dump_json().encode()) for one in self.suggestions)


@dataclass(frozen=True, slots=True)
class PlanRunEnded:
    """End of a plan's run: completes its iteration. A generation without a result leaves its plan FAILED."""

    run: Run
    generated: bool
    index: ClassVar[None] = None
    actions: ClassVar[int] = 2
    made: ClassVar[int] = 0
    deleted: ClassVar[int] = 0
    weight: ClassVar[int] = 0


PLAN_LOCK = "PLAN"
"""Lock of a plan's active run: a plan has one run at a time."""


class PlanStore(Protocol):
    """Plans with their versions and iterations. Raises NotFound for what is not there, Transient from every method."""

    def load(self, plan_id: str) -> Plan: ...

    def at_version(self, plan_id: str, version: int) -> Plan: ...

    def states(self, plan_id: str) -> dict[str, TaskState]:
        """What has come of tasks so far, by task id; a task without one is PENDING."""
        ...

    def next_iteration(self, plan_id: str) -> int: ...

    def create(self, plan: Plan, iteration: Iteration) -> None: ...

    def commit(self, before: Plan, after: Plan, iteration: Iteration) -> None:
        """The next version with its iteration, or nothing. Raises VersionConflict, PlanNotEditable, TaskBegun.

        The iteration's number must come from `next_iteration`: by it a commit whose answer was lost is recognised.
        """
        ...

    def iteration(self, iteration_id: str) -> Iteration: ...

    def repository(self, repository_id: str) -> Repository: ...

    def put_content(self, plan: Plan) -> None:
        """Writes what a version of the plan will be made of. Nobody sees it before that version is there."""
        ...


class PlanRuns(Protocol):
    """Where runs about plans are started; the plans' store on DynamoDB is this, too. Raises Transient."""

    def repository(self, repository_id: str) -> Repository: ...

    def create(self, plan: Plan, iteration: Iteration, run: Run) -> None:
        """The plan, its first iteration and the run that fills it, together. Raises NotFound for its repository."""
        ...


@dataclass(frozen=True, slots=True)
class PlanServices:
    """What the work on a plan needs besides a run's own means. `template` raises NotFound."""

    store: PlanStore
    survey: Surveyor
    template: Callable[[str], Template]
