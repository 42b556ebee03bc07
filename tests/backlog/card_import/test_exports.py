"""Untouched exports of tools go in: text, id, time, and no personal data."""

import pytest

from groundwork.backlog.card_import.errors import ColumnUnknown
from groundwork.backlog.card_import.importer import Upload, read_upload
from groundwork.backlog.card_import.parameters import Parameters
from tests.backlog.card_import.export import MAIL, PERSON, Export
from tests.backlog.card_import.exports import table
from tests.backlog.card_import.samples_reviews import REVIEWS
from tests.backlog.card_import.samples_support import SUPPORT
from tests.backlog.card_import.samples_surveys import SURVEYS
from tests.backlog.card_import.samples_tables import TABLES
from tests.backlog.card_import.samples_trackers import TRACKERS

EXPORTS = (*REVIEWS, *SUPPORT, *SURVEYS, *TRACKERS, *TABLES)


def upload(body: bytes, **query: str) -> Upload:
    return read_upload(body, Parameters.of(query), max_rows=5_000)


UNRECOGNISED = {export.name for export in TABLES}
NAMED = [pytest.param(export, id=f"{export.name}-{at}") for at, export in enumerate(EXPORTS)]


@pytest.mark.parametrize("export", NAMED)
def test_an_untouched_export_goes_in(export: Export) -> None:
    found = upload(export.body, **export.query)
    assert found.rejected == []
    assert found.layout.format == (None if export.name in UNRECOGNISED else export.name)
    assert len(found.cards) == export.cards
    first = found.cards[0]
    assert first.text == export.text
    assert first.posted_at == export.posted_at
    assert first.external_id is not None if export.external_id == "sha256" else first.external_id == export.external_id
    assert export.metadata.items() <= first.metadata.items()
    assert sorted(found.skipped.elements()) in (sorted(export.skipped), ["message of a bot", "system message"])


@pytest.mark.parametrize("export", NAMED)
def test_no_card_holds_personal_data_unless_asked_for(export: Export) -> None:
    held = str(
        [
            (card.text, card.source, card.external_id, card.metadata)
            for card in upload(export.body, **export.query).cards
        ]
    )
    assert PERSON not in held
    assert MAIL not in held
    assert "10.1.1.1" not in held


@pytest.mark.parametrize(
    "export", [export for export in EXPORTS if MAIL.encode() in export.body and export.name != "intercom"]
)
def test_personal_columns_are_kept_where_asked_and_named_in_a_warning_where_not(export: Export) -> None:
    kept = upload(export.body, **export.query, personal="keep")
    assert MAIL in str([card.metadata for card in kept.cards])
    assert any(
        warning.startswith("Left out as personal data") for warning in upload(export.body, **export.query).warnings
    )


@pytest.mark.parametrize("export", NAMED)
def test_a_second_reading_gives_the_same_ids(export: Export) -> None:
    first, second = upload(export.body, **export.query), upload(export.body, **export.query)
    assert [card.external_id for card in first.cards] == [card.external_id for card in second.cards]


def test_a_report_without_texts_names_the_export_that_has_them() -> None:
    body = table([["conversation_id", "conversation_started_at", "conversation_state"], ["1", "1772356500", "open"]])
    with pytest.raises(ColumnUnknown, match="export the conversations"):
        upload(body)


def test_rows_of_one_idea_are_one_card_and_the_others_duplicates() -> None:
    export = next(export for export in EXPORTS if export.name == "uservoice")
    assert upload(export.body).duplicates == 1
