"""Invariants at rest: every plan has ended, or waits for a named action."""

from collections import Counter

from groundwork.adapters.dynamodb.check_rows import ROLLBACK, RUNNING
from groundwork.adapters.dynamodb.sessions import DynamoSessions
from groundwork.plans.model import PlanStatus, TaskStatus
from tests.simulation.execution.patching import patches_go_together
from tests.simulation.execution.repositories import Repositories
from tests.simulation.execution.seen import Moment, SeenPlans, branch_of
from tests.simulation.execution.sessions import SessionProvider
from tests.simulation.execution.states import MAX_BYTES, MAX_EVENTS
from tests.simulation.execution.tasks import its_turn
from tests.simulation.execution.worlds import World
from tests.simulation.known import Violation, demand

ENDED = (PlanStatus.COMPLETED, PlanStatus.CANCELLED)
BOUND_S = 7_200.0
"""After the last fault, a plan rests within this time plus the sequential time of its tasks."""

A_TASK_S = 2_400.0


def rests(moment: Moment) -> bool:
    """True if the plan has ended, or waits for nothing but a resume or an approval."""
    execution = moment.execution
    if execution.rolling_back or _pending_heads(moment) or execution.status is PlanStatus.PAUSING:
        return False
    if execution.status is not PlanStatus.RUNNING:
        return True
    if moment.running:
        return False
    left = [task.id for task in moment.plan.tasks if its_turn(moment, task.id) and moment.of(task.id).is_waiting]
    return bool(left) and all(moment.of(id_).status is TaskStatus.AWAITING_APPROVAL for id_ in left)


def _pending_heads(moment: Moment) -> list[str]:
    rollback = moment.execution.rollback
    return [head.commit for head in rollback.heads if head.verified is None] if rollback else []


def rest_comes(seen: SeenPlans, world: World, since: float) -> None:
    tasks = sum(len(list(moment.plan.tasks)) for moment in seen.moments.values())
    if seen.cloud.loop.now <= since + BOUND_S + A_TASK_S * tasks:
        return
    for moment in seen.moments.values():
        if not rests(moment):
            states = {id_: f"{state.status} gate {state.gate_execution}" for id_, state in moment.states.items()}
            where = f"{moment.plan.id} is {moment.execution.status} in execution {moment.execution.number}"
            rollback = f"rolling back {moment.execution.rolling_back}"
            what = f"{where} after {seen.cloud.loop.now - since:.0f} s, {rollback}: {states}"
            raise Violation("a_plan_ends_or_waits_for_somebody", what)


def at_the_end(
    seen: SeenPlans, repositories: Repositories, provider: SessionProvider, sessions: DynamoSessions
) -> None:
    everything_has_ended(seen)
    the_machine_stays_within_its_limits(seen)
    nobody_waits_for_room(seen)
    spent_equals_the_bill(seen, provider)
    the_branches_hold_what_was_done(seen, repositories)
    patches_go_together(seen, repositories, sessions)
    checks_of_rollbacks_have_ended(seen)


def everything_has_ended(seen: SeenPlans) -> None:
    """Every plan continued once users had taken the action it waited for."""
    for moment in seen.moments.values():
        demand(moment.execution.status in ENDED, "a_person_brings_a_plan_to_its_end", f"{moment.plan.id}")
    machine = seen.cloud.states
    left = [name for name, execution in machine.executions.items() if execution.status == "RUNNING"]
    demand(not left, "no_execution_outlives_its_plan", f"{left}")
    demand(not machine.waiting, "no_execution_outlives_its_plan", f"{len(machine.waiting)} tokens wait")


def checks_of_rollbacks_have_ended(seen: SeenPlans) -> None:
    """No claim keeps a sandbox alive."""
    for moment in seen.moments.values():
        row = seen.cloud.database.row(("plans", moment.plan.id, ROLLBACK))
        ended = row is None or row["status"]["S"] != RUNNING
        pending = _pending_heads(moment)
        demand(ended and not pending, "a_check_of_a_rollback_ends", f"{moment.plan.id}: {row}, pending {pending}")


def the_machine_stays_within_its_limits(seen: SeenPlans) -> None:
    machine = seen.cloud.states
    for execution in [*machine.executions.values(), *machine.children]:
        name, events, bytes_ = "the_machine_stays_within_its_limits", execution.events, execution.largest
        demand(events < MAX_EVENTS, name, f"{execution.name} has {events} events")
        demand(bytes_ < MAX_BYTES, name, f"{execution.name} has a state of {bytes_} bytes")


def nobody_waits_for_room(seen: SeenPlans) -> None:
    slots = seen.cloud.database.row(("plans", "ACCOUNT", "SLOTS")) or {}
    demand(int(slots.get("used", {"N": "0"})["N"]) == 0, "the_counter_equals_what_runs", "something is counted")


def spent_equals_the_bill(seen: SeenPlans, provider: SessionProvider) -> None:
    """Recorded usage equals the bill, except for turns lost with their workers."""
    kept: Counter[str] = Counter()
    at_most: Counter[str] = Counter()
    for line in provider.bill:
        at_most[line.task_id] += line.cost
        if not line.sandbox.dead:
            kept[line.task_id] += line.cost
    for moment in seen.moments.values():
        for id_, state in moment.states.items():
            cost = state.usage.cost_micro_usd
            told = f"{id_} has cost {cost}, billed are {kept[id_]} to {at_most[id_]}"
            demand(kept[id_] <= cost <= at_most[id_], "spent_equals_the_bill", told)


def the_branches_hold_what_was_done(seen: SeenPlans, repositories: Repositories) -> None:
    """Each completed task's commit is there, not reverted; other tasks have none."""
    name = "the_branches_hold_what_was_done"
    for moment in seen.moments.values():
        if not moment.plan.auto_commit:
            continue
        for task in moment.plan.tasks:
            state, repository_id = moment.of(task.id), task.repository_id or moment.plan.repository_id
            there = [one.sha for one in repositories.of_task(repository_id, branch_of(moment), task.id)]
            by_hand = (state.note or "").startswith("Completed by")
            if state.status is TaskStatus.COMPLETED and not by_hand:
                demand([state.commit_sha] == there, name, f"{task.id}: {state.commit_sha}, on the branch {there}")
