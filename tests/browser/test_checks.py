"""Checks of a repository, from a suggestion to the proof of a task, by mouse."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from local.demo.repository import create_repository
from local.microvms.configure import LocalMicrovms
from local.system import LocalSystem
from tests.browser.conftest import Comes
from tests.browser.system import ROOT, serving
from tests.system.executor import Executor, phase, task

SLOW_MS = 60_000
System = tuple[LocalSystem, Executor]


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    probe = LocalMicrovms({})
    problem = probe.service.problem()
    probe.close()
    if problem:
        pytest.skip(problem)
    path = create_repository(ROOT / "examples" / "cycling-app", tmp_path / "cycling-app")
    with serving(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="10") as (system, client):
        yield system, Executor(client, str(path), "Cycling app")


@pytest.mark.slow(reason="two baselines and the checks of a task run in sandboxes")
def test_a_suggestion_becomes_the_proof_of_a_task(system: System, comes: Comes) -> None:
    person = comes(system[0].url, system[0].token)
    plan = system[1].plan(phase("Build", task("note", title="Write a note")))
    dialog = open_checks(person.opens("/repositories"))
    dialog.get_by_role("button", name="Use suggestion").click(timeout=SLOW_MS)
    checks = dialog.get_by_label("Checks", exact=True)
    expect(checks).to_have_value("python3 -m unittest")

    checks.fill("echo broken from the start; exit 3")
    run_baseline(dialog, "Failed")
    expect(dialog.get_by_role("region", name="Log of echo")).to_contain_text("broken from the start")
    assert person.barriers() == []

    page = person.opens(f"/plans/{plan['id']}/execution")
    page.get_by_role("button", name="Run now").click()
    start = page.get_by_role("dialog")
    start.get_by_role("button", name="Run plan").click()
    start.get_by_role("alert").get_by_role("link", name="Checks of Cycling app").click()

    dialog = page.get_by_role("dialog", name="Checks of Cycling app")
    dialog.get_by_role("button", name="Use suggestion").click()
    run_baseline(dialog, "Passed")

    page = person.opens(f"/plans/{plan['id']}/execution")
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("dialog").get_by_role("button", name="Run plan").click()
    expect(page.get_by_text("Checks passed")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name="Write a note", exact=True).first.click()
    panel = page.get_by_role("dialog", name="Write a note")
    landing = panel.get_by_role("list", name=re.compile("^Before landing"))
    expect(landing.get_by_text("python3 -m unittest")).to_be_visible()
    expect(landing.get_by_text("Passed")).to_be_visible()
    assert person.barriers() == []


def open_checks(page: Page) -> Locator:
    page.get_by_role("button", name="Checks of Cycling app").click()
    return page.get_by_role("dialog", name="Checks of Cycling app")


def run_baseline(dialog: Locator, status: str) -> None:
    dialog.get_by_role("button", name="Save and run baseline").click()
    shown = dialog.get_by_role("status", name="Status of the baseline")
    # until the request is answered, the status is that of the last baseline
    expect(dialog.get_by_role("button", name="Run baseline", exact=True)).to_be_enabled()
    expect(shown.get_by_text(status, exact=True)).to_be_visible(timeout=SLOW_MS)
