"""The content of a plan version: an index of revisions, and the revisions by content key."""

from typing import Any

from groundwork.adapters.dynamodb.plan_rows import PlanRow, content_key, suffix
from groundwork.backlog.model import rfc3339
from groundwork.plans.model import DETAILS, Phase, Plan, PlanStatus, Task, fingerprint

type Index = list[Any]


def contents(plan: Plan) -> tuple[Index, dict[str, Any]]:
    """Return a version's index, and its revisions by content key."""
    rows: dict[str, Any] = {}

    def revision(element: str, content: dict[str, Any]) -> str:
        named = fingerprint(content)[:16]
        rows[content_key(element, named)] = content
        return named

    phases = []
    for phase in plan.phases:
        tasks = [[suffix(task.id), revision(suffix(task.id), _task_content(task))] for task in phase.tasks]
        phases.append([suffix(phase.id), revision(suffix(phase.id), _phase_content(phase)), tasks])
    return [revision("D", plan.stored(include=set(DETAILS))), phases], rows


def keys_of(index: Index) -> list[str]:
    """Return the content keys in a version's index."""
    own, phases, *_ = index
    keys = [content_key("D", own)]
    for phase, revision, tasks, *_ in phases:
        keys.append(content_key(phase, revision))
        keys += [content_key(task, its) for task, its, *_ in tasks]
    return keys


def plan_of(head: PlanRow, version: int, index: Index, content: dict[str, Any]) -> Plan:
    """Build the plan at a version from its index and revisions."""
    own, phases, *_ = index
    columns = {
        "id": head.pk,
        "repositoryId": head.repository_id,
        "status": PlanStatus(head.status),
        "version": version,
        "lastPhase": int(head.last_phase),
        "lastTask": int(head.last_task),
        "error": head.error,
        "madeBy": head.made_by,
        "createdAt": rfc3339(int(head.created_at)),
        "updatedAt": rfc3339(int(head.updated_at)),
        "phases": tuple(_phase_of(head.pk, line, content) for line in phases),
    }
    return Plan.read(content[content_key("D", own)] | columns)


def _phase_of(plan_id: str, line: list[Any], content: dict[str, Any]) -> Phase:
    number, revision, tasks, *_ = line
    return Phase.read(
        content[content_key(number, revision)]
        | {
            "id": f"{plan_id}-{number}",
            "tasks": [content[content_key(task, its)] | {"id": f"{plan_id}-{task}"} for task, its, *_ in tasks],
        }
    )


def _phase_content(phase: Phase) -> dict[str, Any]:
    return phase.stored(exclude={"id", "tasks"}, exclude_defaults=True)


def _task_content(task: Task) -> dict[str, Any]:
    return task.stored(exclude={"id"}, exclude_defaults=True)
