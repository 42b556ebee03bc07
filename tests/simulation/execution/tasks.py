"""Invariants of starting and ending tasks: order, approval, attempts, reasons of skips."""

from fnmatch import fnmatch

from groundwork.plans.model import Condition, Phase, PlanStatus, TaskStatus, fingerprint
from tests.simulation.execution.seen import Moment
from tests.simulation.known import demand

ATTEMPTS = 3


def its_turn(moment: Moment, task_id: str) -> bool:
    """True if all tasks before it have ended: earlier phases, its phase's order, dependencies."""
    task, phase = moment.plan.task(task_id), moment.plan.phase_of(task_id)
    assert task
    assert isinstance(phase, Phase)
    earlier = moment.plan.phases[: moment.plan.phases.index(phase)]
    before = [other.id for one in earlier for other in one.tasks]
    if phase.mode != "parallel":
        before += [other.id for other in phase.tasks[: phase.tasks.index(task)]]
    return all(moment.of(id_).ended for id_ in before) and all(released(moment, id_) for id_ in task.depends_on)


def released(moment: Moment, task_id: str) -> bool:
    state = moment.of(task_id)
    skipped = state.status is TaskStatus.SKIPPED and state.dependents == "run"
    return skipped or state.status is TaskStatus.COMPLETED


def met(moment: Moment, condition: Condition | None) -> bool:
    """True if a condition is met, by docs/how-to/run-a-plan.md."""
    if condition is None or moment.plan.task(condition.task_id) is None:
        return True
    state = moment.of(condition.task_id)
    came = {
        None: True,
        "COMPLETED": state.status is TaskStatus.COMPLETED,
        "SKIPPED": state.status is TaskStatus.SKIPPED,
        "FAILED": state.skipped_after_failure,
    }[condition.outcome]
    pattern = condition.files_changed
    # the patterns of worlds.py have no ** in their middle
    return came and (pattern is None or any(fnmatch(path, pattern) for path in state.files))


def no_task_begins_before_its_turn(before: Moment, after: Moment) -> None:
    for id_ in _begun(before, after):
        demand(its_turn(after, id_), "no_task_begins_before_its_turn", id_)
        task, phase = after.plan.task(id_), after.plan.phase_of(id_)
        assert task
        assert phase
        holds = met(after, phase.condition) and met(after, task.condition)
        demand(holds, "no_task_begins_against_its_condition", id_)


def nothing_begins_unless_the_plan_runs(before: Moment, after: Moment) -> None:
    """No task, attempt or claim starts."""
    name, status = "nothing_begins_unless_the_plan_runs", after.execution.status
    for id_ in _begun(before, after):
        demand(status is PlanStatus.RUNNING, name, f"{id_} began in a plan that is {status}")
    for id_, state in after.states.items():
        claimed = state.attempts > before.of(id_).attempts or (
            state.epoch > before.of(id_).epoch and state.lease_until > 0
        )
        demand(not claimed or status is PlanStatus.RUNNING, name, f"{id_} was claimed in a plan that is {status}")


def a_manual_task_is_approved(before: Moment, after: Moment) -> None:
    """An edit voids an approval."""
    for id_ in _begun(before, after):
        task, phase = after.plan.task(id_), after.plan.phase_of(id_)
        assert task
        assert phase
        approved = after.of(id_).approved == fingerprint(task.as_json())
        demand(phase.mode != "manual" or approved, "a_manual_task_is_approved", id_)


def attempts_are_within_their_limit(before: Moment, after: Moment) -> None:
    """Three attempts, plus three for each retry by a user; each counts at its start."""
    name = "attempts_are_within_their_limit"
    for id_, state in after.states.items():
        old = before.of(id_)
        demand(state.attempts <= state.max_attempts, name, f"{id_}: {state.attempts} of {state.max_attempts}")
        renewed = (
            state.round > old.round
            or state.attempts_before_round > old.attempts_before_round
            or old.status is TaskStatus.FAILED
        )
        ended_early = old.status is TaskStatus.RUNNING and state.status is TaskStatus.FAILED
        if not renewed and not ended_early:
            given_back = state.conflicts - old.conflicts
            demand(
                given_back in (0, 1) and state.max_attempts in (old.max_attempts + given_back, state.attempts),
                name,
                f"{id_} may try {state.max_attempts} times",
            )
            demand(state.attempts - old.attempts in (0, 1), name, f"{id_}: from {old.attempts} to {state.attempts}")
        begun = state.attempts > old.attempts and state.status is TaskStatus.RUNNING
        demand(not begun or state.attempt_open, name, f"{id_}: an attempt was counted that has not begun")


def what_has_ended_stays_so(before: Moment, after: Moment) -> None:
    """Except in a restarted plan, or after a rollback."""
    if after.execution.round > before.execution.round:
        return
    for id_, old in before.states.items():
        new = after.of(id_)
        if not old.ended or new.status is old.status:
            continue
        undone = new.revert_sha is not None or new.withdrawn is not None
        taken_back = old.status is TaskStatus.COMPLETED and undone and after.execution.rollback
        demand(bool(taken_back), "what_has_ended_stays_so", f"{id_} from {old.status} to {new.status}")


def what_is_skipped_has_a_reason(before: Moment, after: Moment) -> None:
    """A user, an unmet condition, or a skipped dependency."""
    if after.execution.round > before.execution.round:
        return
    for id_, state in after.states.items():
        task, phase = after.plan.task(id_), after.plan.phase_of(id_)
        if task is None or phase is None or state.status is not TaskStatus.SKIPPED:
            continue
        if before.of(id_).status is TaskStatus.SKIPPED:
            continue
        taken_back = state.revert_sha is not None or state.withdrawn is not None
        by_person = (state.note or "").startswith("Skipped by ") or taken_back
        unmet = not met(after, phase.condition) or not met(after, task.condition)
        taken = any(
            after.of(other).status is TaskStatus.SKIPPED and after.of(other).dependents == "skip"
            for other in task.depends_on
        )
        demand(by_person or unmet or taken, "what_is_skipped_has_a_reason", f"{id_}: {state.note}")


def no_failed_task_is_passed_over(before: Moment, after: Moment) -> None:
    """A failed task pauses its plan in the same write."""
    failed = [id_ for id_, state in after.states.items() if state.status is TaskStatus.FAILED]
    new = [id_ for id_ in failed if before.of(id_).status is not TaskStatus.FAILED]
    running = after.execution.status is PlanStatus.RUNNING
    demand(not new or not running, "no_failed_task_is_passed_over", f"{new} failed, the plan is RUNNING")


def _begun(before: Moment, after: Moment) -> list[str]:
    return [id_ for id_ in after.running if before.of(id_).status is not TaskStatus.RUNNING]


OF_TASKS = (
    no_task_begins_before_its_turn,
    nothing_begins_unless_the_plan_runs,
    a_manual_task_is_approved,
    attempts_are_within_their_limit,
    what_has_ended_stays_so,
    what_is_skipped_has_a_reason,
    no_failed_task_is_passed_over,
)
