"""Where a plan that is carried out stands: its execution, and what has become of each of its tasks. Values.

All of it is read and written together: a change is a function from one standing to the next, and the store writes the
difference under the condition that nobody else has changed anything since. So what holds of every function here holds
of the plan, whoever calls what in which order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field

from groundwork.backlog import Value
from groundwork.plans.model import Phase, Plan, PlanStatus, Task, TaskStatus, fingerprint

ATTEMPTS = 3
"""How often a task is tried before a person is asked."""

ENDED = (TaskStatus.COMPLETED, TaskStatus.SKIPPED, TaskStatus.CANCELLED)

Dependents = Literal["skip", "run"]


class Cause(StrEnum):
    """Why a plan is paused, or has failed; who must act is named by it."""

    PERSON = "person"
    FAILURE = "failure"
    PHASE = "phase"
    EXECUTION = "execution"


class Spent(Value):
    """What the sessions of a task have used so far, in tokens as they are billed and millionths of a dollar."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    calls: int = 0
    cost_micro_usd: int = 0

    def plus(self, other: "Spent") -> "Spent":
        mine, its = self.model_dump(), other.model_dump()
        return Spent(**{name: mine[name] + its[name] for name in mine})


class Attempt(Value):
    """An attempt that came to nothing, and why: told to the next."""

    number: int
    reason: str


class TaskStanding(Value):
    """What has become of a task.

    An attempt is counted when it is claimed and stays `open` over invocations until it has ended. `since`: attempts up
    to this number belong to an earlier round, and so do their commits. `allowed` is the last attempt that may be made.
    `epoch` rises with each `holder`: who holds an older one may write nothing. `token` is that of its gate, which waits
    in the execution `gate`; `knock` is one that has come to the execution `knocked`, and has not been heard yet.

    `lease_until`, `knock`, `spent` and `turns` are written by others besides, without `seq`; they are never written
    together with what follows from them.
    """

    status: TaskStatus = TaskStatus.PENDING
    round: int = 0
    attempts: int = 0
    since: int = 0
    allowed: int = ATTEMPTS
    open: bool = False
    failed: tuple[Attempt, ...] = ()
    epoch: int = 0
    holder: str = ""
    lease_until: int = 0
    lost: int = 0
    faults: int = 0
    token: str | None = None
    gate: int = 0
    knock: str | None = None
    knocked: int = 0
    approved: str | None = None
    rejected: bool = False
    dependents: Dependents = "skip"
    gave_up: bool = False
    commit_sha: str | None = None
    revert_sha: str | None = None
    withdrawn: int | None = Field(default=None, description="The attempt whose patch was taken back")
    error_msg: str | None = None
    note: str | None = None
    summary: str = ""
    files: tuple[str, ...] = ()
    spent: Spent = Spent()
    turns: int = 0
    worked_ms: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    landed: int = Field(default=0, description="The execution's seq when it was completed: the order of the work")

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def released(self) -> bool:
        """Whether what depends on it may go on."""
        skipped = self.status is TaskStatus.SKIPPED and self.dependents == "run"
        return skipped or self.status is TaskStatus.COMPLETED

    @property
    def waits(self) -> bool:
        """Whether it may still become RUNNING without a person who takes it up again."""
        return self.status in (TaskStatus.PENDING, TaskStatus.WAITING, TaskStatus.AWAITING_APPROVAL)

    def changed(self, **fields: Any) -> Self:
        return self.model_copy(update=fields)

    def renewed(self, round_: int) -> "TaskStanding":
        """As it begins in a later round: nothing of it is done, but no number is used again."""
        return TaskStanding(
            round=round_,
            attempts=self.attempts,
            since=self.attempts,
            allowed=self.attempts + ATTEMPTS,
            epoch=self.epoch,
            knock=self.knock,
            knocked=self.knocked,
            spent=self.spent,
            turns=self.turns,
            worked_ms=self.worked_ms,
        )


class Rollback(Value):
    """Commits of tasks that are being taken back, or were: in this order. `number` tells it from any other."""

    number: int
    task_ids: tuple[str, ...]
    who: str
    at_ms: int
    status: Literal["RUNNING", "DONE", "FAILED"] = "RUNNING"
    error: str | None = None


class PassedOver(Value):
    """A time of the plan's schedule at which it could not be begun, and why."""

    time: str
    at_ms: int
    reason: str


class Timing(Value):
    """When the plan is begun by itself: an expression of EventBridge Scheduler, and its time zone."""

    expression: str
    timezone: str
    who: str

    @property
    def repeats(self) -> bool:
        return self.expression.startswith("cron(")


class Execution(Value):
    """The plan's own part. `seq` rises with every change, `number` with every execution of the state machine, `round`
    each time that the plan is begun anew. `paused_after` are the phases after which it has already paused. `restart`:
    tasks are to do again that the execution has gone past, so that it goes on in another one. `woken` is the last time
    of its schedule that was heard, `passed_over` the last of them at which it could not be begun.
    """

    status: PlanStatus
    seq: int = 0
    round: int = 0
    number: int = 0
    cause: Cause | None = None
    reason: str | None = None
    who: str | None = None
    paused_after: tuple[str, ...] = ()
    restart: bool = False
    rollback: Rollback | None = None
    schedule: Timing | None = None
    woken: str | None = None
    passed_over: PassedOver | None = None
    started_at: int | None = None
    ended_at: int | None = None

    @property
    def rolling_back(self) -> bool:
        return self.rollback is not None and self.rollback.status == "RUNNING"

    def changed(self, **fields: Any) -> Self:
        return self.model_copy(update=fields)


@dataclass(frozen=True, slots=True)
class Standing:
    """`states` holds the tasks of the plan that anything has become of."""

    plan: Plan
    execution: Execution
    states: Mapping[str, TaskStanding] = field(default_factory=dict)

    @property
    def status(self) -> PlanStatus:
        return self.execution.status

    @property
    def branch(self) -> str:
        """The plan's work branch; begun anew it has another one, for on the first each task is done already."""
        branch, round_ = self.plan.branch or f"groundwork/{self.plan.id}", self.execution.round
        return branch if round_ <= 1 else f"{branch}-{round_}"

    def of(self, task_id: str) -> TaskStanding:
        return self.states.get(task_id) or TaskStanding(round=self.execution.round)

    def at_gate(self, task_id: str) -> bool:
        """Whether an execution that is still there waits for this task's gate."""
        state = self.of(task_id)
        return state.token is not None and state.gate == self.execution.number

    @property
    def running(self) -> list[str]:
        return [task.id for task in self.plan.tasks if self.of(task.id).status is TaskStatus.RUNNING]

    @property
    def failed(self) -> list[str]:
        return [task.id for task in self.plan.tasks if self.of(task.id).status is TaskStatus.FAILED]

    def phase_ended(self, phase: Phase) -> bool:
        return all(self.of(task.id).ended for task in phase.tasks)

    @property
    def ended(self) -> bool:
        return all(self.phase_ended(phase) for phase in self.plan.phases)

    def current_phase(self) -> Phase | None:
        """The first phase with tasks that have not ended."""
        return next((phase for phase in self.plan.phases if not self.phase_ended(phase)), None)

    def with_task(self, task_id: str, **fields: Any) -> "Standing":
        return self.put({task_id: self.of(task_id).changed(**fields)})

    def put(self, states: Mapping[str, TaskStanding]) -> "Standing":
        return replace(self, states={**self.states, **states})

    def execution_changed(self, **fields: Any) -> "Standing":
        return replace(self, execution=self.execution.changed(**fields))


def approval_of(task: Task) -> str:
    """What an approval is of: when the task is edited afterwards, it has lapsed."""
    return fingerprint(task.as_json())
