"""What is refused of a plan, with the contract's codes."""

from collections.abc import Sequence
from typing import Any

from groundwork.errors import Conflict, Refusal


class InvalidPlan(Refusal):
    """The plan would not be valid; `details` is a list of {field, message, code}, a cycle with its path."""

    status = 422
    code = "INVALID"

    def __init__(self, faults: Sequence[dict[str, Any]]) -> None:
        text = "; ".join(str(fault["message"]) for fault in faults[:3])
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        super().__init__(f"The plan would not be valid: {text}{more}", list(faults))


class VersionConflict(Conflict):
    """Somebody else has changed the plan since; `details.version` is its version now."""

    code = "VERSION_CONFLICT"

    def __init__(self, version: int) -> None:
        super().__init__(None, {"version": version})


class HasDependents(Conflict):
    """Other tasks depend on this; delete it with `dependents=repair` to let them depend on what it depended on."""

    code = "HAS_DEPENDENTS"

    def __init__(self, task_ids: Sequence[str]) -> None:
        super().__init__(None, {"taskIds": list(task_ids)})


class PlanNotEditable(Conflict):
    """A plan in this status cannot be edited."""

    code = "PLAN_NOT_EDITABLE"


class TaskBegun(Conflict):
    """A task that has begun cannot be edited any more; `details.taskIds` names what would be touched."""

    code = "TASK_BEGUN"

    def __init__(self, task_ids: Sequence[str], waiting: Sequence[str] = ()) -> None:
        """`waiting`: tasks to be deleted that have not begun, but wait at their gates, where the execution has them."""
        details = {"taskIds": [*task_ids, *waiting]} | ({"waitingTaskIds": list(waiting)} if waiting else {})
        only = "A task that waits at its gate cannot be deleted any more: skip it instead."
        super().__init__(only if waiting and not task_ids else None, details)


class StaleSuggestion(Conflict):
    """What these suggestions would change has changed since they were made; `details.suggestionIndices` names them."""

    code = "STALE_SUGGESTION"

    def __init__(self, indices: Sequence[int], version: int) -> None:
        super().__init__(None, {"suggestionIndices": list(indices), "version": version})


class ConflictingSuggestions(Conflict):
    """Some of the chosen suggestions cannot go together; `details.pairs` names them and what both would change."""

    code = "CONFLICTING_SUGGESTIONS"

    def __init__(self, pairs: Sequence[dict[str, Any]]) -> None:
        super().__init__(None, {"pairs": list(pairs)})


class NothingToApply(Conflict):
    """This iteration holds no suggestions: its review has not ended, has failed, or is none."""

    code = "NOTHING_TO_APPLY"


class PlanInUse(Conflict):
    """A generation or a review of this plan is under way; cancel it or wait. `details.runId` names it."""

    code = "PLAN_IN_USE"

    def __init__(self, run_id: str | None) -> None:
        super().__init__(None, {"runId": run_id})


class RepositoryInUse(Conflict):
    """There are plans for this repository; delete them first."""

    code = "REPOSITORY_IN_USE"


class BuiltinTemplate(Conflict):
    """This template comes with the project and cannot be deleted."""

    code = "BUILTIN_TEMPLATE"
