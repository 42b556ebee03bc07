"""Text as people may read it and as a model may be sent it: without characters that hide or reorder other text."""

import re

# Control characters (all but tab and newline), what reorders text on screen, invisible tag characters that smuggle
# hidden words past a reader, the byte order mark, and lone surrogates, which are not encodable at all.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f\ud800-\udfff]"
)
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """The text without control, reordering and invisible tag characters; line breaks become newlines."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def one_line(text: str) -> str:
    """The cleaned text with every run of white space as one space."""
    return _SPACES.sub(" ", clean(text)).strip()


def shortened(text: str, most: int) -> str:
    """The text in at most `most` characters, cut at a word where there is one, with an ellipsis if anything is lost."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[most // 2 :] else head).rstrip() + "…"
