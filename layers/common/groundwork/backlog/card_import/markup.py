"""Convert HTML to text in one pass, linear in its length. Unknown tags are text and stay."""

import html
import re
from collections.abc import Callable

from groundwork.backlog.card_import.names import word_list

_BLOCKS = frozenset(
    word_list(
        """p div br li ul ol tr table h1 h2 h3 h4 h5 h6 blockquote pre section article header footer hr dl dt dd"""
    )
)
_HIDDEN = frozenset(word_list("""script style head title template"""))
_KNOWN = _BLOCKS | frozenset(
    word_list(
        """a abbr acronym address area aside audio b base bdi bdo big body button canvas caption center cite code col
        colgroup data datalist del details dfn dialog em embed fieldset figcaption figure font form html i iframe img
        input ins kbd label legend link main map mark menu meta meter nav noscript o:p object optgroup option output
        picture progress q rp rt ruby s samp select small source span strike strong sub summary sup svg tbody td
        textarea tfoot th thead time track tt u var video wbr"""
    )
)
# possessive: a tag without its end must not be tried again at every length
_TAG = re.compile(r"""<(/?)([a-zA-Z][a-zA-Z0-9:]*+)(?=[\s/>])(?:[^<>"']|"[^"]*"|'[^']*')*+>""")
# Word and Outlook write these around their HTML
_DECLARATION = re.compile(r"<(?:!doctype\b|!\[(?:if|else|endif)\b|\?xml\b)[^<>]*+>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_BREAKS = re.compile(r"\n{3,}")


def is_html(text: str) -> bool:
    """Return True for HTML: `<br>`, `<p>` or `<div>` first, or an element opened and closed."""
    # one `<title>` or `<b>` in a sentence is the subject of the feedback, not markup
    first = len(text) - len(text.lstrip())
    opened: set[str] = set()
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if tag[1]:
            if name in opened:
                return True
        elif name == "br" or (name in ("p", "div") and tag.start() == first):
            return True
        elif name in _KNOWN:
            opened.add(name)
    return False


def to_text(text: str) -> str:
    """Return HTML as plain text; text without markup stays as it is."""
    if not is_html(text):
        return text
    plain = "".join(_Pieces(text).read()).replace("\r\n", "\n").replace("\u00a0", " ")
    lines = "\n".join(line.strip(" \t") for line in plain.split("\n"))
    return _BREAKS.sub("\n\n", lines).strip()


def without_comments(text: str) -> str:
    """Drop HTML comments, left in Markdown by issue templates."""
    parts, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts.append(text[at:start])
        at = end + 3
    return _BREAKS.sub("\n\n", "".join(parts) + text[at:]).strip() if parts else text


def unescaped(text: str) -> str:
    """Replace entities, but not a link's `&copy=1`: it has no semicolon."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


class _Pieces:
    """Splits HTML at its tags."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._parts: list[str] = []
        self._never: set[str] = set()

    def read(self) -> list[str]:
        while (start := self._text.find("<", self._at)) >= 0:
            self._parts.append(unescaped(self._text[self._at : start]))
            self._at = start
            if not self._markup(start):
                self._parts.append("<")
                self._at = start + 1
        self._parts.append(unescaped(self._text[self._at :]))
        return self._parts

    def _markup(self, start: int) -> bool:
        if self._text.startswith("<!--", start):
            return self._skips("-->", start + 4, lambda at: self._text.find("-->", at) + 3)
        if declaration := _DECLARATION.match(self._text, start):
            self._at = declaration.end()
            return True
        tag = _TAG.match(self._text, start)
        return tag is not None and self._tag(tag)

    def _tag(self, tag: re.Match[str]) -> bool:
        name = tag[2].lower()
        if name in _HIDDEN:
            return not tag[1] and self._skips(name, tag.end(), lambda at: _end_of(name, self._text, at))
        if name in _BLOCKS and not (tag[1] and name == "br"):
            self._parts.append("\n\n" if name == "p" else "\n")
            self._parts.append("- " if name == "li" and not tag[1] else "")
        self._at = tag.end()
        return name in _KNOWN

    def _skips(self, name: str, start: int, find_end: Callable[[int], int]) -> bool:
        """Skip to the end of a hidden part. Returns False if it has none: then it is text."""
        # once missing, an end is not looked for again: that would take quadratic time
        end = -1 if name in self._never else find_end(start)
        if end <= start:
            self._never.add(name)
            return False
        self._at = end
        return True


def _end_of(name: str, text: str, at: int) -> int:
    found = re.compile(rf"</{name}\s*+>", re.IGNORECASE).search(text, at)
    return found.end() if found else -1
