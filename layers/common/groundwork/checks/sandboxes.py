"""Open sandboxes, one for each owner, and the port of their rows."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol, Self

from groundwork.checks.ports import Owner
from groundwork.checks.prices import Bill
from groundwork.sandbox.model import Handle, SandboxKey, SandboxSpec


class SandboxState(StrEnum):
    """States of an open sandbox. A closed one has no row.

    WAITING: the service had no capacity, and nothing was started.
    """

    WAITING = "WAITING"
    STARTING = "STARTING"
    OPEN = "OPEN"
    CLOSING = "CLOSING"


@dataclass(frozen=True, slots=True)
class OpenSandbox:
    """An owner's sandbox, from before its start until its end is billed.

    `owner.epoch` is the last claim to use it. `spec` is fixed before the start, so a repeated start is identical.
    `created_at` is the time before its start; `machine_id` is unknown while STARTING. `setup_key` belongs to
    the last tree set up.
    """

    owner: Owner
    generation: int
    spec: SandboxSpec
    created_at: int
    state: SandboxState = SandboxState.STARTING
    machine_id: str = ""
    endpoint: str = ""
    closing_at: int = 0
    setup_done: bool = False
    setup_key: str = ""

    @property
    def key(self) -> SandboxKey:
        # task ids are unique in the account, and so are the ids of repositories
        return SandboxKey(self.owner.id, self.generation)

    @property
    def handle(self) -> Handle:
        return Handle(self.key, self.machine_id, self.endpoint)

    def changed(self, **fields: Any) -> Self:
        return replace(self, **fields)


class SandboxRows(Protocol):
    """Rows of open sandboxes, and the counter of used slots. Every method raises Transient."""

    def get(self, owner: Owner) -> OpenSandbox | None: ...

    def create(self, sandbox: OpenSandbox) -> None:
        """Take a slot and write the row. Raises ClaimLost, NoFreeSlot, WriteConflict."""
        ...

    def update(self, before: OpenSandbox, after: OpenSandbox, bill: Bill | None = None) -> None:
        """Write the row if it is unchanged, and bill with it. Raises ClaimLost, WriteConflict."""
        ...

    def begin_closing(self, sandbox: OpenSandbox, at_ms: int) -> OpenSandbox:
        """Close the row to its owner, without a claim. Raises WriteConflict if it has changed."""
        ...

    def remove(self, sandbox: OpenSandbox, bill: Bill) -> None:
        """Delete the row, free its slot and bill. Safe to repeat. Raises WriteConflict."""
        ...

    def all(self) -> list[OpenSandbox]: ...

    def is_live(self, owner: Owner) -> bool:
        """True while the attempt, baseline or check of a rollback runs, under any claim."""
        ...
