"""Feedback enters a project through the import dialog, as tools export it."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from local.system import LocalSystem
from tests.browser.actions import create_project
from tests.browser.conftest import Comes
from tests.browser.responsiveness import assert_responsive, while_pressing
from tests.browser.system import serving
from tests.system.client import Client

System = tuple[LocalSystem, Client]
PART_ROWS = 1_000
"""The longest time from an interaction to the next paint, on an idle machine."""


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with serving(GROUNDWORK_AI="mock") as found:
        yield found


@pytest.fixture
def page(system: System, comes: Comes, request: pytest.FixtureRequest) -> Page:
    page = comes(system[0].url, system[0].token).opens("/")
    create_project(page, request.node.name[:80])
    return page


def chooses(page: Page, path: Path) -> Locator:
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog", name="Import cards")
    dialog.get_by_label("File with cards").set_input_files(path)
    return dialog


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def cards_of(system: System, page: Page) -> list[dict[str, object]]:
    project = re.search(r"/projects/([^/?]+)", page.url)
    assert project is not None
    cards: list[dict[str, object]] = system[1].every(f"/api/projects/{project[1]}/cards?limit=200")
    return cards


def many_rows(count: int) -> bytes:
    """Reviews of two lines each, without ids, in an encoding that is not UTF-8."""
    rows = (f'"Größe {at} stimmt nicht,\nes dauert zu lange",{at % 5 + 1}\r\n' for at in range(count))
    return "".join(("Review,Stars\r\n", *rows)).encode("cp1252")


def test_a_utf_16_export_with_personal_data_is_previewed_and_imported(
    system: System, page: Page, tmp_path: Path
) -> None:
    text = "Review Title\tReview Text\tReviewer Email\nGröße\tZu klein 日本\tada@example.com\n\t\t\n"
    dialog = chooses(page, written(tmp_path / "reviews.tsv", text.encode("utf-16")))
    expect(dialog.get_by_role("combobox", name="Encoding")).to_contain_text("UTF-16")
    expect(dialog.get_by_role("combobox", name="Use Reviewer Email as")).to_contain_text("Personal")
    assert cards_of(system, page) == []
    dialog.get_by_role("button", name="Import 1 card").click()
    expect(page.get_by_role("dialog", name="Cards imported")).to_contain_text("1 new")
    (card,) = cards_of(system, page)
    assert card["text"] == "Größe\n\nZu klein 日本"
    assert "ada@example.com" not in str(card)


def test_an_unsure_encoding_and_an_unknown_column_are_chosen_by_a_person(
    system: System, page: Page, tmp_path: Path
) -> None:
    rows = "Erlebnis|Kanal\nSchöne Grüße|Mail\n"
    dialog = chooses(page, written(tmp_path / "umfrage.csv", rows.encode("cp1252")))
    expect(dialog.get_by_role("radiogroup", name="Which lines are right?")).to_contain_text("Schöne Grüße")
    expect(dialog.get_by_text("Which column has the feedback?")).to_be_visible()
    dialog.get_by_role("combobox", name="Use Erlebnis as").click()
    page.get_by_role("option", name="Feedback text").click()
    dialog.get_by_role("combobox", name="Use Kanal as").click()
    page.get_by_role("option", name="Source").click()
    dialog.get_by_role("button", name="Import 1 card").click()
    expect(page.get_by_role("dialog", name="Cards imported")).to_contain_text("1 new")
    (card,) = cards_of(system, page)
    assert (card["text"], card["source"]) == ("Schöne Grüße", "Mail")


@pytest.mark.slow(reason="3,005 rows are written, and read back")
def test_a_large_import_is_resumed_after_a_reload_and_takes_each_row_once(
    system: System, page: Page, tmp_path: Path
) -> None:
    """The rows have no ids: only the keys of the parts keep them from being doubled."""
    rows = 3 * PART_ROWS + 5
    dialog = chooses(page, written(tmp_path / "reviews.csv.gz", gzip.compress(many_rows(rows))))
    sent: list[str] = []

    def lose_the_third(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        if len(sent) == 3:
            # the server takes the part, but its answer never comes: the page is gone
            route.fetch()
            page.evaluate("location.reload()")
        else:
            route.continue_()

    page.route(re.compile(r"/cards\?"), lambda route: lose_the_third(route) if is_import(route) else route.continue_())
    dialog.get_by_role("button", name=f"Import {rows:,} cards").click()
    page.get_by_text("An import is not finished").wait_for()
    page.unroute_all(behavior="ignoreErrors")
    page.get_by_role("button", name="View import").click()
    page.get_by_role("button", name="Resume import").click()
    result = page.get_by_role("dialog", name="Cards imported")
    expect(result).to_contain_text(f"{rows:,} new")
    result.get_by_role("button", name="Done").click()
    texts = [card["text"] for card in cards_of(system, page)]
    assert len(texts) == len(set(texts)) == rows
    assert "Größe 7 stimmt nicht,\nes dauert zu lange" in texts
    expect(page.get_by_text("An import is not finished")).to_be_hidden()


def is_import(route: Route) -> bool:
    return route.request.method == "POST"


@pytest.mark.slow(reason="1,001 rows are written")
def test_rejected_rows_are_saved_with_the_bytes_of_the_file(page: Page, tmp_path: Path) -> None:
    lines = ["Feedback;Note", *[f"Größe {at};ok" for at in range(PART_ROWS)], ";Grüße", "Last;ok"]
    content = "\n".join(lines).encode("cp1252")
    dialog = chooses(page, written(tmp_path / "notes.csv", content))
    dialog.get_by_role("button", name=re.compile("^Import 1,001 cards")).click()
    result = page.get_by_role("dialog", name="Cards imported")
    expect(result).to_contain_text(f"Line {PART_ROWS + 2:,}:")
    with page.expect_download() as download:
        result.get_by_role("button", name="Download as CSV").click()
    header, row = download.value.path().read_bytes().splitlines()
    assert header == b"line;reason;Feedback;Note"
    assert row.startswith(b"1002;")
    assert row.endswith(";Grüße".encode("cp1252"))


@pytest.mark.slow(reason="a hundred parts, with a key pressed all along")
def test_100_000_rows_are_sent_without_a_frozen_page(page: Page, tmp_path: Path) -> None:
    """Responses to the parts come at once: this measures the page, not the server."""
    rows = 100_000
    parts: list[int] = []

    def answer(route: Route) -> None:
        size = (route.request.post_data_buffer or b"").count(b"\r\n") - 1
        parts.append(size)
        route.fulfill(json={"created": size, "duplicates": 0, "rejected": [], "rejectedCount": 0, "warnings": []})

    page.route(re.compile(r"/cards\?"), lambda route: answer(route) if is_import(route) else route.continue_())

    def attempt() -> float:
        parts.clear()
        page.reload()
        dialog = chooses(page, written(tmp_path / "reviews.csv", many_rows(rows)))
        dialog.get_by_role("button", name="Import all cards").click()
        result = page.get_by_role("dialog", name="Cards imported")
        slowest = while_pressing(page, "Tab", result.is_visible)
        expect(result).to_contain_text(f"{rows:,} new")
        assert parts == [PART_ROWS] * (rows // PART_ROWS)
        return slowest

    assert_responsive(page, attempt)
