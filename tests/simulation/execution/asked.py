"""Invariants of requests by users and schedules: done once, completely, and nothing else."""

from groundwork.plans.model import PlanStatus, TaskStatus
from tests.simulation.execution.paths import Json
from tests.simulation.execution.seen import AskedBack, Moment, SeenPlans
from tests.simulation.known import demand

_CAN_BEGIN = (PlanStatus.DRAFT, PlanStatus.READY, PlanStatus.COMPLETED, PlanStatus.CANCELLED)


# schedules


def a_schedule_is_heard_once(seen: SeenPlans, before: Moment, after: Moment) -> None:
    """Each scheduled time starts the plan once, or is skipped with a reason."""
    name, was, now = "a_schedule_is_heard_once", before.execution, after.execution
    event = seen.acting_payload()
    if event.get("do") != "SCHEDULED":
        demand(
            now.last_fired == was.last_fired, name, f"{after.plan.id}: {now.last_fired} was heard, and nobody told it"
        )
        return
    if now.seq == was.seq:
        return
    plan_id, time = after.plan.id, str(event["time"])
    if now.round > was.round or now.passed_over != was.passed_over:
        demand((plan_id, time) not in seen.heard, name, f"{plan_id}: {time} was heard twice")
        ours = was.schedule is not None and was.schedule.expression == event["expression"]
        demand(ours, name, f"{plan_id}: {event} of a schedule that it has not got")
        seen.heard.add((plan_id, time))
    if now.passed_over != was.passed_over:
        whole = all(phase.tasks for phase in before.plan.phases)
        begins = was.status in _CAN_BEGIN and not was.rolling_back and whole
        demand(not begins, "a_time_is_passed_over_for_a_reason", f"{plan_id} was {was.status} at {time}")
        said = now.passed_over is not None and now.passed_over.time == time and bool(now.passed_over.reason)
        demand(said, "a_time_is_passed_over_for_a_reason", f"{plan_id}: {now.passed_over}")


def a_time_is_not_lost(seen: SeenPlans, event: Json, since: float) -> None:
    """A scheduled time is refused only if it was received before."""
    moment = seen.moments[event["planId"]]
    timing, heard = moment.execution.schedule, moment.execution.last_fired
    if timing is None or timing.expression != event["expression"] or seen.rescheduled_at(moment) >= since:
        return
    known = heard is not None and heard >= event["time"]
    demand(known, "a_time_is_not_lost", f"{event} was refused, {heard} was the last that was heard")


# edits


def a_plan_under_way_keeps_its_tasks(before: Moment, after: Moment) -> None:
    """No task is added, and no task is removed after it reached its gate."""
    if not (before.execution.status.executing and after.execution.status.executing):
        return
    name = "a_plan_under_way_keeps_its_tasks"
    for old, new in zip(before.plan.phases, after.plan.phases, strict=True):
        left = [task.id for task in new.tasks]
        demand([task.id for task in old.tasks if task.id in left] == left, name, f"{new.id}: {left}")
        gone = [task.id for task in old.tasks if task.id not in left]
        begun = [id_ for id_ in gone if before.of(id_).status is not TaskStatus.PENDING]
        demand(not begun, name, f"{begun} are gone")


# rollbacks


def a_rollback_takes_back_what_was_asked(seen: SeenPlans, before: Moment, after: Moment) -> None:
    """A rollback covers all results of the task, phase or plan, and dependents if requested."""
    name, was, now = "a_rollback_takes_back_what_was_asked", before.execution.rollback, after.execution.rollback
    if now is None:
        return
    if was is None or was.number != now.number:
        asked = seen.asked_back()
        demand(asked is not None, name, f"{after.plan.id}: nobody has asked for it")
        assert asked
        wanted, dependents = _meant(before, asked)
        demand(asked.include or not dependents, name, f"{dependents} are built on {wanted}")
        demand(sorted(now.task_ids) == sorted(wanted | dependents), name, f"{now.task_ids} for {asked}")
    if now.status == "DONE":
        there = [id_ for id_ in now.task_ids if was and was.status == "RUNNING" and is_there(after, id_)]
        demand(not there, name, f"{there} are still there")


def is_there(moment: Moment, task_id: str) -> bool:
    """A commit, or a patch in its place."""
    state = moment.of(task_id)
    return state.status is TaskStatus.COMPLETED and bool(state.commit_sha or state.files)


def _meant(moment: Moment, asked: AskedBack) -> tuple[set[str], set[str]]:
    """Requested tasks, and their dependents."""
    all_of = {task.id: phase.id for phase in moment.plan.phases for task in phase.tasks}
    named = {id_ for id_, phase_id in all_of.items() if asked.phase_id in (None, phase_id)}
    wanted = {id_ for id_ in named if asked.task_id in (None, id_) and is_there(moment, id_)}
    built = set(wanted)
    for _ in all_of:
        built |= {task.id for task in moment.plan.tasks if built & set(task.depends_on)}
    return wanted, {id_ for id_ in built - wanted if is_there(moment, id_)}


OF_ASKED = (a_schedule_is_heard_once, a_rollback_takes_back_what_was_asked)
