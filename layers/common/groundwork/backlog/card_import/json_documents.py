"""JSON exports whose records must be assembled first: boards, chats, conversations, tickets."""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from groundwork.backlog.card_import.json_values import NOT_JSON, parsed
from groundwork.backlog.card_import.limits import MAX_CHAT_BYTES
from groundwork.backlog.model import MAX_CARD_TEXT
from groundwork.errors import TooLarge

Record = dict[str, Any]

_MESSAGE_COST = 500
"""Bytes of memory for a chat message besides its text."""
# `blocks` repeats the text; the others are ids of the replies
_UNUSED = frozenset(("blocks", "replies", "reply_users", "last_read"))


def boards(document: Record) -> list[Record] | None:
    """Return a Trello board's cards with list, time and comments; None for other documents."""
    cards, lists, actions = (document.get(name) for name in ("cards", "lists", "actions"))
    if not isinstance(cards, list) or not isinstance(lists, list):
        return None
    if not all(isinstance(card, dict) and "idList" in card for card in cards):
        return None
    names = {entry.get("id"): entry.get("name") for entry in lists if isinstance(entry, dict)}
    comments = _comments(actions if isinstance(actions, list) else [])
    return [_card(card, names, comments) for card in cards if not card.get("isTemplate")]


def _comments(actions: list[Any]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = defaultdict(list)
    # Trello lists the latest action first
    for action in reversed(actions):
        data = action.get("data") if isinstance(action, dict) and action.get("type") == "commentCard" else None
        if isinstance(data, dict) and isinstance(data.get("card"), dict) and isinstance(data.get("text"), str):
            found[data["card"].get("id")].append(data["text"])
    return found


def _card(card: Record, lists: dict[Any, Any], comments: dict[Any, list[str]]) -> Record:
    added: Record = {"created": _created(card.get("id")), "comments": comments.get(card.get("id"), [])}
    return {**card, "labels": _names(card.get("labels")), "list": lists.get(card.get("idList")), "groundwork": added}


def _created(id_: Any) -> str | None:
    """Extract the time from a Trello id: its first eight digits are seconds in hexadecimal."""
    try:
        return datetime.fromtimestamp(int(str(id_)[:8], 16), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _names(labels: Any) -> list[str]:
    listed = labels if isinstance(labels, list) else []
    return [label.get("name") or label.get("color") or "" for label in listed if isinstance(label, dict)]


def with_replies(record: Any) -> Iterator[Any]:
    """Yield a record; after a Reddit comment also the comments below it."""
    pending = [record]
    while pending:
        value = pending.pop()
        data = value.get("data") if isinstance(value, dict) and value.get("kind") == "t1" else None
        if isinstance(data, dict) and isinstance(data.get("replies"), dict):
            pending += reversed(_replies(data["replies"]))
            data = {name: below for name, below in data.items() if name != "replies"}
            value = {**value, "data": data}
        yield value


def _replies(listing: Record) -> list[Any]:
    data = listing.get("data")
    children = data.get("children") if isinstance(data, dict) else None
    # other kinds stand for comments that the export does not hold
    return [child for child in children or () if isinstance(child, dict) and child.get("kind") == "t1"]


def slack_messages(days: Iterable[tuple[str, list[Any]]]) -> Iterator[Record]:
    """Yield the messages of a Slack export, each with the replies of its thread."""
    # replies may lie in files of later days: no thread is complete before the last file
    threads: dict[tuple[str, str], list[tuple[str, bytes]]] = {}
    kept = 0
    for channel, messages in days:
        for message in messages:
            if isinstance(message, dict) and isinstance(message.get("ts"), str):
                # as text: parsed, it takes 20 times as much memory
                written = json.dumps({name: message[name] for name in message if name not in _UNUSED}).encode()
                kept += len(written) + _MESSAGE_COST
                if kept > MAX_CHAT_BYTES:
                    raise TooLarge("The chat has too many messages for one import: export a shorter time.")
                start = str(message.get("thread_ts") or message["ts"])
                threads.setdefault((sys.intern(channel), start), []).append((message["ts"], written))
    for (channel, start), thread in threads.items():
        thread.sort(key=lambda message: message[0])
        yield _thread(channel, start, [json.loads(written) for _, written in thread])


def _thread(channel: str, start: str, messages: list[Record]) -> Record:
    root, *replies = messages
    texts = [reply["text"] for reply in replies if isinstance(reply.get("text"), str) and not _is_system(reply)]
    extra: Record = {"channel": channel, "id": f"{channel}/{start}"}
    # all replies or none: half a discussion misleads; each needs two line ends
    if sum(map(len, texts)) + len(str(root.get("text"))) < MAX_CARD_TEXT - 2 * len(texts):
        extra["replies"] = texts
    return {**root, "groundwork": extra}


def _is_system(message: Record) -> bool:
    return bool(message.get("bot_id")) or message.get("subtype") not in (None, "thread_broadcast", "me_message")


def slack_day(data: bytes) -> list[Any]:
    """Return the messages of a day's file; raises ValueError."""
    messages = parsed(data)
    if not isinstance(messages, list):
        raise ValueError(NOT_JSON)
    return messages


def _google_play(record: Record) -> Record:
    """Prefer the original to Google's translation; put the title on its own line."""
    comments = record.get("comments")
    said = [entry["userComment"] for entry in comments or [] if isinstance(entry, dict) and "userComment" in entry]
    for comment in said:
        if isinstance(comment, dict):
            text = comment.pop("originalText", None) or comment.get("text")
            comment["text"] = text.strip().replace("\t", "\n\n", 1) if isinstance(text, str) else text
    return {**record, "comments": [{"userComment": comment} for comment in said[-1:]]}


def _intercom(record: Record) -> Record:
    """Keep the customer's parts of a conversation."""
    parts = record.get("conversation_parts")
    listed = parts.get("conversation_parts") if isinstance(parts, dict) else None
    said = [
        part["body"]
        for part in (listed if isinstance(listed, list) else [])
        if isinstance(part, dict)
        and isinstance(part.get("body"), str)
        and not part.get("redacted")
        and isinstance(part.get("author"), dict)
        and part["author"].get("type") in ("user", "lead", "contact")
    ]
    kept = {name: value for name, value in record.items() if name not in ("conversation_parts", "contacts")}
    return {**kept, "groundwork": {"customer": said}}


def _zendesk(record: Record) -> Record:
    """Keep the requester's comments except the first: it repeats the description."""
    comments = record.get("comments")
    said = [
        comment.get("plain_body") or comment.get("body") or ""
        for comment in (comments if isinstance(comments, list) else [])
        if isinstance(comment, dict)
        and comment.get("public", True)
        and comment.get("author_id") == record.get("requester_id")
    ]
    fresh = [text for text in said if text.strip() != str(record.get("description") or "").strip()]
    kept = {name: value for name, value in record.items() if name != "comments"}
    return {**kept, "groundwork": {"customer": fresh}} if record.get("requester_id") else kept


def _labels(record: Record) -> Record:
    """Reduce GitHub's label objects to their names."""
    labels = record.get("labels")
    if isinstance(labels, list) and any(isinstance(label, dict) for label in labels):
        return {**record, "labels": _names(labels)}
    return record


def _app_store(record: Record) -> Record | None:
    """Drop the feed's first entry: it describes the app."""
    return record if "im:rating" in record else None


def _jira(record: Record) -> Record:
    """Turn Atlassian's document format into text."""
    fields = record.get("fields")
    if isinstance(fields, dict) and isinstance(fields.get("description"), dict):
        return {**record, "fields": {**fields, "description": _document_text(fields["description"]).strip()}}
    return record


def _document_text(node: Any) -> str:
    if not isinstance(node, dict):
        return ""
    inner = "".join(_document_text(child) for child in node.get("content") or [])
    own = node.get("text") if isinstance(node.get("text"), str) else "\n" if node.get("type") == "hardBreak" else ""
    block = node.get("type") in ("paragraph", "heading", "listItem", "codeBlock", "blockquote")
    return f"{own}{inner}" + ("\n" if block else "")


PREPARE: dict[str, Callable[[Record], Record | None]] = {
    "google-play-api": _google_play,
    "intercom": _intercom,
    "zendesk-json": _zendesk,
    "github": _labels,
    "github-cli": _labels,
    "gitlab-api": _labels,
    "app-store-rss": _app_store,
    "jira-api": _jira,
}
"""Functions by format: convert a record to the format's columns, or None if not feedback."""
