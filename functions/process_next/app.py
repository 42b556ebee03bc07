"""One hop of a run. Invoked asynchronously with {"runId": ...}; continues itself the same way."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from groundwork.adapters.aws.clients import async_invoker, secret_value
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.adapters.git import surveyor
from groundwork.errors import NotFound, Transient
from groundwork.generation.registry import run_handlers
from groundwork.ids import PLAN_ID, Kind, path_of
from groundwork.llm.factory import choose
from groundwork.llm.port import Model
from groundwork.llm.prices import cost_micro_usd
from groundwork.plans.ports import PlanServices
from groundwork.plans.repo_survey import cache_surveys
from groundwork.runs.hop import HopEnd, HopRunner
from groundwork.runs.model import ErrorCode, Run
from groundwork.settings import Settings

logger = Logger(service="process_next")


@cache
def settings() -> Settings:
    return Settings.from_environment()


@cache
def tables() -> Tables:
    return open_tables(settings())


def model_for(run: Run) -> Model:
    """The AI that the run was started with, also when the deployment's default has changed since."""
    return choose(replace(settings(), ai=run.ai, model=run.model), secret_value)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def log_give_up(code: ErrorCode, reason: str) -> None:
    """The template's metric RunsGivenUp, and the alarm on it, are made from this line."""
    logger.error("Run given up", code=code.value, reason=reason)


def plan_services() -> PlanServices:
    """A repository is surveyed once an invocation, however many parts of a plan are looked at."""
    survey = cache_surveys(surveyor(secret_value, settings().local))
    return PlanServices(tables().plans, survey, tables().templates.get)


def tidy_up(run_id: str, left_ms: Callable[[], int]) -> None:
    """Purges what a replacing run has left dead. What there is no time for, the schedule does."""
    path = path_of(Kind.RUN, run_id)
    try:
        if path and not PLAN_ID.fullmatch(path.project_id):
            tables().purger.purge(path.project_id, lambda: left_ms() < 5_000)
    except Transient as fault:
        logger.warning("The purge is left to the schedule", fault=str(fault))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Raises Transient where the tables cannot be reached: Lambda tries an async event twice more."""
    run_id = event["runId"]
    logger.append_keys(run_id=run_id)
    worker = HopRunner(
        store=tables().runs,
        backlog=tables().backlog,
        handlers=run_handlers(tables().runs, plan_services()),
        model_for=model_for,
        price=cost_micro_usd,
        invoke=async_invoker(settings().process_next),
        now_ms=now_ms,
        left_ms=context.get_remaining_time_in_millis,
        request_id=context.aws_request_id,
        on_give_up=log_give_up,
    )
    try:
        end = asyncio.run(worker.hop(run_id))
    except NotFound:
        # the project was deleted; there is nothing to try again
        logger.warning("The run is gone")
        return {"end": "gone"}
    logger.info("Hop ended", end=end.value)
    if end is HopEnd.ENDED:
        tidy_up(run_id, context.get_remaining_time_in_millis)
    return {"end": end.value}
