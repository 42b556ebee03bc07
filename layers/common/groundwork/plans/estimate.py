"""Estimate the time and cost of running a plan.

Uses measurements of similar tasks in the repository if there are enough, else assumptions. The answer names the basis
for each effort and for the whole plan.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from groundwork.backlog.model import Effort
from groundwork.llm.port import Usage
from groundwork.llm.prices import cost_micro_usd
from groundwork.plans.graph import SECONDS, PlanTimes, schedule
from groundwork.plans.model import Plan, Task, TaskState, TaskStatus

MIN_MEASURED_TASKS = 3
"""Measured tasks of an effort needed before their mean replaces the assumption."""

_ENDED = (TaskStatus.COMPLETED, TaskStatus.SKIPPED, TaskStatus.CANCELLED)

# assumptions: calls of the model per session, and tokens each call adds to the context of the next
_CALLS: dict[Effort, int] = {"XS": 6, "S": 12, "M": 24, "L": 45, "XL": 90}
_FIRST_TOKENS, _ADDED_TOKENS, _WRITTEN_TOKENS = 8_000, 1_200, 350


@dataclass(frozen=True, slots=True)
class TaskMeasurements:
    """Totals over some tasks of one effort, all attempts included."""

    tasks: int
    seconds: float
    usage: Usage


@dataclass(frozen=True, slots=True)
class TaskEstimate:
    """Expected time and usage of one task; `measured` counts the tasks behind it, 0 if assumed."""

    seconds: float
    usage: Usage
    measured: int = 0

    @property
    def basis(self) -> str:
        return "measured" if self.measured else "assumed"


def assume_task(effort: Effort) -> TaskEstimate:
    calls = _CALLS[effort]
    growth = _ADDED_TOKENS + _WRITTEN_TOKENS
    # each call reads the context of all earlier calls from the cache
    tokens_read = sum(_FIRST_TOKENS + growth * number for number in range(calls - 1))
    usage = Usage(
        # nearly all of the context comes from the cache
        input=50 * calls,
        output=_WRITTEN_TOKENS * calls,
        cache_read=tokens_read,
        cache_write=_FIRST_TOKENS + _ADDED_TOKENS * calls,
        calls=calls,
    )
    return TaskEstimate(SECONDS[effort], usage)


def estimate_task(effort: Effort, history: Mapping[Effort, TaskMeasurements]) -> TaskEstimate:
    """Return the mean of the measurements if there are enough, else the assumption."""
    past = history.get(effort)
    if past is None or past.tasks < MIN_MEASURED_TASKS:
        return assume_task(effort)
    u, n = past.usage, past.tasks
    mean = Usage(*(round(total / n) for total in (u.input, u.output, u.cache_read, u.cache_write, u.calls)))
    return TaskEstimate(past.seconds / n, mean, n)


def duration_estimator(history: Mapping[Effort, TaskMeasurements], ai: str, latency_ms: int) -> Callable[[Task], float]:
    """Return a function giving a task's seconds; the mock takes `latency_ms` a call."""
    return lambda task: _with_mock_latency(estimate_task(task.effort, history), ai, latency_ms).seconds


def estimate_of_plan(
    plan: Plan,
    states: Mapping[str, TaskState],
    history: Mapping[Effort, TaskMeasurements],
    ai: str,
    model: str,
    latency_ms: int,
) -> dict[str, Any]:
    """Estimate the tasks without an end state; the mock takes `latency_ms` a call."""
    remaining = {task.id: task for task in plan.tasks if states.get(task.id, TaskState()).status not in _ENDED}
    tasks = Counter(task.effort for task in remaining.values())
    each = {
        effort: _with_mock_latency(estimate_task(effort, history), ai, latency_ms)
        for effort in SECONDS
        if tasks[effort]
    }
    costs = {effort: _cost(model, one.usage) for effort, one in each.items()}
    usage = sum((each[task.effort].usage for task in remaining.values()), Usage())
    times = schedule(plan, lambda task: each[task.effort].seconds if task.id in remaining else 0.0)
    return {
        **_totals(len(remaining), usage, sum(costs[effort] * count for effort, count in tasks.items()), times),
        "stops": _stops(plan, remaining),
        "basis": _basis({one.basis for one in each.values()}),
        "efforts": [_line(effort, tasks[effort], one, costs[effort]) for effort, one in each.items()],
        "ai": ai,
        "model": model,
    }


def _with_mock_latency(each: TaskEstimate, ai: str, latency_ms: int) -> TaskEstimate:
    # measured times of the mock include its latency already
    is_mock_assumption = ai == "mock" and not each.measured
    return replace(each, seconds=each.usage.calls * latency_ms / 1000) if is_mock_assumption else each


def _line(effort: Effort, tasks: int, each: TaskEstimate, cost: int) -> dict[str, Any]:
    """Figures of one task of the effort."""
    return {
        "effort": effort,
        "tasks": tasks,
        "calls": each.usage.calls,
        "seconds": round(each.seconds),
        "costUsd": round(cost / 1_000_000, 4),
        "basis": each.basis,
        "measuredTasks": each.measured,
    }


def _totals(tasks: int, usage: Usage, cost: int, times: PlanTimes) -> dict[str, Any]:
    return {
        "tasks": tasks,
        "calls": usage.calls,
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "cacheReadTokens": usage.cache_read,
        "cacheWriteTokens": usage.cache_write,
        "costUsd": round(cost / 1_000_000, 4),
        **times.as_json(),
    }


def _cost(model: str, usage: Usage) -> int:
    """Return the cost of one task in micro-dollars: the mean call times the number of calls.

    Priced as a single call, the task would look like one long prompt.
    """
    calls = max(1, usage.calls)
    u = usage
    one = Usage(u.input // calls, u.output // calls, u.cache_read // calls, u.cache_write // calls, 1)
    return calls * cost_micro_usd(model, one)


def _stops(plan: Plan, remaining: Collection[str]) -> int:
    """Count waits for a person: each task of a manual phase, each phase with `pause_after`."""
    manual = sum(task.id in remaining for phase in plan.phases if phase.mode == "manual" for task in phase.tasks)
    pauses = sum(phase.pause_after and any(task.id in remaining for task in phase.tasks) for phase in plan.phases)
    return manual + pauses


def _basis(kinds: set[str]) -> str:
    return "mixed" if len(kinds) > 1 else next(iter(kinds), "assumed")
