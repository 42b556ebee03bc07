"""The API's own JSON of cards is checked strictly, unlike an export."""

import json
from typing import Any

import pytest

from groundwork.backlog.card_import.limits import MAX_METADATA
from groundwork.backlog.card_list import is_card_list, preview_card_list, read_card_list
from groundwork.backlog.new_cards import NewCard, content_hash
from groundwork.errors import Invalid, TooLarge


def one(card: Any) -> tuple[list[NewCard], list[str]]:
    upload = read_card_list({"cards": [card]}, 10)
    return upload.cards, [rejected.reason for rejected in upload.rejected]


def test_a_card_is_taken_with_all_its_fields() -> None:
    fields = {"text": " Slow ", "source": "mail", "externalId": " 7", "metadata": {"stars": 2}}
    cards, _ = one(fields | {"postedAt": "2026-03-01T10:00:00.250+01:00"})
    assert cards == [NewCard(1, "Slow", "mail", "7", {"stars": 2}, "2026-03-01T09:00:00.250Z")]
    assert one({"text": "a", "source": None, "externalId": "", "metadata": None}) == ([NewCard(1, "a")], [])


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ({"text": 5}, "text:"),
        ({"text": None}, "text:"),
        ({"text": " "}, "text:"),
        ({"text": "a\x07"}, "text: has control"),
        ({"text": "a\ufffd"}, "text: contains characters that were lost"),
        ({"text": "half \ud83d"}, "text:"),
        ({"text": "a", "source": "half \ud83d"}, "contains invalid Unicode"),
        ({"text": "a", "externalId": 7}, "externalId:"),
        ({"text": "a", "externalId": "e" * 201}, "externalId:"),
        ({"text": "a", "source": ["no text"]}, "source:"),
        ({"text": "a", "metadata": {"long": "m" * MAX_METADATA}}, "metadata:"),
        ({"text": "a", "metadata": ["a"]}, "metadata:"),
        ({"text": "a", "colour": "blue"}, "unknown field 'colour'"),
        ({"text": "a", "postedAt": "yesterday"}, "postedAt:"),
        ({"text": "a", "postedAt": "2026-13-01T00:00:00Z"}, "postedAt:"),
        ({"text": "a", "postedAt": 5}, "postedAt:"),
        ("no object", "must be an object"),
    ],
)
def test_a_card_of_the_wrong_shape_is_rejected_with_its_field(card: Any, reason: str) -> None:
    cards, reasons = one(card)
    assert cards == []
    assert reasons[0].startswith(reason)
    json.dumps(reasons).encode()


def test_an_external_id_counts_once_and_rows_are_numbered() -> None:
    cards = [{"text": "a", "externalId": "1"}, {"text": ""}, {"text": "b", "externalId": "1 "}, {"text": "c"}]
    upload = read_card_list({"cards": cards}, 10)
    assert ([card.row for card in upload.cards], upload.duplicates) == ([1, 4], 1)
    assert [(rejected.row, rejected.line) for rejected in upload.rejected] == [(2, None)]


def test_the_whole_is_refused_with_its_field() -> None:
    for document, field in (({}, "cards"), ({"cards": []}, "cards"), ({"cards": [{"text": "a"}], "more": 1}, "more")):
        assert is_card_list(document)
        with pytest.raises(Invalid) as refusal:
            read_card_list(document, 10)
        assert refusal.value.details[0]["field"] == field
    with pytest.raises(TooLarge):
        read_card_list({"cards": [{"text": "a"}] * 11}, 10)


def test_an_export_with_cards_among_other_lists_is_none() -> None:
    assert not is_card_list({"cards": [{"name": "a"}], "lists": [], "name": "Board"})
    assert not is_card_list({"text": "a"})
    assert not is_card_list([{"text": "a"}])


def test_a_preview_has_the_roles_of_the_fields_that_are_there() -> None:
    shown = preview_card_list({"cards": [{"text": "a", "externalId": "1"}, 5, {"text": "b", "metadata": {}}]}, 10)
    assert [(column["name"], column["role"], column["samples"]) for column in shown.columns] == [
        ("text", "text", ["a", "b"]),
        ("externalId", "externalId", ["1"]),
        ("metadata", "metadata", []),
    ]
    assert (shown.rows, shown.rejected_count, [card.text for card in shown.first]) == (3, 1, ["a", "b"])


def test_texts_that_differ_in_nothing_visible_have_one_hash() -> None:
    assert content_hash("Grüße\nan alle ") == content_hash(" Gru\u0308ße\r\nan alle")
    assert content_hash("Slow") != content_hash("slow")
