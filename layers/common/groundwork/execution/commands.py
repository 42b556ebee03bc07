"""What people ask of a plan while it is carried out. Each is a function from one standing to the next, or a refusal.

Raises WrongStatus, WrongTaskStatus, NotItsTurn, NothingCanGoOn, NotFound. What follows from it is `settled`'s.
"""

from dataclasses import dataclass
from typing import Any

from groundwork.errors import NotFound
from groundwork.execution.errors import NothingCanGoOn, NotItsTurn, RollingBack, WrongStatus, WrongTaskStatus
from groundwork.execution.gates import before, due
from groundwork.execution.reconcile import failure
from groundwork.execution.state import ATTEMPTS, Cause, Dependents, Standing, TaskStanding, approval_of
from groundwork.plans.model import PlanStatus, Task, TaskStatus
from groundwork.plans.validation import check

BEGIN = (PlanStatus.DRAFT, PlanStatus.READY)
AGAIN = (PlanStatus.COMPLETED, PlanStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and when."""

    who: str
    at_ms: int


def execute(standing: Standing, asked: Asked, again: bool = False) -> Standing:
    """From its beginning; `again` lets a plan that has ended be carried out once more. Raises InvalidPlan."""
    execution = standing.execution
    if standing.status not in BEGIN and not (again and standing.status in AGAIN):
        raise WrongStatus("executed", standing.status.value)
    _not_rolling_back(standing)
    check(standing.plan, complete=True)
    round_ = execution.round + 1
    begun = execution.changed(
        status=PlanStatus.RUNNING,
        round=round_,
        number=execution.number + 1,
        restart=False,
        paused_after=(),
        started_at=asked.at_ms,
        ended_at=None,
        **_nobody(asked),
    )
    return Standing(standing.plan, begun, {id_: state.renewed(round_) for id_, state in standing.states.items()})


def pause(standing: Standing, asked: Asked, reason: str | None = None) -> Standing:
    """Nothing begins any more; what is under way ends."""
    status, cause = standing.status, standing.execution.cause
    if not status.executing or (status is not PlanStatus.RUNNING and cause is Cause.PERSON):
        raise WrongStatus("paused", status.value)
    after = PlanStatus.PAUSING if standing.running else PlanStatus.PAUSED
    return standing.execution_changed(status=after, cause=Cause.PERSON, reason=reason, who=asked.who)


def resume(standing: Standing, asked: Asked) -> Standing:
    """A plan whose execution has failed goes on in another one."""
    status, execution = standing.status, standing.execution
    died = status is PlanStatus.FAILED and execution.number > 0
    if not died and status not in (PlanStatus.PAUSED, PlanStatus.PAUSING):
        raise WrongStatus("resumed", status.value)
    _not_rolling_back(standing)
    after = _going_on(standing, asked)
    # one whose execution died goes on even so: in PAUSED somebody can see to its failed tasks
    if not died and after.failed and not after.running and not due(after):
        raise NothingCanGoOn(after.failed)
    return after


def cancel(standing: Standing, asked: Asked) -> Standing:
    died = standing.status is PlanStatus.FAILED and standing.execution.number > 0
    if not died and not standing.status.executing:
        raise WrongStatus("cancelled", standing.status.value)
    ended = {"status": PlanStatus.CANCELLED, "ended_at": asked.at_ms, "cause": None, "reason": None, "who": asked.who}
    return standing.execution_changed(**ended)


def approve(standing: Standing, task_id: str, asked: Asked) -> Standing:
    task, state = _task(standing, task_id)
    _under_way(standing, "approved")
    if state.status is not TaskStatus.AWAITING_APPROVAL:
        raise WrongTaskStatus("approved", state.status.value)
    return standing.with_task(
        task_id, approved=approval_of(task), status=TaskStatus.WAITING, note=f"Approved by {asked.who}"
    )


def reject(standing: Standing, task_id: str, asked: Asked, reason: str | None = None) -> Standing:
    """It has failed without having been tried: the plan pauses, and somebody changes, skips or completes it."""
    _, state = _task(standing, task_id)
    _under_way(standing, "rejected")
    if state.status is not TaskStatus.AWAITING_APPROVAL:
        raise WrongTaskStatus("rejected", state.status.value)
    said = f"Rejected by {asked.who}" + (f": {reason}" if reason else "")
    after = standing.with_task(task_id, status=TaskStatus.FAILED, rejected=True, error_msg=said)
    return paused_by_failure(after)


def retry(standing: Standing, task_id: str, asked: Asked) -> Standing:
    """Three attempts more; with that the plan goes on, unless other tasks have failed or a person has paused it."""
    _, state = _task(standing, task_id)
    _under_way(standing, "retried")
    if state.status is not TaskStatus.FAILED:
        raise WrongTaskStatus("retried", state.status.value)
    fields: dict[str, Any] = {
        "status": TaskStatus.WAITING if standing.at_gate(task_id) else TaskStatus.PENDING,
        "allowed": state.attempts + ATTEMPTS,
        "error_msg": None,
        "approved": None if state.rejected else state.approved,
        "rejected": False,
        "faults": 0,
        "lost": 0,
    }
    return _seen_to(standing.with_task(task_id, **fields), asked)


def skip(standing: Standing, task_id: str, asked: Asked, dependents: Dependents = "skip") -> Standing:
    """What depends on it is skipped with it, or goes on as if it were done."""
    _, state = _task(standing, task_id)
    _under_way(standing, "skipped")
    if not state.waits and state.status is not TaskStatus.FAILED:
        raise WrongTaskStatus("skipped", state.status.value)
    after = standing.with_task(
        task_id,
        status=TaskStatus.SKIPPED,
        dependents=dependents,
        gave_up=state.status is TaskStatus.FAILED,
        note=f"Skipped by {asked.who}",
        ended_at=asked.at_ms,
    )
    return _seen_to(after, asked)


def complete(
    standing: Standing, task_id: str, asked: Asked, commit_sha: str | None = None, note: str | None = None
) -> Standing:
    """A person has done it. Its turn must have come: nothing is done before what it depends on."""
    task, state = _task(standing, task_id)
    _under_way(standing, "completed")
    if not state.waits and state.status is not TaskStatus.FAILED:
        raise WrongTaskStatus("completed", state.status.value)
    if missing := _missing(standing, task):
        raise NotItsTurn(missing)
    after = standing.with_task(
        task_id,
        status=TaskStatus.COMPLETED,
        commit_sha=commit_sha,
        error_msg=None,
        note=note or f"Completed by {asked.who}",
        started_at=state.started_at or asked.at_ms,
        ended_at=asked.at_ms,
        landed=standing.execution.seq + 1,
    )
    return _seen_to(after, asked)


def paused_by_failure(standing: Standing) -> Standing:
    """A person who has paused it keeps it paused; else the failure does."""
    if standing.status is not PlanStatus.RUNNING:
        return standing
    after = PlanStatus.PAUSING if standing.running else PlanStatus.PAUSED
    return standing.execution_changed(status=after, **failure(standing))


def _seen_to(standing: Standing, asked: Asked) -> Standing:
    """What a failure has paused goes on when no failed task is left."""
    if standing.execution.cause is Cause.FAILURE and not standing.failed:
        return _going_on(standing, asked)
    return standing


def _going_on(standing: Standing, asked: Asked) -> Standing:
    """RUNNING again: in another execution where the one there was has ended, or has gone past what is to do."""
    execution = standing.execution
    another = standing.status is PlanStatus.FAILED or execution.restart
    return standing.execution_changed(
        status=PlanStatus.RUNNING,
        number=execution.number + 1 if another else execution.number,
        restart=False,
        ended_at=None,
        **_nobody(asked),
    )


def _nobody(asked: Asked) -> dict[str, Any]:
    return {"cause": None, "reason": None, "who": asked.who}


def _task(standing: Standing, task_id: str) -> tuple[Task, TaskStanding]:
    task = standing.plan.task(task_id)
    if task is None:
        raise NotFound.of("task", task_id)
    return task, standing.of(task_id)


def _under_way(standing: Standing, verb: str) -> None:
    if not standing.status.executing:
        raise WrongStatus(f"worked on: no task of it can be {verb}", standing.status.value)
    _not_rolling_back(standing)


def _not_rolling_back(standing: Standing) -> None:
    if standing.execution.rolling_back:
        raise RollingBack


def _missing(standing: Standing, task: Task) -> list[str]:
    """What has to end before it: its phase's order, what it depends on, the phases before."""
    phase = standing.plan.phase_of(task.id)
    assert phase is not None
    earlier = standing.plan.phases[: standing.plan.phases.index(phase)]
    order = [other.id for one in earlier for other in one.tasks] + before(phase, task)
    blocked = [id_ for id_ in order if not standing.of(id_).ended]
    return list(dict.fromkeys(blocked + [id_ for id_ in task.depends_on if not standing.of(id_).released]))
