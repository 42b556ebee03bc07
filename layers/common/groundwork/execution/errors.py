"""Errors of commands on a plan under execution, with codes.

Docstrings are the default texts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.errors import Conflict


class WrongStatus(Conflict):
    """The status of the plan does not allow this; see `details.status`."""

    code = "PLAN_STATUS"

    def __init__(self, action: str, status: str) -> None:
        super().__init__(f"Cannot {action}: the plan is {status}.", {"status": status})


class WrongTaskStatus(Conflict):
    """The status of the task does not allow this; see `details.status`."""

    code = "TASK_STATUS"

    def __init__(self, action: str, status: str) -> None:
        super().__init__(f"Cannot {action} the task: it is {status}.", {"status": status})


class NotItsTurn(Conflict):
    """The task waits for unfinished tasks; `details.taskIds` names them."""

    code = "NOT_ITS_TURN"

    def __init__(self, task_ids: Sequence[str]) -> None:
        super().__init__(None, {"taskIds": list(task_ids)})


class NothingCanGoOn(Conflict):
    """The plan is blocked by failed tasks: retry, complete or skip them.

    `details.taskIds` names them.
    """

    code = "TASK_FAILED"

    def __init__(self, task_ids: Sequence[str]) -> None:
        super().__init__(None, {"taskIds": list(task_ids)})


class NotScheduled(Conflict):
    """The schedule does not fire at this time, or has already fired."""

    code = "NOT_SCHEDULED"


class RollingBack(Conflict):
    """A rollback of this plan is in progress. Wait until it has ended."""

    code = "ROLLING_BACK"


class NothingToRollBack(Conflict):
    """There is nothing to roll back."""

    code = "NOTHING_TO_ROLL_BACK"


class DependentsFirst(Conflict):
    """Other tasks build on this one. Roll back `details.taskIds` first, in this order."""

    code = "HAS_DEPENDENTS"

    def __init__(self, task_ids: Sequence[str]) -> None:
        super().__init__(None, {"taskIds": list(task_ids)})


class BaselineFailing(Conflict):
    """The checks fail on the default branch itself.

    Repair it and run the baseline again, or set `allowRedBaseline`. `details.repositoryId` names the repository.
    """

    code = "BASELINE_FAILING"

    def __init__(self, details: Mapping[str, Any]) -> None:
        super().__init__(None, dict(details))


class ChecksUnavailable(Conflict):
    """No sandbox is available to run checks in."""

    code = "SANDBOX_UNAVAILABLE"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Checks cannot run here: {reason}", {"reason": reason})
