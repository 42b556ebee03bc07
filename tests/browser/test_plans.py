"""Plans by mouse: schedule, templates, tasks, end."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from local.demo.repository import create_repository
from local.system import LocalSystem
from tests.anthropic_server.faults import never, on_text, refused
from tests.anthropic_server.server import AnthropicServer
from tests.browser.actions import drag, expect_plan, open_plan_dialog, open_task, row_of, until_seen, waiting_card
from tests.browser.conftest import Comes
from tests.browser.gated_model import GatedModel
from tests.browser.system import ROOT, serving
from tests.system.executor import Executor, phase, task

UNLUCKY = "Keep the elevation of every ride"
System = tuple[LocalSystem, Executor, AnthropicServer]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    path = create_repository(ROOT / "examples" / "cycling-app", tmp_path_factory.mktemp("repositories") / "cycling-app")
    with (
        AnthropicServer() as model,
        serving(GROUNDWORK_AI="anthropic", ANTHROPIC_API_KEY="test-key", ANTHROPIC_BASE_URL=model.url) as (
            system,
            client,
        ),
    ):
        yield system, Executor(client, str(path), "Cycling app"), model


@pytest.fixture
def system(started: System) -> Iterator[System]:
    yield started
    model = started[2]
    if isinstance(model.faults, GatedModel):
        model.faults.open()
    model.faults = never


def test_a_plan_is_scheduled_saved_as_a_template_copied_and_deleted(system: System, comes: Comes) -> None:
    plan = system[1].plan(phase("Build", task("csv", title="Write the CSV of rides")), title="The CSV export")
    page = comes(system[0].url, system[0].token).opens(f"/plans/{plan['id']}/execution")

    dialog = open_plan_dialog(page, "Schedule…")
    dialog.get_by_role("radio", name=re.compile("^Repeat")).click()
    dialog.get_by_role("button", name="Schedule").click()
    expect(page.get_by_role("heading", name=re.compile("^Scheduled: "))).to_be_visible()
    page.get_by_role("button", name="Plan actions").click()
    page.get_by_role("menuitem", name="Remove schedule").click()
    expect(page.get_by_role("heading", name="Not started yet")).to_be_visible()

    dialog = open_plan_dialog(page, "Save as template…")
    dialog.get_by_label("Name", exact=True).fill("An export")
    dialog.get_by_role("button", name="Add parameter").click()
    dialog.get_by_label("Text in the plan").fill("CSV")
    dialog.get_by_label("Placeholder name").fill("format")
    dialog.get_by_role("button", name="Save template").click()
    expect(dialog).to_be_hidden()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Templates").click()
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="An export"))
    card.get_by_role("button", name="Use template").click()
    dialog = page.get_by_role("dialog", name="New plan")
    dialog.get_by_label("format").fill("GPX")
    dialog.get_by_label(re.compile("^Title")).fill("The GPX export")
    dialog.get_by_role("button", name="Create plan").click()
    expect(page.get_by_role("heading", name="The GPX export", level=1)).to_be_visible()
    expect(page.get_by_text("Write the GPX of rides")).to_be_visible()

    open_plan_dialog(page, "Delete plan…").get_by_role("button", name="Delete plan").click()
    expect(page.get_by_role("heading", name="Plans", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="The CSV export")).to_be_visible()
    expect(page.get_by_role("link", name="The GPX export")).to_have_count(0)


def test_tasks_are_reordered_and_linked_by_dragging_without_cycles(system: System, comes: Comes) -> None:
    titles = ["Draw the map", "Measure the ride", "Show both"]
    tasks = [task(key, title=title) for key, title in zip("abc", titles, strict=True)]
    plan = system[1].plan(phase("Build", *tasks, mode="parallel"), title="Maps in order")["id"]
    page = comes(system[0].url, system[0].token).opens(f"/plans/{plan}")
    grips = [page.get_by_role("button", name=f"Move {title}") for title in titles]
    drag(page, grips[2], grips[0])
    expect(page.locator("[data-task-id]")).to_contain_text([titles[2], titles[0], titles[1]])
    page.get_by_text("Graph", exact=True).click()

    ends = {title: page.locator(".react-flow__node").filter(has_text=title) for title in titles}
    first, second = ends[titles[0]], ends[titles[1]]
    edges = page.locator(".react-flow__edge")
    until_seen(
        lambda: drag(page, first.locator(".source"), second.locator(".target")),
        lambda within: expect(edges).to_have_count(1, timeout=within),
    )
    until_seen(
        lambda: drag(page, second.locator(".source"), first.locator(".target"), drop=False),
        lambda within: expect(first).to_contain_text("Not allowed", timeout=within),
        page.mouse.up,
    )
    page.mouse.up()
    expect(first).not_to_contain_text("Not allowed")
    expect(edges).to_have_count(1)
    # it is drawn before it is saved
    expect(page.get_by_text("version 3")).to_be_visible()
    kept = system[1].tasks(plan)
    assert list(kept) == ["c", "a", "b"]
    assert [one["dependsOn"] for one in kept.values()] == [[], [], [kept["a"]["id"]]]


@pytest.mark.slow(reason="a plan executes between the decisions")
def test_every_decision_about_a_task_is_made_by_clicking(system: System, comes: Comes) -> None:
    """Retry, approve, reject, complete by hand, skip; then roll back."""
    plan = system[1].plan(
        phase("Build", task("survey", title="Look at the rides"), task("gain", "survey", title=UNLUCKY)),
        phase(
            "Release",
            task("flag", title="Switch it on for ten users"),
            task("mail", title="Write to all users"),
            task("party", title="Tell the newspapers"),
            mode="manual",
        ),
        title="Elevation, decided by people",
    )
    system[2].faults = on_text({UNLUCKY: refused()})
    page = comes(system[0].url, system[0].token).opens(f"/plans/{plan['id']}")
    page.get_by_role("button", name="Run plan").click()
    page.get_by_role("dialog").get_by_role("button", name="Run plan").click()

    failed = waiting_card(page, UNLUCKY)
    expect(failed).to_contain_text("Task failed")
    expect_plan(page, "Paused")
    system[2].faults = never
    failed.get_by_role("button", name="Retry").click()
    waiting_card(page, "Switch it on for ten users").get_by_role("button", name="Approve").click()

    waiting_card(page, "Write to all users").get_by_role("button", name="Reject…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Not in one mail")
    dialog.get_by_role("button", name="Reject").click()
    rejected = waiting_card(page, "Write to all users")
    expect(rejected).to_contain_text("Not in one mail")
    rejected.get_by_role("button", name="Complete manually…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill("Sent in five mails")
    dialog.get_by_role("button", name="Complete task").click()

    waiting_card(page, "Tell the newspapers").get_by_role("button", name="Details").click()
    panel = page.get_by_role("dialog", name="Tell the newspapers")
    panel.get_by_role("button", name="Skip…").click()
    page.get_by_role("dialog", name=re.compile("^Skip")).get_by_role("button", name="Skip task").click()
    expect(panel.get_by_text("Skipped", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect_plan(page, "Completed")
    assert _told(page, plan) == {
        "Look at the rides": "Completed",
        UNLUCKY: "Completed",
        "Switch it on for ten users": "Completed",
        "Write to all users": "Completed",
        "Tell the newspapers": "Skipped",
    }

    panel = open_task(page, UNLUCKY)
    panel.get_by_role("button", name="Roll back…").click()
    page.get_by_role("dialog", name=re.compile("^Roll back")).get_by_role("button", name="Roll back").click()
    expect(panel.get_by_text("Reverted by")).to_be_visible()
    page.keyboard.press("Escape")
    expect(row_of(page, UNLUCKY)).to_contain_text("rolled back")
    expect(row_of(page, "Look at the rides")).not_to_contain_text("rolled back")


def test_a_plan_is_paused_goes_on_and_is_cancelled(system: System, comes: Comes) -> None:
    titles = ["Draw the first map", "Draw the second map", "Draw the third map"]
    tasks = (task("a", title=titles[0]), task("b", "a", title=titles[1]), task("c", "b", title=titles[2]))
    plan = system[1].plan(phase("Maps", *tasks), title="Three maps")
    system[2].faults = gate = GatedModel()
    page = comes(system[0].url, system[0].token).opens(f"/plans/{plan['id']}/execution")
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("dialog").get_by_role("button", name="Run plan").click()
    expect(page.get_by_role("list", name="Running tasks")).to_contain_text(titles[0])
    gate.wait_for_call()

    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Pause the plan?")
    dialog.get_by_label("Reason").fill("The designer wants to look")
    dialog.get_by_role("button", name="Pause").click()
    expect_plan(page, "Pausing")
    gate.open()
    expect_plan(page, "Paused")
    expect(page.get_by_role("status", name="Needs attention")).to_contain_text("The designer wants to look")

    system[2].faults = gate = GatedModel()
    page.get_by_role("status", name="Needs attention").get_by_role("button", name="Resume").click()
    expect(page.get_by_role("list", name="Running tasks")).to_be_visible()
    open_plan_dialog(page, "Cancel plan…").get_by_role("button", name="Cancel plan").click()
    expect_plan(page, "Cancelled")
    expect(row_of(page, titles[2])).to_contain_text("Cancelled")
    gate.open()


def _told(page: Page, plan: dict[str, list[dict[str, list[dict[str, str]]]]]) -> dict[str, str]:
    """The state of each task, as its row says it last."""
    titles = [one["title"] for part in plan["phases"] for one in part["tasks"]]
    return {title: _last_line(row_of(page, title)) for title in titles}


def _last_line(row: Locator) -> str:
    return row.inner_text().strip().splitlines()[-1].strip()
