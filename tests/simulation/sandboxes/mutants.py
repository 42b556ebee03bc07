"""Mutants of sandboxes: bugs known from such systems. Each must be caught."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from groundwork.adapters.dynamodb import client
from groundwork.adapters.dynamodb.execution_rows import SlotsRow
from groundwork.adapters.dynamodb.sandbox_rows import DynamoSandboxRows
from groundwork.checks.keeper import SandboxKeeper
from groundwork.checks.ports import Owner
from groundwork.checks.prices import Bill
from groundwork.checks.records import CheckRecord
from groundwork.checks.runner import _Course
from groundwork.checks.sandboxes import OpenSandbox
from groundwork.checks.steps import next_run
from groundwork.sandbox.model import SandboxSpec
from tests.simulation.mutant import SEEDS, first_broken, patched, patched_all
from tests.simulation.sandboxes.faults import SandboxFaults
from tests.simulation.sandboxes.simulation import World, simulate_sandboxes
from tests.simulation.simulation import Report

KEEPER = "groundwork.checks.keeper.SandboxKeeper"
ROWS = "groundwork.adapters.dynamodb.sandbox_rows"
_update, _create, _open = client.Transaction.update, DynamoSandboxRows.create, SandboxKeeper.open
_replace, _is_wanted = SandboxKeeper.replace, SandboxKeeper._is_wanted
_remove, _put = DynamoSandboxRows._remove, _Course._put


@dataclass(frozen=True, slots=True)
class SandboxMutant:
    """`where` and `under` turn the drawn world and faults to where the bug can show."""

    name: str
    what: str
    applied: Callable[[], AbstractContextManager[Any]]
    where: Callable[[World], World] = lambda world: world
    under: Callable[[SandboxFaults], SandboxFaults] = lambda faults: faults

    def caught(self, seeds: Iterable[int] = range(1, SEEDS + 1)) -> Report | None:
        """Return the first failed simulation."""
        with self.applied():
            reports = (simulate_sandboxes(seed, self.where, self.under) for seed in seeds)
            return first_broken(reports, crash="")


def cancelling(world: World) -> World:
    return replace(world, cancelled=0.9, owners=5, limit=3)


def _no_slots(self: client.Transaction, row: Any, *more: Any) -> None:
    if not isinstance(row, SlotsRow):
        _update(self, row, *more)


def _any_number(self: DynamoSandboxRows, sandbox: OpenSandbox) -> None:
    limit, self.limit = self.limit, 10**6
    try:
        _create(self, sandbox)
    finally:
        self.limit = limit


def _machine_first(self: SandboxKeeper, owner: Owner, spec: SandboxSpec, setup_done: bool = False) -> OpenSandbox:
    if self.rows.get(owner) is None:
        now = self.now_ms()
        sandbox = OpenSandbox(owner, now, spec, now, setup_done=setup_done)
        handle = self.sandboxes.open(sandbox.key, spec)
        self.rows.create(sandbox.changed(machine_id=handle.id, endpoint=handle.endpoint))
    return _open(self, owner, spec, setup_done)


def _row_first(self: SandboxKeeper, sandbox: OpenSandbox) -> None:
    self.rows.remove(sandbox, self._bill(sandbox, sandbox.closing_at))
    if sandbox.machine_id:
        self.sandboxes.close(sandbox.handle)


def _billed_from_the_start(self: SandboxKeeper, sandbox: OpenSandbox, setup_done: bool = False) -> OpenSandbox:
    after = _replace(self, sandbox, setup_done)
    since = after.changed(created_at=sandbox.created_at)
    self.rows.update(after, since)
    return since


def _forgotten(self: SandboxKeeper, sandbox: OpenSandbox, ended_at: int) -> Bill:
    return Bill()


def _not_billed_when_lost(self: SandboxKeeper, sandbox: OpenSandbox, setup_done: bool = False) -> OpenSandbox:
    after = sandbox.changed(generation=sandbox.generation + 1, created_at=self.now_ms(), machine_id="", endpoint="")
    if sandbox.machine_id:
        self.sandboxes.close(sandbox.handle)
    after = after.changed(state=type(sandbox.state).STARTING, setup_done=setup_done)
    self.rows.update(sandbox, after)
    return after


def _whoever_closes(self: SandboxKeeper, owner: Owner) -> None:
    if (sandbox := self.rows.get(owner)) is not None:
        self._close(sandbox)


def _by_the_first_list(self: SandboxKeeper, machine_id: str, age_seconds: float) -> bool:
    """Rows are not read again: the sweep trusts the age alone for machines it does not know."""
    known = {row.machine_id for row in self.rows.all() if self.now_ms() - row.created_at > 60_000}
    return machine_id in known


def _never_wanted(self: SandboxKeeper, machine_id: str, age_seconds: float) -> bool:
    return True


def _removed_twice(self: DynamoSandboxRows, sandbox: OpenSandbox, bill: Bill | None) -> None:
    """The delete of a row that is gone already bills again."""
    doubled = Bill(2 * bill.milliseconds, 2 * bill.cost_micro_usd) if bill else None
    _remove(self, sandbox, doubled)


def _only_for_the_first_round(self: _Course, *, clean: bool) -> None:
    if not self._record.tries:
        _put(self, clean=clean)


def _at_once(record: CheckRecord, *_: Any) -> CheckRecord | None:
    following = next_run(record, *_)
    return following and following.changed(ready=True)


MUTANTS = (
    SandboxMutant(
        "slots left out", "an open sandbox takes no slot", patched_all((f"{ROWS}.Transaction.update", _no_slots))
    ),
    SandboxMutant(
        "any number of sandboxes",
        "the account's limit is not looked at",
        patched(f"{ROWS}.DynamoSandboxRows.create", _any_number),
        lambda world: replace(world, owners=5, limit=1),
    ),
    SandboxMutant(
        "the machine before its row", "a start is written down afterwards", patched(f"{KEEPER}.open", _machine_first)
    ),
    SandboxMutant(
        "the row before its machine",
        "a row is gone while its machine still runs",
        patched(f"{KEEPER}._finish", _row_first),
    ),
    SandboxMutant(
        "no claim at the start",
        "a sandbox opens for a cancelled task",
        patched(f"{ROWS}.check_claim", lambda transaction, owner: None),
        cancelling,
    ),
    SandboxMutant(
        "a successor bills its predecessor",
        "seconds are billed twice",
        patched(f"{KEEPER}.replace", _billed_from_the_start),
    ),
    SandboxMutant(
        "billed twice",
        "the end of a sandbox is counted twice",
        patched(f"{ROWS}.DynamoSandboxRows._remove", _removed_twice),
    ),
    SandboxMutant(
        "a second run on what the first one left",
        "a formatter repairs the tree and passes, and the tree without its repairs lands",
        patched("groundwork.checks.runner._Course._put", _only_for_the_first_round),
        lambda world: replace(world, commands=("repairs",)),
    ),
    SandboxMutant(
        "no tree for a second round",
        "the second round begins at once",
        patched("groundwork.checks.runner.next_run", _at_once),
        lambda world: replace(world, commands=("passes", "repairs")),
    ),
    SandboxMutant("nothing billed", "a sandbox costs nothing", patched(f"{KEEPER}._bill", _forgotten)),
    SandboxMutant(
        "a lost sandbox is not billed",
        "only the last sandbox of an owner is billed",
        patched(f"{KEEPER}.replace", _not_billed_when_lost),
        under=lambda faults: replace(faults, machine_dies=0.05, until_s=3_600),
    ),
    SandboxMutant(
        "closed by whoever comes",
        "a worker that was replaced closes its successor's sandbox",
        patched(f"{KEEPER}.close", _whoever_closes),
        lambda world: replace(world, owners=5, limit=3),
        lambda faults: replace(faults, frozen=0.05, until_s=3_600),
    ),
    SandboxMutant(
        "a young machine is swept",
        "the sweep ends what has just begun",
        patched(f"{KEEPER}._is_wanted", _by_the_first_list),
    ),
    SandboxMutant(
        "strays stay",
        "a machine of a lost start runs on",
        patched(f"{KEEPER}._is_wanted", _never_wanted),
        under=lambda faults: replace(faults, service_answer_lost=0.2, killed_after=0.05, frozen=0.02, until_s=3_600),
    ),
    SandboxMutant(
        "a cancelled task keeps its sandbox",
        "the sandbox of a cancelled task stays",
        patched(f"{ROWS}.DynamoSandboxRows.is_live", lambda self, owner: True),
        cancelling,
    ),
    SandboxMutant(
        "an unknown start is forgotten",
        "a start without an answer is taken for none",
        patched(f"{KEEPER}._end_unknown", lambda self, sandbox: False),
        cancelling,
        lambda faults: replace(faults, service_answer_lost=0.3, until_s=3_600),
    ),
)
