"""Recognise an export by its telling names, in any order of columns."""

from collections.abc import Sequence

from groundwork.backlog.card_import.export_format import Format
from groundwork.backlog.card_import.formats_reviews import REVIEWS
from groundwork.backlog.card_import.formats_support import SUPPORT
from groundwork.backlog.card_import.formats_surveys import SURVEYS
from groundwork.backlog.card_import.formats_trackers import TRACKERS

FORMATS = (*REVIEWS, *SUPPORT, *SURVEYS, *TRACKERS)
BY_NAME = {known.name: known for known in FORMATS}
_SINGLE_NAMED = 1


def recognise(columns: Sequence[str], *, is_json: bool) -> Format | None:
    """Return the export with the most telling names among the columns."""
    present = set(columns)
    best = max(FORMATS, key=lambda known: _rated(known, present, columns, is_json=is_json))
    return best if _rated(best, present, columns, is_json=is_json) else None


def _rated(known: Format, present: set[str], columns: Sequence[str], *, is_json: bool) -> int:
    found = known.matches(present)
    if found == _SINGLE_NAMED and (is_json or len(columns) < 2 or not known.matches({columns[0]})):
        # Google Forms has a single telling name, always the first
        return 0
    return found
