"""Turn the markup of known exports into plain text. Texts of unknown files never pass here."""

import html
import re
from html.parser import HTMLParser

from groundwork.backlog.card_import.names import word_list

_BLOCKS = frozenset(
    word_list(
        """p div br li ul ol tr table h1 h2 h3 h4 h5 h6 blockquote pre section article header footer hr dl dt dd"""
    )
)
_HIDDEN = frozenset(word_list("""script style head title template"""))
# a comparison such as `a < b` is not markup
_LOOKS_HTML = re.compile(r"</?[a-zA-Z][^<>]*>|&(#\d+|#x[0-9a-fA-F]+|[a-zA-Z]{2,8});")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SLACK = re.compile(r"<([@#!]?)([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")
_BREAKS = re.compile(r"\n{3,}")
_SPACE_ENDS = re.compile(r"[ \t\u00a0]*\n[ \t]*")
_GUARDED = re.compile(r"^'(?=[=+\-@])")
_MENTION = re.compile(r"\[~[^\]\[]*\]")


class _Text(HTMLParser):
    """Collect the text of HTML, with line breaks where blocks begin and end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _BLOCKS:
            self.parts.append("\n\n" if tag == "p" else "\n")
            self.parts.append("- " if tag == "li" else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            # an end tag without a start must not show the next hidden part
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BLOCKS and tag != "br":
            self.parts.append("\n\n" if tag == "p" else "\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def from_html(text: str) -> str:
    """Return HTML as plain text; text without markup stays as it is."""
    if not _LOOKS_HTML.search(text):
        return text
    parser = _Text()
    parser.feed(text)
    parser.close()
    joined = _SPACE_ENDS.sub("\n", "".join(parser.parts).replace("\r\n", "\n").replace("\u00a0", " "))
    return _BREAKS.sub("\n\n", joined).strip()


def without_comments(text: str) -> str:
    """Drop HTML comments, left in Markdown by issue templates."""
    return _BREAKS.sub("\n\n", _COMMENT.sub("", text)).strip() if "<!--" in text else text


def from_slack(text: str) -> str:
    """Resolve Slack's marks: links, channels, mentions, escapes."""
    return html.unescape(_SLACK.sub(_slack_mark, text))


def _slack_mark(match: re.Match[str]) -> str:
    kind, target, label = match.groups()
    if kind == "@":
        return "@user"
    if kind == "!":
        return label or f"@{target.split('^')[0]}"
    return f"{kind}{label or target}"


def unescaped(text: str) -> str:
    return html.unescape(text)


def without_mentions(text: str) -> str:
    """Replace Jira's `[~accountid:…]`."""
    return _MENTION.sub("@user", text)


def unguarded(text: str) -> str:
    """Remove the apostrophe put by exports before a would-be formula."""
    return _GUARDED.sub("", text)


def without_name(comment: str) -> str:
    """Return the body of Jira's `date;author;body`."""
    # the text may have semicolons of its own
    parts = comment.split(";", 2)
    return parts[2].strip() if len(parts) == 3 and re.match(r"\s*\d", parts[0]) and len(parts[0]) < 40 else comment


CLEANERS = {
    "html": from_html,
    "comments": without_comments,
    "slack": from_slack,
    "unescape": unescaped,
    "mentions": without_mentions,
    "guard": unguarded,
}
