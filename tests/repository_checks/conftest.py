"""An owner with a valid claim, and a runner over real rows and scripted sandboxes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from groundwork.adapters.dynamodb.check_rows import BaselineRow
from groundwork.adapters.dynamodb.execution_rows import StateRow, state_key
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.checks.keeper import SandboxKeeper
from groundwork.checks.model import CheckSettings
from groundwork.checks.ports import CheckJob, CheckProgress, Owner, OwnerKind
from groundwork.checks.runner import SandboxCheckRunner
from groundwork.ids import new_plan_id
from groundwork.plans.model import TaskStatus
from groundwork.sandbox.model import Tree
from tests.fakes.sandboxes import FakeSandboxes, Outcome


@dataclass
class MemorySetups:
    kept: set[str] = field(default_factory=set)

    def read_url(self, key: str) -> str | None:
        return key if key in self.kept else None

    def write_url(self, key: str) -> str:
        self.kept.add(key)
        return key


@dataclass
class Clock:
    now: int = 1_000_000

    def __call__(self) -> int:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


@dataclass
class Desk:
    """A runner and all it works with.

    `outcomes` decides the end of each command line, and `scripted` does so by the files in the sandbox.
    """

    tables: Tables
    folder: Path
    outcomes: dict[str, list[Outcome | None]] = field(default_factory=dict)
    scripted: dict[str, Callable[[Mapping[str, bytes]], Outcome]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    setups: MemorySetups = field(default_factory=MemorySetups)
    notice: str = ""

    def __post_init__(self) -> None:
        self.sandboxes = FakeSandboxes(self._script, lambda: self.clock.now / 1000)
        self.keeper = SandboxKeeper(self.sandboxes, self.tables.sandboxes, self.clock)
        self.runner = SandboxCheckRunner(self.keeper, self.tables.checks, self.setups, "image:1", self.notice)
        self.folder.mkdir(exist_ok=True)

    def _script(self, command: Any, files: Any) -> Outcome | None:
        line = command.argv[-1]
        self.ran.append(line)
        if (decide := self.scripted.get(line)) is not None:
            return decide(files)
        planned = self.outcomes.get(line) or [Outcome()]
        return planned.pop(0) if len(planned) > 1 else planned[0]

    def owner(self, kind: OwnerKind = OwnerKind.TASK, epoch: int = 1) -> Owner:
        """Return a new owner with a valid claim."""
        plan_id = new_plan_id()
        owner = Owner(kind, plan_id, f"{plan_id}-T1", 1, epoch)
        self.claim(owner)
        return owner

    def claim(self, owner: Owner, status: TaskStatus = TaskStatus.RUNNING) -> None:
        row = StateRow(owner.plan_id, state_key(owner.task_id))
        actions: list[Any] = [StateRow.epoch.set(owner.epoch), StateRow.status.set(status.value)]
        row.update(actions=[*actions, StateRow.attempts.set(owner.number)])

    def baseline(self, repository_id: str = "rek3v9x2m4q8") -> Owner:
        BaselineRow(repository_id, number=1, status="running", epoch=1, body={}).save()
        return Owner(OwnerKind.BASELINE, repository_id, repository_id, 1, 1)

    def job(
        self, owner: Owner, *commands: str, setup: tuple[str, ...] = (), id_: str = "j1", **fields: Any
    ) -> CheckJob:
        settings = CheckSettings(setup=setup, verify=commands)
        given: dict[str, Any] = {"repository_id": "re1", "tree": Tree(self.folder), "tree_sha": "t1", "commit": "c1"}
        return CheckJob(id_, owner, settings=settings, commands=commands, **{**given, **fields})

    def usage(self, owner: Owner) -> tuple[int, int]:
        """Return the billed milliseconds and the price."""
        row = StateRow.get(owner.plan_id, state_key(owner.task_id))
        return int(row.sandbox_ms or 0), int(row.cost or 0)

    @property
    def slots(self) -> int:
        from groundwork.adapters.dynamodb.execution_rows import SlotsRow

        rows = list(SlotsRow.query("ACCOUNT", SlotsRow.sk == "SANDBOXES"))
        return int(rows[0].used) if rows else 0


def at_once() -> float:
    return 0.0


def finish(runner: SandboxCheckRunner, job: CheckJob, seconds: Callable[[], float] = at_once) -> CheckProgress:
    """Advance a job to its verdict."""
    for _ in range(200):
        progress = runner.advance(job, seconds)
        if progress.verdict is not None:
            return progress
    raise AssertionError(f"no verdict: {progress}")


@pytest.fixture
def desk(simulated_tables: Tables, tmp_path: Path) -> Desk:
    simulated_tables.sandboxes.limit = 2
    return Desk(simulated_tables, tmp_path / "tree")


@contextmanager
def raising(target: Any, name: str, fault: Exception) -> Iterator[None]:
    """Let a method take effect once, then raise: its answer is lost."""
    real = getattr(target, name)

    def lost(*args: Any, **kwargs: Any) -> Any:
        setattr(target, name, real)
        real(*args, **kwargs)
        raise fault

    setattr(target, name, lost)
    yield
