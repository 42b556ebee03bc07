"""Writes of a run to its plan.

The generated plan, suggestions, and the end of the iteration.
"""

from typing import Any

from groundwork.adapters.dynamodb.backlog_rows import to_ms
from groundwork.adapters.dynamodb.client import Transaction
from groundwork.adapters.dynamodb.plan_rows import (
    ContentRow,
    IterationRow,
    PlanRow,
    VersionRow,
    iteration_key,
    link_rows,
    version_key,
)
from groundwork.adapters.dynamodb.plan_versions import contents
from groundwork.ids import Kind, path_of
from groundwork.plans.history import IterationStatus
from groundwork.plans.model import PlanStatus
from groundwork.plans.ports import PartSuggestions, PlanRunEnded, PlanWritten
from groundwork.runs.model import Run, RunStatus


def write_plan(transaction: Transaction, run: Run, written: PlanWritten) -> None:
    plan, before, iteration = written.plan, written.before, written.iteration
    # `put_content` has written the revisions before: a plan may have hundreds
    transaction.put(VersionRow(plan.id, version_key(plan.version), index=contents(plan)[0]))
    head = [
        PlanRow.status.set(plan.status.value),
        PlanRow.version.set(plan.version),
        PlanRow.title.set(plan.title),
        PlanRow.last_phase.set(plan.last_phase),
        PlanRow.last_task.set(plan.last_task),
        PlanRow.phase_count.set(len(plan.phases)),
        PlanRow.task_count.set(sum(1 for _ in plan.tasks)),
        PlanRow.updated_at.set(to_ms(plan.updated_at)),
    ]
    if linked := link_rows(plan):
        head.append(PlanRow.story_ids.set(list(linked)))
    for row in linked.values():
        transaction.put(row)
    awaited: Any = (PlanRow.status == PlanStatus.GENERATING.value) & (PlanRow.version == before.version)
    transaction.update(PlanRow(plan.id), head, awaited, written.index)
    done = [
        IterationRow.status.set(IterationStatus.DONE.value),
        IterationRow.version.set(plan.version),
        IterationRow.changes.set(list(iteration.changes)),
    ]
    transaction.update(IterationRow(plan.id, iteration_key(iteration.number)), done)


def write_suggestions(transaction: Transaction, run: Run, written: PartSuggestions) -> None:
    path = path_of(Kind.ITERATION, written.iteration_id)
    assert path is not None
    place = f"{path.number:06d}#{written.part:03d}"
    for position, suggestion in enumerate(written.suggestions):
        row = ContentRow(path.project_id, f"S#{place}#{position:04d}", content=suggestion.stored())
        transaction.put(row)
    transaction.put(ContentRow(path.project_id, f"Q#{place}", content=list(written.dropped)))


def end_iteration(transaction: Transaction, run: Run, ended: PlanRunEnded) -> None:
    """Complete the run's iteration. A generation without a result leaves its plan FAILED."""
    path = path_of(Kind.RUN, run.id)
    assert path is not None
    generated = ended.generated
    reason = run.error or ("The generation was cancelled." if generated else "The review was cancelled.")
    failed = [PlanRow.status.set(PlanStatus.FAILED.value), PlanRow.error.set(reason[:500])]
    if generated:
        awaited: Any = PlanRow.status == PlanStatus.GENERATING.value
        transaction.update(PlanRow(path.project_id), failed, awaited, "run")
    outcome = [IterationRow.status.set(_outcome(run).value)]
    if run.status is not RunStatus.SUCCEEDED:
        outcome.append(IterationRow.error.set(reason[:500]))
    row = IterationRow(path.project_id, iteration_key(path.number))
    # an update without a condition would create a missing row
    transaction.update(row, outcome, IterationRow.body.exists(), "run")


def _outcome(run: Run) -> IterationStatus:
    """Return the iteration's status.

    A cancelled review keeps the suggestions of its finished parts.
    """
    if run.status is RunStatus.CANCELLED:
        return IterationStatus.CANCELLED
    return IterationStatus.DONE if run.completed else IterationStatus.FAILED
