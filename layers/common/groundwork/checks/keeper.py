"""Opens and closes sandboxes: at most one an owner, none lost, each second billed once.

A row is written before a start and deleted after the end, so every sandbox has a row while it may run. A sandbox
without one comes from a start with a late or lost answer; the sweep ends it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from groundwork.checks.errors import ClaimLost
from groundwork.checks.ports import Owner
from groundwork.checks.prices import Bill, RunningBill, bill, micro_usd_per_s
from groundwork.checks.sandboxes import OpenSandbox, SandboxRows, SandboxState
from groundwork.errors import Transient, WriteConflict
from groundwork.sandbox.errors import KeyReused, NoCapacity, SandboxError, SandboxLost, SandboxUnavailable
from groundwork.sandbox.model import SandboxSpec
from groundwork.sandbox.port import Sandboxes

MAX_TRIES = 5
"""Conflicts of a close with its owner, and dead machines found by one start."""

REPLAY_MS = 4 * 60_000
"""Time in which a repeated start finds the same machine; the service forgets later."""

ORPHAN_SECONDS = 600.0
"""Age of a machine without a row. A younger one may belong to a start in progress."""

GRACE_MS = 60_000


@dataclass(slots=True)
class SandboxKeeper:
    """`memory_mb` is the baseline memory of the image, for the price."""

    sandboxes: Sandboxes
    rows: SandboxRows
    now_ms: Callable[[], int]
    memory_mb: int = 1024

    def open(self, owner: Owner, spec: SandboxSpec, setup_done: bool = False) -> OpenSandbox:
        """Open the owner's sandbox, or return the open one. It may still be starting.

        Raises ClaimLost, NoFreeSlot, NoCapacity, SandboxLost, SandboxUnavailable, Transient.
        """
        for _ in range(MAX_TRIES):
            sandbox = self._row(owner, spec, setup_done)
            if sandbox.state is SandboxState.OPEN:
                return sandbox
            try:
                return self._start(sandbox)
            except SandboxLost:
                self.replace(sandbox, setup_done)
        raise SandboxLost("New sandboxes end at once.")

    def _row(self, owner: Owner, spec: SandboxSpec, setup_done: bool) -> OpenSandbox:
        """Return the owner's row under its present claim: taken over, or new."""
        sandbox = self.rows.get(owner)
        if sandbox is not None and sandbox.state is SandboxState.CLOSING:
            self._finish(sandbox)
            sandbox = None
        now = self.now_ms()
        if sandbox is None:
            sandbox = OpenSandbox(owner, now, spec, now, setup_done=setup_done)
            self.rows.create(sandbox)
            return sandbox
        if sandbox.owner.epoch != owner.epoch:
            taken = sandbox.changed(owner=owner)
            self.rows.update(sandbox, taken)
            sandbox = taken
        if sandbox.state is SandboxState.WAITING:
            starting = sandbox.changed(state=SandboxState.STARTING, created_at=now)
            self.rows.update(sandbox, starting)
            return starting
        # a repeated start would make a second machine of the same key
        if sandbox.state is SandboxState.STARTING and now - sandbox.created_at >= REPLAY_MS:
            return self.replace(sandbox, setup_done)
        return sandbox

    def _start(self, sandbox: OpenSandbox) -> OpenSandbox:
        try:
            handle = self.sandboxes.open(sandbox.key, sandbox.spec)
        except NoCapacity:
            self.rows.update(sandbox, sandbox.changed(state=SandboxState.WAITING))
            raise
        after = sandbox.changed(state=SandboxState.OPEN, machine_id=handle.id, endpoint=handle.endpoint)
        try:
            self.rows.update(sandbox, after)
        except (ClaimLost, WriteConflict):
            # the row is closing or gone, or belongs to a cancelled task: nobody else ends this machine at once
            self._end_unwanted(after)
            raise
        return after

    def _end_unwanted(self, sandbox: OpenSandbox) -> None:
        """End a machine started too late, unless a later claim of its owner uses it."""
        found = self.rows.get(sandbox.owner)
        if found is None or found.generation != sandbox.generation:
            self.sandboxes.close(sandbox.handle)
        elif not self.rows.is_live(sandbox.owner):
            self._close(found)

    def replace(self, sandbox: OpenSandbox, setup_done: bool = False) -> OpenSandbox:
        """Give up a sandbox and bill it. Its successor, of the next generation, is yet to start.

        Raises ClaimLost, Transient.
        """
        if sandbox.machine_id:
            self.sandboxes.close(sandbox.handle)
        now = self.now_ms()
        after = OpenSandbox(sandbox.owner, max(now, sandbox.generation + 1), sandbox.spec, now, setup_done=setup_done)
        self.rows.update(sandbox, after, self._bill(sandbox, now))
        return after

    def close(self, owner: Owner) -> None:
        """Close the owner's sandbox, unless a later claim uses it. Raises Transient."""
        sandbox = self.rows.get(owner)
        if sandbox is not None and sandbox.owner.epoch <= owner.epoch:
            self._close(sandbox)

    def running_bill(self, owner: Owner) -> RunningBill | None:
        """Return the price of the owner's sandbox so far; None if none is open.

        Raises Transient.
        """
        sandbox = self.rows.get(owner)
        if sandbox is None or sandbox.state is SandboxState.WAITING:
            return None
        so_far = self._bill(sandbox, sandbox.closing_at or self.now_ms())
        return RunningBill(
            generation=sandbox.generation,
            cost_micro_usd=so_far.cost_micro_usd,
            micro_usd_per_s=micro_usd_per_s(self.memory_mb),
        )

    def sweep(self, stop: Callable[[], bool], report: Callable[[str], None] = lambda problem: None) -> list[str]:
        """Close sandboxes without a live owner, and end machines without a row.

        Returns the closed ones. Raises Transient.
        """
        closed: list[str] = []
        for sandbox in self.rows.all():
            if stop():
                return closed
            if not self._is_due(sandbox):
                continue
            try:
                self._close(sandbox)
                closed.append(sandbox.owner.id)
            except (Transient, SandboxError) as fault:
                report(f"Could not close the sandbox of {sandbox.owner.id}: {fault}")
        return closed + self.sandboxes.sweep(self._is_wanted)

    def _is_due(self, sandbox: OpenSandbox) -> bool:
        past = self.now_ms() > sandbox.created_at + sandbox.spec.max_seconds * 1000 + GRACE_MS
        return sandbox.state is SandboxState.CLOSING or past or not self.rows.is_live(sandbox.owner)

    def _is_wanted(self, machine_id: str, age_seconds: float) -> bool:
        """Decide by rows read just now: a row may have come since the machines were listed."""
        for sandbox in self.rows.all():
            if sandbox.machine_id == machine_id:
                return sandbox.state is not SandboxState.CLOSING
        return age_seconds < ORPHAN_SECONDS

    def _close(self, sandbox: OpenSandbox) -> None:
        found: OpenSandbox | None = sandbox
        for _ in range(MAX_TRIES):
            if found is None or found.generation != sandbox.generation:
                return
            try:
                if found.state is SandboxState.WAITING:
                    self.rows.remove(found, Bill())
                    return
                if found.state is not SandboxState.CLOSING:
                    found = self.rows.begin_closing(found, self.now_ms())
                self._finish(found)
                return
            except WriteConflict:
                found = self.rows.get(sandbox.owner)
        raise Transient("The sandbox changes too fast to be closed.")

    def _finish(self, sandbox: OpenSandbox) -> None:
        """End the machine of a closing row, then delete the row."""
        if sandbox.machine_id:
            self.sandboxes.close(sandbox.handle)
        has_run = bool(sandbox.machine_id) or self._end_unknown(sandbox)
        self.rows.remove(sandbox, self._bill(sandbox, sandbox.closing_at) if has_run else Bill())

    def _end_unknown(self, sandbox: OpenSandbox) -> bool:
        """End a machine with an unknown id: a repeated start tells it. False if none started."""
        # after that time a start would make another machine; the sweep of machines finds the first one
        if self.now_ms() - sandbox.created_at >= REPLAY_MS:
            return True
        try:
            self.sandboxes.close(self.sandboxes.open(sandbox.key, sandbox.spec))
        except SandboxLost:
            return True
        except (NoCapacity, KeyReused, SandboxUnavailable):
            return False
        return True

    def _bill(self, sandbox: OpenSandbox, ended_at: int) -> Bill:
        # from before the start: a lost answer hides the exact time
        return bill(min(max(ended_at - sandbox.created_at, 0), sandbox.spec.max_seconds * 1000), self.memory_mb)
