"""What must hold after every write, and at the end: each a named predicate, looked at from outside the code under test.

`Invariants` sees the rows each request changes, with the sandbox that sent it. The names are those of docs/reliability.md.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from groundwork import leases
from groundwork.runs import ITEM_ATTEMPTS, Entry, ItemStatus, Run, RunType, Status, Target
from groundwork.store.run_rows import LinesRow, RunRow, entry_of, run_of, target_of
from tests.simulation.cloud import EPOCH_MS, Cloud, Sandbox
from tests.simulation.dynamodb import Changed, Key
from tests.simulation.expressions import Item
from tests.simulation.faults import SKEW_MS
from tests.simulation.provider import Provider

CALLS_AN_ATTEMPT = 2
"""A question and one repair."""


class Violation(AssertionError):
    """An invariant does not hold."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


def demand(holds: bool, name: str, what: str) -> None:
    if not holds:
        raise Violation(name, what)


@dataclass(slots=True)
class Known:
    """What the rows have said of one run so far."""

    run: Run
    holder: Sandbox | None = None
    renewed_at: float = 0.0
    entries: dict[int, Entry] = field(default_factory=dict)
    targets: dict[int, Target] = field(default_factory=dict)
    acknowledged_at: float | None = None
    releases: int = 0


@dataclass(slots=True)
class Invariants:
    cloud: Cloud
    provider: Provider
    runs: dict[str, Known] = field(default_factory=dict)
    artifacts: dict[str, set[Key]] = field(default_factory=lambda: defaultdict(set))
    violations: list[Violation] = field(default_factory=list)

    def on_write(self, changed: Changed) -> None:
        """Collects rather than raises: the code under test must not be able to catch it."""
        try:
            self._examine(changed)
        except Violation as violation:
            self.violations.append(violation)
            self.cloud.note(f"VIOLATION {violation}")

    def _examine(self, changed: Changed) -> None:
        rows = {key: (before, after) for key, before, after in changed}
        for (_, pk, sk), (before, after) in rows.items():
            if sk.startswith("R#"):
                self._run_written(before, after)
            elif sk.startswith(("J#", "M#")):
                self.changes_come_with_their_run(pk, rows)
        for (_, pk, sk), (before, after) in rows.items():
            if sk.startswith("LOCK#"):
                self.lock_goes_with_its_run(before, after)
            elif sk.startswith("J#") and after:
                self._journal_written(pk, after)
            elif sk.startswith("M#") and after:
                self._manifest_written(pk, after)
        for (_, _, sk), (_, after) in rows.items():
            if sk.startswith("R#") and after:
                self.counters_equal_items(self.runs[_run(after).id])
        self.children_come_with_their_item(rows)

    def _run_written(self, before_row: Item | None, after_row: Item | None) -> None:
        demand(after_row is not None, "terminal_is_final", "a run's row was deleted")
        assert after_row
        after, sandbox = _run(after_row), self.cloud.acting
        known = self.runs.get(after.id)
        if known is None:
            self.runs[after.id] = Known(after)
            return
        before = known.run
        self.terminal_is_final(before, after)
        self.only_the_holder_writes(known, before, after, sandbox)
        self.progress_is_monotonic(before, after)
        self.attempts_are_within_budget(after)
        known.run = after

    # after every write

    def terminal_is_final(self, before: Run, after: Run) -> None:
        demand(before.status.active, "terminal_is_final", f"{after.id} was {before.status} and was written again")

    def only_the_holder_writes(self, known: Known, before: Run, after: Run, sandbox: Sandbox | None) -> None:
        name, now = "only_the_holder_writes", self.cloud.loop.now
        demand(after.lease.epoch >= before.lease.epoch, name, f"{after.id}'s epoch went down")
        if after.status is Status.CANCELLED or before.lease.epoch == after.lease.epoch == 0:
            return
        if after.lease.owner and after.lease.epoch > before.lease.epoch:
            self.no_live_run_is_taken_over(known, after)
            known.holder = sandbox
        else:
            demand(known.holder is sandbox, name, f"{after.id} was written by a sandbox that does not hold it")
        known.renewed_at = now

    def no_live_run_is_taken_over(self, known: Known, after: Run) -> None:
        holder, now = known.holder, self.cloud.loop.now
        if known.run.lease.owner is None or holder is None or holder.dead or not holder.thawed.is_set():
            return
        # a write that was held up on its way renews the lease from the time it was made, not from when it arrived
        made_at = (known.run.lease.until - leases.LEASE_MS - holder.skew_ms - EPOCH_MS) / 1000
        silent_ms = (now - made_at) * 1000
        demand(
            silent_ms > leases.LEASE_MS - 2 * SKEW_MS and holder.disturbed_at > made_at,
            "no_live_run_is_taken_over",
            f"{after.id}, whose holder {holder.number} was silent for {silent_ms:.0f} ms",
        )

    def progress_is_monotonic(self, before: Run, after: Run) -> None:
        counters = ("completed", "failed", "skipped", "created", "deleted", "hops", "queued", "cursor", "cost", "seq")
        down = [name for name in counters if getattr(after, name) < getattr(before, name)]
        demand(not down, "progress_is_monotonic", f"{after.id}: {', '.join(down)} went down")
        demand(after.progress_mark <= after.total + after.queued, "progress_is_monotonic", f"{after.id}: too many ended")

    def attempts_are_within_budget(self, after: Run) -> None:
        over = [index for index, claim in after.claims.items() if claim.attempts > ITEM_ATTEMPTS]
        demand(not over, "attempts_are_within_budget", f"{after.id}: items {over}")

    def counters_equal_items(self, known: Known) -> None:
        run, entries = known.run, known.entries.values()
        counted = Counter(entry.status for entry in entries)
        skipped = sum(target.skipped for target in known.targets.values())
        items = (counted[ItemStatus.COMPLETED], counted[ItemStatus.FAILED], skipped)
        demand(
            (run.completed, run.failed, run.skipped) == items,
            "counters_equal_items",
            f"{run.id} counts {(run.completed, run.failed, run.skipped)}, its items are {items}",
        )
        made = (sum(entry.created for entry in entries), sum(entry.deleted for entry in entries))
        demand((run.created, run.deleted) == made, "counters_equal_items", f"{run.id}: artifacts {made}")
        demand(not (run.claims.keys() & known.entries.keys()), "counters_equal_items", f"{run.id}: claims of the ended")

    def changes_come_with_their_run(self, run_id: str, rows: dict[Key, tuple[Item | None, Item | None]]) -> None:
        written = any(sk.startswith("R#") and after and _run(after).id == run_id for (_, _, sk), (_, after) in rows.items())
        demand(written, "changes_come_with_their_run", f"lines of {run_id} were written without its row")

    def lock_goes_with_its_run(self, before: Item | None, after: Item | None) -> None:
        name = "lock_is_released_once"
        for lock in (row for row in (before, after) if row):
            run_id = lock["runId"]["S"]
            known = self.runs.get(run_id)
            demand(known is not None, name, f"the lock of {run_id} came before its run")
            assert known
            if lock is before:
                known.releases += 1
                demand(not known.run.status.active, name, f"{run_id} lost its lock while active")
            demand(known.releases <= 1, name, f"{run_id} released its lock {known.releases} times")

    def _journal_written(self, run_id: str, after: Item) -> None:
        known, row = self.runs[run_id], LinesRow.from_raw_data(after)
        for line in row.lines:
            entry = entry_of(int(row.sk[2:]), line)
            demand(entry.index not in known.entries, "one_result_an_item", f"{run_id}: item {entry.index} ended twice")
            skipped = known.targets[entry.index].skipped
            demand(not skipped, "one_result_an_item", f"{run_id}: item {entry.index} was skipped and ended too")
            known.entries[entry.index] = entry

    def _manifest_written(self, run_id: str, after: Item) -> None:
        known, row = self.runs[run_id], LinesRow.from_raw_data(after)
        for position, line in enumerate(row.lines):
            target = target_of(int(row.sk[2:]) * 100 + position, line)
            demand(target.index not in known.targets, "one_result_an_item", f"{run_id}: item {target.index} queued twice")
            known.targets[target.index] = target

    def children_come_with_their_item(self, rows: dict[Key, tuple[Item | None, Item | None]]) -> None:
        """New children, their old ones and the journal's line that counts them are in one request."""
        if not self.cloud.acting or self.cloud.acting.function != "process_next":
            return
        born: Counter[str] = Counter()
        for key, (before, after) in rows.items():
            if key[2].startswith(("E#", "S#", "T#")) and before is None and after:
                born[_maker(key, after)] += 1
                self.artifacts[_maker(key, after)].add(key)
        entries = [
            (pk, entry_of(1, line).created)
            for (_, pk, sk), (_, after) in rows.items()
            if sk.startswith("J#") and after
            for line in LinesRow.from_raw_data(after).lines
        ]
        for run_id, count in born.items():
            counted = sum(created for pk, created in entries if pk == run_id)
            demand(counted == count, "children_come_with_their_item", f"{run_id} made {count} and counted {counted}")

    # around calls and events

    def on_call(self, sandbox: Sandbox, run_id: str) -> None:
        known = self.runs[run_id]
        late = known.acknowledged_at is not None and self.cloud.loop.now > known.acknowledged_at
        if late:
            self.violations.append(Violation("no_call_after_cancel", f"{run_id} by sandbox {sandbox.number}"))

    def on_invoke(self, sandbox: Sandbox, run_id: str) -> None:
        known = self.runs.get(run_id)
        if sandbox.function not in ("retry_runs", "dead_letter") or known is None or known.run.hops == 0:
            return
        now = self.cloud.true_ms()
        lived = known.run.status.active and known.run.lease.until - SKEW_MS - 1 > now
        undisturbed = sandbox.disturbed_at == float("-inf")
        if lived and undisturbed and known.renewed_at < self.cloud.loop.now - 1:
            self.violations.append(Violation("the_sweep_leaves_live_runs_alone", f"{run_id} by {sandbox.number}"))

    # at the end

    def at_the_end(self, rows: dict[Key, Item]) -> None:
        for known in self.runs.values():
            run = known.run
            demand(not run.status.active, "a_run_ends", f"{run.id} is {run.status}: {run}")
            demand(known.releases == 1, "lock_is_released_once", f"{run.id}: {known.releases} times")
            self.every_item_has_ended(known)
            self.children_are_those_of_completed_items(known, rows)
            self.cost_equals_the_bill(known)
        for (run_id, name), calls in self.provider.calls.items():
            budget = ITEM_ATTEMPTS * CALLS_AN_ATTEMPT
            demand(calls <= budget, "attempts_are_within_budget", f"{run_id}: {calls} calls about {name}")

    def every_item_has_ended(self, known: Known) -> None:
        run = known.run
        if run.status is Status.CANCELLED:
            return
        demand(run.ended == run.total == len(known.targets), "every_item_has_ended", f"{run.id}: {run.ended}/{run.total}")
        demand(not run.claims, "every_item_has_ended", f"{run.id} has claims")

    def children_are_those_of_completed_items(self, known: Known, rows: dict[Key, Item]) -> None:
        """What a later run has replaced is not there any more; nothing else is missing, nothing is there twice."""
        run = known.run
        there = {key for key, row in rows.items() if key[2][:2] in ("E#", "S#", "T#") and _maker(key, row) == run.id}
        demand(there <= self.artifacts[run.id], "children_are_those_of_completed_items", f"{run.id}: unknown rows")
        replaced = any(
            other.run.options.replaces and other.run.created_at > run.created_at and other.run.created
            for other in self.runs.values()
        )
        if not replaced and run.type is not RunType.ANALYZE_CARDS:
            demand(len(there) == run.created, "children_are_those_of_completed_items", f"{run.id}: {len(there)} rows")

    def cost_equals_the_bill(self, known: Known) -> None:
        """To the millionth where no sandbox was lost; else between what reached whole hops and all there was."""
        run = known.run
        billed = [one for one in self.provider.bill if one.run_id == run.id]
        lost = {sandbox.number for sandbox in (one.sandbox for one in billed) if _was_lost(sandbox)}
        most = sum(one.cost for one in billed)
        least = sum(one.cost for one in billed if one.sandbox.number not in lost)
        name = "cost_equals_the_bill"
        if run.status is Status.CANCELLED:
            demand(run.cost <= most, name, f"{run.id} counts {run.cost}, billed {most}")
            return
        demand(least <= run.cost <= most, name, f"{run.id} counts {run.cost}, billed {least} to {most}")


def _was_lost(sandbox: Sandbox) -> bool:
    """Whether this invocation broke off, so that calls it had been answered may not have been saved."""
    task = sandbox.main
    return sandbox.dead or task is None or task.cancelled() or task.exception() is not None or task.result() == "lost"


def _run(item: Item) -> Run:
    return run_of(RunRow.from_raw_data(dict(item)))


def _maker(key: Key, row: Item) -> str:
    """The run that has made an epic, a story or a subtask; empty where a person has."""
    return f"{key[1]}-R{row['run']['N']}" if "run" in row else ""
