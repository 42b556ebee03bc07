"""What carrying out plans needs of the world around it."""

from dataclasses import dataclass
from typing import Any, Protocol

from groundwork.execution.state import ExecutionState
from groundwork.execution.worker import TurnReport


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened to a plan: `task_id` None where it is the plan itself."""

    at_ms: int
    what: str
    who: str | None = None
    task_id: str | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        said = {"what": self.what, "who": self.who, "taskId": self.task_id, "reason": self.reason}
        return {name: value for name, value in said.items() if value is not None}


class Executions(Protocol):
    """Where plans stand. Raises NotFound, Transient from every method."""

    def read(self, plan_id: str) -> ExecutionState: ...

    def commit(self, before: ExecutionState, after: ExecutionState, events: tuple[Event, ...]) -> None:
        """All that is different, or nothing. Raises WriteConflict where anything has changed since `earlier_in_phase` was read.

        Tasks that begin or end to be RUNNING are counted against the account's limit in the same step; WriteConflict
        too where there is no room for them any more.
        """
        ...

    def save_pending_token(self, plan_id: str, task_id: str, number: int, token: str, attempt_key: str = "") -> None:
        """Keeps the token of a gate that has been come to, whatever else is written meanwhile; nothing where a later
        try of this execution has come before, or a later execution: an invocation may be late, or a second one.
        """
        ...

    def claim_is_valid(self, plan_id: str, task_id: str, epoch: int) -> bool:
        """Whether the task is still at work under this claim."""
        ...

    def renew_lease(self, plan_id: str, task_id: str, epoch: int, until_ms: int) -> bool:
        """Whether it is, and its lease has been made longer."""
        ...

    def record_turn(self, plan_id: str, task_id: str, turn: TurnReport, at_ms: int) -> None:
        """Adds what a turn has cost, and keeps it for those who watch."""
        ...

    def needing_attention(self, since_ms: int) -> list[str]:
        """Plans under way, and those that were changed lately, in which nothing has been written since then."""
        ...

    def mark_idle(self, execution_state: ExecutionState) -> None:
        """That nothing is left to be looked at, unless the plan has changed since."""
        ...

    def free_slots(self) -> int:
        """How many more tasks the account lets begin."""
        ...

    def mark_waiting_for_capacity(self, plan_id: str) -> None:
        """Keeps in mind that this plan waits for room."""
        ...

    def pop_waiting_for_capacity(self) -> list[str]:
        """Plans that wait for it; they are forgotten by being told."""
        ...


class Machine(Protocol):
    """The state machine that carries plans. Raises Transient."""

    def start(self, plan_id: str, number: int) -> bool:
        """An execution of that number, unless it has been started already. False where that one has ended."""
        ...

    def request_rollback(self, plan_id: str) -> None:
        """Has the plan's rollback carried out."""
        ...

    def open_gate(self, token: str, answer: str) -> None:
        """Lets go on what waits with this token, if anything still does."""
        ...

    def close_gate(self, token: str) -> None:
        """Ends the execution that waits with this token, if it still does."""
        ...
