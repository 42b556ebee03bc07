"""Errors of imports."""

from groundwork.errors import Conflict, GroundworkError


class FileChanged(GroundworkError):
    """The file was deleted or replaced after the start of its import."""


class ImportStarted(Conflict):
    """The import was started already."""

    code = "IMPORT_STARTED"
