"""What a request may ask of a plan that is carried out."""

from typing import Annotated, Literal

from pydantic import Field

from groundwork.backlog.model import Value
from groundwork.execution.state import Dependents

Reason = Annotated[str, Field(max_length=1_000)]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")]


class Execute(Value):
    """`again`: a plan that has ended is carried out once more from its beginning."""

    again: bool = False


class Because(Value):
    reason: Reason | None = None


class Skip(Value):
    """`dependents`: what depends on the task is skipped with it, or goes on as if it were done."""

    dependents: Dependents = "skip"


class RollBack(Value):
    """A task, a phase, or neither: all of the plan. `dependents`: it is refused where others build on it, or they are
    taken back before."""

    task_id: str | None = None
    phase_id: str | None = None
    dependents: Literal["refuse", "include"] = "refuse"


class Complete(Value):
    """`commitSha` is the person's own commit, if there is one."""

    commit_sha: Sha | None = None
    note: Reason | None = None
