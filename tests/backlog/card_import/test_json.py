"""All values of a JSON file are read: pages, arrays in a row, threads, numbers out of range."""

import json
from typing import Any

import pytest

from groundwork.backlog.card_import.content import Memory
from groundwork.backlog.card_import.importer import Upload, preview, read_upload
from groundwork.backlog.card_import.limits import ImportLimits
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.errors import Malformed, TooLarge
from tests.backlog.card_import.exports import document


def upload(body: bytes, **query: str) -> Upload:
    return read_upload(body, Parameters.of({name: [value] for name, value in query.items()}), max_rows=5_000)


def texts(body: bytes, **query: str) -> list[str]:
    found = upload(body, **query)
    assert not found.rejected
    return [card.text for card in found.cards]


def tickets(*numbers: int, **other: Any) -> dict[str, Any]:
    """Make one answer of a support tool's API."""
    return {"tickets": [{"id": number, "text": f"ticket {number}"} for number in numbers], **other}


PAGES = [tickets(1, 2, next_page="x", count=4), tickets(3, 4, next_page=None, count=4), tickets(next_page=None)]
TICKETS = [f"ticket {number}" for number in range(1, 5)]


@pytest.mark.parametrize("indent", [None, 2])
def test_arrays_in_a_row_are_all_read(indent: int | None) -> None:
    arrays = [[{"text": "a"}, {"text": "b"}], [], [{"text": "c"}], [{"text": "d"}]]
    for between in (b"", b"\n", b",\n"):
        assert texts(between.join(document(one, indent=indent) for one in arrays)) == ["a", "b", "c", "d"]
    assert texts(document(arrays, indent=indent)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("indent", [None, 2])
def test_pages_are_unwrapped_in_an_array_or_in_a_row(indent: int | None) -> None:
    pages = [document(page, indent=indent) for page in PAGES]
    for body in (document(PAGES, indent=indent), b"".join(pages), b"\n".join(pages), document({"pages": PAGES})):
        found = upload(body)
        assert [card.text for card in found.cards] == TICKETS
        assert [card.external_id for card in found.cards] == ["1", "2", "3", "4"]
        assert not found.rejected


def test_pages_sent_as_ndjson_are_unwrapped() -> None:
    body = b"\n".join(map(document, PAGES))
    assert texts(body, type="ndjson") == TICKETS
    # above the sample: its first line has no end there
    long = [tickets(*range(at, at + 3_000)) for at in (0, 3_000)]
    found = read_upload(b"\n".join(map(document, long)), Parameters(type="ndjson"), max_rows=9_000)
    assert len(found.cards) == 6_000


def test_records_of_a_page_have_their_lines() -> None:
    lines = b'{"tickets": [\n{"text": "a"},\n{"text": ""}],\n"next": 2}\n{"tickets": [{"text": "c"},\n{"text": ""}]}'
    found = upload(lines)
    assert [(card.text, card.line) for card in found.cards] == [("a", 2), ("c", 5)]
    assert [(rejected.row, rejected.line) for rejected in found.rejected] == [(2, 3), (4, 6)]


def test_a_broken_page_is_rejected_alone() -> None:
    found = upload(document(PAGES[0]) + b'\n{"tickets": [{\n' + document(PAGES[1]))
    assert [card.text for card in found.cards] == TICKETS
    assert [(rejected.line, rejected.reason) for rejected in found.rejected] == [(2, "is not valid JSON")]


def test_text_behind_an_array_is_rejected_with_its_line() -> None:
    found = upload(b'[{"text": "a"}]\nnonsense')
    assert [card.text for card in found.cards] == ["a"]
    assert [(rejected.line, rejected.reason) for rejected in found.rejected] == [(2, "is not valid JSON from here on")]


@pytest.mark.parametrize(
    "record",
    [
        {"text": "a", "comments": [{"text": "x"}, {"text": "y"}]},
        {"id": 1, "title": "a", "labels": [{"name": "b", "description": "c"}]},
        {"fields": {"summary": "a", "description": "The export is slow"}, "items": [{"title": "x"}]},
        {"created_at": "2026-01-01", "messages": [{"text": "a"}, {"text": "b"}]},
        {"id": 7, "title": "a", "posts": [{"text": "x"}]},
    ],
)
def test_a_record_with_lists_stays_one_card(record: dict[str, Any]) -> None:
    for body in (document([record, record]), document(record) + b"\n" + document(record)):
        found = upload(body)
        assert (len(found.cards) + found.duplicates, found.rejected) == (2, [])


def test_reviews_of_several_products_are_cards_of_their_own() -> None:
    products = [{"id": at, "name": "x", "reviews": [{"text": f"a{at}"}, {"text": f"b{at}"}]} for at in (1, 2)]
    assert texts(document(products)) == ["a1", "b1", "a2", "b2"]


def comment(name: str, text: str, *replies: Any) -> dict[str, Any]:
    below = listing(*replies) if replies else ""
    return {"kind": "t1", "data": {"name": name, "body": text, "created_utc": 1.0, "replies": below}}


def listing(*children: Any) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"after": None, "children": list(children)}}


def test_a_reddit_thread_gives_its_post_and_every_comment() -> None:
    post = {"kind": "t3", "data": {"name": "t3_a", "title": "Title", "selftext": "post", "created_utc": 1.0}}
    more = {"kind": "more", "data": {"id": "t1_z", "children": ["z"]}}
    thread = [listing(post), listing(comment("t1_b", "one", comment("t1_c", "two"), more), comment("t1_d", "three"))]
    found = upload(document(thread))
    assert [(card.external_id, card.text) for card in found.cards] == [
        ("t3_a", "Title\n\npost"),
        ("t1_b", "one"),
        ("t1_c", "two"),
        ("t1_d", "three"),
    ]
    assert not found.rejected


def test_an_array_a_line_is_a_table() -> None:
    found = upload(b'["text", "n"]\n["a", 1]\n["b", 2]\n')
    assert [(card.text, card.metadata) for card in found.cards] == [("a", {"n": 1}), ("b", {"n": 2})]
    assert texts(b'[["text"], ["a"]]\n[["text"], ["b"]]') == ["a", "b"]
    assert texts(b'["a", "b"]\n["c"]') == ["a", "b", "c"]


def test_the_list_that_is_read_is_said() -> None:
    tickets_ = [{"id": 1, "text": "a"}]
    body = document({"users": [{"name": "x"}], "tickets": tickets_, "meta": {"groups": [{"name": "y"}]}})
    said = ["Only the list 'tickets' is read, not 'users', 'meta.groups'."]
    assert upload(body).warnings == said
    assert upload(b"[" + body + b"]").warnings == said
    assert preview(Memory(body), Parameters()).warnings == said
    assert upload(document(tickets(1))).warnings == []


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity"])
def test_a_number_out_of_range_is_left_out(number: str) -> None:
    records = [f'{{"text":"a","n":{number},"m":[1,{number}]}}', '{"text":"b","n":1.5}']
    for body in ("[" + ",".join(records) + "]", "\n".join(records), '{"reviews":[' + ",".join(records) + "]}"):
        found = upload(body.encode())
        assert [card.text for card in found.cards] == ["a", "b"]
        assert "n" not in found.cards[0].metadata
        json.dumps([card.metadata for card in found.cards], allow_nan=False)
        preview(Memory(body.encode()), Parameters())


def test_a_number_of_very_many_digits_breaks_nothing() -> None:
    assert texts(b'[{"text":"a","n":' + b"9" * 5_000 + b'},{"text":"b"}]') == ["a", "b"]


def test_a_single_value_over_the_limit_is_refused_with_a_word_on_what_to_send() -> None:
    limits = ImportLimits(document=1_000)
    with pytest.raises(TooLarge, match="export CSV, NDJSON"):
        read_upload(document(tickets(*range(200))), Parameters(), max_rows=999, limits=limits)
    with pytest.raises(Malformed, match="not valid JSON"):
        read_upload(b'{"a": x' + b" " * 10_000 + b"}", Parameters(type="json"), max_rows=999, limits=limits)
    # each page for itself is below the limit
    pages = b"\n".join(document(tickets(*range(at, at + 9))) for at in range(0, 450, 9))
    assert len(read_upload(pages, Parameters(), max_rows=999, limits=limits).cards) == 450
