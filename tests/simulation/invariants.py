"""Invariants after every write, call and event, seen from outside the code under test.

`Invariants` sees the rows changed by each request, with its sandbox. Those of items are in itemizing.py, of retries in
retrying.py, of the end in endings.py; docs/reference/invariants.md lists them all.
"""

from collections import Counter
from dataclasses import dataclass, field

from groundwork.adapters.dynamodb.run_rows import LinesRow, journal_entry_of, manifest_entry_of
from groundwork.ids import Kind, parse
from groundwork.ids import path_of as path_of_id
from groundwork.runs import leases
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import ITEM_ATTEMPTS, MAX_STALLED_HOPS, ErrorCode, ItemStatus, JournalEntry, Run, RunStatus
from groundwork.runs.start import RunRequest
from tests.runs.world import PIPELINE
from tests.simulation import endings, itemizing, retrying
from tests.simulation.cloud import EPOCH_MS, Sandbox
from tests.simulation.dynamodb import Changed, Key
from tests.simulation.expressions import Item
from tests.simulation.faults import SKEW_MS
from tests.simulation.known import (
    Known,
    Rows,
    Seen,
    Violation,
    demand,
    is_a,
    is_child,
    maker_of,
    read_run,
    reads,
)

NEVER = float("-inf")
LOOKED_MS = 200
"""Maximum time between an undelayed worker's look at a run and its trigger."""


def numbers_of(id_: str) -> tuple[int, ...]:
    path = parse(id_)
    assert path, id_
    return path.numbers


@dataclass(slots=True)
class Invariants:
    seen: Seen
    violations: list[Violation] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    invokers: set[int] = field(default_factory=set)

    def begin_with(self, loaded: Changed) -> None:
        """Load existing rows, as if written at once."""
        self._examine({key: (before, after) for key, before, after in loaded})
        for known in self.seen.runs.values():
            known.spent_before = known.run
            if not known.run.status.active:
                known.releases, known.ended_at = 1, known.run.completed_at
        for key, _, after in loaded:
            if after and is_child(key) and (maker := maker_of(key, after)):
                self.seen.runs[maker].made.add(key)

    def on_write(self, changed: Changed) -> None:
        """Collect a violation: if raised, the code under test could catch it."""
        try:
            self._examine({key: (before, after) for key, before, after in changed})
        except Violation as violation:
            self._broken(violation)

    def _broken(self, violation: Violation) -> None:
        self.violations.append(violation)
        self.seen.cloud.note(f"VIOLATION {violation}")

    @property
    def _acting(self) -> Sandbox | None:
        return self.seen.cloud.acting

    def _examine(self, rows: Rows) -> None:
        if self.seen.deleted:
            self.a_deleted_project_is_not_written(rows)
            return
        for key, (before, after) in rows.items():
            retrying.no_line_is_written_over(key, before, after)
        self.an_id_is_used_once(rows)
        self.seen.note(rows)
        written = {key: after for key, (_, after) in rows.items() if after}
        runs = {read_run(after).id for key, after in written.items() if is_a(key, "R#")}
        self.changes_come_with_their_run(rows, runs)
        self._runs_written(rows, written)
        for before, after in (change for key, change in rows.items() if is_a(key, "LOCK#")):
            self.lock_is_released_once(before, after)
        for run_id in runs:
            self.counters_equal_items(self.seen.runs[run_id])
        if self._acting and self._acting.function == "process_next":
            self.children_come_with_their_item(rows, written)
            itemizing.an_analysis_is_of_its_card(self.seen, rows)
        if self._acting:
            itemizing.results_name_their_maker(self.seen, rows)
        self._project_written(rows)

    def _runs_written(self, rows: Rows, written: dict[Key, Item]) -> None:
        known_before = {known.run.id: known.run for known in self.seen.runs.values()} if written else {}
        for before, after in (change for key, change in rows.items() if is_a(key, "R#")):
            self._run_written(before, after, rows)
        # an item is queued before it ends
        for key in sorted(written, key=lambda key: is_a(key, "J#")):
            self._lines_written(key, written[key], rows)
        for key in rows:
            if is_a(key, "R#") and self._acting:
                known = self.seen.runs[f"{key[1]}-R{int(key[2][2:])}"]
                self._came_to(known, known_before.get(known.run.id))

    def _run_written(self, before_row: Item | None, after_row: Item | None, rows: Rows) -> None:
        demand(after_row is not None, "terminal_is_final", "a run's row was deleted")
        assert after_row
        after = read_run(after_row)
        known = self.seen.runs.get(after.id)
        if known is None:
            self._run_born(after, rows)
            return
        before = known.run
        self.terminal_is_final(before, after)
        self.only_the_holder_writes(known, before, after, self._acting)
        self.progress_is_monotonic(before, after)
        self.attempts_are_within_budget(after)
        self.nothing_begins_beyond_the_cost_limit(before, after)
        self.a_suspect_runs_alone(known, before, after)
        known.run = after

    def _run_born(self, run: Run, rows: Rows) -> None:
        known = Known(run, self.seen.cloud.true_ms())
        if selection := rows.get(("runs", run.id, "SELECTION"), (None, None))[1]:
            known.selection = frozenset(map(tuple, LinesRow.from_raw_data(dict(selection)).lines))
        try:
            if self._acting:
                self._starts_rightly(run, rows)
        finally:
            self.seen.runs[run.id] = known

    def _starts_rightly(self, run: Run, rows: Rows) -> None:
        self.runs_that_replace_are_kept_apart(run)
        if not run.retry_of:
            self.a_run_comes_with_its_key(run, rows)
            return
        retrying.a_retry_is_of_its_predecessor(self.seen, run)
        retrying.a_run_is_retried_once(self.seen, run)
        retrying.what_is_retried_waits_no_more(self.seen, run)

    def _came_to(self, known: Known, before: Run | None) -> None:
        """Check the overall effect of a write of a run."""
        run = known.run
        if before and run.queued_all and not before.queued_all:
            itemizing.the_items_are_what_was_asked_for(self.seen, known)
            retrying.a_retry_is_of_the_failed_items(self.seen, known)
        if before and before.status.active and not run.status.active:
            known.ended_at = self.seen.cloud.true_ms()
            retrying.a_retry_is_due_as_the_items_say(self.seen, known)
            if run.given_up_unqueued:
                retrying.only_what_stalls_is_given_up(known, MAX_STALLED_HOPS)

    def _lines_written(self, key: Key, after: Item, rows: Rows) -> None:
        if not is_a(key, "M#") and not is_a(key, "J#"):
            return
        row, known = LinesRow.from_raw_data(dict(after)), self.seen.runs[key[1]]
        entries = [journal_entry_of(int(row.sk[2:]), line) for line in row.lines] if is_a(key, "J#") else []
        for entry in entries:
            self.one_result_an_item(known, entry)
        if self._acting and known.run.type in PIPELINE:
            for entry in entries:
                if entry.status is ItemStatus.COMPLETED:
                    itemizing.a_completed_item_is_there(self.seen, known, entry, rows)
            if any(entry.error_code is ErrorCode.NO_PROGRESS for entry in entries):
                retrying.only_what_stalls_is_given_up(known, MAX_STALLED_HOPS)
        if is_a(key, "M#"):
            self._page_written(known, row)

    def _page_written(self, known: Known, row: LinesRow) -> None:
        for position, line in enumerate(row.lines):
            target = manifest_entry_of(int(row.sk[2:]) * 100 + position, line)
            fresh = target.index not in known.targets
            demand(fresh, "one_result_an_item", f"{known.run.id}: item {target.index} was queued twice")
            again = target.numbers in known.numbers
            demand(not again, "one_result_an_item", f"{known.run.id}: {target.numbers} is two of its items")
            known.targets[target.index] = target
            known.numbers.add(target.numbers)
            if self._acting and known.run.type in PIPELINE:
                itemizing.what_is_there_is_skipped_or_replaced(self.seen, known, target)

    def _project_written(self, rows: Rows) -> None:
        for key, (_, after) in rows.items():
            if key[0] == "backlog" and key[2] == "P" and after and "deletedAt" in after:
                active = [known.run.id for known in self.seen.runs.values() if known.run.status.active]
                demand(not active, "a_project_in_use_is_not_deleted", f"{active} are under way")
                self.seen.deleted = True

    # after every write

    def a_deleted_project_is_not_written(self, rows: Rows) -> None:
        """Nothing is written any more but log lines."""
        made = [key for key, (before, _) in rows.items() if before is None and not is_a(key, "L#")]
        demand(not made, "a_deleted_project_is_not_written", str(made))

    def terminal_is_final(self, before: Run, after: Run) -> None:
        demand(before.status.active, "terminal_is_final", f"{after.id} was {before.status} and was written again")

    def only_the_holder_writes(self, known: Known, before: Run, after: Run, sandbox: Sandbox | None) -> None:
        """Only the holder writes at its epoch; a cancel raises it, a note on a waiting run keeps 0."""
        name = "only_the_holder_writes"
        demand(after.lease.epoch >= before.lease.epoch, name, f"{after.id}'s epoch went down")
        if after.status is RunStatus.CANCELLED or before.lease.epoch == after.lease.epoch == 0:
            return
        if after.lease.owner and after.lease.epoch > before.lease.epoch:
            self.no_live_run_is_taken_over(known, after)
            assert sandbox
            known.holders.append(sandbox)
            known.took[sandbox.number] = after.hops
            known.marks.append(after.queued + after.completed + after.failed + after.skipped)
        else:
            demand(known.holder is sandbox, name, f"{after.id} was written by a sandbox that does not hold it")

    def no_live_run_is_taken_over(self, known: Known, after: Run) -> None:
        holder, now = known.holder, self.seen.cloud.loop.now
        if known.run.lease.owner is None or holder is None or holder.dead or not holder.thawed.is_set():
            return
        # a write delayed on its way renews the lease from its start, not from its arrival
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

    def nothing_begins_beyond_the_cost_limit(self, before: Run, after: Run) -> None:
        """No item starts once the saved cost has reached the limit; claimed ones may still call."""
        limit = before.options.max_cost_usd
        if limit is None or before.cost < limit * 1_000_000:
            return
        under_way = {index for index, claim in before.claims.items() if claim.active}
        begun = {index for index, claim in after.claims.items() if claim.active} - under_way
        what = f"{after.id} begins {sorted(begun)} at a cost of {before.cost}"
        demand(not begun, "nothing_begins_beyond_the_cost_limit", what)

    def a_suspect_runs_alone(self, known: Known, before: Run, after: Run) -> None:
        """A suspect, an item with two lost workers, runs with nothing beside it."""
        active = {index for index, claim in after.claims.items() if claim.active}
        lost = {i for i, claim in before.claims.items() if claim.lost and claim.attempts >= ITEM_ATTEMPTS - 1}
        known.suspects = (known.suspects | {i for i in lost if not before.claims[i].active}) & active
        what = f"{after.id}: {sorted(active)} with the suspects {sorted(known.suspects)}"
        demand(not known.suspects or len(active) == 1, "a_suspect_runs_alone", what)

    def runs_that_replace_are_kept_apart(self, run: Run) -> None:
        """No run starts below a replacing one, and no replacing one above an active one."""
        active = [known.run for known in self.seen.runs.values() if known.run.status.active]
        above = [one.id for one in active if one.type in reads(run.type) and one.options.replaces]
        below = [one.id for one in active if run.type in reads(one.type) and run.options.replaces]
        demand(not above + below, "runs_that_replace_are_kept_apart", f"{run.id} beside {above + below}")

    def a_run_comes_with_its_key(self, run: Run, rows: Rows) -> None:
        """A run is written together with the Idempotency-Key of its request: one key, one run."""
        keys = [change for key, change in rows.items() if is_a(key, "IDEM#")]
        its = [after for before, after in keys if before is None and after and after["runId"]["S"] == run.id]
        demand(len(its) == 1, "a_run_comes_with_its_key", run.id)

    def one_result_an_item(self, known: Known, entry: JournalEntry) -> None:
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
        """Manifest and journal are written only with the run's row."""
        lines = {key[1] for key in rows if is_a(key, "J#") or is_a(key, "M#")}
        demand(lines <= runs, "changes_come_with_their_run", f"lines of {lines - runs} were written without their run")

    def lock_is_released_once(self, before: Item | None, after: Item | None) -> None:
        """The lock is released by the write of the run's end."""
        name = "lock_is_released_once"
        if before and after and before["runId"] == after["runId"]:
            # a newer release may add a field to a lock: the run still holds it
            return
        for lock in (row for row in (before, after) if row):
            known = self.seen.runs.get(lock["runId"]["S"])
            demand(known is not None, name, "a lock came before its run")
            assert known
            if lock is before:
                known.releases += 1
                demand(not known.run.status.active, name, f"{known.run.id} lost its lock while active")
                demand(known.releases == 1, name, f"{known.run.id} released its lock {known.releases} times")

    def an_id_is_used_once(self, rows: Rows) -> None:
        """An id is never reused, also after a deletion. Deletions by users reduce a run's results."""
        by_hand = self._acting is not None and self._acting.function == "http"
        for key, (before, after) in rows.items():
            if not is_child(key):
                continue
            if before is None and after:
                demand(key not in self.seen.born, "an_id_is_used_once", f"{key} came a second time")
            if before and after is None and by_hand:
                self.seen.pruned = self.seen.pruned or not is_a(key, "T#")
                if maker := maker_of(key, before):
                    self.seen.runs[maker].removed.add(key)

    def children_come_with_their_item(self, rows: Rows, written: dict[Key, Item]) -> None:
        """One request writes new children, deletes old ones, and adds their journal entry."""
        born, gone, counted = Counter[str](), 0, Counter[str]()
        for key, (before, after) in rows.items():
            if is_child(key) and before is None and after:
                born[maker_of(key, after)] += 1
                self.seen.runs[maker_of(key, after)].made.add(key)
            gone += is_child(key) and after is None
        deleted = 0
        for key, after in written.items():
            for line in LinesRow.from_raw_data(dict(after)).lines if is_a(key, "J#") else ():
                entry = journal_entry_of(1, line)
                counted[key[1]] += entry.created
                deleted += entry.deleted
        purged = any(key[2] == "P" for key in rows) and not counted
        name = "children_come_with_their_item"
        demand(+born == +counted, name, f"{dict(born)} were made, {dict(counted)} counted")
        demand(gone == deleted or purged, name, f"{gone} went, {deleted} were counted")

    # around calls, events and answers

    def on_answer(self, key: str, request: RunRequest, run_id: str) -> None:
        """Check a_key_gives_one_run and a_run_is_what_was_asked_for."""
        given = self.answers.setdefault(key, run_id)
        if given != run_id:
            self._broken(Violation("a_key_gives_one_run", f"{key} gave {given} and {run_id}"))
        known = self.seen.runs[run_id]
        epic, items = path_of_id(Kind.EPIC, request.epic_id or ""), request.item_ids or ()
        asked = (request.type, request.options, epic.number if epic else None, {numbers_of(id_) for id_ in items})
        run = known.run
        if (run.type, run.options, run.epic, set(known.selection)) != asked or run.selected != bool(items):
            self._broken(Violation("a_run_is_what_was_asked_for", f"{run_id} is not {request}"))

    def on_call(self, sandbox: Sandbox, run_id: str) -> None:
        """Check no_call_after_cancel."""
        acknowledged_at = self.seen.runs[run_id].acknowledged_at
        if acknowledged_at is not None and self.seen.cloud.loop.now > acknowledged_at:
            self._broken(Violation("no_call_after_cancel", f"{run_id} by sandbox {sandbox.number}"))

    def on_invoke(self, sandbox: Sandbox, run_id: str) -> None:
        """Check the_sweep_leaves_others_alone.

        It triggers no live or ended run, unless it was delayed before the trigger.
        """
        self.invokers.add(sandbox.number)
        known, now = self.seen.runs[run_id], self.seen.cloud.true_ms()
        if sandbox.function not in ("retry_runs", "dead_letter") or known.run.hops == 0:
            return
        if sandbox.disturbed_at != NEVER:
            return
        lives = known.run.status.active and known.run.lease.until - 2 * SKEW_MS > now
        renewed_long_ago = known.run.lease.until - leases.LEASE_MS < now - 2 * SKEW_MS - 1_000
        ended_before = known.ended_at is not None and known.ended_at < now - LOOKED_MS
        if (lives and renewed_long_ago) or ended_before:
            name = "the_sweep_leaves_others_alone"
            self._broken(Violation(name, f"{run_id}, which is {known.run.status}, by {sandbox.number}"))

    def on_hop_ended(self, sandbox: Sandbox, run_id: str, end: HopEnd) -> None:
        """Check a_hop_hands_on, and a_hop_is_in_the_log if nothing came between."""
        known = self.seen.runs[run_id]
        if end is HopEnd.CONTINUED and sandbox.number not in self.invokers:
            self._broken(Violation("a_hop_hands_on", f"{run_id} by {sandbox.number}, which has invoked nobody"))
        if end in (HopEnd.NOT_TAKEN, HopEnd.LEASE_LOST) or sandbox.disturbed_at != NEVER:
            return
        database = self.seen.cloud.database
        lines = (database.row(key) or {} for key in reversed(database.below("runs", run_id, "L#")))
        began = f"Hop {known.took[sandbox.number]} started."
        if not self.seen.deleted and not any(line["message"]["S"] == began for line in lines):
            self._broken(Violation("a_hop_is_in_the_log", f"{run_id} has no line {began!r} by {sandbox.number}"))

    # at the end

    def at_the_end(self, rows: dict[Key, Item]) -> None:
        endings.at_the_end(self.seen, rows)
