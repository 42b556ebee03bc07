"""Format of a text file: encoding, byte order mark and line ends. A change keeps all three."""

import codecs
import re
from dataclasses import dataclass
from dataclasses import replace as changed

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# PEP 263, Emacs and Vim; XML; HTML and CSS
_DECLARED = re.compile(
    rb"(?:coding[:=]|fileencoding=|encoding=[\"']|charset=[\"']?|@charset [\"'])\s*([A-Za-z0-9][A-Za-z0-9._-]{1,30})",
    re.IGNORECASE,
)
_DECLARED_WITHIN = 400
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_BINARY_SHARE = 0.01
"""Share of control characters above which bytes that are not UTF-8 are no text."""

# a declared name must not choose a codec that is no encoding of text files
_KNOWN = re.compile(
    r"utf-?8|us-?ascii|ascii|latin-?1|iso-?8859-?\d+|(windows-?|cp-?)\d+|koi8-[ru]|mac-?roman|shift[_-]?jis|euc-?(jp|kr)"
    r"|gb(2312|k|18030)|big5"
)
_NEWLINE = re.compile("\r\n|\n")


@dataclass(frozen=True, slots=True)
class TextFormat:
    """Format of one file. `newline` is its most frequent line end."""

    encoding: str = "utf-8"
    bom: bytes = b""
    newline: str = "\n"

    def encode(self, text: str) -> bytes:
        """Raises UnicodeEncodeError for characters that the encoding lacks."""
        return self.bom + text.encode(self.encoding)

    def with_newlines(self, text: str) -> str:
        """Give a text the file's line ends."""
        return _NEWLINE.sub(self.newline, text)


@dataclass(frozen=True, slots=True)
class FormattedText:
    """A decoded text file. Encoding it in its format returns the same bytes."""

    text: str
    format: TextFormat


def decode(content: bytes) -> FormattedText | None:
    """Decode a text file. None for a binary file."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return _decoded(content, encoding, bom)
    # git's own test for a binary file
    if b"\0" in content[:8_000]:
        return None
    if text := _decoded(content, "utf-8"):
        return text
    if len(_BINARY.findall(content[:8_000].decode("latin-1"))) > _MAX_BINARY_SHARE * min(len(content), 8_000):
        return None
    encodings = (*_declared_encoding(content), "cp1252", "latin-1")
    return next((text for encoding in encodings if (text := _decoded(content, encoding))), None)


def format_of_new(text: str, before: TextFormat | None) -> TextFormat:
    """Format of a file's new content: as before, but in the encoding it declares."""
    form = before or TextFormat()
    declared = _declared_encoding(text[:_DECLARED_WITHIN].encode(errors="replace"))
    return changed(form, encoding=declared[0]) if declared and before and not form.bom else form


def replace(text: FormattedText, old: str, new: str) -> tuple[str, int]:
    """Replace every occurrence; line ends of any kind match, and those of the place are kept.

    Returns the new text and the number of occurrences.
    """
    # models are shown lines without carriage returns
    pattern = re.compile("\r?\n".join(re.escape(line) for line in _plain(old).split("\n")))
    return pattern.subn(lambda match: _NEWLINE.sub(_newline_at(text, match), _plain(new)), text.text)


def count(text: FormattedText, old: str) -> int:
    """Count the occurrences `replace` would replace."""
    if "\r" not in text.text:
        return text.text.count(_plain(old))
    return replace(text, old, old)[1]


def _decoded(content: bytes, encoding: str, bom: bytes = b"") -> FormattedText | None:
    """None unless the text encodes to the same bytes."""
    try:
        text = content[len(bom) :].decode(encoding)
        if text.encode(encoding) != content[len(bom) :]:
            return None
    except (UnicodeError, LookupError):
        return None
    crlf = text.count("\r\n")
    return FormattedText(text, TextFormat(encoding, bom, "\r\n" if crlf > text.count("\n") - crlf else "\n"))


def _declared_encoding(content: bytes) -> tuple[str, ...]:
    found = _DECLARED.search(content[:_DECLARED_WITHIN])
    name = found[1].decode("ascii").lower() if found else ""
    return (name,) if _KNOWN.fullmatch(name) else ()


def _newline_at(text: FormattedText, match: re.Match[str]) -> str:
    """Line end inside the matched text, or else of the line it ends in."""
    found = _NEWLINE.search(match[0]) or _NEWLINE.search(text.text, match.end())
    return found[0] if found else text.format.newline


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")
