"""Invariants of workers: claims, model calls and stops."""

from groundwork.execution.state import TaskExecution
from groundwork.plans.model import TaskStatus
from tests.simulation.cloud import Sandbox
from tests.simulation.execution.seen import Hold, Moment, SeenPlans
from tests.simulation.faults import SKEW_MS
from tests.simulation.known import demand

STOPPED_S = 10.0
"""Time to stop for an undisturbed worker: it polls every two seconds, maybe slowly."""

HINDERED_S = 75.0
"""A worker delayed this recently may have lost its lease without notice."""


def claims(seen: SeenPlans, before: Moment, after: Moment) -> None:
    """Track claims and writers, and check them."""
    acting = seen.cloud.acting
    for id_, state in after.states.items():
        old, hold = before.of(id_), seen.holds.get(id_)
        if state.epoch == old.epoch and state.status is old.status:
            continue
        if hold and hold.lost_at is None and old.status is TaskStatus.RUNNING:
            _others_write_nothing(seen, hold, old, state, id_)
            _worker_goes(seen, hold, after, id_)
        if state.epoch > old.epoch and state.lease_until and acting:
            _claimed(seen, acting, after, id_)


def _claimed(seen: SeenPlans, acting: Sandbox, after: Moment, task_id: str) -> None:
    payload = seen.payloads.get(acting.number, {})
    name = "only_an_execution_under_way_has_workers"
    demand(payload.get("do") == "WORK" and payload.get("taskId") == task_id, name, f"{task_id} by {payload}")
    number = after.execution.number
    demand(payload.get("number") == number, name, f"{task_id} by {payload}, the plan is in execution {number}")
    seen.holds[task_id] = Hold(acting, after.of(task_id).epoch)


def _others_write_nothing(seen: SeenPlans, hold: Hold, old: TaskExecution, new: TaskExecution, task_id: str) -> None:
    """Only the worker with the valid lease records a task's result."""
    acting = seen.cloud.acting
    works = acting is not None and seen.payloads.get(acting.number, {}).get("taskId") == task_id
    held = old.lease_until > seen.cloud.true_ms() + SKEW_MS
    given_back = new.epoch > old.epoch and not new.lease_until
    demand(not (works and held and given_back) or acting is hold.sandbox, "only_the_holder_writes", task_id)


def _worker_goes(seen: SeenPlans, hold: Hold, after: Moment, task_id: str) -> None:
    """A live, undisturbed worker returns its task itself, or a user takes it away."""
    cloud, state = seen.cloud, after.of(task_id)
    hold.lost_at = cloud.loop.now
    mine = cloud.acting is hold.sandbox
    if state.status is TaskStatus.COMPLETED:
        demand(mine, "only_the_holder_completes", f"{task_id} was completed by another than its worker")
    taken = state.status is TaskStatus.RUNNING and state.lease_until > 0 and not mine
    alive = hold.sandbox in cloud.living and not hold.sandbox.dead and hold.sandbox.thawed.is_set()
    hindered = hold.sandbox.disturbed_at > cloud.loop.now - HINDERED_S
    wrongly = taken and alive and not hindered and not _given_up(seen, hold.sandbox)
    demand(not wrongly, "no_living_worker_is_replaced", f"{task_id}")


def _given_up(seen: SeenPlans, holder: Sandbox) -> bool:
    """The state machine has given up the holder's try, and asks again."""
    assert seen.cloud.acting
    was, now = seen.payloads[holder.number], seen.payloads.get(seen.cloud.acting.number, {})
    same = was.get("entered") is not None and was.get("entered") == now.get("entered")
    return same and str(now.get("retry")) > str(was.get("retry"))


def a_call_is_of_a_claim(seen: SeenPlans, sandbox: Sandbox, task_id: str) -> None:
    """Only the holder of a task calls its model, or a worker within moments of its loss."""
    name, hold = "a_call_is_of_a_claim", seen.holds.get(task_id)
    demand(hold is not None, name, f"{task_id} was never claimed")
    assert hold
    if hold.sandbox is sandbox and hold.lost_at is None:
        moment = seen.moments[task_id.rpartition("-")[0]]
        state = moment.of(task_id)
        demand(
            state.attempt_open and state.attempts > state.attempts_before_round,
            "an_attempt_is_counted_before_its_call",
            task_id,
        )
        return
    since = hold.lost_at if hold.sandbox is sandbox else None
    hindered = sandbox.disturbed_at > seen.cloud.loop.now - HINDERED_S
    late = since is None or seen.cloud.loop.now > since + STOPPED_S + SKEW_MS / 1000
    demand(hindered or not late, name, f"{task_id} by {sandbox.number}, which has lost it")
