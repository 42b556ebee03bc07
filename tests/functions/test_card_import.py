"""Feedback files through the import route, as tools export them and people send them."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.manage_backlog import app
from groundwork.adapters.dynamodb.tables import Tables
from tests.backlog.card_import.export import MAIL, PERSON, Export
from tests.backlog.card_import.exports import archive_of, document, google_play, play_row, table, workbook
from tests.backlog.card_import.samples_reviews import REVIEWS
from tests.backlog.card_import.samples_support import SUPPORT
from tests.backlog.card_import.samples_surveys import SURVEYS
from tests.backlog.card_import.samples_tables import TABLES
from tests.backlog.card_import.samples_trackers import TRACKERS
from tests.events import Answer, Context, answer_of, api_event
from tests.functions.services import services_on

EXPORTS = (*REVIEWS, *SUPPORT, *SURVEYS, *TRACKERS, *TABLES)
BYTES = "application/octet-stream"

Send = Callable[..., Answer]


@pytest.fixture
def send(moto_tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Send a file to the route of a project's cards, or to one `below` it."""
    monkeypatch.setattr(app, "services", lambda: services_on(moto_tables))
    project = moto_tables.projects.create("Shop", "").id

    def post(
        body: bytes | str, content_type: str = BYTES, below: str = "", method: str = "POST", **query: str
    ) -> Answer:
        headers = {name: query.pop(name) for name in ("idempotency_key", "content_encoding") if name in query}
        path = f"/api/projects/{project}/cards{below}"
        event = api_event(method, path, body or None, query, content_type=content_type, **headers)
        return answer_of(app.handler(event, Context()), event)

    return post


def cards(send: Send) -> list[dict[str, Any]]:
    return list(send("", method="GET", limit="200").json["items"])


def texts(send: Send) -> list[str]:
    return [card["text"] for card in cards(send)]


def taken(answer: Answer) -> tuple[int, int]:
    assert answer.status == 200, answer.body
    assert answer.json["rejectedCount"] == 0, answer.body
    return answer.json["created"], answer.json["duplicates"]


def error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


@pytest.mark.parametrize("export", [pytest.param(one, id=f"{one.name}-{at}") for at, one in enumerate(EXPORTS)])
def test_an_untouched_export_goes_in_once(send: Send, export: Export) -> None:
    first = send(export.body, **export.query)
    assert taken(first)[0] == export.cards
    stored = cards(send)
    assert stored[0]["text"] == export.text
    assert stored[0]["postedAt"] == export.posted_at
    assert PERSON not in json.dumps(stored)
    assert MAIL not in json.dumps(stored)
    # rows without an id and without a time are told apart by nothing but their text
    by_id = all(card["externalId"] for card in stored)
    again = send(export.body, **export.query, **({} if by_id else {"dedupe": "content"}))
    assert taken(again) == (0, export.cards + first.json["duplicates"])
    assert len(cards(send)) == export.cards


def test_case_1_the_play_stores_own_file_goes_in(send: Send) -> None:
    body = google_play(play_row("A1", "Zu langsam"), play_row("A2", "Gut", "Ja"))
    assert taken(send(body, "text/csv; charset=utf-16")) == (2, 0)
    assert [(card["text"], card["externalId"]) for card in cards(send)] == [
        ("Zu langsam", "gp:A1"),
        ("Ja\n\nGut", "gp:A2"),
    ]
    assert cards(send)[0]["metadata"]["Star Rating"] == "2"


@pytest.mark.parametrize(
    ("charset", "text"),
    [("windows-1252", "Grüße"), ("iso-8859-1", "Grüße"), ("Shift_JIS", "注文が遅い"), ("utf-16", "Grüße")],
)
def test_case_2_the_charset_of_the_content_type_or_the_query_is_used(send: Send, charset: str, text: str) -> None:
    body = f"text\n{text}\n".encode(charset)
    assert taken(send(body, f"text/csv; charset={charset}")) == (1, 0)
    assert taken(send(body, charset=charset)) == (1, 0)
    assert texts(send) == [text, text]


def test_case_2_a_body_that_the_gateway_has_decoded_is_not_decoded_again(send: Send) -> None:
    assert taken(send("text\nGrüße\n", "text/csv; charset=windows-1252")) == (1, 0)
    assert texts(send) == ["Grüße"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("text\nGr\ufffd\ufffde\n", "text/csv; charset=windows-1252"),
        ("\ufffd\ufffdt\0e\0x\0t\0\n\0a\0", "text/csv"),
    ],
)
def test_case_2_bytes_that_the_gateway_has_lost_are_named(send: Send, body: str, content_type: str) -> None:
    answer = send(body, content_type)
    assert error(answer) == (400, "MALFORMED")
    assert "application/octet-stream" in answer.json["error"]["message"]
    assert cards(send) == []


def test_case_3_an_unnamed_charset_is_found_and_lost_characters_are_never_stored(send: Send) -> None:
    assert taken(send("text\nGrüße\n".encode("cp1252"))) == (1, 0)
    answer = send("text\nGr\ufffd\ufffde\nGut\n", "text/csv")
    assert (answer.json["created"], answer.json["rejectedCount"]) == (1, 1)
    assert answer.json["rejected"][0]["line"] == 2
    assert texts(send) == ["Grüße", "Gut"]


@pytest.mark.parametrize(
    "body", ["text;source\nHallo;mail\n", "text\tsource\nHallo\tmail\n", "sep=;\ntext;source\nHallo;mail\n"]
)
def test_case_4_any_usual_delimiter_will_do(send: Send, body: str) -> None:
    assert taken(send(body, "text/csv")) == (1, 0)
    assert [(card["text"], card["source"]) for card in cards(send)] == [("Hallo", "mail")]


def test_case_5_repeated_columns_keep_all_their_values(send: Send) -> None:
    send("Summary,Issue key,text,Labels,Labels,Comment,Comment\nShort,RD-7,Long,a,b,first,second\n", "text/csv")
    (card,) = cards(send)
    assert (card["text"], card["externalId"]) == ("Long", "RD-7")
    assert card["metadata"] == {"Summary": "Short", "Labels": ["a", "b"], "Comment": ["first", "second"]}


def test_case_6_an_unknown_column_is_asked_for_and_can_be_named(send: Send) -> None:
    assert taken(send("Text,Source\nHallo,mail\n", "text/csv")) == (1, 0)
    body = 'A,"B, or not"\nred,1\nblue,2\n'
    answer = send(body, "text/csv")
    assert error(answer) == (422, "COLUMN_UNKNOWN")
    assert answer.json["error"]["details"]["columns"] == [
        {"name": "A", "samples": ["red", "blue"]},
        {"name": "B, or not", "samples": ["1", "2"]},
    ]
    assert taken(send(body, "text/csv", text="B, or not", externalId="A")) == (2, 0)
    assert [(card["text"], card["externalId"]) for card in cards(send)[1:]] == [("1", "red"), ("2", "blue")]


def test_case_7_unknown_fields_become_metadata_and_numbers_text(send: Send) -> None:
    issues = [{"title": "Slow", "body": "It hangs", "number": 7, "html_url": "https://example.com/7", "id": 5}]
    assert taken(send(json.dumps(issues), "application/json")) == (1, 0)
    lines = b'{"text":"a","number":1,"labels":["x"]}\n{"text":5,"externalId":123}\n'
    assert taken(send(lines, "application/x-ndjson")) == (2, 0)
    assert [(card["text"], card["externalId"]) for card in cards(send)][1:] == [("a", None), ("5", "123")]
    assert cards(send)[1]["metadata"] == {"number": 1, "labels": ["x"]}
    assert taken(send(json.dumps({"data": {"items": [{"body": "b"}]}}), "application/json")) == (1, 0)


def test_case_7_the_apis_own_form_stays_strict(send: Send) -> None:
    body = {"cards": [{"text": "a", "colour": "red"}, {"text": "b", "postedAt": "2026-03-01T10:00:00+01:00"}]}
    answer = send(json.dumps(body), "application/json")
    assert answer.json["rejected"] == [{"row": 1, "line": None, "reason": "unknown field 'colour'"}]
    assert [(card["text"], card["postedAt"]) for card in cards(send)] == [("b", "2026-03-01T09:00:00Z")]


def test_case_8_title_lines_and_a_second_header_are_no_cards(send: Send) -> None:
    assert taken(send("Feedback report\nMade on 1 May\n\nText,Source,Note\nHallo,mail,\n", "text/csv")) == (1, 0)
    body = "Respondent ID,Collector ID,Start Date,What should change?\n,,,Open-Ended Response\n1,2,03/13/2026,Search\n"
    assert taken(send(body, "text/csv")) == (1, 0)
    assert texts(send) == ["Hallo", "Search"]


@pytest.mark.parametrize("column", ["Review Link", "Id", "Issue key"])
def test_case_9_a_monthly_export_is_recognised(send: Send, column: str) -> None:
    body = f"{column},Text\nhttps://example.com/r/1,Hallo\nhttps://example.com/r/2,Hallo\n"
    assert taken(send(body, "text/csv")) == (2, 0)
    assert taken(send(body + "https://example.com/r/3,Neu\n", "text/csv")) == (1, 2)


def test_case_9_equal_text_is_a_duplicate_where_asked_also_of_cards_imported_without(send: Send) -> None:
    assert taken(send("text\nSlow\nBlue\nSlow\n", "text/csv")) == (3, 0)
    assert taken(send("text\nSlow\n Red\nRed\n", "text/csv", dedupe="content")) == (1, 2)
    assert texts(send) == ["Slow", "Blue", "Slow", "Red"]


def test_case_9_a_text_is_free_again_when_its_last_card_has_another_or_is_deleted(send: Send) -> None:
    send("text\nSlow\nSlow\n", "text/csv")
    first, second = (card["id"] for card in cards(send))
    _on_card("PATCH", first, {"text": "Fast"})
    assert taken(send("text\nSlow\nFast\n", "text/csv", dedupe="content")) == (0, 2)
    _on_card("DELETE", second)
    assert taken(send("text\nSlow\n", "text/csv", dedupe="content")) == (1, 0)


def _on_card(method: str, card_id: str, body: Any = None) -> None:
    event = api_event(method, f"/api/cards/{card_id}", body)
    assert answer_of(app.handler(event, Context()), event).status in (200, 204)


def test_case_10_an_id_is_trimmed(send: Send) -> None:
    assert taken(send("text,externalId\na, 7\nb,7\n", "text/csv")) == (1, 1)
    assert taken(send(json.dumps({"cards": [{"text": "c", "externalId": "7 "}]}), "application/json")) == (0, 1)


def test_case_11_every_kind_of_file_goes_in_as_bytes(send: Send) -> None:
    rows = [{"text": f"Card {number}"} for number in range(3)]
    lines = b"\n".join(document(row) for row in rows)
    plain = table([["text"], *[[row["text"]] for row in rows]])
    sheet = workbook([["Text"], *[[row["text"]] for row in rows]])
    files = (lines, document(rows), plain, sheet, gzip.compress(plain), archive_of({"a.csv": plain}))
    for at, body in enumerate(files):
        assert taken(send(body)) == (3, 0), at
    assert taken(send(lines, type="ndjson")) == (3, 0)
    assert taken(send(sheet, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")) == (3, 0)


def test_case_11_a_file_over_the_gateways_limit_goes_in_compressed(send: Send) -> None:
    # columns with personal data are left out, so that the table stays small
    lines = b"\n".join(document({"text": f"Card {number}", "email": "x" * 200_000}) for number in range(30))
    assert len(lines) > 5 * 1024 * 1024
    assert error(send(lines, "application/x-ndjson")) == (413, "TOO_LARGE")
    body = gzip.compress(lines)
    assert taken(send(body, "application/x-ndjson", content_encoding="gzip", dedupe="content")) == (30, 0)
    assert taken(send(body, dedupe="content")) == (0, 30)


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b"text\n" + b"0" * (51 * 1024 * 1024), mtime=0), "gzip", 413),
        (gzip.compress(b"text\na\n", mtime=0)[:-9], "gzip", 400),
        (b"text\na\n", "gzip", 400),
        ("text\na\n", "gzip", 400),
        (b"text\na\n", "br", 415),
    ],
)
def test_a_body_that_is_not_encoded_as_it_says_is_refused(
    send: Send, body: bytes | str, encoding: str, status: int
) -> None:
    assert send(body, content_encoding=encoding).status == status
    assert cards(send) == []


def test_a_part_counts_once_with_ids_or_without(send: Send) -> None:
    body = "text\n" + "".join(f"Same\nCard {number}\n" for number in range(50))
    first = send(body, "text/csv", idempotency_key="file-1")
    assert taken(first) == (100, 0)
    assert send(body, "text/csv", idempotency_key="file-1").json == first.json
    assert taken(send(body, "text/csv", idempotency_key="file-2")) == (100, 0)
    assert len(cards(send)) == 200


@pytest.mark.parametrize("change", [{"body": "text\nb\n"}, {"timezone": "UTC"}, {"dedupe": "content"}])
def test_a_key_belongs_to_one_body_and_its_parameters(send: Send, change: dict[str, str]) -> None:
    assert taken(send("text\na\n", "text/csv", idempotency_key="k")) == (1, 0)
    query = dict(change)
    answer = send(query.pop("body", "text\na\n"), "text/csv", idempotency_key="k", **query)
    assert error(answer) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert texts(send) == ["a"]


def test_the_first_hundred_rejected_rows_are_listed_and_all_are_counted(send: Send) -> None:
    answer = send("text,n\n" + ",1\n" * 150 + "good,2\n", "text/csv").json
    assert (answer["created"], answer["rejectedCount"], len(answer["rejected"])) == (1, 150, 100)
    assert answer["rejected"][0] == {"row": 1, "line": 2, "reason": "text: must be a text that is not empty"}


def test_a_client_can_ask_for_all_rejected_rows(send: Send) -> None:
    body = "text,n\n" + ",1\n" * 1_200
    answer = send(body, "text/csv", maxRejected="5000").json
    assert (answer["rejectedCount"], len(answer["rejected"])) == (1_200, 1_200)
    assert answer["rejected"][-1]["line"] == 1_201
    assert len(send(body, "text/csv", maxRejected="7").json["rejected"]) == 7
    for number in ("0", "5001", "x"):
        assert send(body, "text/csv", maxRejected=number).status == 422


def test_an_answer_full_of_reasons_stays_below_lambdas_limit(send: Send) -> None:
    cards = [{"text": "a", "字" * 300 + str(at): 1} for at in range(5_000)]
    answer = send(json.dumps({"cards": cards}, ensure_ascii=False), "application/json", maxRejected="5000")
    assert len(answer.json["rejected"]) == 5_000
    assert len(json.dumps(answer.body, ensure_ascii=False).encode()) < 4 * 1024 * 1024


@pytest.mark.parametrize("number", ["1e999", "NaN", "-Infinity"])
def test_a_number_that_json_cannot_hold_is_never_stored(send: Send, number: str) -> None:
    a, c, e = (f'{{"text":"{text}","metadata":{{"n":{number}}}}}' for text in "ace")
    answer = send(f'{{"cards":[{a},{{"text":"b"}}]}}', "application/json").json
    assert [row["reason"] for row in answer["rejected"]] == ["metadata: has a number out of range"]
    assert taken(send(f'{c}\n{{"text":"d"}}', "application/x-ndjson")) == (2, 0)
    assert taken(send(f'[{e},{{"text":"f"}}]', "application/json")) == (2, 0)
    assert texts(send) == ["b", "c", "d", "e", "f"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"txt": "A"}, "txt"),
        ({"dedupe": "id"}, "dedupe"),
        ({"madeBy": "mock"}, "madeBy"),
        ({"type": "pdf"}, "type"),
        ({"timezone": "Mars/North"}, "timezone"),
        ({"dateOrder": "ymd"}, "dateOrder"),
        ({"personal": "yes"}, "personal"),
    ],
)
def test_a_wrong_parameter_is_named(send: Send, query: dict[str, str], field: str) -> None:
    answer = send("text\na\n", "text/csv", **query)
    assert error(answer) == (422, "INVALID")
    assert answer.json["error"]["details"][0]["field"] == field
    assert cards(send) == []


def test_a_preview_shows_the_import_and_writes_nothing(send: Send) -> None:
    body = "Id,Text,Requester email,Date\n1,Grüße aus Köln,zoe@example.com,2026-03-01\n2,,zoe@example.com,2026-03-02\n"
    shown = send(body.encode("cp1252"), below="/preview", charset="windows-1252").json
    assert (shown["encoding"], shown["delimiter"], shown["rows"], shown["rejectedCount"]) == ("cp1252", ",", 2, 1)
    assert [column["role"] for column in shown["columns"]] == ["externalId", "text", "personal", "postedAt"]
    (first,) = shown["first"]
    assert (first["text"], first["externalId"], first["postedAt"]) == ("Grüße aus Köln", "1", "2026-03-01T00:00:00Z")
    assert cards(send) == []
    unsure = send("text\nGrüße\nTür\nÖl\n".encode("cp1252"), below="/preview").json
    assert {"encoding": "cp1252", "lines": ["Grüße", "Tür", "Öl"]} in unsure["alternatives"]
    strict = send(json.dumps({"cards": [{"text": "a"}, {"colour": "b"}]}), "application/json", below="/preview").json
    assert (strict["rows"], strict["rejectedCount"], strict["first"][0]["text"]) == (2, 1, "a")
    asked = send("A,B\nred,1\n", "text/csv", below="/preview").json
    assert (asked["first"], [column["name"] for column in asked["columns"]]) == ([], ["A", "B"])


def test_a_preview_of_an_unknown_project_is_not_found(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    event = api_event("POST", "/api/projects/23456789bc/cards/preview", b"text\na\n", content_type=BYTES)
    assert error(answer_of(app.handler(event, Context()), event)) == (404, "NOT_FOUND")
