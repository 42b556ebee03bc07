"""Events of plan executions, from the state machine, EventBridge and the scheduler."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from groundwork.adapters.aws.clients import secret_value
from groundwork.adapters.git.repository import open_repository
from groundwork.agent.repository import Upstream
from groundwork.api.plan_events import PlanEvents, logger
from groundwork.composition import services
from groundwork.execution.agent_worker import AgentWorker
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.git_reverter import GitReverter
from groundwork.execution.step_handler import StepHandler
from groundwork.llm.prices import cost_micro_usd
from groundwork.plans.repositories import Repository


def coordinator(actor: str | None = None) -> ExecutionCoordinator:
    return services().coordinator(actor, lambda problem: logger.warning("Notification failed", problem=problem))


def upstream(repository: Repository, folder: Path) -> AbstractContextManager[Upstream]:
    return open_repository(repository, secret_value, folder, services().settings.local)


def events(context: Any) -> PlanEvents:
    # for each event: the time left belongs to one invocation
    own, tables, left_ms = services(), services().tables, context.get_remaining_time_in_millis
    steps = StepHandler(
        store=tables.executions,
        coordinator=coordinator(),
        worker=AgentWorker(upstream, own.session_model, cost_micro_usd, tables.sessions, own.open_checks),
        repository=tables.repositories.get,
        now_ms=own.now_ms,
        left_ms=left_ms,
        record_measurement=tables.measures.add,
    )
    return PlanEvents(
        tables=tables,
        coordinator=coordinator,
        steps=steps,
        reverter=GitReverter(upstream, tables.sessions),
        timer=own.timer,
        baselines=own.baseline_worker(upstream, left_ms),
        keeper=own.keeper,
        checks_at_start=own.checks_at_start(),
        rollback_checker=own.rollback_checker(coordinator(), upstream, left_ms),
        now_ms=own.now_ms,
        left_ms=left_ms,
    )


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return events(context).handle(event)
