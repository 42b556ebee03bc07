"""Runs in progress and their ends: cancelled, partly failed, watched and unwatched."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from local.system import LocalSystem
from tests.anthropic_server.faults import never, on_text, refused
from tests.anthropic_server.server import AnthropicServer
from tests.browser.actions import done, expect_done, expect_run_end, open_run_dialog, tab_to
from tests.browser.backlogs import with_stories
from tests.browser.conftest import Comes
from tests.browser.gated_model import GatedModel
from tests.browser.system import serving
from tests.system.client import Client

System = tuple[LocalSystem, Client, AnthropicServer]


@pytest.fixture(scope="module")
def started() -> Iterator[System]:
    with (
        AnthropicServer() as model,
        serving(GROUNDWORK_AI="anthropic", ANTHROPIC_API_KEY="test-key", ANTHROPIC_BASE_URL=model.url) as found,
    ):
        yield (*found, model)


@pytest.fixture
def system(started: System) -> Iterator[System]:
    yield started
    model = started[2]
    if isinstance(model.faults, GatedModel):
        model.faults.open()
    model.faults = never


@pytest.fixture
def gate(system: System) -> GatedModel:
    system[2].faults = gate = GatedModel()
    return gate


def starts(page: Page, stories: int) -> None:
    """A run over all stories of the project on the page, as fast as it may be."""
    dialog = open_run_dialog(page, "Generate subtasks")
    dialog.get_by_role("radio", name=re.compile("^Fast")).click()
    dialog.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Generate subtasks", level=1)).to_be_visible()
    expect(done(page)).to_have_attribute("aria-valuemax", str(stories))


@pytest.mark.slow(reason="the first test of its module starts the system")
def test_a_run_survives_a_reload_and_is_listed_in_its_project(system: System, gate: GatedModel, comes: Comes) -> None:
    project = with_stories(system[1], 6)
    page = comes(system[0].url, system[0].token).opens(f"/projects/{project}")
    starts(page, stories=6)
    gate.let(2)
    expect_done(page, 2)
    expect(page.get_by_role("heading", name="Currently processing")).to_be_visible()
    expect(page.get_by_text("Export a report").first).to_be_visible()

    page.reload()
    expect_done(page, 2)
    clock = page.get_by_role("timer")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)

    page.goto(f"/projects/{project}")
    page.get_by_role("region", name="Active runs").get_by_role("link").click()
    expect_done(page, 2)
    gate.open()
    expect_run_end(page, "Succeeded")
    expect_done(page, 6)
    expect(page.get_by_role("link", name="View results")).to_be_visible()


def test_a_run_that_is_cancelled_keeps_what_is_done_and_nothing_more(
    system: System, gate: GatedModel, comes: Comes
) -> None:
    project = with_stories(system[1], 5)
    page = comes(system[0].url, system[0].token).opens(f"/projects/{project}")
    starts(page, stories=5)
    gate.let(2)
    expect_done(page, 2)
    page.get_by_role("button", name="Cancel run").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel run").click()
    expect_run_end(page, "Cancelled")
    gate.open()
    expect_done(page, 2)
    kept = system[1].every(f"/api/projects/{project}/subtasks")
    assert len({subtask["storyId"] for subtask in kept}) == 2


def test_failed_items_show_their_reason_and_are_retried(system: System, comes: Comes) -> None:
    system[2].faults = on_text({"Share a report": refused()})
    project = with_stories(system[1], 4)
    page = comes(system[0].url, system[0].token).opens(f"/projects/{project}")
    starts(page, stories=4)
    expect_run_end(page, "Partial")
    expect(done(page)).to_have_attribute("aria-valuetext", re.compile("1 failed"))
    row = page.get_by_role("row").filter(has_text="Share a report")
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text(re.compile("refus|declin", re.IGNORECASE))

    system[2].faults = never
    page.get_by_role("button", name="Retry 1 failed item").click()
    expect(done(page)).to_have_attribute("aria-valuemax", "1")
    expect_run_end(page, "Succeeded")


def test_a_visible_page_requests_only_changes_and_a_hidden_one_nothing(
    system: System, gate: GatedModel, comes: Comes
) -> None:
    project = with_stories(system[1], 3)
    page = comes(system[0].url, system[0].token).opens(f"/projects/{project}")
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "/progress" in request.url else None)
    starts(page, stories=3)
    gate.let(1)
    expect_done(page, 1)
    with page.expect_response(lambda answer: "/progress" in answer.url and answer.status == 304):
        pass
    queries = [parse_qs(urlsplit(request.url).query) for request in asked]
    assert queries[-1].keys() == {"since"}
    assert "if-none-match" in asked[-1].headers

    looks(page, at_it=False)
    # Requests in flight when the tab was hidden have their responses by now.
    page.wait_for_timeout(3_000)
    before = len(asked)
    page.wait_for_timeout(4_000)
    assert len(asked) == before
    gate.open()
    with page.expect_request(lambda request: "/progress" in request.url):
        looks(page, at_it=True)
    expect_run_end(page, "Succeeded")


def looks(page: Page, *, at_it: bool) -> None:
    """Shows or hides the tab, as far as its page can tell. (Headless, every tab is in front.)"""
    page.evaluate(
        """state => {
          Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});
          Object.defineProperty(document, 'hidden', {value: state === 'hidden', configurable: true});
          document.dispatchEvent(new Event('visibilitychange', {bubbles: true}));
        }""",
        "visible" if at_it else "hidden",
    )


def test_a_rejected_token_leads_to_sign_in_and_back_to_the_run(system: System, gate: GatedModel, comes: Comes) -> None:
    project = with_stories(system[1], 2)
    page = comes(system[0].url, system[0].token).opens(f"/projects/{project}")
    starts(page, stories=2)
    gate.let(1)
    expect_done(page, 1)
    run = page.url
    page.evaluate("sessionStorage.setItem('groundwork.token', 'rotated')")
    expect(page.get_by_text("no longer accepts your token")).to_be_visible()
    expect(page.get_by_label("Access token")).to_be_focused()

    page.get_by_label("Access token").fill(system[0].token)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(run)
    expect_done(page, 1)
    expect(page.get_by_role("heading", name="Generate subtasks", level=1)).to_be_focused()
    gate.open()
    expect_run_end(page, "Succeeded")


def test_a_run_is_started_by_keyboard_alone(system: System, comes: Comes) -> None:
    project = with_stories(system[1], 1)
    page = comes(system[0].url, system[0].token).opens(f"/projects/{project}")
    tab_to(page, "button", "^Run$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Analyze cards").or_(page.get_by_role("menu"))).not_to_have_count(0)
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Generate subtasks")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Generate subtasks")
    expect(dialog).to_be_visible()
    tab_to(page, "radio", "Standard|^$")
    tab_to(page, "button", "^Start run$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Generate subtasks", level=1)).to_be_visible()
    expect_run_end(page, "Succeeded")


def test_a_run_of_ten_thousand_items_is_a_list_of_a_screenful(system: System, comes: Comes) -> None:
    project = with_stories(system[1], 1)
    run = system[1].run(project, "GENERATE_SUBTASKS")["runId"]
    progress = system[1].ok(system[1].http.get(f"/api/runs/{run}/progress", params={"items": "true"}))
    (item,) = progress["items"]
    items = [item | {"id": f"{run}-{n}", "code": f"S{n}", "title": f"The story number {n}"} for n in range(10_000)]
    page = comes(system[0].url, system[0].token).page
    many = progress | {"items": items, "totalItems": 10_000, "completedItems": 10_000}
    page.route(re.compile(f"/api/runs/{run}/progress"), lambda route: route.fulfill(json=many))
    page.goto(f"/projects/{project}/runs/{run}")
    expect(page.get_by_text("The story number 0", exact=True)).to_be_visible()
    assert page.get_by_role("row").count() < 100
    page.get_by_role("searchbox", name="Search items").fill("number 9999")
    expect(page.get_by_text("The story number 9999", exact=True)).to_be_visible()
    expect(page.get_by_text("The story number 0", exact=True)).to_have_count(0)
