"""Invariants of a plan's own records from each write to the next."""

from groundwork.adapters.dynamodb.execution_rows import EventRow, event_key
from groundwork.plans.model import PlanStatus, TaskStatus
from tests.simulation.execution.seen import Moment
from tests.simulation.known import Rows, demand

_UNDER_WAY = {PlanStatus.RUNNING, PlanStatus.PAUSING, PlanStatus.PAUSED}
_ENDS = {PlanStatus.COMPLETED, PlanStatus.CANCELLED, PlanStatus.FAILED}
_BEGUN = {PlanStatus.RUNNING, PlanStatus.PAUSED, PlanStatus.COMPLETED}
"""Statuses of a plan after a start or resume: nothing is left to do, or only failed tasks."""

_GOING = {
    PlanStatus.DRAFT: {PlanStatus.READY} | _BEGUN,
    PlanStatus.READY: {PlanStatus.DRAFT} | _BEGUN,
    PlanStatus.RUNNING: _UNDER_WAY | _ENDS,
    PlanStatus.PAUSING: _UNDER_WAY | _ENDS,
    PlanStatus.PAUSED: (_UNDER_WAY | _ENDS) - {PlanStatus.PAUSING},
    PlanStatus.FAILED: {PlanStatus.CANCELLED} | _BEGUN,
    PlanStatus.COMPLETED: _BEGUN,
    PlanStatus.CANCELLED: _BEGUN,
}
_OVER = (PlanStatus.COMPLETED, PlanStatus.CANCELLED, PlanStatus.FAILED, PlanStatus.PAUSED)
_QUIET = (TaskStatus.PENDING, TaskStatus.WAITING)


def terminal_is_final(before: Moment, after: Moment) -> None:
    """A finished plan leaves its status only by a restart, or by another execution."""
    name, was, now = "terminal_is_final", before.execution, after.execution
    told = f"{after.plan.id} from {was.status} to {now.status}"
    demand(now.status is was.status or now.status in _GOING[was.status], name, told)
    if now.status is was.status:
        return
    if was.status in (PlanStatus.COMPLETED, PlanStatus.CANCELLED):
        demand(now.round == was.round + 1, name, f"{told} in the same round")
    if was.status is PlanStatus.FAILED and now.status is not PlanStatus.CANCELLED:
        demand(now.number > was.number, name, f"{told} in the execution that has died")


def nothing_goes_backwards(before: Moment, after: Moment) -> None:
    name, was, now = "nothing_goes_backwards", before.execution, after.execution
    demand(now.seq - was.seq in (0, 1), name, f"{after.plan.id}: seq from {was.seq} to {now.seq}")
    demand(now.number >= was.number and now.round >= was.round, name, f"{after.plan.id}: number or round")
    for task_id, old in before.states.items():
        new = after.of(task_id)
        grew = new.attempts >= old.attempts and new.epoch >= old.epoch and new.turns >= old.turns
        demand(
            grew and new.attempts_before_round >= old.attempts_before_round,
            name,
            f"{task_id}: attempts, epoch, turns or since",
        )
        demand(new.usage.cost_micro_usd >= old.usage.cost_micro_usd, name, f"{task_id}: what it has cost")


def nobody_works_where_a_plan_is_over(before: Moment, after: Moment) -> None:
    if after.execution.status in _OVER:
        demand(not after.running, "nobody_works_where_a_plan_is_over", f"{after.execution.status}: {after.running}")


def a_completed_plan_is_complete(before: Moment, after: Moment) -> None:
    """The last task to end ends the plan, in the same write."""
    all_ended = all(after.of(task.id).ended for task in after.plan.tasks)
    status = after.execution.status
    if status is PlanStatus.COMPLETED and before.execution.status is not status:
        demand(all_ended, "a_completed_plan_is_complete", f"{after.plan.id} with tasks that have not ended")
    if status.executing and after.execution.seq > before.execution.seq:
        demand(not all_ended, "a_completed_plan_is_complete", f"{after.plan.id} is {status}, all tasks have ended")


def a_pause_says_who_must_act(before: Moment, after: Moment) -> None:
    if after.execution.status in (PlanStatus.PAUSED, PlanStatus.PAUSING, PlanStatus.FAILED):
        demand(after.execution.cause is not None, "a_pause_says_who_must_act", f"{after.plan.id}")


def a_plan_pauses_after_its_phases(before: Moment, after: Moment) -> None:
    """No task of a later phase starts before a user has resumed the pause after an earlier one."""
    for phase in after.plan.phases:
        worked = any(after.of(task.id).status is TaskStatus.COMPLETED for task in phase.tasks)
        if not phase.pause_after or not worked or phase.id in after.execution.paused_after:
            continue
        later = after.plan.phases[after.plan.phases.index(phase) + 1 :]
        begun = [t.id for one in later for t in one.tasks if after.of(t.id).status is TaskStatus.RUNNING]
        demand(not begun, "a_plan_pauses_after_its_phases", f"{begun} run, {phase.id} has not paused the plan")


OF_PLANS = (
    terminal_is_final,
    nothing_goes_backwards,
    nobody_works_where_a_plan_is_over,
    a_completed_plan_is_complete,
    a_pause_says_who_must_act,
    a_plan_pauses_after_its_phases,
)


def events_are_complete(before: Moment, after: Moment, rows: Rows) -> None:
    """Every change of status writes its event in the same transaction; a restart writes one."""
    name, seq = "events_are_complete", after.execution.seq
    if seq == before.execution.seq:
        changed = [id_ for id_ in after.states if after.of(id_).status is not before.of(id_).status]
        demand(not changed, name, f"{changed} changed their status without the plan's seq")
        return
    item = rows.get(("plans", after.plan.id, event_key(seq)), (None, None))[1]
    demand(item is not None, name, f"{after.plan.id} has no events of its change {seq}")
    assert item
    told = {(event.get("taskId"), event["what"]) for event in EventRow.from_raw_data(dict(item)).events}
    if after.execution.status is not before.execution.status:
        demand((None, after.execution.status.value) in told, name, f"{after.plan.id} became {after.execution.status}")
    if after.execution.passed_over not in (None, before.execution.passed_over):
        demand((None, "PASSED_OVER") in told, name, f"{after.plan.id} has passed over a time")
    if after.execution.round > before.execution.round:
        return
    for task in after.plan.tasks:
        status = after.of(task.id).status
        if status is not before.of(task.id).status and status not in _QUIET:
            taken_back = (task.id, "ROLLED_BACK") in told
            demand(
                (task.id, status.value) in told or taken_back,
                name,
                f"{task.id} became {status}, {sorted(map(str, told))}",
            )
