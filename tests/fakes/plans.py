"""Plans in memory: the port `groundwork.plans.ports.PlanStore`, and stories beside it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from groundwork.errors import NotFound
from groundwork.ids import Kind, Path
from groundwork.plans.edit_guard import changed_elements, refusal
from groundwork.plans.errors import PlanNotEditable, VersionConflict
from groundwork.plans.history import Iteration
from groundwork.plans.model import Plan, TaskState
from groundwork.plans.repositories import Repository


@dataclass
class MemoryPlans:
    repositories: dict[str, Repository] = field(default_factory=dict)
    versions: dict[str, dict[int, Plan]] = field(default_factory=dict)
    heads: dict[str, Plan] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    made: dict[str, Iteration] = field(default_factory=dict)
    begun: dict[str, TaskState] = field(default_factory=dict)

    def load(self, plan_id: str) -> Plan:
        if plan_id not in self.heads:
            raise NotFound.of("plan", plan_id)
        return self.heads[plan_id]

    def at_version(self, plan_id: str, version: int) -> Plan:
        head = self.load(plan_id)
        if version not in self.versions[plan_id]:
            raise NotFound(f"The plan {plan_id!r} has no version {version}.")
        given = {"status": head.status, "last_phase": head.last_phase, "last_task": head.last_task}
        return self.versions[plan_id][version].changed(**given, error=head.error, updated_at=head.updated_at)

    def states(self, plan_id: str) -> dict[str, TaskState]:
        return {id_: state for id_, state in self.begun.items() if id_.startswith(f"{plan_id}-")}

    def next_iteration(self, plan_id: str) -> int:
        self.load(plan_id)
        self.numbers[plan_id] += 1
        return self.numbers[plan_id]

    def create(self, plan: Plan, iteration: Iteration) -> None:
        self.repository(plan.repository_id)
        self.numbers[plan.id] = iteration.number
        self.versions[plan.id] = {}
        self._put(plan, iteration)

    def commit(self, before: Plan, after: Plan, iteration: Iteration) -> None:
        head = self.load(before.id)
        guarded = changed_elements(before, after)
        if head.version != before.version:
            raise VersionConflict(head.version)
        if head.status is not before.status:
            if not head.status.editable:
                raise PlanNotEditable
            raise VersionConflict(head.version)
        if in_the_way := refusal(guarded, self.states(before.id)):
            raise in_the_way
        self._put(after, iteration)

    def _put(self, plan: Plan, iteration: Iteration) -> None:
        self.heads[plan.id] = self.versions[plan.id][plan.version] = plan
        self.made[iteration.id] = iteration

    def iteration(self, iteration_id: str) -> Iteration:
        if iteration_id not in self.made:
            raise NotFound.of("iteration", iteration_id)
        return self.made[iteration_id]

    def repository(self, repository_id: str) -> Repository:
        if repository_id not in self.repositories:
            raise NotFound.of("repository", repository_id)
        return self.repositories[repository_id]

    def put_content(self, plan: Plan) -> None:
        """Do nothing: content without a version is not kept."""


@dataclass
class MemoryStories:
    """The port `groundwork.plans.links.StoryReader`: stories and subtasks by id."""

    things: dict[str, Any] = field(default_factory=dict)

    def get(self, path: Path) -> Any:
        if str(path) not in self.things:
            raise NotFound.of(path.kind.name.lower(), str(path))
        return self.things[str(path)]

    def iter_all(self, kind: Kind, parent: Path) -> Iterable[Any]:
        return [thing for id_, thing in self.things.items() if id_.startswith(f"{parent}-{kind.value}")]
