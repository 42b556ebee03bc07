"""Ports of plan execution: the store and the state machine."""

from dataclasses import dataclass
from typing import Any, Protocol

from groundwork.execution.state import ExecutionState
from groundwork.execution.worker import TurnReport


@dataclass(frozen=True, slots=True)
class Event:
    """Event of a task, or of the plan itself if `task_id` is None."""

    at_ms: int
    what: str
    who: str | None = None
    task_id: str | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        said = {"what": self.what, "who": self.who, "taskId": self.task_id, "reason": self.reason}
        return {name: value for name, value in said.items() if value is not None}


class Executions(Protocol):
    """Store of execution states. Every method raises NotFound, Transient."""

    def read(self, plan_id: str) -> ExecutionState: ...

    def commit(self, before: ExecutionState, after: ExecutionState, events: tuple[Event, ...]) -> None:
        """Write all differences, or nothing.

        Raises WriteConflict if anything changed since `before` was read.

        The same write counts started and ended tasks against the account's limit. Raises WriteConflict if no slot is
        free.
        """
        ...

    def save_pending_token(self, plan_id: str, task_id: str, number: int, token: str, attempt_key: str = "") -> None:
        """Save the token of a reached gate, independent of other writes.

        Does nothing if a later try of this execution, or a later execution, was saved before: invocations may be late
        or doubled.
        """
        ...

    def claim_is_valid(self, plan_id: str, task_id: str, epoch: int) -> bool:
        """True while the task runs under this claim."""
        ...

    def renew_lease(self, plan_id: str, task_id: str, epoch: int, until_ms: int) -> bool:
        """Extend the lease. Returns False if the claim is no longer valid."""
        ...

    def set_activity(self, plan_id: str, task_id: str, epoch: int, text: str) -> None:
        """Say what the holder of this claim is doing. Does nothing if the claim is no longer valid."""
        ...

    def record_turn(self, plan_id: str, task_id: str, turn: TurnReport, at_ms: int) -> None:
        """Add a turn's usage and append it to the task's log."""
        ...

    def needing_attention(self, since_ms: int) -> list[str]:
        """List active and recently changed plans without a write since then."""
        ...

    def mark_idle(self, execution_state: ExecutionState) -> None:
        """Mark the plan as idle (conditional on its seq)."""
        ...

    def free_slots(self) -> int:
        """Number of tasks that may still start under the account's limit."""
        ...

    def mark_waiting_for_capacity(self, plan_id: str) -> None:
        """Add the plan to those that wait for a free slot."""
        ...

    def pop_waiting_for_capacity(self) -> list[str]:
        """Return and clear the waiting plans."""
        ...


class Machine(Protocol):
    """State machine that executes plans. Raises Transient."""

    def start(self, plan_id: str, number: int) -> bool:
        """Start an execution, once per number. Returns False if it has already ended."""
        ...

    def request_rollback(self, plan_id: str) -> None:
        """Request the plan's rollback, or the check after it, in another function."""
        ...

    def open_gate(self, token: str, answer: str) -> None:
        """Continue the execution at this token. Expired tokens are ignored."""
        ...

    def close_gate(self, token: str) -> None:
        """End the execution at this token. Expired tokens are ignored."""
        ...
