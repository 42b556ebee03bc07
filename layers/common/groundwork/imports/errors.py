"""Errors of imports."""

from groundwork.errors import GroundworkError


class FileChanged(GroundworkError):
    """The file was deleted or replaced after the start of its import."""
