"""Where a plan that is carried out stands: its execution, and what has become of each of its tasks. Values.

All of it is read and written together: a change is a function from one standing to the next, and the store writes the
difference under the condition that nobody else has changed anything since. So what holds of every function here holds
of the plan, whoever calls what in which order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from groundwork.plans.model import Phase, Plan, PlanStatus, Task, TaskStatus, fingerprint
from groundwork.values import Stored, stored_as

MAX_ATTEMPTS = 3
"""How often a task is tried before a person is asked."""

ENDED_STATUSES = (TaskStatus.COMPLETED, TaskStatus.SKIPPED, TaskStatus.CANCELLED)

Dependents = Literal["skip", "run"]


class Cause(StrEnum):
    """Why a plan is paused, or has failed; who must act is named by it."""

    PERSON = "person"
    FAILURE = "failure"
    PHASE = "phase"
    EXECUTION = "execution"


class TaskUsage(Stored):
    """What the sessions of a task have used so far, in tokens as they are billed and millionths of a dollar."""

    input: Annotated[int, stored_as("input")] = 0
    output: Annotated[int, stored_as("output")] = 0
    cache_read: Annotated[int, stored_as("cacheRead")] = 0
    cache_write: Annotated[int, stored_as("cacheWrite")] = 0
    calls: Annotated[int, stored_as("calls")] = 0
    cost_micro_usd: Annotated[int, stored_as("costMicroUsd")] = 0

    def plus(self, other: "TaskUsage") -> "TaskUsage":
        mine, its = self.model_dump(), other.model_dump()
        return self.model_copy(update={name: mine[name] + its[name] for name in mine})


class Attempt(Stored):
    """An attempt that came to nothing, and why: told to the next."""

    number: Annotated[int, stored_as("number")]
    reason: Annotated[str, stored_as("reason")]


class TaskExecution(Stored):
    """What has become of a task.

    An attempt is counted when it is claimed and stays `open` over invocations until it has ended. `since`: attempts up
    to this number belong to an earlier round, and so do their commits. `allowed` is the last attempt that may be made.
    `epoch` rises with each `holder`: who holds an older one may write nothing. `token` is that of its gate, which waits
    in the execution `gate`; `knock` is one that has come to the execution `knocked`, and has not been heard yet.

    `lease_until`, `knock`, `spent` and `turns` are written by others besides, without `seq`; they are never written
    together with what follows from them.
    """

    status: Annotated[TaskStatus, stored_as("status")] = TaskStatus.PENDING
    round: Annotated[int, stored_as("round")] = 0
    attempts: Annotated[int, stored_as("attempts")] = 0
    attempts_before_round: Annotated[int, stored_as("since")] = 0
    max_attempts: Annotated[int, stored_as("allowed")] = MAX_ATTEMPTS
    open: Annotated[bool, stored_as("open")] = False
    failed: Annotated[tuple[Attempt, ...], stored_as("failed")] = ()
    epoch: Annotated[int, stored_as("epoch")] = 0
    holder: Annotated[str, stored_as("holder")] = ""
    lease_until: Annotated[int, stored_as("leaseUntil")] = 0
    lost: Annotated[int, stored_as("lost")] = 0
    faults: Annotated[int, stored_as("faults")] = 0
    token: Annotated[str | None, stored_as("token")] = None
    gate: Annotated[int, stored_as("gate")] = 0
    pending_token: Annotated[str | None, stored_as("knock")] = None
    pending_execution: Annotated[int, stored_as("knocked")] = 0
    approved: Annotated[str | None, stored_as("approved")] = None
    rejected: Annotated[bool, stored_as("rejected")] = False
    dependents: Annotated[Dependents, stored_as("dependents")] = "skip"
    skipped_after_failure: Annotated[bool, stored_as("gaveUp")] = False
    commit_sha: Annotated[str | None, stored_as("commitSha")] = None
    revert_sha: Annotated[str | None, stored_as("revertSha")] = None
    withdrawn: Annotated[int | None, stored_as("withdrawn")] = Field(
        default=None, description="The attempt whose patch was taken back"
    )
    error_msg: Annotated[str | None, stored_as("errorMsg")] = None
    note: Annotated[str | None, stored_as("note")] = None
    summary: Annotated[str, stored_as("summary")] = ""
    files: Annotated[tuple[str, ...], stored_as("files")] = ()
    usage: Annotated[TaskUsage, stored_as("spent")] = TaskUsage()
    turns: Annotated[int, stored_as("turns")] = 0
    worked_ms: Annotated[int, stored_as("workedMs")] = 0
    started_at: Annotated[int | None, stored_as("startedAt")] = None
    ended_at: Annotated[int | None, stored_as("endedAt")] = None
    completed_seq: Annotated[int, stored_as("landed")] = Field(
        default=0, description="The execution's seq when it was completed: the order of the work"
    )

    @property
    def ended(self) -> bool:
        return self.status in ENDED_STATUSES

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

    def for_round(self, round_: int) -> "TaskExecution":
        """As it begins in a later round: nothing of it is done, but no number is used again."""
        return TaskExecution(
            round=round_,
            attempts=self.attempts,
            attempts_before_round=self.attempts,
            max_attempts=self.attempts + MAX_ATTEMPTS,
            epoch=self.epoch,
            pending_token=self.pending_token,
            pending_execution=self.pending_execution,
            usage=self.usage,
            turns=self.turns,
            worked_ms=self.worked_ms,
        )


class Rollback(Stored):
    """Commits of tasks that are being taken back, or were: in this order. `number` tells it from any other."""

    number: Annotated[int, stored_as("number")]
    task_ids: Annotated[tuple[str, ...], stored_as("taskIds")]
    who: Annotated[str, stored_as("who")]
    at_ms: Annotated[int, stored_as("atMs")]
    status: Annotated[Literal["RUNNING", "DONE", "FAILED"], stored_as("status")] = "RUNNING"
    error: Annotated[str | None, stored_as("error")] = None


class PassedOver(Stored):
    """A time of the plan's schedule at which it could not be begun, and why."""

    time: Annotated[str, stored_as("time")]
    at_ms: Annotated[int, stored_as("atMs")]
    reason: Annotated[str, stored_as("reason")]


class Timing(Stored):
    """When the plan is begun by itself: an expression of EventBridge Scheduler, and its time zone."""

    expression: Annotated[str, stored_as("expression")]
    timezone: Annotated[str, stored_as("timezone")]
    who: Annotated[str, stored_as("who")]

    @property
    def repeats(self) -> bool:
        return self.expression.startswith("cron(")


class Execution(Stored):
    """The plan's own part. `seq` rises with every change, `number` with every execution of the state machine, `round`
    each time that the plan is begun anew. `paused_after` are the phases after which it has already paused. `restart`:
    tasks are to do again that the execution has gone past, so that it goes on in another one. `fire` is the last time
    of its schedule that was heard, `passed_over` the last of them at which it could not be begun.
    """

    status: Annotated[PlanStatus, stored_as("status")]
    seq: Annotated[int, stored_as("seq")] = 0
    round: Annotated[int, stored_as("round")] = 0
    number: Annotated[int, stored_as("number")] = 0
    cause: Annotated[Cause | None, stored_as("cause")] = None
    reason: Annotated[str | None, stored_as("reason")] = None
    who: Annotated[str | None, stored_as("who")] = None
    paused_after: Annotated[tuple[str, ...], stored_as("pausedAfter")] = ()
    needs_restart: Annotated[bool, stored_as("restart")] = False
    rollback: Annotated[Rollback | None, stored_as("rollback")] = None
    schedule: Annotated[Timing | None, stored_as("schedule")] = None
    last_fired: Annotated[str | None, stored_as("woken")] = None
    passed_over: Annotated[PassedOver | None, stored_as("passedOver")] = None
    started_at: Annotated[int | None, stored_as("startedAt")] = None
    ended_at: Annotated[int | None, stored_as("endedAt")] = None

    @property
    def rolling_back(self) -> bool:
        return self.rollback is not None and self.rollback.status == "RUNNING"

    def changed(self, **fields: Any) -> Self:
        return self.model_copy(update=fields)


@dataclass(frozen=True, slots=True)
class ExecutionState:
    """`states` holds the tasks of the plan that anything has become of."""

    plan: Plan
    execution: Execution
    states: Mapping[str, TaskExecution] = field(default_factory=dict)

    @property
    def status(self) -> PlanStatus:
        return self.execution.status

    @property
    def branch(self) -> str:
        """The plan's work branch; begun anew it has another one, for on the first each task is done already."""
        branch, round_ = self.plan.branch or f"groundwork/{self.plan.id}", self.execution.round
        return branch if round_ <= 1 else f"{branch}-{round_}"

    def of(self, task_id: str) -> TaskExecution:
        return self.states.get(task_id) or TaskExecution(round=self.execution.round)

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

    def with_task(self, task_id: str, **fields: Any) -> "ExecutionState":
        return self.with_tasks({task_id: self.of(task_id).changed(**fields)})

    def with_tasks(self, states: Mapping[str, TaskExecution]) -> "ExecutionState":
        return replace(self, states={**self.states, **states})

    def with_execution(self, **fields: Any) -> "ExecutionState":
        return replace(self, execution=self.execution.changed(**fields))


def approval_fingerprint(task: Task) -> str:
    """What an approval is of: when the task is edited afterwards, it has lapsed."""
    return fingerprint(task.as_json())
