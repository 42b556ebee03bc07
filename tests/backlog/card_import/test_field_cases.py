"""Files that people really sent, each standing for a kind."""

import gzip
import json
from typing import Any

import pytest

from groundwork.backlog.card_import.content import Memory
from groundwork.backlog.card_import.errors import ColumnUnknown, NotAFeedbackFile
from groundwork.backlog.card_import.importer import Upload, preview, read_upload
from groundwork.backlog.card_import.parameters import Parameters
from tests.backlog.card_import.exports import archive_of, document, google_play, play_row, table, workbook


def upload(body: bytes | str, *, stated: str | None = None, **query: str) -> Upload:
    data = body.encode() if isinstance(body, str) else body
    return read_upload(data, Parameters.of(query, stated_charset=stated), max_rows=5_000)


def texts(body: bytes | str, **query: str) -> list[str]:
    return [card.text for card in upload(body, **query).cards]


def test_case_1_the_play_stores_own_file_goes_in() -> None:
    found = upload(google_play(play_row("A1", "Zu langsam"), play_row("A2", "Gut", "Ja")), stated="utf-16")
    assert [(card.text, card.external_id) for card in found.cards] == [("Zu langsam", "gp:A1"), ("Ja\n\nGut", "gp:A2")]
    assert found.cards[0].metadata["Star Rating"] == "2"
    assert found.layout.encoding.name == "utf-16-le"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("windows-1252", "Grüße"),
        ("iso-8859-1", "Grüße"),
        ("Shift_JIS", "注文が遅い"),
        ("macintosh", "Grüße"),
        ("gb2312", "很慢"),
        ("euc-kr", "느려요"),
        ("koi8-r", "медленно"),
        ("iso-2022-jp", "注文が遅い"),
        ("utf-16be", "Grüße"),
        ("utf-32", "Grüße"),
        ("cp037", "Gruesse"),
    ],
)
def test_case_2_a_named_charset_is_used(charset: str, text: str) -> None:
    body = f"text\n{text}\n".encode(charset)
    assert texts(body, charset=charset) == [text]
    assert [card.text for card in upload(body, stated=charset).cards] == [text]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Grüße"),
        ("cp932", "注文が遅いです"),
        ("utf-8", "Grüße"),
        ("utf-16-le", "Grüße aus Köln"),
        ("iso2022_jp", "注文が遅い"),
        ("cp1251", "Очень медленно открывается карта"),
        ("cp1250", "Żółte światło jest źle widoczne"),
        ("big5", "地圖打開得非常慢"),
        ("mac-roman", "Grüße, es hängt über Nacht und stürzt häufig ab"),
    ],
)
def test_case_3_an_unnamed_encoding_is_found(encoding: str, text: str) -> None:
    assert texts(f"text\n{text}\n".encode(encoding)) == [text]


def test_case_3_a_wrongly_stated_charset_does_not_spoil_the_text() -> None:
    assert [card.text for card in upload("text\nGrüße\n".encode("cp1252"), stated="utf-8").cards] == ["Grüße"]


def test_case_3_bytes_that_do_not_decode_reject_their_row_alone() -> None:
    found = upload(b"text\ngut\n" + b"sch\xfflecht\n" + "größer\nschöner\n".encode() * 9, charset="utf-8")
    assert len(found.cards) == 19
    assert [(rejected.row, rejected.line) for rejected in found.rejected] == [(2, 3)]
    assert upload("text,note\ngut,a\ufffdb\n").cards[0].metadata == {}


def test_case_3_an_unsure_encoding_shows_three_lines_of_each_choice() -> None:
    shown = preview(Memory("text\nGrüße\nTür\nÖl\nÄrger\n".encode("cp1252")), Parameters()).as_json()
    assert shown["encoding"] == "cp1252"
    assert {"encoding": "cp1252", "lines": ["Grüße", "Tür", "Öl"]} in shown["alternatives"]
    assert len(shown["alternatives"]) > 1
    long = "text\n" + "Die Übersicht hängt. " * 60
    assert preview(Memory(long.encode("cp1252")), Parameters()).as_json()["alternatives"] == []


@pytest.mark.parametrize(
    "body",
    [
        "text;source\nHallo;mail\n",
        "text\tsource\nHallo\tmail\n",
        "text|source\nHallo|mail\n",
        "sep=;\ntext;source\nHallo;mail\n",
        "sep=,\r\ntext,source\r\nHallo,mail\r\n",
        "\ufeffsep=;\ntext;source\nHallo;mail\n",
        '"text";"source"\n"Hallo";"mail"\n',
        "sep=~\ntext~source\nHallo~mail\n",
    ],
)
def test_case_4_any_usual_delimiter_will_do(body: str) -> None:
    assert [(card.text, card.source) for card in upload(body).cards] == [("Hallo", "mail")]


def test_case_5_repeated_columns_keep_all_their_values() -> None:
    found = upload("Summary,Issue key,text,Labels,Labels,Comment,Comment\nShort,RD-7,Long,a,b,first,second\n")
    assert [(card.text, card.external_id) for card in found.cards] == [("Long", "RD-7")]
    assert found.cards[0].metadata == {"Summary": "Short", "Labels": ["a", "b"], "Comment": ["first", "second"]}


def test_case_6_a_column_in_any_spelling_is_found() -> None:
    assert [(card.text, card.source) for card in upload("Text,Source\nHallo,mail\n").cards] == [("Hallo", "mail")]
    for name in (
        "FEEDBACK",
        "review_text",
        "Commentaire",
        "ご意見",
        "Your feedback (optional)",
        "<p>Comments</p>",
        "Verbatim",
        "reviewText",
    ):
        assert texts(f"Score,{name}\n3,Slow\n") == ["Slow"], name


def test_case_6_a_column_that_cannot_be_told_is_asked_for_with_samples() -> None:
    with pytest.raises(ColumnUnknown) as refusal:
        upload("A,B\nred,1\nblue,2\n")
    assert (refusal.value.code, refusal.value.status) == ("COLUMN_UNKNOWN", 422)
    assert refusal.value.details == {
        "columns": [{"name": "A", "samples": ["red", "blue"]}, {"name": "B", "samples": ["1", "2"]}]
    }
    assert "?text=COLUMN" in str(refusal.value)
    assert texts("A,B\nred,1\nblue,2\n", text="A") == ["red", "blue"]
    shown = preview(Memory(b"A,B\nred,1\nblue,2\n"), Parameters()).as_json()
    assert (shown["rows"], [column["role"] for column in shown["columns"]]) == (2, ["metadata", "metadata"])


def test_case_6_parameters_name_columns() -> None:
    found = upload("A,B,C,D\nred,1,web,01.02.2026\n", text="a", externalId="B", source="C", postedAt="D")
    card = found.cards[0]
    assert (card.text, card.external_id, card.source, card.posted_at) == ("red", "1", "web", "2026-02-01T00:00:00Z")
    with pytest.raises(ColumnUnknown, match="no column 'Z'"):
        upload("A,B\nred,1\n", text="Z")


def test_case_7_unknown_fields_of_json_become_metadata_and_numbers_text() -> None:
    found = upload('{"text":"a","number":1,"labels":["x"]}\n{"text":5,"externalId":123}\n')
    assert [(card.text, card.external_id, card.metadata) for card in found.cards] == [
        ("a", None, {"number": 1, "labels": ["x"]}),
        ("5", "123", {}),
    ]
    assert texts(b'[{"text": "a"}, {"text": "b"}]') == ["a", "b"]


@pytest.mark.parametrize(
    "wrapped",
    [
        {"reviews": [{"text": "a"}]},
        {"data": {"items": [{"body": "a"}]}},
        {"feed": {"entry": {"content": {"label": "a"}, "title": {"label": "a"}}}},
        {"data": {"posts": {"edges": [{"node": {"message": "a"}}]}}},
        [["id", "text"], ["1", "a"]],
        {"x1": {"feedback": "a"}, "x2": {"feedback": ""}},
        {"status": "ok", "paging": {"total": 1}, "comments": [{"comment": "a"}]},
        ["a"],
        {"text": "a", "labels": ["x"]},
    ],
)
def test_case_7_records_are_found_in_any_wrapper(wrapped: Any) -> None:
    assert texts(document(wrapped)) == ["a"]
    assert texts(document(wrapped, indent=2)) == ["a"]


def test_case_8_lines_above_the_header_are_no_header() -> None:
    body = "Feedback report\nMade on 1 May, by the team\n\nText,Source,Note\nHallo,mail,\nTschüss,web,x\n"
    found = upload(body)
    assert [(card.text, card.source, card.row, card.line) for card in found.cards] == [
        ("Hallo", "mail", 1, 5),
        ("Tschüss", "web", 2, 6),
    ]


def test_case_8_a_second_header_row_is_no_card() -> None:
    header = "Respondent ID,Collector ID,Start Date,What should change?\n"
    assert texts(header + ",,,Open-Ended Response\n1,2,03/13/2026 10:00:00,The search is much too slow\n") == [
        "The search is much too slow"
    ]
    assert texts("Name,Feedback,\n,Open-Ended Response,Other\nx,Slow,\n", text="Feedback") == ["Slow"]


@pytest.mark.parametrize("column", ["Review Link", "Id", "Issue key"])
def test_case_9_a_second_upload_has_the_same_ids(column: str) -> None:
    body = f"{column},Text\nhttps://example.com/r/1,Hallo\nhttps://example.com/r/2,Hallo\n"
    ids = [card.external_id for card in upload(body).cards]
    assert ids == ["https://example.com/r/1", "https://example.com/r/2"]
    assert ids == [card.external_id for card in upload(body).cards]


def test_case_9_an_id_column_whose_values_repeat_is_not_taken_for_the_cards_id() -> None:
    found = upload("id,Text\n7,Hallo\n7,Anders\n")
    assert [card.external_id for card in found.cards] == [None, None]
    assert found.duplicates == 0


def test_case_9_without_an_id_source_time_and_text_make_one_where_there_is_a_time() -> None:
    body = "Date,Channel,Feedback\n2026-03-01,mail,Slow\n2026-03-02,mail,Slow\n"
    ids = [card.external_id for card in upload(body).cards]
    assert len(set(ids)) == 2
    assert ids == [card.external_id for card in upload(body).cards]
    # people who say the same at no told time stay several
    assert [card.external_id for card in upload("Channel,Feedback\nmail,Slow\nmail,Slow\n").cards] == [None, None]


def test_case_10_ids_are_trimmed() -> None:
    found = upload("text,externalId\na, 7\nb,7\n")
    assert ([card.external_id for card in found.cards], found.duplicates) == (["7"], 1)


def test_case_11_any_known_kind_of_file_is_read_from_its_bytes() -> None:
    rows = [{"text": f"Card {number}"} for number in range(3)]
    lines = b"\n".join(document(row) for row in rows)
    sheet = workbook([["Text"], *[[row["text"]] for row in rows]])
    expected = [row["text"] for row in rows]
    plain = table([["text"], *[[text] for text in expected]])
    for body in (lines, document(rows), json.dumps(rows, indent=1).encode(), plain, sheet):
        assert texts(body) == expected
        assert texts(gzip.compress(body)) == expected
    for name, body in (
        ("a.csv", plain),
        ("a.ndjson", lines),
        ("a.xlsx", sheet),
        ("deep/a.json.gz", gzip.compress(lines)),
    ):
        assert texts(archive_of({name: body, "__MACOSX/._a": b"x", "readme.md": b"x"})) == expected


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office"),
        (archive_of({"word/document.xml": b"", "[Content_Types].xml": b""}), "Word"),
        (archive_of({"mimetype": b"", "content.xml": b""}), "OpenDocument"),
        (b"<!DOCTYPE html><table>", "HTML"),
        (b"\x00\x01\x02\x03\x04" * 40, "not a text file"),
        (archive_of({"a.csv": b"text\na", "b.csv": b"text\nb"}), "a.csv, b.csv"),
        (archive_of({"readme.md": b"x"}), "found: none"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
    ],
)
def test_other_files_are_refused_with_a_word_on_what_to_send(body: bytes, word: str) -> None:
    with pytest.raises(NotAFeedbackFile, match=word):
        upload(body)
