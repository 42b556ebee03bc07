"""Columns are found by name; personal ones stay out; ids and metadata keep their content."""

import pytest

from groundwork.backlog.card_import.errors import ColumnUnknown
from groundwork.backlog.card_import.importer import Upload, read_upload
from groundwork.backlog.card_import.inspection import NO_ID
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.backlog.card_import.personal import is_personal
from tests.backlog.card_import.exports import columns, document, google_play, play_row, table, workbook


def upload(body: bytes, **query: str | list[str]) -> Upload:
    return read_upload(body, Parameters.of(query), max_rows=100)


PERSONAL = columns(
    """Name, First Name, last_name, E-mail, Email Address, Requester email,
    Customer Email, IP Address, Submission IP, Phone number, Author, author.login,
    user.id, Assignee Id, Reporter, Person, Watchers, Username, reviewerNickname, Respondent,
    Vorname, Nachname, Telefonnummer, Prénom, Correo electrónico, 氏名, メールアドレス, 用户名,
    이메일, Contact Name, Case Owner, Created By, assigned_to, User Email Address,
    avatar_url, Twitter handle, Date of birth, requester.email, Submitted by, Posted by, Approved By,
    opened_by, sys_created_by, Caller, caller_id, Tel, Tel., Mobile No., Name (optional), What is your name?,
    What's your full name?, Your full name, Please enter your email address, Nom et prénom, Votre nom, Tu nombre,
    Wie heißen Sie?, Wie ist Ihr Name?, Kundenname, Kundennummer, Ansprechpartner, Melder, from_address,
    Custom field (Request participants)"""
)
IMPERSONAL = columns(
    """Text, Product name, Package Name, App Name, Project name, Account Name,
    Forum Name, Rating, Customer satisfaction, User experience, User count,
    Agent interactions, Customer interactions, Email delivery rate, Country, Device,
    Version, Labels, Title, Subject, Team, Status, Review Link, Id, Issue key,
    Created, Source, Segment, Plan, language, How do you name your projects?,
    Customer feedback, User story, Member type, Blocked By, Due by Time, Kundenfeedback, Kundenzufriedenheit,
    What is the name of your company?, What is your job title?, Custom field (Story Points), Emotion (1-5),
    From date, Number, name.en"""
)


@pytest.mark.parametrize("name", PERSONAL)
def test_a_column_about_a_person_is_told_by_its_name(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize("name", IMPERSONAL)
def test_other_columns_are_not_taken_for_a_persons(name: str) -> None:
    assert not is_personal(name)


def test_a_column_of_addresses_is_left_out_whatever_its_name() -> None:
    found = upload(table([["text", "kontakt", "wo"], ["a", "zoe@example.com", "10.2.3.4"], ["b", "", ""]]))
    assert [card.metadata for card in found.cards] == [{}, {}]
    assert found.warnings == ["Left out as personal data: kontakt, wo. ?personal=keep keeps them.", NO_ID]


@pytest.mark.parametrize(
    "contact", ["ann@example.org", "Ann Ray <ann@example.org>", "+49 170 1234567", "(555) 123-4567"]
)
def test_one_address_or_phone_number_is_enough_to_leave_a_column_out(contact: str) -> None:
    rows = [["Feedback", "How can we reach you?"], ["Slow", "no"], ["Dear", "-"], ["Old", "no"], ["New", contact]]
    assert [card.metadata for card in upload(table(rows)).cards] == [{}] * 4
    assert upload(table(rows), personal="keep").cards[3].metadata == {"How can we reach you?": contact}


@pytest.mark.parametrize(
    "value", ["2026-01-02", "1234567890", "4.1.2", "+5", "10:20", "12,345.00", "app@2", "AB-123-4567"]
)
def test_numbers_and_versions_are_no_contact_data(value: str) -> None:
    assert upload(table([["Feedback", "Seen"], ["Slow", value]])).cards[0].metadata == {"Seen": value}


def test_an_address_within_the_feedback_itself_leaves_the_feedback_in() -> None:
    rows = [["Feedback", "n"], ["Write to ann@example.org about the slow search", "1"]]
    assert upload(table(rows)).cards[0].text == rows[1][0]


def test_a_column_that_is_named_as_the_text_is_never_left_out() -> None:
    assert upload(table([["author", "x"], ["a", "b"]]), text="author").cards[0].text == "a"


@pytest.mark.parametrize(
    ("body", "id_"),
    [
        (b'{"text":"a","externalId":12345678901234567890}', "12345678901234567890"),
        (b'{"text":"a","externalId":7.0}', "7"),
        (b'{"text":"a","externalId":true}', "true"),
        (b"text,externalId\na,00123\n", "00123"),
        (b"text,externalId\na, x y \n", "x y"),
        (b"text,externalId\na,1E5\n", "1E5"),
    ],
)
def test_ids_are_text(body: bytes, id_: str) -> None:
    assert upload(body).cards[0].external_id == id_


@pytest.mark.parametrize("written", ["1.2E+15", "1,21143E+15", "1.00E+03"])
def test_an_id_that_a_spreadsheet_has_shortened_is_refused_with_a_word(written: str) -> None:
    found = upload(table([["text", "externalId"], ["a", written], ["b", "2"]], delimiter=";"))
    assert [card.text for card in found.cards] == ["b"]
    assert "spreadsheet has rounded" in found.rejected[0].reason


def test_a_number_of_a_sheet_with_lost_digits_is_no_id() -> None:
    found = upload(workbook([["Id", "Text"], [1234567890123456789, "a"], [211430000001, "b"], [1.5, "c"]]))
    assert [(card.text, card.external_id) for card in found.cards] == [("b", "211430000001"), ("c", "1.5")]
    assert [(rejected.row, rejected.line) for rejected in found.rejected] == [(1, 2)]


def test_a_long_link_becomes_a_hash_of_itself() -> None:
    body = table([["Text", "Link"], ["a", "https://example.com/" + "x" * 300]])
    card = upload(body).cards[0]
    assert card.external_id is not None
    assert card.external_id.startswith("sha256:")
    assert card.external_id == upload(body).cards[0].external_id


def test_our_own_form_keeps_its_other_columns_as_they_are() -> None:
    card = upload(b"text,date,id,more\na,2026-03-01,7,x\n").cards[0]
    assert (card.text, card.external_id, card.posted_at) == ("a", "7", "2026-03-01T00:00:00Z")
    assert card.metadata == {"date": "2026-03-01", "id": "7", "more": "x"}


def test_metadata_in_json_of_our_own_form_is_kept_as_it_stands() -> None:
    card = upload(b'{"text":"a","metadata":{"email":"x","deep":{"a":[1,null]}},"stars":5}').cards[0]
    assert card.metadata == {"stars": 5, "email": "x", "deep": {"a": [1, None]}}


def test_texts_of_unknown_files_are_never_cleaned() -> None:
    texts = ["<b>bold</b> &amp; more", "'=guarded", "<@U1> [~x]", "<!-- kept -->", "a\r\nb", "-1", "[deleted]"]
    assert [card.text for card in upload(table([["Feedback", "n"], *[[text, "1"] for text in texts]])).cards] == texts


def test_a_title_and_a_body_are_put_together_once() -> None:
    rows = [["Title", "Body"], ["Slow", "It is"], ["Slow", "Slow it is"], ["Only", ""], ["", "Body"]]
    assert [card.text for card in upload(table(rows)).cards] == ["Slow\n\nIt is", "Slow it is", "Only", "Body"]


def test_short_and_wide_rows() -> None:
    found = upload(b"Text,A,B\nshort\nfull,1,2\nempty more,1,2,,\nwide,1,2,3\n")
    assert [card.text for card in found.cards] == ["short", "full", "empty more"]
    assert [(rejected.row, rejected.line, rejected.reason) for rejected in found.rejected] == [
        (4, 5, "has 4 cells, the header 3")
    ]


def test_the_sheet_with_the_feedback_is_read_and_the_others_named() -> None:
    body = workbook([["Comment", "Score"], ["Slow", 3]], before=[("Summary of it", [["Total", 1], ["Mean", 3]])])
    found = upload(body)
    assert [card.text for card in found.cards] == ["Slow"]
    assert found.warnings == ["Only the sheet 'Responses' is read, not 'Summary of it'.", NO_ID]


def test_a_source_over_the_limit_rejects_its_row() -> None:
    found = upload(table([["text", "source"], ["a", "s" * 201], ["b", "c"]]))
    assert [rejected.reason for rejected in found.rejected] == ["source: must be a text of at most 200 characters"]


def test_surrogate_halves_reject_their_record_alone() -> None:
    found = upload(b'[{"text":"half \\ud83d"},{"text":"b"}]')
    assert [card.text for card in found.cards] == ["b"]
    assert found.rejected[0].reason == "text: contains invalid Unicode"


def test_several_text_columns_named_by_parameter_keep_their_headings() -> None:
    body = table([["A", "B"], ["x", "y"]])
    found = read_upload(body, Parameters.of({"text": ["A", "B"]}), max_rows=9)
    assert found.cards[0].text == "A\nx\n\nB\ny"


def test_json_of_unknown_tools_is_flattened_and_people_left_out() -> None:
    body = document(
        {
            "items": [
                {
                    "id": 1,
                    "comment": "Slow",
                    "by": {"name": "Zoe", "email": "z@example.com"},
                    "app": {"version": "4", "os": None},
                }
            ]
        }
    )
    assert upload(body).cards[0].metadata == {"app.version": "4"}


def test_a_column_without_a_role_is_metadata_even_if_its_name_looks_personal() -> None:
    body = b"Id,Feedback,Author,Plan\n7,Slow,Ada,Free\n"
    (card,) = upload(body, metadata=["Id", "Author"], omit="Plan").cards
    assert card.external_id is None
    assert card.metadata == {"Id": "7", "Author": "Ada"}


def test_a_title_can_be_named() -> None:
    (card,) = upload(b"Heading line,Feedback\nStart,Slow\n", title="Heading line").cards
    assert card.text == "Start\n\nSlow"


def test_naming_the_columns_that_were_found_changes_nothing() -> None:
    body = google_play(play_row("A1", "Zu langsam", "Schade"))
    named = upload(body, text="Review Text", title="Review Title", externalId="Review Link")
    assert named.cards == upload(body).cards


def test_an_unknown_column_to_leave_out_is_refused() -> None:
    with pytest.raises(ColumnUnknown, match="omit: the file has no column 'Plan'"):
        upload(b"Feedback\nSlow\n", omit="Plan")
