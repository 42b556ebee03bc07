"""State of executions in the rows, observed from outside the code under test."""

from dataclasses import dataclass, field

from groundwork.adapters.dynamodb.execution_mapping import in_round, read_execution, read_task_execution
from groundwork.adapters.dynamodb.execution_rows import StateRow
from groundwork.adapters.dynamodb.plan_rows import PlanRow
from groundwork.adapters.dynamodb.plans import DynamoPlans
from groundwork.execution.state import Execution, TaskExecution
from groundwork.plans.model import Plan, TaskStatus
from tests.simulation.cloud import Sandbox
from tests.simulation.execution.cloud import ExecutionCloud
from tests.simulation.expressions import Item
from tests.simulation.known import Rows


@dataclass(frozen=True, slots=True)
class Moment:
    """Plan in the rows after one request. `states` are those of this round."""

    plan: Plan
    execution: Execution
    states: dict[str, TaskExecution]

    def of(self, task_id: str) -> TaskExecution:
        return self.states.get(task_id) or TaskExecution(round=self.execution.round)

    @property
    def running(self) -> list[str]:
        return [task.id for task in self.plan.tasks if self.of(task.id).status is TaskStatus.RUNNING]


@dataclass(frozen=True, slots=True)
class AskedBack:
    """Requested rollback of a task, a phase, or the plan."""

    task_id: str | None
    phase_id: str | None
    include: bool


@dataclass(slots=True)
class Hold:
    """Latest claim of a task. `lost_at` (s): time of its loss."""

    sandbox: Sandbox
    epoch: int
    lost_at: float | None = None


@dataclass(slots=True)
class SeenPlans:
    """Observed plans.

    `moments` holds the newest moment of each plan, `holds` the claims of tasks, `asked` the rollbacks requested by
    sandbox, `heard` plans with received times of their schedules, `scheduled_at` the latest change of a schedule.
    """

    cloud: ExecutionCloud
    plans: DynamoPlans
    moments: dict[str, Moment] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    payloads: dict[int, dict[str, object]] = field(default_factory=dict)
    asked: dict[int, AskedBack] = field(default_factory=dict)
    heard: set[tuple[str, str]] = field(default_factory=set)
    scheduled_at: dict[str, float] = field(default_factory=dict)
    _versions: dict[tuple[str, int], Plan] = field(default_factory=dict)
    _rows: dict[str, dict[str, TaskExecution]] = field(default_factory=dict)

    def touched(self, rows: Rows) -> list[str]:
        """Plans with a head or task changed by one request, in order."""
        found = [key[1] for key in rows if key[0] == "plans" and (key[2] == "P" or key[2].startswith("X#"))]
        return [plan_id for plan_id in dict.fromkeys(found) if plan_id.startswith("pl")]

    def moment(self, plan_id: str, rows: Rows) -> Moment | None:
        """The plan after these changes; None if there is none."""
        states = self._rows.setdefault(plan_id, {})
        for key, (_, after) in rows.items():
            if key[:2] == ("plans", plan_id) and key[2].startswith("X#") and after:
                states[f"{plan_id}-{key[2][2:]}"] = read_task_execution(StateRow.from_raw_data(dict(after)))
        item = self.cloud.database.row(("plans", plan_id, "P"))
        if item is None or "deletedAt" in item:
            return None
        head = PlanRow.from_raw_data(dict(item))
        execution = read_execution(head)
        plan = self._plan(plan_id, int(head.version)).changed(status=execution.status)
        now = {id_: in_round(state, execution.round) for id_, state in states.items()}
        return Moment(plan, execution, now)

    def acting_payload(self) -> dict[str, object]:
        """Payload of the invocation of the writing sandbox."""
        return self.payloads.get(self.cloud.acting.number, {}) if self.cloud.acting else {}

    def asked_back(self) -> AskedBack | None:
        return self.asked.get(self.cloud.acting.number) if self.cloud.acting else None

    def rescheduled_at(self, moment: Moment) -> float:
        return self.scheduled_at.get(moment.plan.id, float("-inf"))

    def _plan(self, plan_id: str, version: int) -> Plan:
        if (plan_id, version) not in self._versions:
            self._versions[plan_id, version] = self.plans.at_version(plan_id, version)
        return self._versions[plan_id, version]


def number_of(item: Item | None, name: str) -> int:
    return int(item[name]["N"]) if item and name in item else 0


def branch_of(moment: Moment) -> str:
    """Work branch of a plan, one for each round."""
    branch, round_ = moment.plan.branch or f"groundwork/{moment.plan.id}", moment.execution.round
    return branch if round_ <= 1 else f"{branch}-{round_}"
