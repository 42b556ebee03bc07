"""What the state machine of plans asks, and what EventBridge tells of its executions. Invoked with {"do": ...}."""

import asyncio
import time
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from groundwork.adapters.aws.clients import secret_value
from groundwork.adapters.aws.scheduler import PlanTimer
from groundwork.adapters.aws.step_functions import PlanMachine
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.adapters.git.repository import open_repository
from groundwork.agent.repository import Upstream
from groundwork.errors import NotFound, Refusal
from groundwork.execution.agent_worker import AgentWorker
from groundwork.execution.commands import Actor
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.git_reverter import GitReverter
from groundwork.execution.rollback_runner import RollbackRunner
from groundwork.execution.schedule import fire
from groundwork.execution.step_handler import StepHandler
from groundwork.execution.worker import Reverter, TaskWorker
from groundwork.ids import PLAN_ID
from groundwork.llm.factory import choose
from groundwork.llm.prices import cost_micro_usd
from groundwork.plans.repositories import Repository
from groundwork.settings import Settings

QUIET_MS = 60_000
"""A plan in which something has been written so lately is looked at by whoever writes."""

logger = Logger(service="plan_executor")


@cache
def settings() -> Settings:
    return Settings.from_environment()


@cache
def tables() -> Tables:
    return open_tables(settings())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def conductor(who: str | None = None) -> ExecutionCoordinator:
    machine = PlanMachine(settings().plan_machine, settings().plan_executor)
    return ExecutionCoordinator(
        tables().executions, machine, now_ms, who, on_notify_error=lambda what: logger.warning("Unheard", what=what)
    )


def upstream(repository: Repository, folder: Path) -> AbstractContextManager[Upstream]:
    return open_repository(repository, secret_value, folder, settings().local)


def worker() -> TaskWorker:
    return AgentWorker(upstream, lambda: choose(settings(), secret_value), cost_micro_usd, tables().sessions)


def reverter() -> Reverter:
    return GitReverter(upstream, tables().sessions)


def carrier(context: Any) -> StepHandler:
    return StepHandler(
        store=tables().executions,
        coordinator=conductor(),
        worker=worker(),
        repository=tables().repositories.get,
        now_ms=now_ms,
        left_ms=context.get_remaining_time_in_millis,
        record_measurement=tables().measures.add,
    )


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Raises what the state machine tries again: Transient, and PlanNotEnded, which it makes a failure of."""
    if event.get("source") == "aws.states":
        return execution_ended(event["detail"])
    if event["do"] == "SWEEP":
        return sweep(context)
    if event["do"] == "UNDO":
        return undo(event["planId"])
    if event["do"] == "SCHEDULED":
        return scheduled(event)
    names = ("planId", "number", "taskId", "phaseId")
    logger.append_keys(do=event["do"], **{name: event[name] for name in names if name in event})
    try:
        answer = done(event, carrier(context))
    except NotFound:
        logger.warning("The plan is gone")
        raise
    logger.info("Done", answer=answer)
    return answer


def done(event: dict[str, Any], carrier: StepHandler) -> dict[str, Any]:
    plan_id, number = event["planId"], event["number"]
    match event["do"]:
        case "BEGIN":
            return carrier.list_phases(plan_id, number)
        case "PHASE":
            return carrier.list_tasks(plan_id, number, event["phaseId"])
        case "GATE":
            return carrier.wait_at_gate(plan_id, number, event["taskId"], event["token"], try_of(event))
        case "WORK":
            return asyncio.run(carrier.run_task(plan_id, number, event["taskId"], try_of(event)))
        case "END":
            return carrier.end(plan_id, number)
        case "FAILED":
            return carrier.fail(plan_id, number, reason_of(event.get("error") or {}))
    raise ValueError(f"nobody knows how to do {event['do']!r}")


def try_of(event: dict[str, Any]) -> str:
    """Sorts the tries of a state. An execution that an earlier release has begun does not tell them."""
    return f"{event.get('entered', '')} {event.get('retry', 0):03d}"


def sweep(context: Any) -> dict[str, Any]:
    """What was written and not told, or was cut off half-way, is taken up again."""
    looked = conductor().sweep(now_ms() - QUIET_MS, lambda: context.get_remaining_time_in_millis() < 10_000)
    logger.info("Swept", looked=looked)
    return {"looked": looked}


def scheduled(event: dict[str, Any]) -> dict[str, Any]:
    """A plan that cannot be begun now, such as one that is still under way, waits for its next time, and says so."""
    plan_id, asked = event["planId"], Actor("schedule", now_ms())
    try:
        execution_state = conductor("schedule").change(
            plan_id, lambda now: fire(now, event["expression"], event["time"], asked)
        )
    except NotFound:
        PlanTimer(settings().schedule_prefix, "", "").clear(plan_id)
        return {"status": "gone"}
    except Refusal as refused:
        logger.warning("A scheduled plan was not begun", plan_id=plan_id, reason=str(refused))
        return {"status": "refused"}
    passed = execution_state.execution.passed_over
    if passed is not None and passed.time == event["time"]:
        logger.warning("A scheduled time was passed over", plan_id=plan_id, reason=passed.reason)
        return {"status": "passed over"}
    return {"status": execution_state.status.value}


def undo(plan_id: str) -> dict[str, Any]:
    """Raises Transient: Lambda tries an asynchronous event twice more, the sweep later on."""
    undoer = RollbackRunner(tables().executions, conductor(), reverter(), tables().repositories.get, now_ms)
    try:
        status = undoer.run(plan_id)
    except NotFound:
        status = "gone"
    logger.info("Rollback", plan_id=plan_id, status=status)
    return {"status": status}


def execution_ended(detail: dict[str, Any]) -> dict[str, Any]:
    """The rule on executions' status: none leaves its plan under way."""
    plan_id, _, number = detail["name"].rpartition("-")
    if not (PLAN_ID.fullmatch(plan_id) and number.isdecimal()):
        return {"status": "another"}  # one that somebody has started by hand
    reason = f"Its execution has ended: {detail['status']}. {detail.get('cause') or ''}".strip()
    try:
        execution_state = conductor().execution_over(plan_id, int(number), reason[:1_000])
    except NotFound:
        return {"status": "gone"}
    return {"status": execution_state.status.value}


def reason_of(error: dict[str, Any]) -> str:
    return f"{error.get('Error', 'The execution failed')}: {error.get('Cause', '')}"[:1_000].strip(": ")
