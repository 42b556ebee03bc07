"""The plan store port, and the writes of a run about a plan."""

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
    """A generated plan: version 1, published in one step after its content rows were written."""

    plan: Plan
    before: Plan
    iteration: Iteration
    index: int = 0
    deleted: ClassVar[int] = 0

    @property
    def actions(self) -> int:
        # index, iteration and head, and one row for each linked story
        return 3 + len(links(self.plan))

    @property
    def made(self) -> int:
        return sum(1 for _ in self.plan.tasks)

    @property
    def weight(self) -> int:
        """Return the size in bytes."""
        return 100 * self.made  # only the index: the revisions were written before


@dataclass(frozen=True, slots=True)
class PartSuggestions:
    """Suggestions of one part of a review; `part` is its number and orders them."""

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
    """End of a plan's run: completes its iteration.

    A generation without a result leaves its plan FAILED.
    """

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
    """Plans with their versions and iterations. Raises NotFound, Transient from every method."""

    def load(self, plan_id: str) -> Plan: ...

    def at_version(self, plan_id: str, version: int) -> Plan: ...

    def states(self, plan_id: str) -> dict[str, TaskState]:
        """Return task states by id; a task without one is PENDING."""
        ...

    def next_iteration(self, plan_id: str) -> int: ...

    def create(self, plan: Plan, iteration: Iteration) -> None: ...

    def commit(self, before: Plan, after: Plan, iteration: Iteration) -> None:
        """Commit the next version with its iteration, or nothing.

        Raises VersionConflict, PlanNotEditable, TaskAlreadyStarted. The iteration's number must come from
        `next_iteration`: it identifies a commit whose response was lost.
        """
        ...

    def iteration(self, iteration_id: str) -> Iteration: ...

    def repository(self, repository_id: str) -> Repository: ...

    def put_content(self, plan: Plan) -> None:
        """Write the content rows of a version; they stay invisible until the version exists."""
        ...


class PlanRuns(Protocol):
    """The part of the plan store used to start runs. Raises Transient."""

    def repository(self, repository_id: str) -> Repository: ...

    def create(self, plan: Plan, iteration: Iteration, run: Run) -> None:
        """Create the plan, its first iteration and its run together. Raises NotFound (repository)."""
        ...


@dataclass(frozen=True, slots=True)
class PlanServices:
    """Services of plan handlers besides the run's own context. `template` raises NotFound."""

    store: PlanStore
    survey: Surveyor
    template: Callable[[str], Template]
