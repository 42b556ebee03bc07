"""A preview shows how a file will be read, and keeps nothing."""

from groundwork.backlog.card_import.content import Memory
from groundwork.backlog.card_import.importer import MAX_PREVIEWED, preview
from groundwork.backlog.card_import.parameters import Parameters
from tests.backlog.card_import.exports import google_play, play_row, table


def test_a_preview_names_the_format_and_each_columns_role() -> None:
    shown = preview(Memory(google_play(play_row("A1", "Zu langsam", "Schade"), play_row("A2", ""))), Parameters())
    answer = shown.as_json()
    assert (answer["format"], answer["encoding"], answer["delimiter"]) == ("google-play", "utf-16-le", ",")
    roles = {column["name"]: column["role"] for column in answer["columns"]}
    assert roles["Review Text"] == "text"
    assert roles["Review Title"] == "title"
    assert roles["Review Link"] == "externalId"
    assert roles["Review Submit Millis Since Epoch"] == "postedAt"
    assert roles["Device"] == "metadata"
    assert [card.text for card in shown.first] == ["Schade\n\nZu langsam"]
    assert (answer["rows"], answer["rejectedCount"]) == (2, 0)
    assert "1 rows were skipped: has no text." in answer["warnings"]


def test_a_preview_marks_personal_columns_and_shows_samples() -> None:
    answer = preview(Memory(b"Feedback,Email\nSlow,z@example.com\nDear,\n"), Parameters()).as_json()
    assert answer["columns"] == [
        {"name": "Feedback", "role": "text", "samples": ["Slow", "Dear"]},
        {"name": "Email", "role": "personal", "samples": ["z@example.com"]},
    ]


def test_a_preview_of_many_rows_shows_the_first_of_each_kind_and_counts_all() -> None:
    rows = [["text", "n"], *[[f"Card {number}" if number % 2 else "", "1"] for number in range(200)]]
    shown = preview(Memory(table(rows)), Parameters())
    assert len(shown.first) == len(shown.rejected) == MAX_PREVIEWED
    assert (shown.rows, shown.rejected_count) == (200, 100)


def test_a_single_column_has_no_delimiter() -> None:
    assert preview(Memory(b"text\na, b\n"), Parameters()).as_json()["delimiter"] is None


def test_a_preview_agrees_with_a_choice_of_another_encoding() -> None:
    body = "text\nŻółw śpi\n".encode("cp1250")
    assert [card.text for card in preview(Memory(body), Parameters(charset="cp1250")).first] == ["Żółw śpi"]
    assert [card.text for card in preview(Memory(body), Parameters(charset="cp1252")).first] == ["¯ó³w œpi"]


def test_a_preview_tells_a_client_where_to_cut_a_file_into_parts() -> None:
    played = preview(Memory(google_play(play_row("A1", "Zu langsam"))), Parameters()).as_json()
    assert (played["type"], played["firstLine"]) == ("csv", 2)
    two_lines = b'"Feedback\nof users",Plan\nSlow,Free\nDear,Free\n'
    titled = preview(Memory(b"Report\n\n" + two_lines), Parameters()).as_json()
    assert (titled["type"], titled["firstLine"]) == ("csv", 5)
    assert [column["name"] for column in titled["columns"]] == ["Feedback of users", "Plan"]
    lines = preview(Memory(b'{"text": "a"}\n{"text": "b"}\n'), Parameters()).as_json()
    assert (lines["type"], lines["firstLine"]) == ("ndjson", 1)
    whole = preview(Memory(b'[{"text": "a"}, {"text": "b"}]'), Parameters()).as_json()
    assert (whole["type"], whole["firstLine"]) == ("json", None)


def test_a_preview_tells_the_order_of_dates_for_parts_that_do_not_show_it() -> None:
    body = b"Feedback,Created\nSlow,03/04/2026\nDear,25/04/2026\n"
    answer = preview(Memory(body), Parameters()).as_json()
    assert (answer["dateOrder"], answer["timezone"]) == ("dmy", "UTC")
