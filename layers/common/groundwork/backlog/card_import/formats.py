"""Recognise an export by its telling names, in any order of columns."""

from collections.abc import Sequence

from groundwork.backlog.card_import.export_format import Format
from groundwork.backlog.card_import.formats_reviews import REVIEWS
from groundwork.backlog.card_import.formats_support import SUPPORT
from groundwork.backlog.card_import.formats_surveys import SURVEYS
from groundwork.backlog.card_import.formats_trackers import TRACKERS
from groundwork.backlog.card_import.names import is_question, key
from groundwork.backlog.card_import.vocabulary import SOURCE, TEXT

FORMATS = (*REVIEWS, *SUPPORT, *SURVEYS, *TRACKERS)
BY_NAME = {known.name: known for known in FORMATS}
_SINGLE_NAMED = 1


def recognise(columns: Sequence[str], *, is_json: bool) -> Format | None:
    """Return the export with the most telling names among the columns."""
    keys = [key(name) for name in columns]
    present = set(keys)
    found = {known.name: known.matches(present) for known in FORMATS}
    best = max(FORMATS, key=lambda known: found[known.name])
    if found[best.name] == _SINGLE_NAMED and (is_json or not _is_form(best, columns, keys)):
        return None
    return best if found[best.name] else None


def _is_form(known: Format, columns: Sequence[str], keys: Sequence[str]) -> bool:
    """Return True if the single telling name comes first and a question follows.

    Logs and tables of other tools begin with a `Timestamp` too.
    """
    if not known.matches({keys[0]}) or any(name in TEXT or name in SOURCE for name in keys):
        return False
    return any(is_question(name) for name in columns[1:])
