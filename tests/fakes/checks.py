"""Checks without sandboxes, with scripted results: the port `CheckRunner`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from groundwork.checks.model import CommandResult
from groundwork.checks.ports import CheckJob, CheckProgress, Owner
from groundwork.checks.prices import RunningBill, bill, micro_usd_per_s
from groundwork.checks.runner import verdict_of
from groundwork.sandbox.errors import SandboxLost
from groundwork.sandbox.model import ChangedFiles, Ending, LogPage
from groundwork.sandbox.packing import files_of

Files = Mapping[str, bytes]
Script = Callable[[str, Files], CommandResult]
"""Result of a command on the tree's files."""


def exits(command: str, code: int, log: str = "", seconds: float = 1.0) -> CommandResult:
    return CommandResult(command=command, ending=Ending.EXIT, exit_code=code, log=log, seconds=seconds)


@dataclass
class ScriptedChecks:
    """Runs each job at once, after `waits` further calls of `wait_seconds` each.

    A sandbox costs the time of its commands.
    `before` is called at each advance, for instance to raise ClaimLost. Open owners are in `open`, the trees of ended
    jobs in `checked`.
    """

    script: Script
    waits: int = 0
    wait_seconds: float = 2.0
    before: Callable[[CheckJob], None] = lambda job: None
    changed: ChangedFiles = ChangedFiles()
    open: set[str] = field(default_factory=set)
    checked: list[tuple[str, str]] = field(default_factory=list)
    ended: dict[tuple[str, str], CheckProgress] = field(default_factory=dict)
    calls: dict[tuple[str, str], int] = field(default_factory=dict)
    bills: dict[str, RunningBill] = field(default_factory=dict)
    opened: int = 0
    memory_mb: int = 1_024

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        self.before(job)
        key = (job.owner.id, job.id)
        self._open(job.owner)
        self.calls[key] = self.calls.get(key, 0) + 1
        if key in self.ended:
            return replace(self.ended[key], bill=self.bills[job.owner.id])
        if self.calls[key] <= self.waits:
            self._bill(job.owner, self.wait_seconds)
            activity = f"Running: {job.commands[0]} (2 s)"
            return CheckProgress(wait_s=2.0, activity=activity, bill=self.bills[job.owner.id])
        tree = job.tree() if callable(job.tree) else job.tree
        files = {path: place.read_bytes() for path, place in files_of(tree.folder)}
        results = [self.script(command, files) for command in job.commands]
        self.ended[key] = CheckProgress(tuple(results), verdict_of(results))
        self.checked.append((job.owner.id, job.tree_sha))
        self._bill(job.owner, sum(one.seconds for one in results))
        return replace(self.ended[key], bill=self.bills[job.owner.id])

    def _open(self, owner: Owner) -> None:
        self.open.add(owner.id)
        if owner.id not in self.bills:
            self.opened += 1
            self.bills[owner.id] = RunningBill(
                generation=self.opened, cost_micro_usd=0, micro_usd_per_s=micro_usd_per_s(self.memory_mb)
            )

    def _bill(self, owner: Owner, seconds: float) -> None:
        before = self.bills[owner.id]
        cost = before.cost_micro_usd + bill(round(seconds * 1_000), self.memory_mb).cost_micro_usd
        self.bills[owner.id] = before.model_copy(update={"cost_micro_usd": cost})

    def log(self, owner: Owner, job_id: str, position: int, offset: int) -> LogPage:
        if owner.id not in self.open:
            raise SandboxLost("The sandbox is gone.")
        data = self.ended[owner.id, job_id].results[position].log.encode()
        return LogPage(data[offset:].decode(errors="replace"), len(data), 0, len(data))

    def changes(self, owner: Owner) -> ChangedFiles:
        if owner.id not in self.open:
            raise SandboxLost("The sandbox is gone.")
        return self.changed

    def close(self, owner: Owner) -> None:
        self.open.discard(owner.id)
        self.bills.pop(owner.id, None)
