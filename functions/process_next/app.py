"""One hop of a run.

Invoked asynchronously with {"runId": ...}; triggers its next hop in the same way.
"""

from dataclasses import replace
from typing import Any

from groundwork.adapters.aws.clients import secret_value
from groundwork.adapters.git import surveyor
from groundwork.api.hop_events import log_give_up, logger, run_hop
from groundwork.composition import services
from groundwork.generation.registry import run_handlers
from groundwork.imports.ports import ImportServices
from groundwork.llm.factory import choose
from groundwork.llm.port import Model
from groundwork.llm.prices import cost_micro_usd
from groundwork.plans.ports import PlanServices
from groundwork.plans.repo_survey import cache_surveys
from groundwork.runs.hop import HopRunner
from groundwork.runs.model import Run


def runner(context: Any) -> HopRunner:
    own, tables = services(), services().tables
    # for each hop: its items share a survey, and the next hop sees new commits
    survey = cache_surveys(surveyor(secret_value, own.settings.local))
    return HopRunner(
        store=tables.runs,
        backlog=tables.backlog,
        handlers=run_handlers(
            tables.runs,
            PlanServices(tables.plans, survey, tables.templates.get),
            ImportServices(tables.imports, own.files, tables.cards),
        ),
        model_for=model_for,
        price=cost_micro_usd,
        invoke=own.invoke,
        now_ms=own.now_ms,
        left_ms=context.get_remaining_time_in_millis,
        request_id=context.aws_request_id,
        on_give_up=log_give_up,
    )


def model_for(run: Run) -> Model:
    """Choose the model recorded in the run, even if the deployment's default has changed since."""
    return choose(replace(services().settings, ai=run.ai, model=run.model), secret_value)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    own = services()
    return run_hop(
        event["runId"], runner(context), own.tables, own.imports().start_next, context.get_remaining_time_in_millis
    )
