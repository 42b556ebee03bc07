"""What a person cannot ask of a plan that is carried out, with codes."""

from collections.abc import Sequence

from groundwork.errors import Conflict


class WrongStatus(Conflict):
    """The plan is in a status that does not allow this; `run_details.status` is it."""

    code = "PLAN_STATUS"

    def __init__(self, verb: str, status: str) -> None:
        super().__init__(f"A plan that is {status} cannot be {verb}.", {"status": status})


class WrongTaskStatus(Conflict):
    """The task is in a status that does not allow this; `run_details.status` is it."""

    code = "TASK_STATUS"

    def __init__(self, verb: str, status: str) -> None:
        super().__init__(f"A task that is {status} cannot be {verb}.", {"status": status})


class NotItsTurn(Conflict):
    """The task waits for others, which have not ended; `run_details.taskIds` names them."""

    code = "NOT_ITS_TURN"

    def __init__(self, task_ids: Sequence[str]) -> None:
        super().__init__(None, {"taskIds": list(task_ids)})


class NothingCanGoOn(Conflict):
    """Nothing can go on before somebody retries, completes or skips the failed tasks, which `run_details.taskIds` names."""

    code = "TASK_FAILED"

    def __init__(self, task_ids: Sequence[str]) -> None:
        super().__init__(None, {"taskIds": list(task_ids)})


class NotScheduled(Conflict):
    """It is not to be begun at this time, or has been already."""

    code = "NOT_SCHEDULED"


class RollingBack(Conflict):
    """Commits of this plan are being taken back; wait until that has ended."""

    code = "ROLLING_BACK"


class NothingToRollBack(Conflict):
    """No commit of this plan is to be taken back there."""

    code = "NOTHING_TO_ROLL_BACK"


class DependentsFirst(Conflict):
    """Other tasks build on this; `run_details.taskIds` names them in the order in which they would be taken back first."""

    code = "HAS_DEPENDENTS"

    def __init__(self, task_ids: Sequence[str]) -> None:
        super().__init__(None, {"taskIds": list(task_ids)})
