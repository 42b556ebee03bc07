"""File contents for a model: numbered lines, visible control characters, bounded size."""

import re
import unicodedata

MAX_LINES = 1_000
MAX_CHARACTERS = 40_000
MAX_LINE = 2_000

# these hide or reorder text for a person, but not for a model; shown by name, they deceive neither
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def render_line(line: str, limit: int = 300) -> str:
    """Render one line: no line breaks, at most `limit` characters, invisible characters by name."""
    plain = line.replace("\r", "").replace("\n", " ")
    rendered = _HIDDEN.sub(_name_character, plain[:limit])
    return rendered + (f"… ({len(plain):,} characters)" if len(plain) > limit else "")


def split_lines(text: str) -> list[str]:
    """Split into lines as editors and git number them, with any carriage returns."""
    # not splitlines: it also breaks at form feeds and U+2028, and shifts the line numbers
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def render_file(path: str, content: bytes, first: int = 1, last: int = 0) -> str:
    """Render lines `first` to `last` (0: the end), numbered, below a header.

    With a number on every line, no line of the file can pass for anything else.
    """
    # git's own test for a binary file
    if b"\0" in content[:8_000]:
        return f"{path}: a binary file of {len(content):,} bytes; it cannot be shown"
    try:
        lines = split_lines(content.decode())
    except UnicodeDecodeError:
        return f"{path}: a file of {len(content):,} bytes that is not UTF-8; it cannot be shown"
    if not lines:
        return f"{path}: an empty file"
    start, wanted = max(1, first), min(last or len(lines), len(lines))
    rendered: list[str] = []
    remaining = MAX_CHARACTERS
    for number in range(start, min(wanted, start + MAX_LINES - 1) + 1):
        text = f"{number:6}\t{render_line(lines[number - 1], MAX_LINE)}"
        remaining -= len(text) + 1
        if remaining < 0:
            break
        rendered.append(text)
    end = start + len(rendered) - 1
    rest = f"; read on with view_range [{end + 1}, …]" if end < wanted else ""
    return "\n".join([f"{path}, lines {start} to {end} of {len(lines)}{rest}", *rendered])


def _name_character(match: re.Match[str]) -> str:
    character = match[0]
    return f"<{unicodedata.name(character, 'control')} U+{ord(character):04X}>"
