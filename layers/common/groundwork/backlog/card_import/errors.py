"""Refusals of a whole file. A bad row is a `Rejected` row instead."""

from collections.abc import Sequence
from typing import Any

from groundwork.errors import Invalid, Malformed, Refusal, UnsupportedMediaType


class ColumnUnknown(Invalid):
    """No column is known to hold the feedback: name it with ?text=COLUMN."""

    code = "COLUMN_UNKNOWN"

    def __init__(self, message: str | None, columns: Sequence[dict[str, Any]]) -> None:
        Refusal.__init__(self, message, {"columns": list(columns)})


class NotAFeedbackFile(UnsupportedMediaType):
    """Groundwork reads CSV, TSV, JSON, NDJSON and xlsx."""


class Damaged(Malformed):
    """The file is damaged or cut off."""
