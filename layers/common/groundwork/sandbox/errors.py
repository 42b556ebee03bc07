"""Errors of a sandbox. None is a verdict on a change or uses up an attempt."""

from groundwork.errors import GroundworkError


class SandboxError(GroundworkError):
    """A sandbox failed."""


class NoCapacity(SandboxError):
    """All sandboxes are in use: retry later."""


class SandboxUnavailable(SandboxError):
    """Sandboxes do not work here until a person changes the configuration."""


class SandboxLost(SandboxError):
    """The sandbox and its content are gone. Open the next one with a new generation."""


class KeyReused(SandboxError):
    """A sandbox with this key was opened with another specification."""


class SandboxBusy(SandboxError):
    """A command is running in the sandbox."""


class CommandConflict(SandboxError):
    """Another command has this id."""


class TreeRefused(SandboxError):
    """The sandbox could not write the tree."""


class SetupNotKept(SandboxError):
    """The products of set-up could not be kept or restored: run the set-up again."""


class CommandRefused(SandboxError):
    """The sandbox refused the command."""
