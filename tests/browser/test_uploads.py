"""A large file goes to the bucket by one upload; the page stays usable with 100,000 rows."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from local.system import LocalSystem
from tests.browser.actions import create_project
from tests.browser.conftest import Comes
from tests.browser.responsiveness import MEASURE, assert_responsive, slowest_ms, while_pressing
from tests.browser.system import serving
from tests.browser.test_imports import cards_of, chooses, written
from tests.system.client import Client

System = tuple[LocalSystem, Client]
ROWS = 100_000
PAGE_ROWS = 200


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with serving(GROUNDWORK_AI="mock") as found:
        yield found


@pytest.fixture
def page(system: System, comes: Comes, request: pytest.FixtureRequest) -> Page:
    page = comes(system[0].url, system[0].token).opens("/")
    create_project(page, request.node.name[:80])
    return page


@pytest.mark.slow(reason="12 MB are uploaded, and 1,500 rows written")
def test_a_large_file_is_uploaded_and_imported_by_a_run(system: System, page: Page, tmp_path: Path) -> None:
    rows = [f"Review {number} {'says the same again ' * 400}" for number in range(1_500)]
    rows[7] = "x" * 10_001
    lines = "".join(f'{number};"{row}"\n' for number, row in enumerate(rows))
    dialog = chooses(page, written(tmp_path / "reviews.csv", f"Id;Review\n{lines}".encode("cp1252")))
    dialog.get_by_role("button", name="Import all cards").click()
    started = page.get_by_role("dialog", name="Import started")
    started.get_by_role("link", name="all imports").click(timeout=60_000)
    imports = page.get_by_role("region", name="Imports")
    expect(imports).to_contain_text("1,499 new, 1 rejected", timeout=240_000)
    expect(imports).to_contain_text("Succeeded")
    with page.expect_download() as download:
        imports.get_by_role("button", name="Rejected rows").click()
    header, row = download.value.path().read_text().splitlines()
    assert (header, row.partition(",")[0]) == ("line,row,reason", "9")
    assert len(cards_of(system, page)) == 1_499


@pytest.mark.slow(reason="16 MB are uploaded, with a key pressed all along")
def test_100_000_rows_are_uploaded_without_a_frozen_page(page: Page, tmp_path: Path) -> None:
    """The upload is real; the run is not started: this measures the page, not the server."""
    row = "the size is wrong and the colour too, it took three weeks to arrive, and nobody answers at the support"
    content = "Review,Stars\r\n" + "".join(f'"{at}: {row},\n{row}",{at % 5}\r\n' for at in range(ROWS))
    page.route(re.compile(r"/start$"), lambda route: route.fulfill(status=202, json={"runId": "none"}))

    def attempt() -> float:
        page.reload()
        dialog = chooses(page, written(tmp_path / "reviews.csv", content.encode()))
        dialog.get_by_role("button", name="Import all cards").click()
        return while_pressing(page, "Tab", page.get_by_role("dialog", name="Import started").is_visible)

    assert_responsive(page, attempt)


@pytest.mark.slow(reason="five hundred pages of cards are read, with keys pressed all along")
def test_100_000_cards_are_searched_without_a_frozen_page(page: Page) -> None:
    """The pages of the list come at once: this measures the page, not the server."""

    def answer(route: Route) -> None:
        at = int(re.search(r"nextToken=(\d+)", route.request.url + "&nextToken=0")[1])  # type: ignore[index]
        route.fulfill(body=json.dumps(_cards(at)), content_type="application/json")

    page.route(re.compile(r"/cards\?"), answer)
    search = page.get_by_role("searchbox", name="Search cards")

    def load_all() -> float:
        page.reload()
        search.click()
        page.keyboard.type("card number 7")
        return while_pressing(page, "Shift", page.get_by_text(f"{ROWS // 10:,} found", exact=True).is_visible)

    def search_all() -> float:
        page.evaluate(MEASURE)
        for key in ("Backspace", "7", "Backspace", "8", "Backspace", "9"):
            page.keyboard.press(key)
            page.wait_for_timeout(300)
        print(f"a key in the search, with all cards loaded: at most {slowest_ms(page):.0f} ms")
        return slowest_ms(page)

    assert_responsive(page, load_all)
    assert_responsive(page, search_all)


def _cards(start: int) -> dict[str, Any]:
    numbers = range(start, min(ROWS, start + PAGE_ROWS))
    items = [
        {
            "id": f"p-C{number}",
            "projectId": "p",
            "text": f"Card number {number % 10}: the size is wrong and it took weeks to arrive. Nobody answers.",
            "source": "shop",
            "externalId": f"x{number}",
            "metadata": {"stars": number % 5},
            "postedAt": None,
            "madeBy": "import",
            "analysis": None,
        }
        for number in numbers
    ]
    following = start + PAGE_ROWS
    return {"items": items, "nextToken": str(following) if following < ROWS else None}
