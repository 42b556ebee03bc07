"""Rules for every page: accessible, usable on a phone, fast."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.actions import drop_file, open_run_dialog
from tests.browser.conftest import Comes
from tests.browser.sample_data import PAGES, SampleData, sample_data
from tests.browser.user import PHONE

BUDGET, OF_A_GRAPH = 170_000, 60_000
"""Limit of compressed JavaScript before a page shows, in bytes; 250,000 is required."""
GRAPHS = ("plan-graph", "execution", "execution-failed", "execution-done")
FILES = 14
"""Maximum of JavaScript files of a page."""
AFTERWARDS = "**/overlays-*.js"
"""Code of dialogs and menus, loaded after the page shows."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleData]:
    with sample_data(tmp_path_factory.mktemp("repositories")) as running:
        yield running


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.slow(reason="the first page waits for the sample data of all pages")
def test_axe_finds_nothing_wrong_with_a_page_in_light_or_in_dark(system: SampleData, comes: Comes, name: str) -> None:
    person = comes(system.system.url, system.system.token)
    person.opens(system.pages[name])
    found = {}
    for colors in ("light", "dark"):
        person.prefers(colors)
        found[colors] = person.barriers()
    assert found == {"light": [], "dark": []}


DIALOGS: dict[str, tuple[str, Callable[[Page], object]]] = {
    "starting a run": ("project", lambda page: open_run_dialog(page, "Generate subtasks")),
    "importing": ("project", lambda page: drop_file(page, "cards.csv", "text,source\nIt works,Mail\n,Mail\n")),
    "cancelling a run": ("run", lambda page: page.get_by_role("button", name="Cancel run").click()),
    "a new plan": ("plans", lambda page: page.get_by_role("button", name="New plan").click()),
    "a task of a plan": ("plan", lambda page: page.locator("[data-task-id]").first.get_by_role("button").last.click()),
    "running a plan": ("plan", lambda page: page.get_by_role("button", name="Run plan").click()),
    "a task that has failed": ("execution-failed", lambda page: page.get_by_role("button", name="Details").click()),
    "a repository": ("repositories", lambda page: page.get_by_role("button", name="Add repository").click()),
    "the checks of a repository": (
        "repositories",
        lambda page: page.get_by_role("button", name="Checks of").first.click(),
    ),
}


@pytest.mark.parametrize("name", DIALOGS)
def test_axe_finds_nothing_wrong_with_a_dialog(system: SampleData, comes: Comes, name: str) -> None:
    person = comes(system.system.url, system.system.token)
    where, ask = DIALOGS[name]
    ask(person.opens(system.pages[where]))
    dialog = person.page.get_by_role("dialog").or_(person.page.get_by_role("alertdialog"))
    expect(dialog).to_be_visible()
    person.wait_until_idle()
    assert person.barriers() == []
    # Focus is in the dialog, and returns to the page on Escape.
    assert dialog.evaluate("dialog => dialog.contains(document.activeElement)")
    person.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("section", ["cards", "stories"])
def test_axe_finds_nothing_wrong_with_what_is_chosen_in_a_list(system: SampleData, comes: Comes, section: str) -> None:
    person = comes(system.system.url, system.system.token)
    page = person.opens(f"{system.pages['project']}?section={section}")
    page.get_by_role("list", name=section).get_by_role("checkbox").first.click()
    expect(page.get_by_text("1 selected")).to_be_visible()
    found = {}
    for colors in ("light", "dark"):
        person.prefers(colors)
        found[colors] = person.barriers()
    assert found == {"light": [], "dark": []}


def test_a_page_change_focuses_the_heading_and_sets_the_title(system: SampleData, comes: Comes) -> None:
    page = comes(system.system.url, system.system.token).opens("/")
    expect(page.get_by_role("heading", level=1)).not_to_be_focused()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Templates").click()
    expect(page.get_by_role("heading", name="Templates", level=1)).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="Templates · Groundwork")).to_be_attached()
    page.go_back()
    page.get_by_role("link", name="Cycling app").click()
    expect(page.get_by_role("heading", name="Cycling app", level=1)).to_be_focused()
    # another section is another query of the same page
    stories = page.get_by_role("navigation", name="Project sections").get_by_role("link", name="Stories")
    stories.click()
    expect(page).to_have_url(re.compile("section=stories"))
    expect(stories).to_be_focused()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_s_width(system: SampleData, comes: Comes, name: str) -> None:
    person = comes(system.system.url, system.system.token, size=PHONE)
    person.opens(system.pages[name])
    assert person.overflow() == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_within_its_budget_and_without_dialogs(system: SampleData, comes: Comes, name: str) -> None:
    person = comes(system.system.url, system.system.token)
    person.page.route(AFTERWARDS, lambda route: route.abort())
    sizes: dict[str, int] = {}
    person.page.on(
        "requestfinished",
        lambda request: (
            sizes.update({request.url: request.sizes()["responseBodySize"]}) if request.url.endswith(".js") else None
        ),
    )
    person.opens(system.pages[name])
    assert 0 < len(sizes) <= FILES
    assert sum(sizes.values()) < BUDGET + (OF_A_GRAPH if name in GRAPHS else 0), sizes


@contextmanager
def held_back(page: Page) -> Iterator[None]:
    """The page's own code does not come before the end."""
    held: list[Route] = []
    is_over = False
    page.route("**/main-*.js", lambda route: route.continue_() if is_over else held.append(route))
    yield
    is_over = True
    for route in held:
        route.continue_()


def test_the_header_is_hidden_before_sign_in(system: SampleData, comes: Comes) -> None:
    page = comes(system.system.url, None).page
    with held_back(page):
        page.goto("/plans", wait_until="commit")
        expect(page.locator(".waiting")).to_have_count(1)
        expect(page.locator(".waiting")).to_be_hidden()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_header_shows_before_the_code_loads_and_does_not_move(system: SampleData, comes: Comes) -> None:
    page = comes(system.system.url, system.system.token).page
    with held_back(page):
        page.goto("/plans", wait_until="commit")
        expect(page.locator(".waiting")).to_be_visible()
        before = page.locator(".waiting").bounding_box()
    expect(page.get_by_role("heading", name="Plans", level=1)).to_be_visible()
    assert page.get_by_role("banner").bounding_box() == before
