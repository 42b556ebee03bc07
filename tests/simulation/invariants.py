"""What must hold after every write and at the end: each a named predicate, looked at from outside the code under test.

`Invariants` sees the rows each request changes, with the sandbox that sent it. docs/reliability.md names them too.
"""

from collections import Counter
from dataclasses import dataclass, field

from groundwork import leases
from groundwork.ids import Kind, Path
from groundwork.runs import ITEM_ATTEMPTS, MAX_STALLED_HOPS, Entry, ErrorCode, ItemStatus, Run, RunType, Status, Target
from groundwork.store.backlog_rows import ProjectRow, prefix
from groundwork.store.run_rows import LinesRow, RunRow, entry_of, run_of, target_of
from tests.simulation.cloud import EPOCH_MS, Cloud, Sandbox
from tests.simulation.dynamodb import Changed, Key
from tests.simulation.expressions import Item
from tests.simulation.faults import SKEW_MS
from tests.simulation.provider import Provider

CALLS_AN_ATTEMPT = 2
"""A question and one repair."""

type Rows = dict[Key, tuple[Item | None, Item | None]]
"""What one request has changed: before and after."""


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
    """What the rows have said of one run so far. `acknowledged_at`: when a client was told that it is cancelled."""

    run: Run
    holders: list[Sandbox] = field(default_factory=list)
    entries: dict[int, Entry] = field(default_factory=dict)
    targets: dict[int, Target] = field(default_factory=dict)
    made: set[Key] = field(default_factory=set)
    removed: set[Key] = field(default_factory=set)
    acknowledged_at: float | None = None
    releases: int = 0
    spent_before: int = 0

    @property
    def holder(self) -> Sandbox | None:
        return self.holders[-1] if self.holders else None


@dataclass(slots=True)
class Invariants:
    cloud: Cloud
    provider: Provider
    runs: dict[str, Known] = field(default_factory=dict)
    born: set[Key] = field(default_factory=set)
    pruned: bool = False
    """Somebody has deleted something by hand that had children."""
    violations: list[Violation] = field(default_factory=list)

    def begin_with(self, loaded: Changed) -> None:
        """What is there already, as if it had all been written at once by nobody."""
        self._examine({key: (before, after) for key, before, after in loaded})
        for known in self.runs.values():
            known.spent_before = known.run.cost
        for key, _, after in loaded:
            if after and _is_child(key) and (maker := _maker(key, after)):
                self.runs[maker].made.add(key)

    def on_write(self, changed: Changed) -> None:
        """Collects rather than raises: the code under test must not be able to catch it."""
        try:
            self._examine({key: (before, after) for key, before, after in changed})
        except Violation as violation:
            self.violations.append(violation)
            self.cloud.note(f"VIOLATION {violation}")

    def _examine(self, rows: Rows) -> None:
        written = {key: after for key, (_, after) in rows.items() if after}
        runs = {_run(after).id for key, after in written.items() if _is(key, "R#")}
        self.changes_come_with_their_run(rows, runs)
        for before, after in (change for key, change in rows.items() if _is(key, "R#")):
            self._run_written(before, after)
        # an item is queued before it ends
        for key in sorted(written, key=lambda key: _is(key, "J#")):
            self._lines_written(key, written[key])
        for before, after in (change for key, change in rows.items() if _is(key, "LOCK#")):
            self.lock_is_released_once(before, after)
        for run_id in runs:
            self.counters_equal_items(self.runs[run_id])
        self.an_id_is_used_once(rows)
        if self.cloud.acting and self.cloud.acting.function == "process_next":
            self.children_come_with_their_item(rows, written)

    def _run_written(self, before_row: Item | None, after_row: Item | None) -> None:
        demand(after_row is not None, "terminal_is_final", "a run's row was deleted")
        assert after_row
        after = _run(after_row)
        known = self.runs.get(after.id)
        if known is None:
            self.runs[after.id] = Known(after)
            return
        before = known.run
        self.terminal_is_final(before, after)
        self.only_the_holder_writes(known, before, after, self.cloud.acting)
        self.progress_is_monotonic(before, after)
        self.attempts_are_within_budget(after)
        known.run = after

    def _lines_written(self, key: Key, after: Item) -> None:
        if not _is(key, "M#") and not _is(key, "J#"):
            return
        row, known = LinesRow.from_raw_data(dict(after)), self.runs[key[1]]
        for position, line in enumerate(row.lines):
            if _is(key, "J#"):
                self.one_result_an_item(known, entry_of(int(row.sk[2:]), line))
            else:
                target = target_of(int(row.sk[2:]) * 100 + position, line)
                fresh = target.index not in known.targets
                demand(fresh, "one_result_an_item", f"{known.run.id}: item {target.index} was queued twice")
                again = any(one.numbers == target.numbers for one in known.targets.values())
                demand(not again, "one_result_an_item", f"{known.run.id}: {target.numbers} is two of its items")
                known.targets[target.index] = target

    # after every write

    def terminal_is_final(self, before: Run, after: Run) -> None:
        demand(before.status.active, "terminal_is_final", f"{after.id} was {before.status} and was written again")

    def only_the_holder_writes(self, known: Known, before: Run, after: Run, sandbox: Sandbox | None) -> None:
        """The epoch is its holder's alone; a cancel takes it, and a note in a run that waits leaves it at 0."""
        name = "only_the_holder_writes"
        demand(after.lease.epoch >= before.lease.epoch, name, f"{after.id}'s epoch went down")
        if after.status is Status.CANCELLED or before.lease.epoch == after.lease.epoch == 0:
            return
        if after.lease.owner and after.lease.epoch > before.lease.epoch:
            self.no_live_run_is_taken_over(known, after)
            assert sandbox
            known.holders.append(sandbox)
        else:
            demand(known.holder is sandbox, name, f"{after.id} was written by a sandbox that does not hold it")

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
        demand(after.ended <= after.total, "progress_is_monotonic", f"{after.id}: more items ended than there are")

    def attempts_are_within_budget(self, after: Run) -> None:
        over = [index for index, claim in after.claims.items() if claim.attempts > ITEM_ATTEMPTS]
        demand(not over, "attempts_are_within_budget", f"{after.id}: items {over}")

    def one_result_an_item(self, known: Known, entry: Entry) -> None:
        name, run_id = "one_result_an_item", known.run.id
        demand(entry.index not in known.entries, name, f"{run_id}: item {entry.index} ended twice")
        demand(not known.targets[entry.index].skipped, name, f"{run_id}: item {entry.index} was skipped and ended too")
        known.entries[entry.index] = entry

    def counters_equal_items(self, known: Known) -> None:
        name, run, entries = "counters_equal_items", known.run, known.entries.values()
        ended = Counter(entry.status for entry in entries)
        skipped = sum(target.skipped for target in known.targets.values())
        items = (ended[ItemStatus.COMPLETED], ended[ItemStatus.FAILED], skipped)
        counted = (run.completed, run.failed, run.skipped)
        demand(counted == items, name, f"{run.id} counts {counted}, its items are {items}")
        made = (sum(entry.created for entry in entries), sum(entry.deleted for entry in entries))
        demand((run.created, run.deleted) == made, name, f"{run.id}: {run.created} made, its items {made}")
        demand(not (run.claims.keys() & known.entries.keys()), name, f"{run.id} claims items that have ended")

    def changes_come_with_their_run(self, rows: Rows, runs: set[str]) -> None:
        """Manifest and journal are written with the run's row, never without it."""
        lines = {key[1] for key in rows if _is(key, "J#") or _is(key, "M#")}
        demand(lines <= runs, "changes_come_with_their_run", f"lines of {lines - runs} were written without their run")

    def lock_is_released_once(self, before: Item | None, after: Item | None) -> None:
        """And with the write that ends its run."""
        name = "lock_is_released_once"
        for lock in (row for row in (before, after) if row):
            known = self.runs.get(lock["runId"]["S"])
            demand(known is not None, name, "a lock came before its run")
            assert known
            if lock is before:
                known.releases += 1
                demand(not known.run.status.active, name, f"{known.run.id} lost its lock while active")
                demand(known.releases == 1, name, f"{known.run.id} released its lock {known.releases} times")

    def an_id_is_used_once(self, rows: Rows) -> None:
        """Also not after what had it is gone. What people delete by hand is taken off what a run has made."""
        by_hand = self.cloud.acting is not None and self.cloud.acting.function == "http"
        for key, (before, after) in rows.items():
            if not _is_child(key):
                continue
            if before is None and after:
                demand(key not in self.born, "an_id_is_used_once", f"{key} came a second time")
                self.born.add(key)
            if before and after is None and by_hand:
                self.pruned = self.pruned or not _is(key, "T#")
                if maker := _maker(key, before):
                    self.runs[maker].removed.add(key)

    def children_come_with_their_item(self, rows: Rows, written: dict[Key, Item]) -> None:
        """New children, the going of the old ones, and the journal's line that counts both are one request."""
        born, gone, counted = Counter[str](), 0, Counter[str]()
        for key, (before, after) in rows.items():
            if _is_child(key) and before is None and after:
                born[_maker(key, after)] += 1
                self.runs[_maker(key, after)].made.add(key)
            gone += _is_child(key) and after is None
        deleted = 0
        for key, after in written.items():
            for line in LinesRow.from_raw_data(dict(after)).lines if _is(key, "J#") else ():
                entry = entry_of(1, line)
                counted[key[1]] += entry.created
                deleted += entry.deleted
        purged = any(key[2] == "P" for key in rows) and not counted
        name = "children_come_with_their_item"
        demand(+born == +counted, name, f"{dict(born)} were made, {dict(counted)} counted")
        demand(gone == deleted or purged, name, f"{gone} went, {deleted} were counted")

    # around calls and events

    def on_call(self, sandbox: Sandbox, run_id: str) -> None:
        """no_call_after_cancel"""
        acknowledged_at = self.runs[run_id].acknowledged_at
        if acknowledged_at is not None and self.cloud.loop.now > acknowledged_at:
            self.violations.append(Violation("no_call_after_cancel", f"{run_id} by sandbox {sandbox.number}"))

    def on_invoke(self, sandbox: Sandbox, run_id: str) -> None:
        """the_sweep_leaves_live_runs_alone, unless it was held up between looking and acting"""
        known = self.runs[run_id]
        if sandbox.function not in ("retry_runs", "dead_letter") or known.run.hops == 0:
            return
        lives = known.run.status.active and known.run.lease.until - 2 * SKEW_MS > self.cloud.true_ms()
        renewed_ms = known.run.lease.until - leases.LEASE_MS
        before = renewed_ms < self.cloud.true_ms() - 2 * SKEW_MS - 1_000
        if lives and before and sandbox.disturbed_at == float("-inf"):
            self.violations.append(Violation("the_sweep_leaves_live_runs_alone", f"{run_id} by {sandbox.number}"))

    # at the end

    def at_the_end(self, rows: dict[Key, Item]) -> None:
        for known in self.runs.values():
            demand(not known.run.status.active, "a_run_ends", f"{known.run.id} is {known.run.status}")
            demand(known.releases == 1, "lock_is_released_once", f"{known.run.id}: {known.releases} times")
            self.every_item_has_ended(known)
            self.no_run_is_given_up_without_a_cause(known)
            self.children_are_those_of_completed_items(known, rows)
            self.cost_equals_the_bill(known)
        self.nothing_is_left_over(rows)
        self.the_project_counts_what_it_has(rows)
        for (run_id, name), calls in self.provider.calls.items():
            budget = ITEM_ATTEMPTS * CALLS_AN_ATTEMPT
            demand(calls <= budget, "attempts_are_within_budget", f"{run_id}: {calls} calls about {name}")

    def every_item_has_ended(self, known: Known) -> None:
        """A cancelled run keeps items that have not; one given up while it was queued has none yet."""
        run = known.run
        if run.status is Status.CANCELLED or run.given_up_unqueued:
            return
        whole = run.ended == run.total == len(known.targets)
        demand(whole, "every_item_has_ended", f"{run.id}: {run.ended} of {run.total}")
        demand(not run.claims, "every_item_has_ended", f"{run.id} has claims")

    def no_run_is_given_up_without_a_cause(self, known: Known) -> None:
        """Hops that achieved nothing were lost, held up, or refused by the model: at least one of them was not idle."""
        given_up = any(entry.error_code is ErrorCode.NO_PROGRESS for entry in known.entries.values())
        idle = [one for one in known.holders[-MAX_STALLED_HOPS:] if not one.dead and one.disturbed_at == float("-inf")]
        demand(
            not given_up or len(idle) < MAX_STALLED_HOPS,
            "no_run_is_given_up_without_a_cause",
            f"{known.run.id}: {len(idle)} hops in a row did nothing and nothing hindered them",
        )

    def children_are_those_of_completed_items(self, known: Known, rows: dict[Key, Item]) -> None:
        """Below each target: what its last completed item made, as many as that counted, and no others' of this run.

        What a later run has replaced, or has taken away with its parent, is gone.
        """
        run, name = known.run, "children_are_those_of_completed_items"
        there = {key for key, row in rows.items() if _is_child(key) and _maker(key, row) == run.id}
        demand(there <= known.made, name, f"{run.id}: rows nobody saw it make")
        others = [other.run for other in self.runs.values() if other is not known]
        replaced = self.pruned or any(other.options.replaces and other.deleted for other in others)
        there |= known.removed
        if not replaced:
            demand(there == known.made, name, f"{run.id}: {len(known.made - there)} of {len(known.made)} rows are gone")
        if run.type in (RunType.GENERATE_STORIES, RunType.GENERATE_SUBTASKS) and not replaced:
            self._children_by_target(known, there)

    def _children_by_target(self, known: Known, there: set[Key]) -> None:
        kind = Kind.STORY if known.run.type is RunType.GENERATE_STORIES else Kind.SUBTASK
        parent = Kind.EPIC if kind is Kind.STORY else Kind.STORY
        for index, target in known.targets.items():
            start = prefix(kind, Path(parent, known.run.id.rpartition("-")[0], target.numbers))
            count = sum(key[2].startswith(start) for key in there)
            counted = known.entries[index].created if index in known.entries else 0
            what = f"{known.run.id}: item {index} has {count} children and counts {counted}"
            demand(count == counted, "children_are_those_of_completed_items", what)

    def cost_equals_the_bill(self, known: Known) -> None:
        """To the last token where no sandbox was lost; else between what reached whole hops and all there was."""
        run = known.run
        billed = [one for one in self.provider.bill if one.run_id == run.id]
        lost = {one.sandbox.number for one in billed if _was_lost(one.sandbox)}
        most = known.spent_before + sum(one.cost for one in billed)
        kept = 0 if run.status is Status.CANCELLED else sum(b.cost for b in billed if b.sandbox.number not in lost)
        least = known.spent_before + kept
        what = f"{run.id} counts {run.cost}, billed {least} to {most}"
        demand(least <= run.cost <= most, "cost_equals_the_bill", what)
        of_items = sum(entry.cost for entry in known.entries.values())
        demand(of_items <= run.cost, "cost_equals_the_bill", f"{run.id} counts {run.cost}, its items {of_items}")

    def nothing_is_left_over(self, rows: dict[Key, Item]) -> None:
        """No lock, and nothing that waits for attention but retries that are not due yet and purges."""
        left = [key for key in rows if _is(key, "LOCK#")]
        left += [key for key, row in rows.items() if _is(key, "R#") and "attention" in row]
        demand(not left, "nothing_is_left_over", str(left))

    def the_project_counts_what_it_has(self, rows: dict[Key, Item]) -> None:
        """Rows below something that was replaced count until they are purged."""
        (project,) = (ProjectRow.from_raw_data(dict(row)) for key, row in rows.items() if key[2] == "P")
        letters = {"cards": "C#", "epics": "E#", "stories": "S#", "subtasks": "T#"}
        there = {name: sum(_is(key, letter) for key in rows) for name, letter in letters.items()}
        counted = {name: int(getattr(project, name)) for name in letters}
        demand(there == counted, "the_project_counts_what_it_has", f"{counted}, there are {there}")


def _is(key: Key, start: str) -> bool:
    return key[2].startswith(start)


def _is_child(key: Key) -> bool:
    return key[2][:2] in ("E#", "S#", "T#")


def _was_lost(sandbox: Sandbox) -> bool:
    """Whether this invocation broke off, so that calls it had been answered may not have been saved."""
    task = sandbox.main
    if sandbox.dead or task is None or not task.done() or task.cancelled():
        return True
    return task.exception() is not None or task.result() == "lost"


def _run(item: Item) -> Run:
    return run_of(RunRow.from_raw_data(dict(item)))


def _maker(key: Key, row: Item) -> str:
    """The run that has made an epic, a story or a subtask; empty where a person has."""
    return f"{key[1]}-R{row['run']['N']}" if "run" in row else ""
