"""Invariants of the end: predicates on the observed state and the rows left."""

from collections import Counter
from dataclasses import fields
from typing import Any

from groundwork.adapters.dynamodb.backlog_rows import ProjectRow, prefix
from groundwork.ids import Kind, Path
from groundwork.llm.port import Usage
from groundwork.runs.model import (
    ITEM_ATTEMPTS,
    MAX_STALLED_HOPS,
    ErrorCode,
    ItemStatus,
    JournalEntry,
    Run,
    RunStatus,
    RunType,
)
from tests.simulation.cloud import Sandbox
from tests.simulation.dynamodb import Key
from tests.simulation.expressions import Item
from tests.simulation.known import Known, Seen, demand, is_a, is_child, maker_of, path_of
from tests.simulation.retrying import a_due_retry_is_given

CALLS_AN_ATTEMPT = 2
"""A question and one repair."""


def at_the_end(seen: Seen, rows: dict[Key, Item]) -> None:
    """Check a deleted project: nothing is left."""
    for known in seen.runs.values():
        demand(not known.run.status.active, "a_run_ends", f"{known.run.id} is {known.run.status}")
    attempts_are_within_budget(seen)
    if seen.deleted:
        nothing_is_left_of_a_deleted_project(rows)
        return
    for known in seen.runs.values():
        demand(known.releases == 1, "lock_is_released_once", f"{known.run.id}: {known.releases} times")
        every_item_has_ended(known)
        no_run_is_given_up_without_a_cause(known)
        children_are_those_of_completed_items(seen, known, rows)
        cost_equals_the_bill(seen, known)
        a_due_retry_is_given(seen, known, rows)
        what_batches_proposed_is_merged(seen, known)
    nothing_is_left_over(rows)
    nothing_is_below_what_is_gone(rows)
    the_project_counts_what_it_has(rows)


def attempts_are_within_budget(seen: Seen) -> None:
    for (run_id, name), calls in seen.provider.calls.items():
        budget = ITEM_ATTEMPTS * CALLS_AN_ATTEMPT
        demand(calls <= budget, "attempts_are_within_budget", f"{run_id}: {calls} calls about {name}")


def every_item_has_ended(known: Known) -> None:
    """Every item has ended; a cancelled run keeps open items, an unqueued one has none."""
    run = known.run
    if run.status is RunStatus.CANCELLED or run.given_up_unqueued:
        return
    whole = run.ended == run.total == len(known.targets)
    demand(whole, "every_item_has_ended", f"{run.id}: {run.ended} of {run.total}")
    demand(not run.claims, "every_item_has_ended", f"{run.id} has claims")


def no_run_is_given_up_without_a_cause(known: Known) -> None:
    """A run is given up only if one of its idle hops was lost, delayed or refused by the model."""
    if not any(entry.error_code is ErrorCode.NO_PROGRESS for entry in known.entries.values()):
        return
    name = "no_run_is_given_up_without_a_cause"
    idle = [one for one in known.holders[-MAX_STALLED_HOPS:] if not one.dead and one.disturbed_at == float("-inf")]
    what = f"{known.run.id}: {len(idle)} hops in a row did nothing and nothing hindered them"
    demand(len(idle) < MAX_STALLED_HOPS, name, what)


def children_are_those_of_completed_items(seen: Seen, known: Known, rows: dict[Key, Item]) -> None:
    """Each target has the children of its last completed item, as many as counted, no others.

    Children replaced by a later run, or deleted with their parent, are gone.
    """
    run, name = known.run, "children_are_those_of_completed_items"
    there = {key for key, row in rows.items() if is_child(key) and maker_of(key, row) == run.id}
    demand(there <= known.made, name, f"{run.id}: rows nobody saw it make")
    others = [other.run for other in seen.runs.values() if other is not known]
    replaced = seen.pruned or any(other.options.replaces and other.deleted for other in others)
    there |= known.removed
    if not replaced:
        demand(there == known.made, name, f"{run.id}: {len(known.made - there)} of {len(known.made)} rows are gone")
    if run.type in (RunType.GENERATE_STORIES, RunType.GENERATE_SUBTASKS) and not replaced:
        _children_by_target(known, there)


def _children_by_target(known: Known, there: set[Key]) -> None:
    kind = Kind.STORY if known.run.type is RunType.GENERATE_STORIES else Kind.SUBTASK
    parent = Kind.EPIC if kind is Kind.STORY else Kind.STORY
    below = Counter(key[2].rpartition("#")[0] + "#" for key in there)
    for index, target in known.targets.items():
        count = below[prefix(kind, Path(parent, known.run.id.rpartition("-")[0], target.numbers))]
        counted = known.entries[index].created if index in known.entries else 0
        what = f"{known.run.id}: item {index} has {count} children and counts {counted}"
        demand(count == counted, "children_are_those_of_completed_items", what)


def cost_equals_the_bill(seen: Seen, known: Known) -> None:
    """The cost equals the bill exactly if no sandbox was lost, else it lies within bounds."""
    run, before = known.run, known.spent_before
    billed = [one for one in seen.provider.bill if one.run_id == run.id]
    lost = {one.sandbox.number for one in billed if _was_lost(one.sandbox)}
    kept = [one for one in billed if one.sandbox.number not in lost and run.status is not RunStatus.CANCELLED]
    for figure in ("cost", *(field.name for field in fields(Usage))):
        earlier = _spent(before, figure) if before else 0
        least = earlier + sum(_spent(one, figure) for one in kept)
        most = earlier + sum(_spent(one, figure) for one in billed)
        counted, of_items = _spent(run, figure), sum(_spent(entry, figure) for entry in known.entries.values())
        name, what = "cost_equals_the_bill", f"{run.id} counts {counted} of {figure}"
        demand(least <= counted <= most, name, f"{what}, billed {least} to {most}")
        demand(of_items <= counted, name, f"{what}, its items {of_items}")


def _spent(one: Run | JournalEntry | Any, figure: str) -> int:
    return int(one.cost if figure == "cost" else getattr(one.usage, figure))


def _was_lost(sandbox: Sandbox) -> bool:
    """Return True if this invocation broke off: its answered calls may not be saved."""
    task = sandbox.main
    if sandbox.dead or task is None or not task.done() or task.cancelled():
        return True
    return task.exception() is not None or task.result() == "lost"


def what_batches_proposed_is_merged(seen: Seen, known: Known) -> None:
    """A merge has no drafts only if no batch has proposed any."""
    for entry in known.failed:
        target = known.targets[entry.index]
        if not target.merge_of_run or entry.error_code is not ErrorCode.TARGET_GONE:
            continue
        proposed = [
            f"{one.run.id}'s item {index}"
            for one in _since(seen, known, target.merge_of_run)
            for index, done in one.entries.items()
            if done.status is ItemStatus.COMPLETED and not one.targets[index].merge_of_run
        ]
        what = f"{known.run.id} had nothing to merge but {', '.join(proposed)}"
        demand(not proposed, "what_batches_proposed_is_merged", what)


def _since(seen: Seen, known: Known, first: str) -> list[Known]:
    chain = []
    for one in seen.predecessors(known):
        chain.append(one)
        if one.run.id == first:
            break
    return chain


def nothing_is_left_over(rows: dict[Key, Item]) -> None:
    """No lock is left, and no attention mark but those of retries not due yet."""
    left = [key for key in rows if is_a(key, "LOCK#")]
    left += [key for key, row in rows.items() if not is_a(key, "RETRY#") and "attention" in row]
    demand(not left, "nothing_is_left_over", str(left))


def nothing_is_below_what_is_gone(rows: dict[Key, Item]) -> None:
    """Descendants of replaced and deleted objects are gone; their purge is over."""
    left = [key for key in rows if is_a(key, "S#") or is_a(key, "T#")]
    orphans = [key for key in left if _parent_of(key) not in rows]
    demand(not orphans, "nothing_is_below_what_is_gone", f"{len(orphans)} rows, {orphans[:3]}")


def _parent_of(key: Key) -> Key:
    parent = path_of(key).parent
    letter = "E" if parent.kind is Kind.EPIC else "S"
    return key[0], key[1], "#".join([letter, *(f"{number:06d}" for number in parent.numbers)])


def nothing_is_left_of_a_deleted_project(rows: dict[Key, Item]) -> None:
    """Nothing is left but log lines: a worker may write its last ones after the purge."""
    left = [key for key in rows if not is_a(key, "L#")]
    demand(not left, "nothing_is_left_of_a_deleted_project", f"{len(left)} rows, {left[:3]}")


def the_project_counts_what_it_has(rows: dict[Key, Item]) -> None:
    (project,) = (ProjectRow.from_raw_data(dict(row)) for key, row in rows.items() if key[2] == "P")
    letters = {"cards": "C#", "epics": "E#", "stories": "S#", "subtasks": "T#"}
    there = {name: sum(is_a(key, letter) for key in rows) for name, letter in letters.items()}
    counted = {name: int(getattr(project, name)) for name in letters}
    demand(there == counted, "the_project_counts_what_it_has", f"{counted}, there are {there}")
