"""Clean text for people and models: no characters to hide or reorder other text."""

import re

# Control characters (except tab and newline), bidirectional overrides, invisible tag characters (hidden words), the
# byte order mark, and lone surrogates, which cannot be encoded.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f\ud800-\udfff]"
)
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """Remove control, bidirectional and invisible tag characters; normalize line breaks."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def one_line(text: str) -> str:
    """Clean the text and collapse white space to single spaces."""
    return _SPACES.sub(" ", clean(text)).strip()


def shorten(text: str, max_chars: int) -> str:
    """Cut the text to `max_chars`, at a word if possible; an ellipsis marks the cut."""
    if len(text) <= max_chars:
        return text
    head = text[: max_chars - 1]
    # without a space in its second half the text would lose too much: cut inside the word
    return (head.rsplit(" ", 1)[0] if " " in head[max_chars // 2 :] else head).rstrip() + "…"
