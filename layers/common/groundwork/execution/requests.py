"""Request bodies of commands on a plan under execution."""

from typing import Annotated, Literal

from pydantic import Field

from groundwork.backlog.model import Value
from groundwork.execution.state import Dependents

Reason = Annotated[str, Field(max_length=1_000)]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")]


class Execute(Value):
    """`again` restarts a finished plan from its beginning."""

    again: bool = False


class Because(Value):
    reason: Reason | None = None


class Skip(Value):
    """`dependents`: "skip" skips tasks that depend on this one; "run" treats it as done."""

    dependents: Dependents = "skip"


class RollBack(Value):
    """Rolls back a task, a phase, or the whole plan.

    `dependents`: "refuse" if others build on it, or "include" them.
    """

    task_id: str | None = None
    phase_id: str | None = None
    dependents: Literal["refuse", "include"] = "refuse"


class Complete(Value):
    """`commitSha` is the user's own commit, if there is one."""

    commit_sha: Sha | None = None
    note: Reason | None = None
