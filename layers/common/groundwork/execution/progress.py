"""Progress of a plan: counts, waiting tasks, cost, and time left along the critical path."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from groundwork.backlog.model import rfc3339
from groundwork.checks.model import Verified
from groundwork.execution.gates import earlier_in_phase, is_due
from groundwork.execution.state import Execution, ExecutionState, TaskExecution, TaskUsage
from groundwork.plans.graph import schedule
from groundwork.plans.model import Phase, Plan, PlanStatus, Task, TaskStatus

MIN_REMAINING = 0.1
"""Share of a task's expected time still assumed once it has overrun."""

ExpectedSeconds = Callable[[Task], float]
"""Expected seconds of a task from its start."""


def progress(
    execution_state: ExecutionState, events: Sequence[dict[str, Any]], expect: ExpectedSeconds, now_ms: int
) -> dict[str, Any]:
    plan, execution = execution_state.plan, execution_state.execution
    current = execution_state.current_phase() if execution.number else None
    spent = total_usage([execution_state.of(task.id) for task in plan.tasks])
    ended = sum(execution_state.of(task.id).ended for task in plan.tasks)
    total = sum(1 for _ in plan.tasks)
    return {
        "planId": plan.id,
        "status": execution_state.status.value,
        "cause": execution.cause.value if execution.cause else None,
        "reason": execution.reason,
        "version": plan.version,
        "branch": execution_state.branch,
        "execution": execution.number,
        "seq": execution.seq,
        "schedule": execution.schedule.as_json() if execution.schedule else None,
        "passedOver": execution.passed_over.as_json() if execution.passed_over else None,
        "rollback": rollback_shown(execution),
        "phases": [_phase(execution_state, phase) for phase in plan.phases],
        "phaseCounts": dict(Counter(_phase_status(execution_state, phase) for phase in plan.phases)),
        "taskCounts": dict(Counter(execution_state.of(task.id).status.value for task in plan.tasks)),
        "totalTasks": total,
        # rounded down: 100 only after the last task
        "progress": 100 * ended // total if total else 0,
        "currentPhaseId": current.id if current else None,
        "tasks": [_task(execution_state, phase, task) for phase in plan.phases for task in phase.tasks],
        **_costs(spent),
        "elapsedMs": _elapsed(execution_state, now_ms),
        "estimatedRemainingMs": remaining_ms(execution_state, expect, now_ms),
        "startedAt": _timestamp(execution.started_at),
        "completedAt": _timestamp(execution.ended_at),
        "events": list(events),
        "pollAfterMs": 2_000 if execution_state.status.executing else None,
    }


def rollback_shown(execution: Execution) -> dict[str, Any] | None:
    rollback = execution.rollback
    if rollback is None:
        return None
    unchecked = rollback.status == "DONE" and not execution.checks
    verified = Verified.NOT_CONFIGURED if unchecked else rollback.verified
    shown = {"heads": [head.as_json() for head in rollback.heads], "verified": verified.value if verified else None}
    return rollback.as_json() | shown


def remaining_ms(execution_state: ExecutionState, expect: ExpectedSeconds, now_ms: int) -> int | None:
    """Remaining work in ms; time for approvals is not included. None if the plan is inactive."""
    if not execution_state.status.executing:
        return 0 if execution_state.status is PlanStatus.COMPLETED else None

    def left(task: Task) -> float:
        state = execution_state.of(task.id)
        if state.ended:
            return 0.0
        if state.status is not TaskStatus.RUNNING or state.started_at is None:
            return expect(task)
        return max(expect(task) - (now_ms - state.started_at) / 1000, MIN_REMAINING * expect(task))

    return round(schedule(_remaining_plan(execution_state), left).seconds * 1000)


def _remaining_plan(execution_state: ExecutionState) -> Plan:
    """Remove ended tasks: they take no time and no slot."""

    def kept(phase: Phase) -> Phase:
        return phase.model_copy(update={"tasks": tuple(t for t in phase.tasks if not execution_state.of(t.id).ended)})

    return execution_state.plan.changed(phases=tuple(map(kept, execution_state.plan.phases)))


def total_usage(states: Sequence[TaskExecution]) -> TaskUsage:
    total = TaskUsage()
    for state in states:
        total = total.plus(state.usage)
    return total


def waits_for(execution_state: ExecutionState, phase: Phase, task: Task) -> list[str]:
    """List unfinished tasks before this one, earlier phases left out."""
    if not execution_state.of(task.id).is_waiting:
        return []
    order = [other for other in earlier_in_phase(phase, task) if not execution_state.of(other).ended]
    return list(dict.fromkeys([*(id_ for id_ in task.depends_on if not execution_state.of(id_).released), *order]))


def _phase_status(execution_state: ExecutionState, phase: Phase) -> str:
    """Status of a phase, in the terms of a task's status."""
    states = [execution_state.of(task.id).status for task in phase.tasks]
    if execution_state.phase_ended(phase):
        statuses = set(states) - {TaskStatus.SKIPPED}
        return next(iter(statuses)).value if len(statuses) == 1 else "COMPLETED" if statuses else "SKIPPED"
    if TaskStatus.FAILED in states:
        return "FAILED"
    current = execution_state.current_phase()
    began = execution_state.execution.number and current is not None and current.id == phase.id
    return "RUNNING" if began and execution_state.status.executing else "PENDING"


def _phase(execution_state: ExecutionState, phase: Phase) -> dict[str, Any]:
    states = [execution_state.of(task.id) for task in phase.tasks]
    return {
        "id": phase.id,
        "title": phase.title,
        "mode": phase.mode,
        "status": _phase_status(execution_state, phase),
        "taskCounts": dict(Counter(state.status.value for state in states)),
        **_costs(total_usage(states)),
    }


def _task(execution_state: ExecutionState, phase: Phase, task: Task) -> dict[str, Any]:
    state = execution_state.of(task.id)
    return {
        "id": task.id,
        "key": task.key,
        "title": task.title,
        "phaseId": phase.id,
        "status": state.status.value,
        "waitsFor": waits_for(execution_state, phase, task),
        "attempts": state.attempts,
        "commitSha": state.commit_sha,
        "revertSha": state.revert_sha,
        "errorMsg": state.error_msg,
        "activity": activity_of(execution_state, phase, task),
        "verified": state.verified.value if state.verified else None,
        "findings": list(state.findings),
        "reviewed": state.reviewed or None,
        "note": state.note,
        "summary": state.summary,
        "filesChanged": list(state.files),
        "turns": state.turns,
        **_costs(state.usage),
        "startedAt": _timestamp(state.started_at),
        "completedAt": _timestamp(state.ended_at),
    }


def activity_of(execution_state: ExecutionState, phase: Phase, task: Task) -> str | None:
    """Say in a line what is happening to a task of a plan in execution. None if nothing is."""
    state = execution_state.of(task.id)
    if state.status is TaskStatus.RUNNING:
        return state.activity or "Starting"
    if state.status is TaskStatus.AWAITING_APPROVAL:
        return "Waiting for approval"
    due = execution_state.status is PlanStatus.RUNNING and state.status is TaskStatus.WAITING
    if due and phase == execution_state.current_phase() and is_due(execution_state, phase, task):
        return "Waiting for a free slot"
    return None


def _costs(spent: TaskUsage) -> dict[str, Any]:
    tokens = {
        "input": spent.input,
        "output": spent.output,
        "cacheRead": spent.cache_read,
        "cacheWrite": spent.cache_write,
    }
    return {"tokens": tokens, "costUsd": round(spent.cost_micro_usd / 1_000_000, 4)}


def _elapsed(execution_state: ExecutionState, now_ms: int) -> int:
    started = execution_state.execution.started_at
    return max(0, (execution_state.execution.ended_at or now_ms) - started) if started else 0


def _timestamp(at_ms: int | None) -> str | None:
    return rfc3339(at_ms) if at_ms else None
