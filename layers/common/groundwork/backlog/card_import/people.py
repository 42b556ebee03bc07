"""Detect contact data and names of persons by the cells of a column."""

import re

from groundwork.backlog.card_import.names import word_list

_MAX_READ = 2_000
_MAX_NAME = 60
_MAX_NAME_WORDS = 4
# bounded: without a limit, a long cell without spaces takes quadratic time
_MAIL = re.compile(r"[^@\s,;:<>/()\"']{1,64}@[^@\s,;<>/]{1,255}\.[A-Za-z]{2,24}\b")
_PHONE = re.compile(r"\+\d[\d\s()./-]{6,20}|00[1-9]\d{0,2}[\s/-][\d\s()/-]{6,18}|\(?0[1-9]\d{1,4}\)?[\s/][\d\s-]{5,14}")
_PHONE_US = re.compile(r"(?:1[-.\s])?(?:\(\d{3}\)\s?|\d{3}[-.\s])\d{3}[-.\s]\d{4}")
_MIN_PHONE_DIGITS = 7
_PARTICLES = frozenset(word_list("van von der den de la le du di da dos bin al el ter zu y"))


def holds_address(text: str) -> bool:
    """Return True for a cell with an e-mail address, or a phone number alone."""
    if "@" in text and _MAIL.search(text[:_MAX_READ]):
        return True
    # these tools guard a leading plus by an apostrophe
    return is_phone(text.lstrip("'"))


def is_address(text: str) -> bool:
    """Return True for a cell with nothing but an e-mail address."""
    return "@" in text and _MAIL.fullmatch(text.strip()[:_MAX_READ]) is not None


def is_phone(text: str) -> bool:
    """Return True for a phone number with its country or area code.

    Digits alone may be any number.
    """
    if not _PHONE.fullmatch(text) and not _PHONE_US.fullmatch(text):
        return False
    return sum(char.isdigit() for char in text) >= _MIN_PHONE_DIGITS


def is_person_name(text: str) -> bool:
    """Return True for a single word or up to four capitalised ones: `Ludwig van Beethoven`."""
    parts = text.split() if len(text) <= _MAX_NAME else []
    if not 0 < len(parts) <= _MAX_NAME_WORDS or any(char.isdigit() for char in text):
        return False
    return len(parts) == 1 or all(_is_name_part(part) for part in parts)


def _is_name_part(part: str) -> bool:
    # scripts without case have no capitals
    return part in _PARTICLES or (part[0].isalpha() and not part[0].islower())
