"""Brief of a session: the task, from the plan and the results of earlier tasks."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from groundwork.agent.check_state import MAX_COMMAND_SECONDS, CheckState
from groundwork.agent.session import AttemptLimits, DependencySummary, FailedAttempt, TaskBrief
from groundwork.backlog.model import Effort, Value
from groundwork.checks.model import CheckSettings
from groundwork.plans.model import Plan, Task
from groundwork.text import shorten

# the brief is part of every request of the session, so each call pays for its length
MAX_DEPENDENCIES = 20
MAX_SUMMARY = 600
MAX_REASON = 1_500
MAX_FILES = 30

_LIMIT_FACTORS = {"XS": 0.4, "S": 0.6, "M": 1.0, "L": 1.5, "XL": 2.0}
"""Factors on the default limits of a session, by effort."""


class CompletedDependency(Value):
    """Result of a task for its dependents."""

    summary: str = ""
    files: tuple[str, ...] = Field(default=())


REVIEW_SHARE = 0.2
"""Share of an attempt's cost for its review and the checks before it lands."""


def limits_for(effort: Effort, max_cost_micro_usd: int | None = None, reviewed: bool = False) -> AttemptLimits:
    """Return the limits of an attempt's session.

    `max_cost_micro_usd` may lower the usual cost of the attempt. Of it, `reviewed` keeps a share for the review.
    """
    usual, share = AttemptLimits(), _LIMIT_FACTORS[effort]
    cost = round(usual.cost_micro_usd * share)
    if max_cost_micro_usd is not None:
        cost = round(min(cost, max_cost_micro_usd) * (1 - REVIEW_SHARE * reviewed))
    return AttemptLimits(
        turns=round(usual.turns * share),
        tokens=round(usual.tokens * share),
        cost_micro_usd=cost,
        seconds=round(usual.seconds * share),
    )


def review_cost_for(effort: Effort, max_cost_micro_usd: int | None = None) -> int:
    """Return the most that the review of an attempt may cost, in millionths of a dollar."""
    return round(limits_for(effort, max_cost_micro_usd).cost_micro_usd * REVIEW_SHARE)


def check_state_for(effort: Effort, settings: CheckSettings) -> CheckState:
    # a command must be able to use its own limit
    seconds = max(settings.timeout_s, round(MAX_COMMAND_SECONDS * _LIMIT_FACTORS[effort]))
    return CheckState(max_seconds=seconds)


def make_brief(
    plan: Plan,
    task: Task,
    attempt: int,
    done: Mapping[str, CompletedDependency],
    failed: Sequence[FailedAttempt] = (),
    note: str = "",
) -> TaskBrief:
    """Make the brief of an attempt.

    `done` holds completed tasks by id; `failed` lists earlier attempts at this task. `note` is a user's remark on a
    rejection or retry, and is shown to the model like a failed attempt's reason.
    """
    reasons = [*failed, *([FailedAttempt(attempt=attempt - 1, reason=f"A user says: {note}")] if note else [])]
    return TaskBrief(
        plan_id=plan.id,
        task_id=task.id,
        attempt=attempt,
        plan_title=plan.title,
        key=task.key,
        title=task.title,
        description=task.description,
        acceptance_criteria=task.acceptance_criteria,
        files=task.files,
        change_asked=task.change_asked,
        earlier=tuple(FailedAttempt(attempt=e.attempt, reason=shorten(e.reason, MAX_REASON)) for e in reasons),
        dependencies=_dependency_summaries(plan, task, done),
    )


def _dependency_summaries(
    plan: Plan, task: Task, done: Mapping[str, CompletedDependency]
) -> tuple[DependencySummary, ...]:
    needed = [other for other in plan.tasks if other.id in task.depends_on and other.id in done]
    return tuple(
        DependencySummary(
            key=other.key,
            title=other.title,
            summary=shorten(done[other.id].summary, MAX_SUMMARY),
            files=done[other.id].files[:MAX_FILES],
        )
        for other in needed[:MAX_DEPENDENCIES]
    )
