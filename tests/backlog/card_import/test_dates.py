"""Times of exports become moments, and only where they are told beyond doubt."""

import pytest

from groundwork.backlog.card_import.importer import Upload, read_upload
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.errors import Invalid
from tests.backlog.card_import.exports import table


def upload(*dates: str, column: str = "Date", **query: str) -> Upload:
    rows = [[column, "Feedback"], *[[date, f"Card {number}"] for number, date in enumerate(dates)]]
    return read_upload(table(rows), Parameters.of(query), max_rows=100)


def moments(*dates: str, column: str = "Date", **query: str) -> list[str | None]:
    return [card.posted_at for card in upload(*dates, column=column, **query).cards]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-01", "2026-03-01T00:00:00Z"),
        ("2026-03-01T10:20:30Z", "2026-03-01T10:20:30Z"),
        ("2026-03-01 10:20", "2026-03-01T10:20:00Z"),
        ("2026-03-01T10:20:30.123456Z", "2026-03-01T10:20:30.123Z"),
        ("2026-03-01T10:20:30-08:00", "2026-03-01T18:20:30Z"),
        ("2026-03-01 10:20:30 UTC", "2026-03-01T10:20:30Z"),
        ("2026-03-01 10:20:30 +0100", "2026-03-01T09:20:30Z"),
        ("1772356500", "2026-03-01T09:15:00Z"),
        ("1772356500.25", "2026-03-01T09:15:00.250Z"),
        ("1772356500000", "2026-03-01T09:15:00Z"),
        ("Tue May 14 2024 08:53:33 GMT+0000 (GMT)", "2024-05-14T08:53:33Z"),
        ("Tue, 14 May 2024 08:53:33 +0200", "2024-05-14T06:53:33Z"),
        ("14/Jul/25 3:42 PM", "2025-07-14T15:42:00Z"),
        ("March 1, 2026 10:00 AM", "2026-03-01T10:00:00Z"),
        ("1 mars 2026 10:00", "2026-03-01T10:00:00Z"),
        ("1. März 2026", "2026-03-01T00:00:00Z"),
        ("1 de marzo de 2026", "2026-03-01T00:00:00Z"),
        ("2026/03/01 1:20:30 PM GMT+2", "2026-03-01T11:20:30Z"),
        ("2026/03/01 12:05:00 AM GMT-5", "2026-03-01T05:05:00Z"),
        ("2026年3月1日 10:20", "2026-03-01T10:20:00Z"),
        ("24.12.2025", "2025-12-24T00:00:00Z"),
        ("01.02.26 08:30", "2026-02-01T08:30:00Z"),
        ("Jan 5, 2026", "2026-01-05T00:00:00Z"),
        ("Dec 31st, 2025 at 11:59 PM", "2025-12-31T23:59:00Z"),
        ("Wed Jan 07 10:00:00 +0000 2026", "2026-01-07T10:00:00Z"),
        ("Wed Jan  7 10:00:00 2026", "2026-01-07T10:00:00Z"),
        ("Wed Jan 7 10:00:00 PST 2026", "2026-01-07T18:00:00Z"),
        ("2026-1-2", "2026-01-02T00:00:00Z"),
        ("2026/1/2 3:04 PM", "2026-01-02T15:04:00Z"),
        ("2026-01-02 10:00:00 PST", "2026-01-02T18:00:00Z"),
        ("2026-01-02T10:00:00 CET", "2026-01-02T09:00:00Z"),
        ("Jan 5, 2026 10:00 AM EST", "2026-01-05T15:00:00Z"),
        ("2026-03-01T10:20:30.000+0100", "2026-03-01T09:20:30Z"),
    ],
)
def test_usual_forms_are_read(written: str, moment: str) -> None:
    assert moments(written) == [moment]


@pytest.mark.parametrize(
    "written",
    [
        "soon",
        "2026-13-45",
        "32.01.2026",
        "99/99/2026",
        "5",
        "12:30",
        "2026-03-01 10:20 XYZ",
        "2026-03-01 10:20 CST",
        "1/2/3",
        "1 foo 2026",
        "0000-00-00 00:00:00",
    ],
)
def test_what_is_no_time_is_kept_as_metadata(written: str) -> None:
    card = upload(written, postedAt="Date").cards[0]
    assert (card.posted_at, card.metadata) == (None, {"Date": written})


def test_the_whole_column_decides_the_order_of_day_and_month() -> None:
    assert moments("01/02/2026", "25/02/2026")[0] == "2026-02-01T00:00:00Z"
    assert moments("01/02/2026", "02/25/2026")[0] == "2026-01-02T00:00:00Z"


@pytest.mark.parametrize("dates", [("01/02/2026", "03/04/2026"), ("25/02/2026", "02/25/2026")])
def test_an_order_that_no_cell_or_several_tell_is_asked_for(dates: tuple[str, str]) -> None:
    found = upload(*dates)
    assert [card.posted_at for card in found.cards] == [None, None]
    assert [card.metadata["Date"] for card in found.cards] == list(dates)
    assert any("dateOrder" in warning for warning in found.warnings)


def test_a_parameter_gives_the_order() -> None:
    assert moments("01/02/2026", dateOrder="dmy") == ["2026-02-01T00:00:00Z"]
    assert moments("01/02/2026", dateOrder="mdy") == ["2026-01-02T00:00:00Z"]


def test_a_ticket_has_the_time_when_it_was_opened() -> None:
    body = table([["Updated", "Opened", "Description"], ["2026-03-05 10:00:00", "2026-03-01 10:00:00", "Slow"]])
    assert read_upload(body, Parameters(), max_rows=9).cards[0].posted_at == "2026-03-01T10:00:00Z"


def test_a_zone_in_brackets_does_not_hide_the_name_of_a_time() -> None:
    body = table([["Response uuid", "Date & Time (UTC)", "Comment"], ["u-1", "2026-03-01 10:00:00", "Slow"]])
    found = read_upload(body, Parameters(), max_rows=9)
    assert (found.cards[0].external_id, found.cards[0].posted_at) == ("u-1", "2026-03-01T10:00:00Z")
    assert found.warnings == []


def test_a_cell_far_below_decides_too() -> None:
    dates = ["01/02/2026"] * 6_000 + ["25/02/2026"]
    rows = [["Date", "Feedback"], *[[date, f"Card {number}"] for number, date in enumerate(dates)]]
    assert read_upload(table(rows), Parameters(), max_rows=9_000).cards[0].posted_at == "2026-02-01T00:00:00Z"


def test_a_zone_comes_from_the_cell_the_header_the_parameter_or_is_warned_of() -> None:
    assert moments("2026-03-01 10:00", column="Created (UTC)", postedAt="Created (UTC)", timezone="Europe/Berlin") == [
        "2026-03-01T10:00:00Z"
    ]
    assert moments("2026-03-01 10:00", "2026-07-01 10:00", timezone="Europe/Berlin") == [
        "2026-03-01T09:00:00Z",
        "2026-07-01T08:00:00Z",
    ]
    found = upload("2026-03-01 10:00")
    assert found.cards[0].posted_at == "2026-03-01T10:00:00Z"
    assert any("no zone" in warning for warning in found.warnings)
    assert upload("2026-03-01").warnings == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timezone", "Mars/Base"),
        ("timezone", "../etc/passwd"),
        ("dateOrder", "ymd"),
        ("personal", "yes"),
        ("type", "pdf"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Parameters.of({name: value})
    assert refusal.value.details[0]["field"] == name
