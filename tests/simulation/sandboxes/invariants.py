"""Invariants of sandboxes, after every write and every start and end of a machine."""

from dataclasses import dataclass, field

from groundwork.checks.keeper import ORPHAN_SECONDS, REPLAY_MS
from groundwork.sandbox.model import SandboxKey
from tests.simulation.cloud import Sandbox
from tests.simulation.dynamodb import Changed
from tests.simulation.expressions import Item
from tests.simulation.faults import SKEW_MS
from tests.simulation.known import Violation, demand
from tests.simulation.sandboxes.service import Machine, SandboxCloud

SLOTS = ("plans", "ACCOUNT", "SANDBOXES")


@dataclass(slots=True)
class SandboxInvariants:
    """`claims`: epochs of running invocations; `rows_since`: second of an owner's first row."""

    cloud: SandboxCloud
    limit: int
    claims: dict[int, int] = field(default_factory=dict)
    rows_since: dict[str, float] = field(default_factory=dict)
    with_a_row_s: dict[str, float] = field(default_factory=dict)
    not_live_since: dict[str, float] = field(default_factory=dict)
    delays_ms: dict[str, int] = field(default_factory=dict)
    """From reading the clock to the write: a worker may be frozen in between."""

    violations: list[Violation] = field(default_factory=list)

    def on_write(self, changed: Changed) -> None:
        """Collects rather than raises: the code under test must not be able to catch it."""
        try:
            for key, before, after in changed:
                if key[1] == "SANDBOXES":
                    self._row(key[2], before, after)
                elif key[2].startswith("X#"):
                    self._task(key[1], after)
            self._slots()
        except Violation as violation:
            self._broken(violation)

    def on_start(self, caller: Sandbox, key: SandboxKey) -> None:
        """A row comes first. Only a delayed worker may find it gone."""
        row = self._row_of(key.owner)
        written = row is not None and int(row["generation"]["N"]) == key.generation
        if not written and caller.disturbed_at == float("-inf"):
            self._broken(Violation("a_row_comes_before_its_machine", f"{key} by {caller.number}"))

    def on_begin(self, machine: Machine, command_id: str) -> None:
        """No run of the same or a later command has touched the tree of a second run."""
        _, position, tries = command_id.rsplit("-", 2)
        later = [id_ for id_ in machine.since_put if int(id_.rsplit("-", 2)[1]) >= int(position)]
        if tries != "0" and later:
            self._broken(Violation("a_second_run_sees_the_sent_tree", f"{command_id} after {later}"))

    def on_end(self, caller: Sandbox, machine: Machine) -> None:
        row = self._row_of(machine.key.owner)
        used = row is not None and row.get("machineId", {}).get("S") == machine.id and row["state"]["S"] == "OPEN"
        in_use = used and machine.key.owner not in self.not_live_since and caller.function == "sweep"
        if in_use:
            self._broken(Violation("a_machine_in_use_is_not_swept", f"{machine.id} by {caller.number}"))

    def after_sweep(self, began: float) -> None:
        """A whole sweep leaves nothing of owners that were not live before it."""
        for machine in self.cloud.service.living():
            owner, since = machine.key.owner, self.not_live_since.get(machine.key.owner)
            name = "none_lives_after_a_sweep"
            if machine.named and since is not None and max(since, machine.started_at) < began:
                self._broken(Violation(name, f"{machine.id} of {owner}"))
            row = self._row_of(owner)
            named = row is not None and row.get("machineId", {}).get("S") == machine.id
            if not named and began - machine.started_at > ORPHAN_SECONDS + 60:
                self._broken(Violation(name, f"{machine.id} without a row"))

    def at_rest(self, billed_ms: dict[str, int]) -> None:
        """At the end: no machine, row or slot, and each second billed once."""
        demand(not self.cloud.service.living(), "none_is_left", "machines")
        demand(not self.rows_since, "none_is_left", f"rows of {sorted(self.rows_since)}")
        for owner, milliseconds in billed_ms.items():
            most = self.with_a_row_s.get(owner, 0.0) * 1000 + self._slack(owner)
            least = sum(
                self._lived(machine) for machine in self.cloud.service.machines.values() if self._is(machine, owner)
            )
            name = "each_second_is_billed_once"
            demand(milliseconds <= most, name, f"{owner}: {milliseconds} ms billed, {most:.0f} ms with a row")
            demand(
                milliseconds >= least - self._slack(owner),
                name,
                f"{owner}: {milliseconds} ms billed, lived {least:.0f}",
            )

    def _is(self, machine: Machine, owner: str) -> bool:
        return machine.named and machine.key.owner == owner

    def _lived(self, machine: Machine) -> float:
        return (min(machine.ended_at or machine.ends_at, machine.ends_at) - machine.started_at) * 1000

    def _slack(self, owner: str) -> float:
        """Clocks of workers differ, and a machine outlives the start of its closing."""
        machines = [machine for machine in self.cloud.service.machines.values() if machine.key.owner == owner]
        closing = sum(self.cloud.closed_late.get(machine.id, 0.0) for machine in machines)
        return (len(machines) + 1) * (2 * SKEW_MS + 1_000) + closing * 1000 + self.delays_ms.get(owner, 0)

    def _row(self, owner: str, before: Item | None, after: Item | None) -> None:
        now, acting = self.cloud.loop.now, self.cloud.acting
        if before is None:
            self.rows_since[owner] = now
            demand(owner not in self.not_live_since, "no_sandbox_for_a_cancelled_task", owner)
        if before is not None and (after is None or after["generation"] != before["generation"]):
            self._given_up(owner, before)
        if after is None:
            self.with_a_row_s[owner] = self.with_a_row_s.get(owner, 0.0) + now - self.rows_since.pop(owner)
            return
        self._delays(owner, before, after)
        if before is not None and before["state"] != after["state"]:
            self._transition(owner, before, after, acting)
        if machine := self.cloud.service.machines.get(after.get("machineId", {}).get("S", "")):
            machine.named = True

    def _delays(self, owner: str, before: Item | None, after: Item) -> None:
        is_new = before is None or before["generation"] != after["generation"] or before["state"]["S"] == "WAITING"
        is_closing = before is not None and "closingAt" in after and "closingAt" not in before
        for name, counts in (("createdAt", is_new), ("closingAt", is_closing)):
            if counts:
                delay = abs(self.cloud.true_ms() - int(after[name]["N"]))
                self.delays_ms[owner] = self.delays_ms.get(owner, 0) + delay

    def _transition(self, owner: str, before: Item, after: Item, acting: Sandbox | None) -> None:
        state = after["state"]["S"]
        if state == "OPEN":
            demand(owner not in self.not_live_since, "no_sandbox_for_a_cancelled_task", f"{owner} opens")
        if state == "CLOSING":
            machine = self.cloud.service.machines.get(after.get("machineId", {}).get("S", ""))
            if machine:
                self.cloud.closing_at[machine.id] = self.cloud.loop.now
            epoch = self.claims.get(acting.number) if acting else None
            mine = epoch is None or epoch >= int(before["epoch"]["N"]) or owner in self.not_live_since
            demand(mine, "only_the_holder_closes", f"{owner} at {before['epoch']['N']} by epoch {epoch}")

    def _given_up(self, owner: str, before: Item) -> None:
        """The machine of a row has ended before the row."""
        generation, now_ms = int(before["generation"]["N"]), self.cloud.true_ms()
        for machine in self.cloud.service.living():
            if machine.key != SandboxKey(owner, generation):
                continue
            unknown = "machineId" not in before
            late = unknown and now_ms - int(before["createdAt"]["N"]) >= REPLAY_MS - 2 * SKEW_MS
            demand(
                late or machine.started_by.disturbed_at > 0, "a_row_outlives_its_machine", f"{machine.id} of {owner}"
            )

    def _task(self, plan_id: str, after: Item | None) -> None:
        for kind in ("task", "landing"):
            owner = f"{kind}:{plan_id}-T1:1"
            if after is None or after.get("status", {}).get("S") == "RUNNING":
                self.not_live_since.pop(owner, None)
            else:
                self.not_live_since.setdefault(owner, self.cloud.loop.now)

    def _slots(self) -> None:
        row = self.cloud.database.row(SLOTS)
        used = int(row["used"]["N"]) if row else 0
        rows = len(self.cloud.database.below("plans", "SANDBOXES", ""))
        demand(used == rows, "slots_equal_rows", f"{used} slots, {rows} rows")
        demand(used <= self.limit, "slots_are_limited", f"{used} of {self.limit}")

    def _row_of(self, owner: str) -> Item | None:
        return self.cloud.database.row(("plans", "SANDBOXES", owner))

    def _broken(self, violation: Violation) -> None:
        self.violations.append(violation)
        self.cloud.note(f"VIOLATION {violation}")
