"""Turn the markup of known exports into plain text. Texts of unknown files never pass here."""

import re

from groundwork.backlog.card_import import markup

_SLACK = re.compile(r"<([@#!]?)([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")
_GUARDED = re.compile(r"^'(?=[=+\-@])")
_MENTION = re.compile(r"\[~[^\]\[]*\]")


def from_slack(text: str) -> str:
    """Resolve Slack's marks: links, channels, mentions, escapes."""
    return markup.unescaped(_SLACK.sub(_slack_mark, text))


def _slack_mark(match: re.Match[str]) -> str:
    kind, target, label = match.groups()
    if kind == "@":
        return "@user"
    if kind == "!":
        return label or f"@{target.split('^')[0]}"
    return f"{kind}{label or target}"


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
    "html": markup.to_text,
    "comments": markup.without_comments,
    "slack": from_slack,
    "unescape": markup.unescaped,
    "mentions": without_mentions,
    "guard": unguarded,
}
