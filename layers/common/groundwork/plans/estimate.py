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
from groundwork.plans.graph import SECONDS, Schedule, schedule
from groundwork.plans.model import Plan, Task, TaskState, TaskStatus

ENOUGH = 3
"""Measured tasks of an effort needed before their mean replaces the assumption."""

_ENDED = (TaskStatus.COMPLETED, TaskStatus.SKIPPED, TaskStatus.CANCELLED)

# assumptions: calls of the model per session, and tokens each call adds to the context of the next
_CALLS: dict[Effort, int] = {"XS": 6, "S": 12, "M": 24, "L": 45, "XL": 90}
_FIRST_TOKENS, _ADDED_TOKENS, _WRITTEN_TOKENS = 8_000, 1_200, 350


@dataclass(frozen=True, slots=True)
class Measured:
    """Totals over some tasks of one effort, all attempts included."""

    tasks: int
    seconds: float
    usage: Usage


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected time and usage of one task; `measured` counts the tasks behind it, 0 if assumed."""

    seconds: float
    usage: Usage
    measured: int = 0

    @property
    def basis(self) -> str:
        return "measured" if self.measured else "assumed"


def assumed(effort: Effort) -> Expected:
    calls = _CALLS[effort]
    grown = _ADDED_TOKENS + _WRITTEN_TOKENS
    read = sum(_FIRST_TOKENS + grown * number for number in range(calls - 1))
    usage = Usage(
        input=50 * calls,
        output=_WRITTEN_TOKENS * calls,
        cache_read=read,
        cache_write=_FIRST_TOKENS + _ADDED_TOKENS * calls,
        calls=calls,
    )
    return Expected(SECONDS[effort], usage)


def expected(effort: Effort, history: Mapping[Effort, Measured]) -> Expected:
    """Return the mean of the measurements if there are enough, else the assumption."""
    past = history.get(effort)
    if past is None or past.tasks < ENOUGH:
        return assumed(effort)
    u, n = past.usage, past.tasks
    mean = Usage(*(round(total / n) for total in (u.input, u.output, u.cache_read, u.cache_write, u.calls)))
    return Expected(past.seconds / n, mean, n)


def expecting(history: Mapping[Effort, Measured], ai: str, latency_ms: int) -> Callable[[Task], float]:
    """Return a function giving a task's seconds; the mock takes `latency_ms` a call."""
    return lambda task: _timed(expected(task.effort, history), ai, latency_ms).seconds


def estimate_of_plan(
    plan: Plan,
    states: Mapping[str, TaskState],
    history: Mapping[Effort, Measured],
    ai: str,
    model: str,
    latency_ms: int,
) -> dict[str, Any]:
    """Estimate the tasks without an end state; the mock takes `latency_ms` a call."""
    left = {task.id: task for task in plan.tasks if states.get(task.id, TaskState()).status not in _ENDED}
    tasks = Counter(task.effort for task in left.values())
    each = {effort: _timed(expected(effort, history), ai, latency_ms) for effort in SECONDS if tasks[effort]}
    costs = {effort: _cost(model, one.usage) for effort, one in each.items()}
    usage = sum((each[task.effort].usage for task in left.values()), Usage())
    when = schedule(plan, lambda task: each[task.effort].seconds if task.id in left else 0.0)
    return {
        **_totals(len(left), usage, sum(costs[effort] * count for effort, count in tasks.items()), when),
        "stops": _stops(plan, left),
        "basis": _basis({one.basis for one in each.values()}),
        "efforts": [_line(effort, tasks[effort], one, costs[effort]) for effort, one in each.items()],
        "ai": ai,
        "model": model,
    }


def _timed(each: Expected, ai: str, latency_ms: int) -> Expected:
    assumed_of_mock = ai == "mock" and not each.measured
    return replace(each, seconds=each.usage.calls * latency_ms / 1000) if assumed_of_mock else each


def _line(effort: Effort, tasks: int, each: Expected, cost: int) -> dict[str, Any]:
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


def _totals(tasks: int, usage: Usage, cost: int, when: Schedule) -> dict[str, Any]:
    return {
        "tasks": tasks,
        "calls": usage.calls,
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "cacheReadTokens": usage.cache_read,
        "cacheWriteTokens": usage.cache_write,
        "costUsd": round(cost / 1_000_000, 4),
        **when.as_json(),
    }


def _cost(model: str, usage: Usage) -> int:
    """Return the cost of one task in micro-dollars: the mean call times the number of calls.

    Priced as a single call, the task would look like one long prompt.
    """
    calls = max(1, usage.calls)
    u = usage
    one = Usage(u.input // calls, u.output // calls, u.cache_read // calls, u.cache_write // calls, 1)
    return calls * cost_micro_usd(model, one)


def _stops(plan: Plan, left: Collection[str]) -> int:
    """Count waits for a person: each task of a manual phase, each phase with `pause_after`."""
    manual = sum(task.id in left for phase in plan.phases if phase.mode == "manual" for task in phase.tasks)
    pauses = sum(phase.pause_after and any(task.id in left for task in phase.tasks) for phase in plan.phases)
    return manual + pauses


def _basis(kinds: set[str]) -> str:
    return "mixed" if len(kinds) > 1 else next(iter(kinds), "assumed")
