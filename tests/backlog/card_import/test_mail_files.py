"""Mailboxes and single e-mails are refused with a word on what to export instead."""

import pytest

from groundwork.backlog.card_import.errors import NotAFeedbackFile
from groundwork.backlog.card_import.importer import Upload, read_upload
from groundwork.backlog.card_import.parameters import Parameters


def upload(body: str) -> Upload:
    return read_upload(body.encode(), Parameters(), max_rows=100)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("From ann@example.org Wed Jan 07 10:00:00 2026\nSubject: Slow\n\nThe search is slow.\n", "mailbox"),
        ("Return-Path: <a@example.org>\nReceived: by mail\nSubject: Slow\n\nThe search is slow.\n", "e-mail"),
        ("Subject: Slow\r\nFrom: a@example.org\r\nDate: Wed, 7 Jan 2026 10:00:00 +0000\r\n\r\nSlow.\r\n", "e-mail"),
    ],
)
def test_mail_is_refused_with_a_word_on_what_to_export(body: str, word: str) -> None:
    with pytest.raises(NotAFeedbackFile, match=f"{word}.*CSV"):
        upload(body)


def test_a_text_that_begins_like_mail_is_read() -> None:
    assert [card.text for card in upload("Subject,Body\nFrom here on,It is slow\n").cards] == [
        "From here on\n\nIt is slow"
    ]
