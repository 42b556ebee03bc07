"""Column names in a normalized form."""

import re
import unicodedata
from collections.abc import Iterable

_TAG = re.compile(r"<[^<>]{1,200}>")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def shown(name: str) -> str:
    """Return a header cell for display: without BOM, markup and line breaks."""
    # the second form is a UTF-8 mark read as cp1252
    name = name.removeprefix("\ufeff").removeprefix("ï»¿").strip()
    if name.startswith('"') and name.endswith('"') and len(name) > 1:
        name = name[1:-1]
    return " ".join(_TAG.sub(" ", name).split())


def key(name: str) -> str:
    """Reduce a name to lower-case letters, digits and dots: `Review Text` is `review_text`."""
    folded = unicodedata.normalize("NFKC", shown(name)).casefold()
    # M: vowel signs of Indian scripts are marks, not letters
    kept = "".join(char for char in folded if char.isalnum() or char == "." or unicodedata.category(char)[0] == "M")
    return kept.strip(".") or folded


def last(name_key: str) -> str:
    """Return the last part of a JSON path."""
    return name_key.rsplit(".", 1)[-1]


def words(name: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", shown(name)))]


def without_brackets(name: str) -> str:
    return _BRACKETS.sub("", name)


def keys(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(key(name) for name in names)


def word_list(text: str) -> list[str]:
    """Split a table of words."""
    return text.split()


_ASKING = frozenset(
    word_list(
        """what why how which explain describe tell please share was warum wie welche bitte beschreiben erklären
        pourquoi quel quelle quels quelles expliquez décrivez qué por cómo explique describa waarom wat hoe"""
    )
)


def listed(text: str) -> tuple[str, ...]:
    """Split a comma-separated table of names, most specific first."""
    return tuple(dict.fromkeys(key(name) for name in text.replace("\n", ",").split(",") if name.strip()))


def asks(name: str) -> bool:
    """Return True for an invitation to write: `Explain your problem`."""
    parts = words(name)
    return len(parts) >= 3 and parts[0] in _ASKING


def is_question(name: str) -> bool:
    """Return True if a column's name is a question or a sentence, as in survey exports."""
    text = shown(name)
    if text.endswith(("?", "？", "؟", ":", "…")) or text.startswith("¿"):
        return len(text) > 5
    if asks(text):
        return True
    # `I would like a dark mode.` is an answer
    if text.endswith((".", "!", "。")):
        return False
    return len(words(text)) >= 5 or (len(text) >= 10 and not text.isascii() and " " not in text)
