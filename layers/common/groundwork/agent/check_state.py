"""State of a session's checks: commands run so far, their limits, and a call in progress."""

import hashlib
from typing import Annotated

from pydantic import Field

from groundwork.agent.changes import Changes
from groundwork.checks.prices import RunningBill
from groundwork.sandbox.verdict import Verdict
from groundwork.values import Stored, stored_as

MAX_RUNS = 25
"""Calls of `check` and `run` in one attempt."""

MAX_COMMAND_SECONDS = 3_600
"""Seconds of all commands of one attempt, for a task of medium effort."""


class CheckRun(Stored):
    """One call of `check` or `run`. `verdict` is None before the end or after a stop at a limit."""

    job_id: Annotated[str, stored_as("job")]
    tree_id: Annotated[str, stored_as("tree")]
    commands: Annotated[tuple[str, ...], stored_as("commands")]
    whole: Annotated[bool, stored_as("whole")] = Field(default=False, description="All commands of `verify`")
    verdict: Annotated[Verdict | None, stored_as("verdict")] = None


class CallResult(Stored):
    """Result of a tool call that ended before the pending one."""

    call_id: Annotated[str, stored_as("id")]
    text: Annotated[str, stored_as("text")]
    is_error: Annotated[bool, stored_as("error")] = False
    print: Annotated[str, stored_as("print")] = ""


class PendingCall(Stored):
    """Call in progress, with the results of earlier calls of its turn.

    Its run is the last one.
    """

    call_id: Annotated[str, stored_as("id")]
    results: Annotated[tuple[CallResult, ...], stored_as("results")] = ()


class CheckState(Stored):
    """Checks of one session.

    `in_sandbox` has the fingerprint of each changed file in the sandbox's tree. `checked` is the fingerprint of the
    last tree on which `verify` ran whole, with its verdict. `reminded`: the model was told once that its last tree is
    not checked. `cost_micro_usd` is the cost of all sandboxes of the attempt; `sandbox` is the part of the open one.
    """

    max_runs: Annotated[int, stored_as("maxRuns")] = MAX_RUNS
    max_seconds: Annotated[int, stored_as("maxSeconds")] = MAX_COMMAND_SECONDS
    runs: Annotated[tuple[CheckRun, ...], stored_as("runs")] = ()
    seconds: Annotated[float, stored_as("seconds")] = 0.0
    cost_micro_usd: Annotated[int, stored_as("costMicroUsd")] = 0
    sandbox: Annotated[RunningBill | None, stored_as("sandbox")] = None
    pending: Annotated[PendingCall | None, stored_as("pending")] = None
    in_sandbox: Annotated[dict[str, str], stored_as("inSandbox")] = Field(default_factory=dict)
    checked: Annotated[str, stored_as("checked")] = ""
    verdict: Annotated[Verdict | None, stored_as("verdict")] = None
    reminded: Annotated[bool, stored_as("reminded")] = False

    def cost_with(self, bill: RunningBill | None) -> int:
        """Return the cost of all sandboxes of the attempt, with a later bill of the open one."""
        if bill is None:
            return self.cost_micro_usd
        same = self.sandbox is not None and self.sandbox.generation == bill.generation
        known = self.sandbox.cost_micro_usd if self.sandbox and same else 0
        return self.cost_micro_usd + bill.cost_micro_usd - known

    def limit_reached(self) -> str | None:
        """Describe the reached limit for the model."""
        if len(self.runs) >= self.max_runs:
            return f"{self.max_runs} calls of check and run"
        return f"{self.max_seconds} seconds of commands" if self.seconds >= self.max_seconds else None


def fingerprints(changes: Changes) -> dict[str, str]:
    """Fingerprint of each changed file; a deleted one has an empty fingerprint."""
    return {path: "" if content is None else _sha(content) for path, content in changes.items()}


def tree_fingerprint(changes: Changes) -> str:
    """Fingerprint of the session's tree: it has one base only."""
    return _sha("\n".join(f"{path}\0{print_}" for path, print_ in sorted(fingerprints(changes).items())).encode())


def job_id(turn: int, call_id: str) -> str:
    """Id of a tool call's job: a repeated call continues it, and starts no command twice.

    The turn is part of it: a provider may repeat the ids of its calls.
    """
    return _sha(f"{turn} {call_id}".encode())


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]
