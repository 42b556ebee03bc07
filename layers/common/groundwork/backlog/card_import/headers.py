"""Detect header rows, and combine up to three of them into one name per column."""

import re
from collections.abc import Sequence

from groundwork.backlog.card_import import names, vocabulary
from groundwork.backlog.card_import.dates import read
from groundwork.backlog.card_import.people import is_address

MAX_HEADER_ROWS = 3
_SECOND_ROW = frozenset(
    names.keys(
        (
            "Response",
            "Open-Ended Response",
            "Other (please specify)",
            "Réponse ouverte",
            "Respuesta abierta",
            "Resposta aberta",
            "Offene Antwort",
            "Freie Antwort",
            "Beantwortung",
            "Risposta aperta",
            "Open antwoord",
            "自由回答",
            "開放式回應",
        )
    )
)
_RESPONSE = names.key("Response")
_OTHER = names.key("Other (please specify)")
_PLAIN_ANSWER = _SECOND_ROW - {_OTHER}
_NAMED = frozenset((*vocabulary.TEXT, *vocabulary.TITLE))
_NUMBER = re.compile(r"[-+]?\d[\d.,\s]*%?")
_MAX_LONE_NAME = 3
_RULE = re.compile(r":?-{2,}:?")
_JOINED_RULE = re.compile(r"-+(\+-+)+")
_IMPORT_ID = re.compile(r'^\{"ImportId":')


def lacks_header(columns: Sequence[str]) -> bool:
    """Return True if the first row of a table looks like data."""
    if any(is_address(name) or read(name, "dmy") or read(name, "mdy") for name in columns):
        return True
    if any(names.key(name) in _NAMED for name in columns):
        return False
    return any(_NUMBER.fullmatch(name) for name in columns) or _ends_a_sentence(columns)


def _ends_a_sentence(columns: Sequence[str]) -> bool:
    parts = names.words(" ".join(columns))
    if len(columns) == 1:
        # one line of a text, even a question, may be the first feedback
        return len(parts) > _MAX_LONE_NAME or columns[0].endswith((".", "!", "。"))
    return (
        len(parts) > _MAX_LONE_NAME
        and columns[-1].endswith((".", "!", "。"))
        and not any(name.endswith("?") or names.asks(name) for name in columns)
    )


def header_rows(rows: Sequence[Sequence[str]]) -> int:
    """Count the header rows; the first of `rows` is always one."""
    for at in range(1, min(MAX_HEADER_ROWS, len(rows))):
        if _import_ids(rows[at]):
            return at + 1
    return 2 if len(rows) > 1 and (_is_rule(rows[1]) or _is_second(rows[0], rows[1])) else 1


def _is_rule(row: Sequence[str]) -> bool:
    """Return True for a line of dashes below the names, as in Markdown or a database shell."""
    filled = [cell.strip() for cell in row if cell.strip()]
    if len(filled) == 1:
        return _JOINED_RULE.fullmatch(filled[0]) is not None
    # alone, dashes may be an answer
    return len(filled) > 1 and all(_RULE.fullmatch(cell) for cell in filled)


def _import_ids(row: Sequence[str]) -> bool:
    """Return True for the third row of a Qualtrics export: JSON with ids."""
    filled = [cell.strip() for cell in row if cell.strip()]
    return bool(filled) and all(_IMPORT_ID.match(cell) for cell in filled)


def _is_second(header: Sequence[str], row: Sequence[str]) -> bool:
    labels = [cell for cell in row if cell.strip()]
    if not labels or len(row) > len(header):
        return False
    if sum(names.key(cell) in _SECOND_ROW for cell in labels) and not row[0].strip():
        return True
    # a question is above its first choice only, and the row's first cells have no label
    under_blank = [label for name, label in zip(header, row, strict=False) if not name.strip() and label.strip()]
    return bool(under_blank) and not row[0].strip() and bool(header[0].strip())


def combined(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the columns' names. A column without a name gets its number."""
    header = [names.shown(cell) for cell in rows[0]]
    if len(rows) > 1 and _import_ids(rows[-1]):
        header = _questions(header, rows[1]) if len(rows) == MAX_HEADER_ROWS else header
    elif len(rows) > 1 and not _is_rule(rows[1]):
        header = _grouped(header, [names.shown(cell) for cell in rows[1]])
    # spreadsheets export empty columns at the right
    while header and not header[-1]:
        header.pop()
    return [name or f"column {at}" for at, name in enumerate(header, 1)]


def _questions(header: list[str], labels: Sequence[str]) -> list[str]:
    """Replace Q1, Q2 with the question texts of Qualtrics. Its own columns keep their names."""
    shown = [names.shown(label) for label in labels]
    return [
        label if label and re.fullmatch(r"Q[\w.]+", name) else name
        for name, label in zip(header, shown + [""] * (len(header) - len(shown)), strict=False)
    ]


def _grouped(header: list[str], labels: list[str]) -> list[str]:
    """Copy a question to the columns of all its choices."""
    combined_names, question = [], ""
    for at, name in enumerate(header):
        label = labels[at] if at < len(labels) else ""
        question = name or question
        if not label or names.key(label) in _PLAIN_ANSWER:
            combined_names.append(name or question)
        else:
            combined_names.append(f"{question}: {label}" if question else label)
    return combined_names


def open_columns(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Name the columns marked as open-ended by the second header row."""
    labels = rows[1] if len(rows) == 2 else ()
    pairs = zip(columns, labels, strict=False)
    return tuple(name for name, label in pairs if names.key(label) in _PLAIN_ANSWER - {_RESPONSE, ""})
