"""A table without a header row loses no feedback."""

import pytest

from groundwork.backlog.card_import.content import Memory
from groundwork.backlog.card_import.errors import ColumnUnknown
from groundwork.backlog.card_import.importer import Upload, preview, read_upload
from groundwork.backlog.card_import.parameters import Parameters


def upload(body: str, **query: str) -> Upload:
    return read_upload(body.encode(), Parameters.of(query), max_rows=100)


@pytest.mark.parametrize(
    "body",
    [
        "I wish the app had dark mode.\nThe search is slow for long lists.\nPlease add export.\n",
        "I wish the app had dark mode\nThe search is slow for long lists\nPlease add export\n",
        "Works great!\nToo slow\n",
        "Why is the search so slow?\nPlease add an export of all lists.\n",
        "I love the app, but I miss dark mode.\nThe search is slow, and the export too.\n",
        "2026-01-02,The search is slow and it is buggy,3\n2026-01-03,Please add an export of lists,4\n",
        "ann@example.org,The search is slow and it is buggy\nbo@example.org,Please add an export of lists\n",
        "3,The search is slow and it is buggy\n4,Please add an export of all lists\n",
    ],
)
def test_a_first_row_of_data_is_asked_about(body: str) -> None:
    with pytest.raises(ColumnUnknown, match="no header row"):
        upload(body)


def test_a_preview_says_that_the_header_is_missing() -> None:
    body = b"2026-01-02,The search is slow and it is buggy,3\n"
    shown = preview(Memory(body), Parameters())
    assert any("no header row" in warning for warning in shown.warnings)
    assert not any("no header row" in warning for warning in preview(Memory(b"A,B\n1,2\n"), Parameters()).warnings)


@pytest.mark.parametrize(
    "header", ["2026,Feedback", "Plan,What is good about it?", "Feedback", "Your feedback", "Please tell us more.,Plan"]
)
def test_other_headers_are_names(header: str) -> None:
    answer = "The search is slow and it is buggy"
    row = ",".join(name and answer for name in header.split(","))
    assert [card.text for card in upload(f"{header}\n{row}\n").cards] == [answer]


def test_a_first_line_named_as_the_text_is_a_header() -> None:
    name = "What should we improve in the app?"
    assert [card.text for card in upload(f"{name}\nThe search.\n", text=name).cards] == ["The search."]


@pytest.mark.parametrize("query", [{}, {"type": "csv"}])
def test_a_number_in_brackets_begins_a_header(query: dict[str, str]) -> None:
    found = upload("[1] Score,[2] What should we improve?\n3,The search is slow for long lists\n", **query)
    assert [card.text for card in found.cards] == ["The search is slow for long lists"]


@pytest.mark.parametrize(
    "body", ['["a", "b"]', '[["id","text"],["1","a"]]', '[\n  {"text": "a"}\n]', '[{"text": "a"}]']
)
def test_arrays_stay_json(body: str) -> None:
    assert upload(body).cards[0].text == "a"


def test_a_row_below_is_data_though_one_of_its_cells_is_a_known_name() -> None:
    header = "Task ID,Task Name,Task Content,List Name\n"
    found = upload(f"{header}86a1,Slow search,It takes ten seconds,Feedback\n86a2,Export,It has no dates,Feedback\n")
    assert [card.text for card in found.cards] == [
        "Slow search\n\nIt takes ten seconds",
        "Export\n\nIt has no dates",
    ]
    assert [card.external_id for card in found.cards] == ["86a1", "86a2"]


@pytest.mark.parametrize("above", ["Report of May,,\n,,\n", "Report,2026-05-01,2026-05-31\n"])
def test_lines_above_a_table_may_be_as_wide_as_it(above: str) -> None:
    found = upload(f"{above}Id,Feedback,Stars\n1,The search is slow,3\n")
    assert [card.text for card in found.cards] == ["The search is slow"]


def test_a_column_named_by_the_user_is_found_below_other_lines() -> None:
    found = upload("Report;;\nFrom;2024;\nNr;Was fehlt;Note\n1;The search is slow;3\n", text="Was fehlt")
    assert [card.text for card in found.cards] == ["The search is slow"]
