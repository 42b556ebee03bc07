"""State of a plan under execution: values for the execution and each task.

The whole state is read and written together. A command is a pure function from one state to the next, and the store
writes the difference on condition of an unchanged `seq`. So an invariant of these functions is an invariant of the
stored plan, in any order of concurrent commands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from groundwork.checks.model import CheckSettings, Verified
from groundwork.plans.model import Phase, Plan, PlanStatus, Task, TaskStatus, fingerprint
from groundwork.values import Stored, is_unused, stored_as

MAX_ATTEMPTS = 3
"""Attempts at a task before it fails and a user must act."""

# FAILED is missing: a failed task waits for a user, and blocks the tasks behind it
ENDED_STATUSES = (TaskStatus.COMPLETED, TaskStatus.SKIPPED, TaskStatus.CANCELLED)

Dependents = Literal["skip", "run"]


class Cause(StrEnum):
    """Cause of a pause or failure; it names the kind of action needed."""

    PERSON = "person"
    FAILURE = "failure"
    PHASE = "phase"
    EXECUTION = "execution"
    TROUBLE = "trouble"
    LIMIT = "limit"


class TaskUsage(Stored):
    """Usage of all sessions of a task: tokens as billed, cost in millionths of a dollar.

    A stored form of `Usage` plus the cost: sessions may use different models, so tokens alone have no price.
    """

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
    """Failed attempt with its reason, for the next attempt.

    `keep_changes`: the next one starts with its change.
    """

    number: Annotated[int, stored_as("number")]
    reason: Annotated[str, stored_as("reason")]
    keep_changes: Annotated[bool, stored_as("keepChanges"), Field(exclude_if=is_unused)] = False


class TaskExecution(Stored):
    """Execution state of a task.

    A claim counts the attempt; `attempt_open` holds over several invocations. Attempts up to `attempts_before_round`,
    and their commits, belong to earlier rounds. `max_attempts` is the number of the last attempt allowed. `epoch` rises
    with each `holder` and fences older ones. `gate_token` waits at the gate of execution `gate_execution`.
    `pending_token` has reached the gate of execution `pending_execution`, but is not accepted yet.

    Other writers change `lease_until`, `pending_token`, `usage`, `turns` and `activity` without `seq`, and never
    together with the transitions that follow.

    `conflicts` counts attempts given back after a conflict with another task, or a check that could not run.
    `max_cost` is the reserved cost of the open attempt in millionths of a dollar, `cost_before` the cost of the task at
    its start.
    """

    # stored names outlive a renaming: during a deployment an older release reads the same rows
    status: Annotated[TaskStatus, stored_as("status")] = TaskStatus.PENDING
    round: Annotated[int, stored_as("round")] = 0
    attempts: Annotated[int, stored_as("attempts")] = 0
    attempts_before_round: Annotated[int, stored_as("since")] = 0
    max_attempts: Annotated[int, stored_as("allowed")] = MAX_ATTEMPTS
    attempt_open: Annotated[bool, stored_as("open")] = False
    failed: Annotated[tuple[Attempt, ...], stored_as("failed")] = ()
    epoch: Annotated[int, stored_as("epoch")] = 0
    holder: Annotated[str, stored_as("holder")] = ""
    lease_until: Annotated[int, stored_as("leaseUntil")] = 0
    lost_workers: Annotated[int, stored_as("lost")] = 0
    consecutive_faults: Annotated[int, stored_as("faults")] = 0
    gate_token: Annotated[str | None, stored_as("token")] = None
    gate_execution: Annotated[int, stored_as("gate")] = 0
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
    verified: Annotated[Verified | None, stored_as("verified")] = None
    tests: Annotated[int | None, stored_as("tests"), Field(exclude_if=is_unused)] = None
    findings: Annotated[tuple[str, ...], stored_as("findings"), Field(exclude_if=is_unused)] = ()
    reviewed: Annotated[str, stored_as("reviewed"), Field(exclude_if=is_unused)] = ""
    conflicts: Annotated[int, stored_as("conflicts")] = 0
    landing_since: Annotated[int, stored_as("landingSince")] = Field(
        default=0, exclude_if=is_unused, description="The execution's seq when its attempt was queued for landing"
    )
    max_cost: Annotated[int, stored_as("maxCost"), Field(exclude_if=is_unused)] = 0
    cost_before: Annotated[int, stored_as("costBefore"), Field(exclude_if=is_unused)] = 0
    activity: Annotated[str | None, stored_as("activity")] = None
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
        """True if dependents may start."""
        skipped = self.status is TaskStatus.SKIPPED and self.dependents == "run"
        return skipped or self.status is TaskStatus.COMPLETED

    @property
    def is_waiting(self) -> bool:
        """True if the task may still start without a retry by a user."""
        return self.status in (TaskStatus.PENDING, TaskStatus.WAITING, TaskStatus.AWAITING_APPROVAL)

    def changed(self, **fields: Any) -> Self:
        return self.model_copy(update=fields)

    def for_round(self, round_: int) -> "TaskExecution":
        """Reset the task for a new round. Attempt numbers continue."""
        return TaskExecution(
            round=round_,
            # never from 1 again: sessions, patches and commits are found by the number of their attempt
            attempts=self.attempts,
            attempts_before_round=self.attempts,
            max_attempts=self.attempts + MAX_ATTEMPTS,
            # not reset: a worker of the last round would hold a valid epoch again
            epoch=self.epoch,
            # an old execution may still wait for its answer: forgotten, it would wait for a year
            gate_token=self.gate_token,
            gate_execution=self.gate_execution,
            pending_token=self.pending_token,
            pending_execution=self.pending_execution,
            # usage spans rounds: the sum must equal the provider's bill
            usage=self.usage,
            turns=self.turns,
            worked_ms=self.worked_ms,
        )


class HeadCheck(Stored):
    """Check of a repository's head after a rollback. `task_id` is its last reverted task.

    `verified` is None while the check is pending.
    """

    repository_id: Annotated[str, stored_as("repositoryId")]
    task_id: Annotated[str, stored_as("taskId")]
    commit: Annotated[str, stored_as("commit")]
    verified: Annotated[Verified | None, stored_as("verified")] = None
    reason: Annotated[str | None, stored_as("reason")] = None


class Rollback(Stored):
    """Rollback of tasks, in this order. `number` identifies it.

    `heads` are checked after its end, and hold up nothing. `verified` sums them up.
    """

    number: Annotated[int, stored_as("number")]
    task_ids: Annotated[tuple[str, ...], stored_as("taskIds")]
    who: Annotated[str, stored_as("who")]
    at_ms: Annotated[int, stored_as("atMs")]
    status: Annotated[Literal["RUNNING", "DONE", "FAILED"], stored_as("status")] = "RUNNING"
    error: Annotated[str | None, stored_as("error")] = None
    heads: Annotated[tuple[HeadCheck, ...], stored_as("heads"), Field(exclude_if=is_unused)] = ()
    verified: Annotated[Verified | None, stored_as("verified"), Field(exclude_if=is_unused)] = None

    @property
    def check_pending(self) -> bool:
        return any(head.verified is None for head in self.heads)


class PassedOver(Stored):
    """Scheduled time at which the plan could not start, with the reason."""

    time: Annotated[str, stored_as("time")]
    at_ms: Annotated[int, stored_as("atMs")]
    reason: Annotated[str, stored_as("reason")]


class Timing(Stored):
    """Schedule of a plan: an EventBridge Scheduler expression and its time zone."""

    expression: Annotated[str, stored_as("expression")]
    timezone: Annotated[str, stored_as("timezone")]
    who: Annotated[str, stored_as("who")]

    @property
    def repeats(self) -> bool:
        return self.expression.startswith("cron(")


class RepositoryChecks(Stored):
    """Check settings of a repository, as they were at the start of the plan.

    `red_baseline`: the checks failed on the default branch, and the settings allow it. Then no change counts as passed.
    `tests` is the number of tests run there, None while unknown.
    """

    repository_id: Annotated[str, stored_as("repositoryId")]
    settings: Annotated[CheckSettings, stored_as("settings")]
    red_baseline: Annotated[bool, stored_as("redBaseline")] = False
    tests: Annotated[int | None, stored_as("tests"), Field(exclude_if=is_unused)] = None


class Execution(Stored):
    """State of the plan itself.

    `seq` rises with every change, `number` with every execution of the state machine, `round` with every restart of the
    plan. `paused_after` lists phases that have already paused the plan. `needs_restart`: the execution has passed tasks
    to redo, so the plan must continue in a new one. `last_fired` is the last scheduled time received, `passed_over` the
    last one skipped. `checks` are the settings of repositories with checks, fixed at the start: a later change of them
    does not reach this execution.
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
    checks: Annotated[tuple[RepositoryChecks, ...], stored_as("checks"), Field(exclude_if=is_unused)] = ()

    @property
    def rolling_back(self) -> bool:
        return self.rollback is not None and self.rollback.status == "RUNNING"

    @property
    def checking_rollback(self) -> bool:
        return self.rollback is not None and self.rollback.check_pending

    def changed(self, **fields: Any) -> Self:
        return self.model_copy(update=fields)


@dataclass(frozen=True, slots=True)
class ExecutionState:
    """`states` holds tasks with any state; all others are PENDING."""

    plan: Plan
    execution: Execution
    states: Mapping[str, TaskExecution] = field(default_factory=dict)

    @property
    def status(self) -> PlanStatus:
        return self.execution.status

    @property
    def branch(self) -> str:
        """Work branch of the plan.

        Each later round has its own: on the first one every task is done.
        """
        branch, round_ = self.plan.branch or f"groundwork/{self.plan.id}", self.execution.round
        return branch if round_ <= 1 else f"{branch}-{round_}"

    def checks_of(self, repository_id: str) -> RepositoryChecks | None:
        """Return the checks of a repository with any."""
        return next((one for one in self.execution.checks if one.repository_id == repository_id), None)

    def of(self, task_id: str) -> TaskExecution:
        return self.states.get(task_id) or TaskExecution(round=self.execution.round)

    def at_gate(self, task_id: str) -> bool:
        """True if the current execution waits at this task's gate."""
        state = self.of(task_id)
        # the gate of an earlier execution is to be closed, not opened
        return state.gate_token is not None and state.gate_execution == self.execution.number

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
        """The first phase with unfinished tasks."""
        return next((phase for phase in self.plan.phases if not self.phase_ended(phase)), None)

    def with_task(self, task_id: str, **fields: Any) -> "ExecutionState":
        return self.with_tasks({task_id: self.of(task_id).changed(**fields)})

    def with_tasks(self, states: Mapping[str, TaskExecution]) -> "ExecutionState":
        return replace(self, states={**self.states, **states})

    def with_execution(self, **fields: Any) -> "ExecutionState":
        return replace(self, execution=self.execution.changed(**fields))


def approval_fingerprint(task: Task) -> str:
    """Fingerprint of an approved task. An edit changes it, and so voids the approval."""
    return fingerprint(task.as_json())
