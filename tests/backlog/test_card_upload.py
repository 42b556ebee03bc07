"""What clients upload as cards, with all that real files have in them."""

import csv
import io
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.backlog.card_upload import MAX_METADATA, NewCard, Upload, read_cards
from groundwork.backlog.model import MAX_CARD_TEXT, MAX_CARDS_A_CALL, MAX_IMPORT_BYTES
from groundwork.errors import Invalid, Malformed, Refusal, TooLarge, UnsupportedMediaType

EXAMPLES = Path(__file__).parents[2] / "examples"
# what a card may be: no control characters, no halves of surrogate pairs, not only white space
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n"), min_size=1).filter(
    lambda text: bool(text.strip())
)


def from_csv(text: str, media: str = "text/csv") -> Upload:
    return read_cards(text.encode(), media)


def reasons(upload: Upload) -> list[tuple[int, str]]:
    return [(rejected.row, rejected.reason) for rejected in upload.rejected]


def test_a_csv_keeps_the_columns_it_does_not_know_as_metadata() -> None:
    upload = from_csv("stars,text,source,externalId,note\n5,Slow,Email,a,\n")
    assert upload.cards == [NewCard(1, "Slow", "Email", "a", {"stars": "5"})]
    assert (upload.rejected, upload.duplicates) == ([], 0)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('"two\nlines"', "two\nlines"),
        ('"two\r\nlines"', "two\r\nlines"),
        ('"she said ""no"""', 'she said "no"'),
        ('"open" and shut', "open and shut"),
        ('5" screen', '5" screen'),
        ("'single', not", "'single'"),
        ('"comma, comma"', "comma, comma"),
        ("とても便利 🚲", "とても便利 🚲"),
    ],
)
def test_odd_quotes_and_lines_are_read_as_a_spreadsheet_does(cell: str, text: str) -> None:
    assert from_csv(f"text,more\n{cell}\n").cards[0].text == text


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(newline: str) -> None:
    assert [card.text for card in from_csv(newline.join(["text", "a", "b"])).cards] == ["a", "b"]


@pytest.mark.parametrize(
    ("encoding", "media"),
    [
        ("utf-8-sig", "text/csv"),
        ("utf-8", 'text/csv; charset="UTF-8"; header=present'),
        ("iso-8859-1", "Text/CSV; charset=ISO-8859-1"),
        ("cp1252", "text/csv;charset=windows-1252"),
        ("utf-16", "text/csv; charset=utf-16"),
    ],
)
def test_the_charset_of_the_content_type_is_used(encoding: str, media: str) -> None:
    assert read_cards("text\nzu spät".encode(encoding), media).cards[0].text == "zu spät"


@given(st.lists(texts, min_size=1, max_size=20))
def test_what_a_csv_writer_wrote_is_read_back(written: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["text"], *([text] for text in written)])
    assert [card.text for card in from_csv(out.getvalue()).cards] == [text.strip() for text in written]


@given(st.lists(texts, min_size=1, max_size=20))
def test_ndjson_and_json_give_the_same_cards(written: list[str]) -> None:
    cards = [{"text": text} for text in written]
    lines = "\n".join(json.dumps(card, ensure_ascii=False) for card in cards)
    whole = json.dumps({"cards": cards})
    assert read_cards(lines.encode(), "application/x-ndjson") == read_cards(whole.encode(), "application/json")


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: b"text,a\n" + text.encode(errors="replace")))
def test_no_body_does_worse_than_be_refused(body: bytes) -> None:
    for media in ("text/csv", "application/x-ndjson", "application/json", "text/csv; charset=utf-16"):
        # anything else that is raised fails the test
        with suppress(Refusal):
            read_cards(body, media)


@pytest.mark.parametrize(
    ("body", "media", "refusal"),
    [
        ("name\nx", "text/csv", Invalid),
        ("", "text/csv", Invalid),
        ("text\n", "text/csv", Invalid),
        ("text,text\na,b", "text/csv", Invalid),
        ("", "application/x-ndjson", Invalid),
        ("{", "application/json", Malformed),
        ('{"cards": [{"text": NaN}]}', "application/json", Malformed),
        ("[" * 100_000, "application/json", Malformed),
        ("[]", "application/json", Invalid),
        ('{"cards": []}', "application/json", Invalid),
        ('{"cards": [{"text": "a"}], "more": 1}', "application/json", Invalid),
        ("text\na", "application/xml", UnsupportedMediaType),
        ("text\na", "text/csv; charset=punycode", Malformed),
        ("text\na", "text/csv; charset=undefined", Malformed),
        ("text\na", "text/csv; charset=no-such", Malformed),
    ],
)
def test_what_is_wrong_as_a_whole_is_refused(body: str, media: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        read_cards(body.encode(), media)


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(Malformed):
        read_cards("text\nzu spät".encode("cp1252"), "text/csv")


def test_too_many_bytes_and_too_many_rows_are_refused() -> None:
    with pytest.raises(TooLarge):
        read_cards(b"a" * (MAX_IMPORT_BYTES + 1), "text/csv")
    assert len(from_csv("text\n" + "a\n" * MAX_CARDS_A_CALL).cards) == MAX_CARDS_A_CALL
    with pytest.raises(TooLarge):
        from_csv("text\n" + "a\n" * (MAX_CARDS_A_CALL + 1))


def test_a_bad_row_is_rejected_by_its_number_and_the_others_are_kept() -> None:
    upload = from_csv("text,externalId\ngood,1\n,2\na\x07b,3\nx,y,z\n" + "l" * (MAX_CARD_TEXT + 1) + ",5\nlast,6\n")
    assert [card.row for card in upload.cards] == [1, 6]
    assert reasons(upload) == [
        (2, "text: must be a text that is not empty"),
        (3, "text: has control characters"),
        (4, "has 3 cells, the header 2"),
        (5, f"text: at most {MAX_CARD_TEXT} characters, this has {MAX_CARD_TEXT + 1}"),
    ]


def test_a_quote_that_is_never_closed_rejects_its_row_rather_than_swallow_the_rest_unseen() -> None:
    upload = from_csv('text\nfirst\n"second\nthird\nfourth\n')
    assert [card.text for card in upload.cards] == ["first"]
    assert reasons(upload) == [(2, "has a quote that is never closed, so that all below it is part of it")]


def test_a_cell_of_any_length_stays_one_cell() -> None:
    upload = from_csv('text\n"' + "long\n" * 50_000 + '"\nshort\n')
    assert [(card.row, card.text) for card in upload.cards] == [(2, "short")]
    assert [row for row, _ in reasons(upload)] == [1]


@pytest.mark.parametrize(
    "card",
    [
        {"text": 5},
        {"text": None},
        {"text": "a", "externalId": "e" * 201},
        {"text": "a", "source": ["no text"]},
        {"text": "a", "metadata": {"long": "m" * MAX_METADATA}},
        {"text": "a", "colour": "blue"},
        {"text": "half \ud83d"},
        "no object",
    ],
)
def test_a_card_of_the_wrong_shape_is_rejected_and_the_next_is_kept(card: object) -> None:
    upload = read_cards(json.dumps({"cards": [card, {"text": "good"}]}).encode(), "application/json")
    assert [card.text for card in upload.cards] == ["good"]
    assert [row for row, _ in reasons(upload)] == [1]


def test_a_line_that_is_no_json_is_rejected() -> None:
    upload = read_cards(b'{"text": "a"}\n\nno\n{"text": "b"}', "application/x-ndjson")
    assert [card.text for card in upload.cards] == ["a", "b"]
    assert reasons(upload) == [(2, "is not valid JSON")]


def test_an_external_id_counts_once_in_an_upload() -> None:
    upload = from_csv("text,externalId\nfirst,a\nagain,a\nother,b\nnone,\nnone,\n")
    assert [card.text for card in upload.cards] == ["first", "other", "none", "none"]
    assert upload.duplicates == 1


def test_the_examples_are_imported_whole() -> None:
    for name, media in (("feedback.csv", "text/csv"), ("interviews.ndjson", "application/x-ndjson")):
        upload = read_cards((EXAMPLES / name).read_bytes(), media)
        assert upload.cards
        assert (upload.rejected, upload.duplicates) == ([], 0)
