"""Columns of unknown tables: the cells decide where several names could hold the feedback."""

import pytest

from groundwork.backlog.card_import.errors import ColumnUnknown
from groundwork.backlog.card_import.importer import Upload, read_upload
from groundwork.backlog.card_import.inspection import NO_ID
from groundwork.backlog.card_import.parameters import Parameters
from tests.backlog.card_import.exports import table

SLOW = "The search is far too slow for long lists"
DARK = "I would like to have a dark mode in the app"


def upload(rows: list[list[str]], **query: str | list[str]) -> Upload:
    return read_upload(table(rows), Parameters.of(query), max_rows=5_000)


def texts(rows: list[list[str]], **query: str | list[str]) -> list[str]:
    return [card.text for card in upload(rows, **query).cards]


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        (["Date", "Feedback", "Comment"], ["2026-01-02", "Positive", SLOW], ["2026-01-03", "Negative", DARK]),
        (["Rating", "Review", "Review details"], ["3", "Good", SLOW], ["2", "Bad", DARK]),
        (["Request", "Category", "Explain your problem"], ["Bug", "Search", SLOW], ["Feature", "Look", DARK]),
        (["NPS", "Note", "How did our agent treat you?"], ["3", "VIP", SLOW], ["9", "", DARK]),
        (["NPS", "Note", "Why did you give this score?"], ["3", "VIP", SLOW], ["9", "", DARK]),
    ],
)
def test_written_answers_outweigh_a_column_of_choices(header: list[str], first: list[str], second: list[str]) -> None:
    assert texts([header, first, second]) == [SLOW, DARK]


@pytest.mark.parametrize("other", ["Agent notes", "Response", "Internal comment", "Reply"])
def test_the_companys_own_words_do_not_replace_short_feedback(other: str) -> None:
    rows = [
        ["Feedback", other],
        ["Slow", "Told the customer to start the app again"],
        ["Dear", "We are sorry to hear that"],
    ]
    assert texts(rows) == ["Slow", "Dear"]


def test_a_response_alone_is_the_feedback() -> None:
    assert texts([["Score", "Response"], ["3", SLOW]]) == [SLOW]


def test_a_column_of_short_answers_is_the_feedback_if_no_other_is_written() -> None:
    assert texts([["Feedback", "Plan"], ["Slow", "Free"], ["Dear", "Pro"]]) == ["Slow", "Dear"]


def test_a_few_sentences_among_short_answers_make_a_column_written() -> None:
    rows = [["Feedback", "How did you find our app?"], *[["Good", "By a friend who works there"]] * 8, [DARK, SLOW]]
    assert texts(rows)[-1] == DARK


def test_an_exact_text_column_always_wins() -> None:
    assert texts([["text", "Comment"], ["Good", SLOW]]) == ["Good"]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (["First Name", "Title", "Company"], ["Ann", "Head of Sales", "Acme"]),
        (["Title", "Author", "Year"], ["Dune", "Frank Herbert", "1965"]),
    ],
)
def test_a_title_that_is_no_sentence_is_not_taken_for_feedback(header: list[str], row: list[str]) -> None:
    with pytest.raises(ColumnUnknown):
        upload([header, row])


def test_a_title_of_sentences_alone_is_the_feedback() -> None:
    assert texts([["Title", "Votes"], [SLOW, "3"]]) == [SLOW]


NOTION = ["Name", "Tags", "Created", "Status", "Customer", "Description"]


def test_a_first_column_name_of_a_board_is_the_title() -> None:
    rows = [
        NOTION,
        ["Dark mode", "ui", "2026-01-02", "Open", "Ann Ray", DARK],
        ["Search is slow", "perf", "2026-01-03", "Open", "Bo Li", SLOW],
    ]
    found = upload(rows)
    assert [card.text for card in found.cards] == [f"Dark mode\n\n{DARK}", f"Search is slow\n\n{SLOW}"]
    assert "Left out as personal data: Customer. ?personal=keep keeps them." in found.warnings


@pytest.mark.parametrize("person", ["Ann", "Ann Ray", "Ludwig van Beethoven", "annray", "王小明", "ann@example.org"])
def test_a_first_column_of_persons_stays_out(person: str) -> None:
    (card,) = upload([["Name", "Feedback"], [person, SLOW]]).cards
    assert (card.text, card.metadata) == (SLOW, {})


def test_a_repeated_row_does_not_take_the_ids_from_the_others() -> None:
    rows = [["Review ID", "Feedback"], ["r1", "Slow"], ["r2", "Dear"]]
    assert [card.external_id for card in upload(rows).cards] == ["r1", "r2"]
    again = upload([*rows, ["r2", "Dear"]])
    assert ([card.external_id for card in again.cards], again.duplicates) == (["r1", "r2"], 1)


def test_a_rare_repeat_does_not_take_the_ids_from_the_others() -> None:
    rows = [[f"r{number}", f"Card {number}"] for number in range(100)]
    found = upload([["Review ID", "Feedback"], *rows, ["r7", "Changed"]])
    assert ([card.external_id for card in found.cards], found.duplicates) == ([row[0] for row in rows], 1)


def test_rows_without_id_and_time_are_said_to_double() -> None:
    assert NO_ID in upload([["Feedback", "Plan"], ["Slow", "Free"]]).warnings
    assert "dedupe=content" in NO_ID
    assert NO_ID in upload([["text", "date"], ["Slow", "2026-01-02"]]).warnings
    assert NO_ID not in upload([["Feedback", "Id"], ["Slow", "7"]]).warnings
    assert NO_ID not in upload([["Feedback", "Date"], ["Slow", "2026-01-02"]]).warnings


FORM = ["Timestamp", "What should we improve?", "Anything else?"]
FORM_ROWS = [["2026/03/01 10:20:30 AM GMT+1", SLOW, "No"], ["2026/03/02 10:20:30 AM GMT+1", DARK, ""]]


@pytest.mark.parametrize("first", ["Timestamp", "Submitted at"])
def test_a_later_answer_keeps_the_ids_of_earlier_rows(first: str) -> None:
    header = [first, *FORM[1:]]
    before = [card.external_id for card in upload([header, *FORM_ROWS]).cards]
    later = ["2026/03/03 10:20:30 AM GMT+1", SLOW, "Please also add an export of all lists"]
    after = [card.external_id for card in upload([header, *FORM_ROWS, later]).cards]
    assert before == after[:2]
    assert len(set(after)) == 3


def test_a_question_added_to_a_form_keeps_the_ids_of_earlier_rows() -> None:
    before = [card.external_id for card in upload([FORM, *FORM_ROWS]).cards]
    wider = [[*FORM, "Which plan do you have?"], *[[*row, ""] for row in FORM_ROWS]]
    assert before == [card.external_id for card in upload(wider).cards]


def test_a_changed_status_of_a_survey_keeps_the_ids() -> None:
    header = ["Submitted at", "What should we improve?", "Status"]
    ids = {upload([header, ["2026-03-01 10:00", SLOW, status]]).cards[0].external_id for status in ("New", "Done")}
    assert len(ids) == 1


def test_dates_that_only_later_rows_explain_keep_the_ids_of_a_form() -> None:
    row = ["3/4/2026 10:20:30", SLOW, "No"]
    (before,) = upload([FORM, row]).cards
    after = upload([FORM, row, ["3/25/2026 10:20:30", DARK, ""]]).cards[0]
    assert (before.posted_at, after.posted_at) == (None, "2026-03-04T10:20:30Z")
    assert before.external_id == after.external_id


def test_a_first_column_timestamp_and_a_question_are_google_forms() -> None:
    assert upload([FORM, *FORM_ROWS]).layout.format == "google-forms"


@pytest.mark.parametrize(
    ("header", "row", "text"),
    [
        (["Timestamp", "Channel", "Feedback"], ["2026-03-01 10:00", "mail", SLOW], SLOW),
        (
            ["Timestamp", "Page title", "Agent answer", "Feedback"],
            ["2026-03-01 10:00", "Home", "We are sorry about that, dear customer", SLOW],
            SLOW,
        ),
        (["Timestamp", "Level", "Message"], ["2026-03-01 10:00", "ERROR", "Connection to the database lost"], None),
    ],
)
def test_other_tables_with_a_timestamp_are_no_google_forms(header: list[str], row: list[str], text: str | None) -> None:
    found = upload([header, row])
    assert found.layout.format is None
    assert found.cards[0].source == ("mail" if "Channel" in header else None)
    assert text is None or found.cards[0].text == text
