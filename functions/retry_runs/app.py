"""Sweep of runs: revive, retry, purge.

Invoked by a schedule, and by the queue of dead letters.
"""

from collections.abc import Callable
from typing import Any

from groundwork.api import file_events
from groundwork.api.dead_letters import logger, take_letters
from groundwork.composition import services
from groundwork.ids import Kind, path_of
from groundwork.runs.sweep import Sweeper


def sweeper(context: Any) -> Sweeper:
    own, tables = services(), services().tables
    return Sweeper(
        store=tables.runs,
        starter=own.starter(),
        to_purge=lambda: tables.purger.to_purge() + tables.plans.to_purge(),
        purge=purge,
        now_ms=own.now_ms,
        left_ms=context.get_remaining_time_in_millis,
        start_imports=own.imports().start_next,
    )


def purge(id_: str, stop: Callable[[], bool]) -> bool:
    """Delete rows of a deleted plan or project. Returns False if some remain."""
    tables = services().tables
    # the ids of `to_purge` are of both kinds
    owner = tables.plans if path_of(Kind.PLAN, id_) else tables.purger
    return owner.purge(id_, stop)


def queue_file(event: dict[str, Any]) -> str:
    return file_events.handle(event, services())["end"]


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Raises Transient: the queue delivers again, the schedule comes again."""
    if "Records" in event:
        failed = take_letters(event["Records"], sweeper(context).revive, queue_file)
        # only these come again; the queue deletes the others
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}
    swept = sweeper(context).sweep()
    did = {
        "revived": swept.revived,
        "retried": swept.retried,
        "imported": swept.imported,
        "purged": swept.purged,
        "left": swept.deferred,
    }
    # the template's metric StaleRuns, with its alarm, reads this line
    logger.info("Swept", extra={"stale": len(swept.revived), **did})
    return did
