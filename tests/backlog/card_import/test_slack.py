"""A Slack export is read within bounded memory, and no day is lost without a word."""

import tracemalloc
from typing import Any

import pytest

from groundwork.backlog.card_import import json_documents
from groundwork.backlog.card_import.importer import read_upload
from groundwork.backlog.card_import.json_documents import slack_messages
from groundwork.backlog.card_import.limits import MIB, ImportLimits
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.errors import TooLarge
from tests.backlog.card_import.exports import archive_of, document


def message(at: int, text: str, **other: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "text": text, "ts": f"{1_772_356_400 + at}.000100", **other}


def export(**days: bytes) -> bytes:
    files = {f"feedback/2026-03-{name[1:]}.json": day for name, day in days.items()}
    return archive_of({"users.json": b"[]", "channels.json": b"[]", **files})


def test_a_broken_day_is_rejected_and_the_others_are_read() -> None:
    days = {"_01": document([message(1, "a")]), "_02": b"[{", "_03": b"{}", "_04": document([message(2, "b")])}
    found = read_upload(export(**days), Parameters(), max_rows=9)
    assert [card.text for card in found.cards] == ["a", "b"]
    assert [rejected.reason for rejected in found.rejected] == [
        "feedback/2026-03-02.json is not valid JSON",
        "feedback/2026-03-03.json is not valid JSON",
    ]


def test_a_day_over_the_limit_is_refused() -> None:
    body = export(_01=document([message(1, "a" * 2 * MIB)]))
    with pytest.raises(TooLarge, match="at most 1 MB"):
        read_upload(body, Parameters(), max_rows=9, limits=ImportLimits(document=MIB))


def test_messages_are_not_held_as_objects() -> None:
    blocks = [{"type": "rich_text", "elements": [{"type": "text", "text": "The map is slow"}] * 20}]
    day = [message(at, "The map is slow", blocks=blocks, edited={"user": "U1", "ts": "1"}) for at in range(500)]
    days = (("feedback", document([one | {"ts": f"{number}.{one['ts']}"} for one in day])) for number in range(20))
    tracemalloc.start()
    try:
        read = ((channel, json_documents.slack_day(data)) for channel, data in days)
        assert sum(1 for _ in slack_messages(read)) == 10_000
        # an object takes 2 KB with its blocks, its text 0.2 KB
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()


def test_more_messages_than_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_documents, "MAX_CHAT_BYTES", 10_000)
    assert len(read_upload(export(_01=document([message(1, "a")])), Parameters(), max_rows=99).cards) == 1
    with pytest.raises(TooLarge, match="export a shorter time"):
        read_upload(export(_01=document([message(at, "a") for at in range(20)])), Parameters(), max_rows=99)
