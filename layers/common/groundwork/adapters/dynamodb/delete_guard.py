"""Checks of every manual delete: items in use by a run stay."""

from groundwork.adapters.dynamodb.client import Cancelled, Transaction, translate_errors
from groundwork.adapters.dynamodb.run_rows import LockRow, lock_key
from groundwork.errors import BacklogInUse, NotFound, WriteConflict
from groundwork.generation.registry import run_handlers
from groundwork.ids import Path
from groundwork.runs.model import RunType

_HANDLERS = run_handlers()


def check_unused(transaction: Transaction, path: Path) -> None:
    """Add checks against runs working on the item."""
    # deletes are rare: with this check the commits of runs need none of their own
    for handler in _HANDLERS.using(path.kind):
        free = LockRow.pk.does_not_exist()
        transaction.check(LockRow, path.project_id, lock_key(handler.lock_name), free, handler.type)


def commit_delete(transaction: Transaction, path: Path) -> None:
    """Commit a delete. Raises BacklogInUse, NotFound, and WriteConflict if a floor has moved."""
    try:
        transaction.commit()
    except Cancelled as cancelled:
        blocking = [tag for tag in cancelled.tags if isinstance(tag, RunType)]
        if blocking:
            raise _in_use(path.project_id, blocking[0]) from None
        # the item may still exist: another delete has moved the floor or removed the parent, so read again
        if "floor" in cancelled.tags and "row" not in cancelled.tags:
            raise WriteConflict from None
        raise NotFound.of(path.kind.name.lower(), str(path)) from None


def _in_use(project_id: str, type_: RunType) -> BacklogInUse | WriteConflict:
    condition = LockRow.sk == lock_key(_HANDLERS[type_].lock_name)
    with translate_errors():
        locks = list(LockRow.query(project_id, condition, consistent_read=True))
    # the run may have ended since
    return BacklogInUse(locks[0].run_id) if locks else WriteConflict()
