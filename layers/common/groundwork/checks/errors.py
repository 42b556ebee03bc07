"""Errors of checks. None of them is a verdict."""

from groundwork.errors import GroundworkError


class ClaimLost(GroundworkError):
    """The owner's claim is no longer valid: another worker, or a cancel, has taken over."""


class NoFreeSlot(GroundworkError):
    """All sandboxes of the account are in use: retry later."""
