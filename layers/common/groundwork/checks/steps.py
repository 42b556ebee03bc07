"""Order of the commands of a job: set-up, first runs, second runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundwork.checks.ports import CheckJob
from groundwork.checks.records import CheckRecord, StoredResult
from groundwork.sandbox.verdict import Verdict


@dataclass(frozen=True, slots=True)
class JobStep:
    """A command of a job at its position, set-up first."""

    command: str
    setup: bool


def steps_of(job: CheckJob) -> list[JobStep]:
    return [*(JobStep(line, True) for line in job.settings.setup), *(JobStep(line, False) for line in job.commands)]


def is_second_round(record: CheckRecord, first: int) -> bool:
    """True once checks run again. A failed command of set-up runs again at once instead."""
    return record.tries > 0 and record.position >= first


def next_run(
    record: CheckRecord, results: Mapping[int, StoredResult], checks: Sequence[int], rerun: bool
) -> CheckRecord | None:
    """Return the record at the next run of a check, None at the end of the job.

    The second round begins with the tree as it was sent. So it repeats the checks before a failed one as well: their
    products, such as a build, are gone.
    """
    if missing := [position for position in checks if position not in results]:
        return record.changed(position=missing[0], tries=0)
    failed = [position for position in checks if rerun and _failed_once(results[position])]
    if not failed:
        return None
    begins = not is_second_round(record, checks[0])
    left = range(checks[0] if begins else record.position + 1, failed[-1] + 1)
    # a check without an end of its own may take all of its time again
    able = [position for position in left if results[position].result.verdict is not Verdict.COULD_NOT_RUN]
    return record.changed(position=able[0], tries=1, ready=not begins)


def _failed_once(stored: StoredResult) -> bool:
    return stored.tries == 0 and stored.result.verdict is Verdict.FAILED
