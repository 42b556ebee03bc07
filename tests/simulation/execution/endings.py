"""What must hold once nothing happens any more: every plan has ended, or waits for somebody who is named."""

from groundwork.plans.model import PlanStatus, TaskStatus
from tests.simulation.execution.repositories import Repositories
from tests.simulation.execution.seen import Moment, SeenPlans
from tests.simulation.execution.sessions import SessionProvider
from tests.simulation.execution.tasks import its_turn
from tests.simulation.execution.worlds import World
from tests.simulation.known import Violation

ENDED = (PlanStatus.COMPLETED, PlanStatus.CANCELLED)
BOUND_S = 7_200.0
"""Once faults have stopped, a plan rests within this time and what its tasks take one after the other."""


def rests(moment: Moment) -> bool:
    """Whether it has ended, or waits for a person: the plan's resume, or the approval of a task and nothing else."""
    execution = moment.execution
    if execution.rolling_back or execution.status is PlanStatus.PAUSING:
        return False
    if execution.status is not PlanStatus.RUNNING:
        return True
    if moment.running:
        return False
    left = [task.id for task in moment.plan.tasks if its_turn(moment, task.id) and moment.of(task.id).waits]
    return bool(left) and all(moment.of(id_).status is TaskStatus.AWAITING_APPROVAL for id_ in left)


def rest_comes(seen: SeenPlans, world: World, since: float) -> None:
    tasks = sum(len(list(plan.tasks)) for plan in world.plans)
    if seen.cloud.loop.now <= since + BOUND_S + 1_200 * tasks:
        return
    for moment in seen.moments.values():
        if not rests(moment):
            states = {id_: f"{state.status} gate {state.gate}" for id_, state in moment.states.items()}
            waited = f"{seen.cloud.loop.now - since:.0f} s"
            what = f"{moment.plan.id} is {moment.execution.status} in execution {moment.execution.number} after {waited}"
            raise Violation("a_plan_ends_or_waits_for_somebody", f"{what}: {states}")


def at_the_end(seen: SeenPlans, repositories: Repositories, provider: SessionProvider) -> None:
    return None
