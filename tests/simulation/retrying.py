"""Invariants of retries: predecessor, number, time, items."""

from groundwork.runs.model import MAX_HOPS, ErrorCode, ItemStatus, Run, RunStatus, RunType
from groundwork.runs.retry import RUN_ATTEMPTS
from tests.simulation.dynamodb import Key
from tests.simulation.expressions import Item
from tests.simulation.known import Known, Seen, demand, is_a

FIRST_RETRY_MS = 5 * 60_000
_NEVER_AGAIN = {
    ErrorCode.COST_LIMIT,
    ErrorCode.HOP_LIMIT,
    ErrorCode.MODEL_MISCONFIGURED,
    ErrorCode.FILE_CHANGED,
    ErrorCode.FILE_INVALID,
}
"""Limits the next run would reach again, and files it would find the same."""

_WORTH_IT = {
    ErrorCode.ANSWER_INVALID,
    ErrorCode.ANSWER_TRUNCATED,
    ErrorCode.MODEL_UNAVAILABLE,
    ErrorCode.TARGET_CHANGED,
    ErrorCode.TIMED_OUT,
    ErrorCode.WORKER_LOST,
    ErrorCode.NO_PROGRESS,
}
"""Failures with a passing cause."""


def a_retry_is_of_its_predecessor(seen: Seen, run: Run) -> None:
    """A retry has the type, options and model of its ended predecessor, one attempt later."""
    name, earlier = "a_retry_is_of_its_predecessor", seen.runs[run.retry_of or ""].run
    same = ("type", "options", "ai", "model")
    other = [field for field in same if getattr(run, field) != getattr(earlier, field)]
    demand(not other, name, f"{run.id} has another {', '.join(other)} than {earlier.id}")
    demand(run.attempts == earlier.attempts + 1, name, f"{run.id}: attempt {run.attempts}")
    demand(not earlier.status.active, name, f"{run.id} retries {earlier.id}, which is {earlier.status}")


def a_run_is_retried_once(seen: Seen, run: Run) -> None:
    """A run is retried again only after a cancelled retry; by the schedule up to its limit."""
    others = [known.run for known in seen.runs.values() if known.run.retry_of == run.retry_of]
    execution_state = [other.id for other in others if other.status is not RunStatus.CANCELLED]
    demand(not execution_state, "a_run_is_retried_once", f"{run.retry_of} by {execution_state} and by {run.id}")
    by_schedule = seen.cloud.acting is not None and seen.cloud.acting.function == "retry_runs"
    what = f"{run.id} is attempt {run.attempts}"
    demand(not by_schedule or run.attempts <= RUN_ATTEMPTS, "run_attempts_are_within_budget", what)


def a_retry_is_due_as_the_items_say(seen: Seen, known: Known) -> None:
    """Check a run at its end: the retry by the schedule, and its time."""
    run, name = known.run, "a_retry_is_due_as_the_items_say"
    codes = {entry.error_code for entry in known.failed if entry.error_code}
    worth_it = bool(codes & _WORTH_IT) or not run.queued_all
    stopped = bool(codes & _NEVER_AGAIN) or (not run.queued_all and run.hops > MAX_HOPS)
    due = worth_it and not stopped and run.attempts < RUN_ATTEMPTS and run.status is not RunStatus.CANCELLED
    at = (run.completed_at or 0) + FIRST_RETRY_MS * 2 ** (run.attempts - 1) if due else None
    demand(run.next_retry_at == at, name, f"{run.id}: {run.next_retry_at} and not {at}")
    is_there = _waiting(seen, run) is not None
    demand(is_there == due, name, f"{run.id}: a retry {'waits' if is_there else 'does not wait'}")


def what_is_retried_waits_no_more(seen: Seen, run: Run) -> None:
    """Check a retry at its start."""
    earlier = seen.runs[run.retry_of or ""].run
    demand(_waiting(seen, earlier) is None, "what_is_retried_waits_no_more", f"{earlier.id}, by {run.id}")


def _waiting(seen: Seen, run: Run) -> Item | None:
    project_id, _, number = run.id.rpartition("-R")
    return seen.cloud.database.row(("runs", project_id, f"RETRY#R#{int(number):06d}"))


def a_due_retry_is_given(seen: Seen, known: Known, rows: dict[Key, Item]) -> None:
    """Check at the end: the retry waits, was given, or a later run covers all items."""
    run = known.run
    if not run.next_retry_at or _waiting(seen, run):
        return
    retried = any(other.run.retry_of == run.id for other in seen.runs.values())
    later = [other.run for other in seen.runs.values() if other.born_at > known.born_at]
    instead = any(
        other.type is run.type and not other.retry_of and not other.selected and other.epic in (None, run.epic)
        for other in later
    )
    demand(retried or instead, "a_due_retry_is_given", f"{run.id} waits for it no more")


def a_retry_is_of_the_failed_items(seen: Seen, known: Known) -> None:
    """Check a queued retry: the failed items, with a merge of its own if its batches need one."""
    asked = seen.as_first_asked(known)
    if asked.run.retry_of is None or asked.run.retry_of not in seen.runs:
        return
    earlier = seen.runs[asked.run.retry_of]
    failed = {earlier.targets[entry.index].numbers: earlier.targets[entry.index] for entry in earlier.failed}
    tried = {target.numbers: target for target in known.targets.values() if target.merge_of_run != known.run.id}
    name = "a_retry_is_of_the_failed_items"
    what = f"{known.run.id} is of {sorted(tried)}, of {earlier.run.id} failed {sorted(failed)}"
    demand(tried.keys() == failed.keys(), name, what)
    other = [numbers for numbers, target in tried.items() if target.card_numbers != failed[numbers].card_numbers]
    demand(not other, name, f"{known.run.id}: the batches {other} have other cards")
    _merge_of_its_own(known, [target.merge_of_run for target in failed.values()])


def _merge_of_its_own(known: Known, merges: list[str | None]) -> None:
    run = known.run
    own = sum(target.merge_of_run == run.id for target in known.targets.values())
    needed = run.type is RunType.GENERATE_EPICS and run.total > 1 and not any(merges)
    demand(own == needed, "a_retry_is_of_the_failed_items", f"{run.id} has {own} merges of its own")


def only_what_stalls_is_given_up(known: Known, hops: int) -> None:
    """A run ends with NO_PROGRESS only after `hops` hops without progress."""
    marks = known.marks[-hops - 1 :]
    stalled = len(marks) == hops + 1 and len(set(marks)) == 1
    what = f"{known.run.id} had come to {marks} at the beginnings of its last hops"
    demand(stalled or known.spent_before is not None, "only_what_stalls_is_given_up", what)


def is_given_up(known: Known) -> bool:
    """Return True if this ended run was given up without progress."""
    codes = {entry.error_code for entry in known.entries.values() if entry.status is ItemStatus.FAILED}
    run = known.run
    unqueued = run.given_up_unqueued and run.hops <= MAX_HOPS
    return ErrorCode.NO_PROGRESS in codes or unqueued


def no_line_is_written_over(key: Key, before: Item | None, after: Item | None) -> None:
    """Manifest and journal only grow."""
    if is_a(key, "J#") or is_a(key, "M#"):
        demand(before is None, "no_line_is_written_over", f"{key[1]}'s {key[2]}, by {'other lines' if after else ''}")
