"""Cost limits of plans and tasks, kept by reservations of running attempts.

The limit of an attempt is reserved when its task starts: at most the usual limit of its effort, at most what is left.
The session ends at this limit.
"""

from groundwork.agent.brief import limits_for
from groundwork.execution.state import ExecutionState, TaskExecution
from groundwork.plans.model import Task

MIN_ATTEMPT_MICRO_USD = 50_000
"""Less than this is no attempt worth starting."""


def spent(execution_state: ExecutionState) -> int:
    """Cost of all tasks of the plan, in millionths of a dollar."""
    return sum(execution_state.of(task.id).usage.cost_micro_usd for task in execution_state.plan.tasks)


def reserve(execution_state: ExecutionState, task_id: str) -> ExecutionState | None:
    """Reserve the cost of a task's next attempt, or of the rest of its open one.

    Returns None if too little is left.
    """
    task, state = execution_state.plan.task(task_id), execution_state.of(task_id)
    assert task is not None
    available = _available(execution_state, task_id)
    if state.attempt_open:
        # the session has its limit already
        return execution_state if available is None or in_flight(state) <= available else None
    limit = _limit(task, state, available)
    if limit is None:
        return execution_state
    if limit < MIN_ATTEMPT_MICRO_USD:
        return None
    return execution_state.with_task(task_id, max_cost=limit, cost_before=state.usage.cost_micro_usd)


def task_is_at_limit(execution_state: ExecutionState, task_id: str) -> bool:
    """True if the task's own limit leaves no further attempt."""
    task, state = execution_state.plan.task(task_id), execution_state.of(task_id)
    left = _left_of_task(task, state) if task else None
    return left is not None and left < MIN_ATTEMPT_MICRO_USD and not state.attempt_open


def limit_reason(execution_state: ExecutionState) -> str:
    most = execution_state.plan.max_cost_usd or 0.0
    used = spent(execution_state) / 1_000_000
    return f"The plan has spent {used:.2f} of at most {most:.2f} USD. Raise maxCostUsd, then resume."


def in_flight(state: TaskExecution) -> int:
    """Reserved cost of a running attempt that is not spent yet."""
    return max(0, state.max_cost - (state.usage.cost_micro_usd - state.cost_before))


def _available(execution_state: ExecutionState, task_id: str) -> int | None:
    """Cost that the plan may still reserve for this task; None without a limit."""
    if execution_state.plan.max_cost_usd is None:
        return None
    others = sum(in_flight(execution_state.of(id_)) for id_ in execution_state.running if id_ != task_id)
    return micro_usd(execution_state.plan.max_cost_usd) - spent(execution_state) - others


def _limit(task: Task, state: TaskExecution, available: int | None) -> int | None:
    limits = [one for one in (available, _left_of_task(task, state)) if one is not None]
    return min(limits_for(task.effort).cost_micro_usd, *limits) if limits else None


def _left_of_task(task: Task, state: TaskExecution) -> int | None:
    return None if task.max_cost_usd is None else micro_usd(task.max_cost_usd) - state.usage.cost_micro_usd


def micro_usd(usd: float) -> int:
    return round(usd * 1_000_000)
