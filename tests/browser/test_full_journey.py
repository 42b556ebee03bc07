"""From a CSV on the desktop to commits in a repository, by the dashboard alone."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dulwich.refs import Ref
from dulwich.repo import Repo
from playwright.sync_api import Page, expect

from local.demo.repository import create_repository
from local.system import LocalSystem
from tests.browser.actions import complete_plan, create_project, drop_file, expect_run_end, open_run_dialog
from tests.browser.conftest import Comes
from tests.browser.system import ROOT, serving
from tests.system.client import Client
from tests.system.planner import tasks_of

EXAMPLES = ROOT / "examples"
CARDS = 16
NEW_TITLE = "Look before leaping"
System = tuple[LocalSystem, Client]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with serving(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="20") as found:
        yield found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return create_repository(EXAMPLES / "cycling-app", tmp_path / "cycling-app")


def feedback() -> str:
    """The first examples, and an empty row."""
    lines = (EXAMPLES / "feedback.csv").read_text().splitlines()[: CARDS + 1]
    assert next(csv.reader(lines))[:2] == ["externalId", "text"]
    return "\n".join([*lines, "fb-empty,,Email,4.3"])


@pytest.mark.slow(reason="every step from a file to commits, in one browser")
def test_a_csv_becomes_a_backlog_and_a_story_becomes_commits(system: System, repository: Path, comes: Comes) -> None:
    page = comes(system[0].url, system[0].token).opens("/")
    create_project(page, "Cycling app")
    imports(page)
    for verb in ("Analyze cards", "Generate epics", "Generate stories", "Generate subtasks"):
        dialog = open_run_dialog(page, verb)
        dialog.get_by_role("radio", name=re.compile("^Fast")).click()
        dialog.get_by_role("button", name="Start").click()
        expect_run_end(page, "Succeeded")
        page.get_by_role("link", name="Cycling app").click()
        expect(page.get_by_role("heading", name="Cycling app")).to_be_visible()

    adds_repository(page, repository)
    has_plan_written(page)
    changes_a_task(page)
    has_it_carried_out(page)
    (summary,) = system[1].every("/api/plans")
    plan = system[1].ok(system[1].http.get(f"/api/plans/{summary['id']}"))
    branch = system[1].ok(system[1].http.get(f"/api/plans/{summary['id']}/progress"))["branch"]
    with Repo(str(repository)) as repo:
        commits = repo.get_walker([repo.refs[Ref(f"refs/heads/{branch}".encode())]])
        subjects = [entry.commit.message.decode().partition("\n")[0] for entry in commits]
    assert len(subjects) == 1 + len(tasks_of(plan))
    assert any(subject.endswith(f": {NEW_TITLE.lower()}") for subject in subjects)


def imports(page: Page) -> None:
    drop_file(page, "feedback.csv", feedback())
    dialog = page.get_by_role("dialog", name="Import cards")
    expect(dialog.get_by_text("1 row will be rejected")).to_be_visible()
    expect(dialog.get_by_role("region", name="First cards").get_by_role("row")).to_have_count(1 + CARDS)
    dialog.get_by_role("button", name=f"Import {CARDS} cards").click()
    result = page.get_by_role("dialog", name="Cards imported")
    expect(result.get_by_text(f"{CARDS} new")).to_be_visible()
    expect(result.get_by_text(f"Line {CARDS + 2}")).to_be_visible()
    result.get_by_role("button", name="Done").click()
    sections = page.get_by_role("navigation", name="Project sections")
    expect(sections.get_by_role("link", name=re.compile("Cards"))).to_contain_text(str(CARDS))


def adds_repository(page: Page, path: Path) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Repositories").click()
    page.get_by_role("button", name="Add repository").click()
    dialog = page.get_by_role("dialog", name="Add repository")
    dialog.get_by_label("Name").first.fill("Cycling app")
    dialog.get_by_label("URL").fill(str(path))
    dialog.get_by_role("button", name="Add repository").click()
    expect(page.get_by_role("heading", name="Cycling app")).to_be_visible()


def has_plan_written(page: Page) -> None:
    """For the first story of the backlog."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Plans").click()
    page.get_by_role("button", name="New plan").first.click()
    dialog = page.get_by_role("dialog", name="New plan")
    dialog.get_by_label("Title").fill("The first story")
    dialog.get_by_role("group", name="Stories").last.get_by_role("checkbox").first.click()
    dialog.get_by_role("button", name="Generate plan").click()
    expect(page.get_by_role("heading", name="The first story")).to_be_visible()
    expect(page.get_by_text("Draft", exact=True)).to_be_visible()


def changes_a_task(page: Page) -> None:
    """The first task of the plan is called NEW_TITLE from then on."""
    page.locator("[data-task-id]").first.get_by_role("button").last.click()
    panel = page.get_by_role("dialog")
    panel.get_by_label("Title").fill(NEW_TITLE)
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_be_hidden()
    expect(page.locator("[data-task-id]").first).to_contain_text(NEW_TITLE)


def has_it_carried_out(page: Page) -> None:
    """Take every decision of the plan until it is complete."""
    page.get_by_role("button", name="Run plan").click()
    page.get_by_role("dialog").get_by_role("button", name="Run plan").click()
    expect(page.get_by_role("progressbar", name="Plan progress")).to_be_visible()
    complete_plan(page)
