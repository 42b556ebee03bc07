"""Owners of the sandboxes of a task."""

from groundwork.checks.ports import Owner, OwnerKind
from groundwork.execution.worker import Assignment


def attempt_owner(assignment: Assignment) -> Owner:
    """Owner of the session's sandbox."""
    return _owner(OwnerKind.TASK, assignment)


def landing_owner(assignment: Assignment) -> Owner:
    """Owner of the landing's sandbox: a session may have altered the set-up in its own."""
    return _owner(OwnerKind.LANDING, assignment)


def _owner(kind: OwnerKind, assignment: Assignment) -> Owner:
    return Owner(kind, assignment.plan.id, assignment.task.id, assignment.attempt, assignment.epoch)
