"""Errors of a sandbox: never a verdict on a change, never a used attempt."""

from groundwork.errors import GroundworkError


class SandboxError(GroundworkError):
    """A sandbox did not work."""


class NoCapacity(SandboxError):
    """No further sandbox can be had now: wait and ask again."""


class SandboxUnavailable(SandboxError):
    """No sandbox can be had here until somebody changes something."""


class SandboxLost(SandboxError):
    """The sandbox and everything in it is gone; the next one needs a new generation."""


class KeyReused(SandboxError):
    """A sandbox of this key was opened with another specification."""


class SandboxBusy(SandboxError):
    """A command is running in the sandbox."""


class CommandConflict(SandboxError):
    """Another command has this id."""


class TreeRefused(SandboxError):
    """The sandbox could not take the tree."""


class SetupNotKept(SandboxError):
    """The products of set-up could not be kept or restored: the set-up has to run."""


class CommandRefused(SandboxError):
    """The sandbox does not take such a command."""
