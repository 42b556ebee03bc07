"""How far a plan is: counts, what each task waits for, what it has cost, and the time left along its critical path."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from groundwork.backlog.model import rfc3339
from groundwork.execution.gates import before
from groundwork.execution.state import Spent, Standing, TaskStanding
from groundwork.plans.graph import schedule
from groundwork.plans.model import Phase, Plan, PlanStatus, Task, TaskStatus

LEAST_LEFT = 0.1
"""Of what a task was expected to take, once it has taken longer than that: nobody knows better."""

Expect = Callable[[Task], float]
"""How many seconds a task is expected to take from its beginning."""


def progress(standing: Standing, events: Sequence[dict[str, Any]], expect: Expect, now_ms: int) -> dict[str, Any]:
    plan, execution = standing.plan, standing.execution
    current = standing.current_phase() if execution.number else None
    spent = sum_of([standing.of(task.id) for task in plan.tasks])
    ended = sum(standing.of(task.id).ended for task in plan.tasks)
    total = sum(1 for _ in plan.tasks)
    return {
        "planId": plan.id,
        "status": standing.status.value,
        "cause": execution.cause.value if execution.cause else None,
        "reason": execution.reason,
        "version": plan.version,
        "branch": standing.branch,
        "execution": execution.number,
        "seq": execution.seq,
        "schedule": execution.schedule.as_json() if execution.schedule else None,
        "passedOver": execution.passed_over.as_json() if execution.passed_over else None,
        "rollback": execution.rollback.as_json() if execution.rollback else None,
        "phases": [_phase(standing, phase) for phase in plan.phases],
        "phaseCounts": dict(Counter(_phase_status(standing, phase) for phase in plan.phases)),
        "taskCounts": dict(Counter(standing.of(task.id).status.value for task in plan.tasks)),
        "totalTasks": total,
        "progress": 100 * ended // total if total else 0,
        "currentPhaseId": current.id if current else None,
        "tasks": [_task(standing, phase, task) for phase in plan.phases for task in phase.tasks],
        **_costs(spent),
        "elapsedMs": _elapsed(standing, now_ms),
        "estimatedRemainingMs": remaining_ms(standing, expect, now_ms),
        "startedAt": _time(execution.started_at),
        "completedAt": _time(execution.ended_at),
        "events": list(events),
        "pollAfterMs": 2_000 if standing.status.executing else None,
    }


def remaining_ms(standing: Standing, expect: Expect, now_ms: int) -> int | None:
    """Of work; the time that people take is not counted. None where nothing is under way."""
    if not standing.status.executing:
        return 0 if standing.status is PlanStatus.COMPLETED else None

    def left(task: Task) -> float:
        state = standing.of(task.id)
        if state.ended:
            return 0.0
        if state.status is not TaskStatus.RUNNING or state.started_at is None:
            return expect(task)
        return max(expect(task) - (now_ms - state.started_at) / 1000, LEAST_LEFT * expect(task))

    return round(schedule(_left_of(standing), left).seconds * 1000)


def _left_of(standing: Standing) -> Plan:
    """Without what has ended: what costs nothing needs no room either."""

    def kept(phase: Phase) -> Phase:
        return phase.model_copy(update={"tasks": tuple(t for t in phase.tasks if not standing.of(t.id).ended)})

    return standing.plan.changed(phases=tuple(map(kept, standing.plan.phases)))


def sum_of(states: Sequence[TaskStanding]) -> Spent:
    total = Spent()
    for state in states:
        total = total.plus(state.spent)
    return total


def waits_for(standing: Standing, phase: Phase, task: Task) -> list[str]:
    """Tasks that must end before its turn comes, those of earlier phases left out."""
    if not standing.of(task.id).waits:
        return []
    order = [other for other in before(phase, task) if not standing.of(other).ended]
    return list(dict.fromkeys([*(id_ for id_ in task.depends_on if not standing.of(id_).released), *order]))


def _phase_status(standing: Standing, phase: Phase) -> str:
    """Of a phase, in the words of a task's."""
    states = [standing.of(task.id).status for task in phase.tasks]
    if standing.phase_ended(phase):
        statuses = set(states) - {TaskStatus.SKIPPED}
        return next(iter(statuses)).value if len(statuses) == 1 else "COMPLETED" if statuses else "SKIPPED"
    if TaskStatus.FAILED in states:
        return "FAILED"
    current = standing.current_phase()
    began = standing.execution.number and current is not None and current.id == phase.id
    return "RUNNING" if began and standing.status.executing else "PENDING"


def _phase(standing: Standing, phase: Phase) -> dict[str, Any]:
    states = [standing.of(task.id) for task in phase.tasks]
    return {
        "id": phase.id,
        "title": phase.title,
        "mode": phase.mode,
        "status": _phase_status(standing, phase),
        "taskCounts": dict(Counter(state.status.value for state in states)),
        **_costs(sum_of(states)),
    }


def _task(standing: Standing, phase: Phase, task: Task) -> dict[str, Any]:
    state = standing.of(task.id)
    return {
        "id": task.id,
        "key": task.key,
        "title": task.title,
        "phaseId": phase.id,
        "status": state.status.value,
        "waitsFor": waits_for(standing, phase, task),
        "attempts": state.attempts,
        "commitSha": state.commit_sha,
        "revertSha": state.revert_sha,
        "errorMsg": state.error_msg,
        "note": state.note,
        "summary": state.summary,
        "filesChanged": list(state.files),
        "turns": state.turns,
        **_costs(state.spent),
        "startedAt": _time(state.started_at),
        "completedAt": _time(state.ended_at),
    }


def _costs(spent: Spent) -> dict[str, Any]:
    tokens = {
        "input": spent.input,
        "output": spent.output,
        "cacheRead": spent.cache_read,
        "cacheWrite": spent.cache_write,
    }
    return {"tokens": tokens, "costUsd": round(spent.cost_micro_usd / 1_000_000, 4)}


def _elapsed(standing: Standing, now_ms: int) -> int:
    started = standing.execution.started_at
    return max(0, (standing.execution.ended_at or now_ms) - started) if started else 0


def _time(at_ms: int | None) -> str | None:
    return rfc3339(at_ms) if at_ms else None
