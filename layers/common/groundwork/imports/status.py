"""Imports with the runs that carry them out."""

from collections.abc import Sequence

from groundwork.imports.model import ImportRecord
from groundwork.imports.ports import ImportStore
from groundwork.runs.model import Run


def with_latest_runs(store: ImportStore, found: Sequence[ImportRecord]) -> list[tuple[ImportRecord, Run | None]]:
    """Pair each import with its latest run. Raises Transient.

    The counts of an ended import are final. A run may end after its import was read, so the import is read again.
    """
    runs = store.latest_runs([record.run_id for record in found if record.run_id])
    ended = [record.id for record in found if record.run_id in runs and not runs[record.run_id].status.active]
    final = store.load_all(ended)
    return [(final.get(record.id, record), runs.get(record.run_id or "")) for record in found]
