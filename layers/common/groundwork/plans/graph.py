"""Compute the critical path, maximum parallelism and makespan of a plan.

Phases run one after another. A sequential or manual phase runs one task at a time. In a parallel phase a task starts as
soon as its dependencies are done and the plan's limit allows. Time for approvals is not counted.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from graphlib import TopologicalSorter
from operator import or_
from typing import Any

from groundwork.backlog.model import Effort
from groundwork.plans.model import Phase, Plan, Task

SECONDS: dict[Effort, int] = {"XS": 120, "S": 240, "M": 480, "L": 900, "XL": 1_800}
"""Assumed seconds of a Claude session for each effort, used until measurements exist."""

type Duration = Callable[[Task], float]
type Graph = dict[str, list[str]]


def by_effort(task: Task) -> float:
    return SECONDS[task.effort]


@dataclass(frozen=True, slots=True)
class PlanTimes:
    """Times of a plan, in seconds.

    `critical_path` holds task ids in execution order, `critical_seconds` their sum. `parallelism` is the maximum number
    of tasks running at once without a limit.
    """

    critical_path: tuple[str, ...]
    critical_seconds: float
    seconds: float
    work_seconds: float
    parallelism: int

    def as_json(self) -> dict[str, Any]:
        return {
            "criticalPath": list(self.critical_path),
            "criticalPathSeconds": round(self.critical_seconds),
            "seconds": round(self.seconds),
            "workSeconds": round(self.work_seconds),
            "maxParallelism": self.parallelism,
        }


def schedule(plan: Plan, duration: Duration = by_effort) -> PlanTimes:
    """Schedule a valid plan; `seconds` respects the plan's `max_parallel`."""
    path: list[str] = []
    critical = seconds = 0.0
    max_width = 0
    for phase in plan.phases:
        chain, path_seconds, limited, width = _phase(phase, plan.max_parallel, duration)
        path += chain
        critical, seconds, max_width = critical + path_seconds, seconds + limited, max(max_width, width)
    return PlanTimes(tuple(path), critical, seconds, sum(map(duration, plan.tasks)), max_width)


def _phase(phase: Phase, slots: int, duration: Duration) -> tuple[list[str], float, float, int]:
    """Return the phase's critical path, its seconds, the makespan for `slots`, and the width."""
    costs = {task.id: duration(task) for task in phase.tasks}
    if phase.mode != "parallel":
        total = sum(costs.values())
        return [task.id for task in phase.tasks], total, total, min(1, len(costs))
    # dependencies in earlier phases are done before this phase starts
    graph = {task.id: [other for other in task.depends_on if other in costs] for task in phase.tasks}
    path, path_seconds = critical_path(graph, costs)
    return path, path_seconds, makespan(graph, costs, slots), max_antichain(graph)


def critical_path(graph: Graph, costs: Mapping[str, float]) -> tuple[list[str], float]:
    """Return the costliest chain and its cost; the graph maps nodes to their dependencies."""
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for node in TopologicalSorter(graph).static_order():
        needed = max(graph[node], key=ends.__getitem__, default=None)
        before[node] = needed
        ends[node] = costs[node] + (ends[needed] if needed else 0)
    last = max(ends, key=ends.__getitem__, default=None)
    total, path = ends[last] if last else 0.0, []
    while last:
        path.append(last)
        last = before[last]
    return path[::-1], total


def makespan(graph: Graph, costs: Mapping[str, float], slots: int) -> float:
    """Return the time with `slots` workers; nodes with the longest remaining path start first."""
    remaining = remaining_costs(graph, costs)
    needed_by = _reversed(graph)
    missing = {node: len(needs) for node, needs in graph.items()}
    ready = [(-remaining[node], node) for node, count in missing.items() if not count]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < slots:
            node = heapq.heappop(ready)[1]
            heapq.heappush(running, (now + costs[node], node))
        # never empty: `slots` is at least 1, and a valid plan has no cycle
        now, done = heapq.heappop(running)
        for node in needed_by[done]:
            missing[node] -= 1
            if not missing[node]:
                heapq.heappush(ready, (-remaining[node], node))
    return now


def remaining_costs(graph: Graph, costs: Mapping[str, float]) -> dict[str, float]:
    """Return the cost of the longest path from each node's start to the end of the graph."""
    needed_by = _reversed(graph)
    remaining: dict[str, float] = {}
    for node in reversed(list(TopologicalSorter(graph).static_order())):
        remaining[node] = costs[node] + max((remaining[other] for other in needed_by[node]), default=0)
    return remaining


def _reversed(graph: Graph) -> Graph:
    needed_by: Graph = {node: [] for node in graph}
    for node, needs in graph.items():
        for other in needs:
            needed_by[other].append(node)
    return needed_by


def max_antichain(graph: Graph) -> int:
    """Return the largest number of nodes of which none needs another.

    By Dilworth's theorem it is the number of nodes less a maximum matching of nodes with nodes they need. Augmenting
    paths find the matching; their recursion goes at most MAX_TASKS deep. Sets of nodes are bits of one number: a plan
    of 500 tasks takes milliseconds.
    """
    bits = {node: 1 << place for place, node in enumerate(graph)}
    needs: dict[str, int] = {}
    for node in TopologicalSorter(graph).static_order():
        needs[node] = reduce(or_, (bits[other] | needs[other] for other in graph[node]), 0)
    free, unseen = sum(bits.values()), 0
    matched_to: dict[int, int] = {}

    def match(candidates: int) -> bool:
        nonlocal free, unseen
        # a free node first: searching other paths before it takes ten times as long on a wide plan
        if found := candidates & free:
            free ^= (lowest := found & -found)
            matched_to[lowest] = candidates
            return True
        while found := candidates & unseen:
            unseen ^= (lowest := found & -found)
            if match(matched_to[lowest]):
                matched_to[lowest] = candidates
                return True
        return False

    matches = 0
    for candidates in needs.values():
        unseen = ~free
        matches += match(candidates)
    return len(graph) - matches
