"""Errors of plans, with the codes of the API."""

from collections.abc import Sequence
from typing import Any

from groundwork.errors import Conflict, Refusal


class InvalidPlan(Refusal):
    """The plan would not be valid; `details` is a list of {field, message, code}."""

    status = 422
    code = "INVALID"

    def __init__(self, faults: Sequence[dict[str, Any]]) -> None:
        text = "; ".join(str(fault["message"]) for fault in faults[:3])
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        super().__init__(f"The plan would not be valid: {text}{more}", list(faults))


class VersionConflict(Conflict):
    """The plan has changed since it was read; `details.version` is its current version."""

    code = "VERSION_CONFLICT"

    def __init__(self, version: int) -> None:
        super().__init__(None, {"version": version})


class HasDependents(Conflict):
    """Other tasks depend on this; `dependents=repair` links them to its own dependencies."""

    code = "HAS_DEPENDENTS"

    def __init__(self, task_ids: Sequence[str]) -> None:
        super().__init__(None, {"taskIds": list(task_ids)})


class PlanNotEditable(Conflict):
    """A plan in this status cannot be edited."""

    code = "PLAN_NOT_EDITABLE"


class TaskAlreadyStarted(Conflict):
    """A task that has started cannot be edited; `details.taskIds` lists such tasks."""

    code = "TASK_BEGUN"

    def __init__(self, task_ids: Sequence[str], waiting: Sequence[str] = ()) -> None:
        """`waiting`: tasks to delete, not started but waiting at a gate of the execution."""
        details = {"taskIds": [*task_ids, *waiting]} | ({"waitingTaskIds": list(waiting)} if waiting else {})
        only = "A task waiting at its gate cannot be deleted: skip it instead."
        super().__init__(only if waiting and not task_ids else None, details)


class StaleSuggestion(Conflict):
    """The plan has changed where these suggestions apply; see `details.suggestionIndices`."""

    code = "STALE_SUGGESTION"

    def __init__(self, indices: Sequence[int], version: int) -> None:
        super().__init__(None, {"suggestionIndices": list(indices), "version": version})


class ConflictingSuggestions(Conflict):
    """Some suggestions exclude each other; `details.pairs` lists them with their targets."""

    code = "CONFLICTING_SUGGESTIONS"

    def __init__(self, pairs: Sequence[dict[str, Any]]) -> None:
        super().__init__(None, {"pairs": list(pairs)})


class NothingToApply(Conflict):
    """This iteration has no suggestions: no review, still running, failed, or none found."""

    code = "NOTHING_TO_APPLY"


class PlanInUse(Conflict):
    """A generation or review of this plan is running; cancel it or wait. See `details.runId`."""

    code = "PLAN_IN_USE"

    def __init__(self, run_id: str | None) -> None:
        super().__init__(None, {"runId": run_id})


class RepositoryInUse(Conflict):
    """The repository has plans; delete them first."""

    code = "REPOSITORY_IN_USE"


class BuiltinTemplate(Conflict):
    """Built-in templates cannot be deleted."""

    code = "BUILTIN_TEMPLATE"
