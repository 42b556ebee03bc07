"""Actions of users on the dashboard, by the texts they read."""

import re
import time
from collections.abc import Callable
from contextlib import suppress

from playwright.sync_api import Locator, Page, TimeoutError, expect

from tests.browser.chromium import PATIENCE_MS


def create_project(page: Page, name: str) -> None:
    page.get_by_role("button", name="New project").first.click()
    dialog = page.get_by_role("dialog", name="New project")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def drop_file(page: Page, name: str, text: str) -> None:
    """From the desktop onto the page."""
    carried = page.evaluate_handle(
        """([name, text]) => {
          const carried = new DataTransfer();
          carried.items.add(new File([text], name, {type: 'text/csv'}));
          return carried;
        }""",
        [name, text],
    )
    target = page.get_by_role("heading", level=1)
    for kind in ("dragenter", "dragover", "drop"):
        target.dispatch_event(kind, {"dataTransfer": carried})


def open_run_dialog(page: Page, verb: str) -> Locator:
    """Opens the dialog of a run such as "Generate epics"."""
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=verb).click()
    return page.get_by_role("dialog", name=verb)


def expect_run_end(page: Page, status: str) -> None:
    """On the run's page; the badge beside the heading says how it stands."""
    expect(page.get_by_role("button", name="Cancel run")).to_be_hidden()
    expect(page.get_by_text(status, exact=True).first).to_be_visible()


def done(page: Page) -> Locator:
    return page.get_by_role("progressbar", name="Run progress")


def expect_done(page: Page, count: int) -> None:
    expect(done(page)).to_have_attribute("aria-valuenow", str(count))


def tab_to(page: Page, role: str, name: str) -> None:
    """With Tab alone, as long as it takes to go round."""
    wanted = re.compile(name)
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => { const e = document.activeElement;
              return [e.getAttribute('role') ?? e.tagName.toLowerCase(),
                      e.getAttribute('aria-label') ?? e.innerText ?? ''] }"""
        )
        if focused[0] == role and wanted.search(focused[1].strip()):
            return
    raise AssertionError(f"Tab does not lead to the {role} {name}")


def expect_plan(page: Page, status: str) -> None:
    """On a page of the plan; the badge beside its heading says how it stands."""
    expect(_badge(page, status)).to_be_visible()


def _badge(page: Page, status: str) -> Locator:
    return page.get_by_role("heading", level=1).locator("xpath=..").get_by_text(status, exact=True)


def complete_plan(page: Page, meanwhile: Callable[[], object] = lambda: None) -> None:
    """On the execution page: take every decision of the plan until it is complete."""
    waiting = page.get_by_role("status", name="Needs attention")
    wanted = waiting.get_by_role("button", name=re.compile("^(Approve|Continue|Resume)$"), disabled=False).first
    ended = _badge(page, "Completed")
    ends = time.monotonic() + 2 * PATIENCE_MS / 1_000
    while not ended.is_visible():
        assert time.monotonic() < ends, f"it has not come to its end: {page.get_by_role('main').inner_text()}"
        meanwhile()
        # No decision is pending, or it was taken: the next poll shows it.
        with suppress(TimeoutError):
            wanted.click(timeout=1_000)


def open_plan_dialog(page: Page, what: str) -> Locator:
    """Choose an entry of the plan's menu and return its dialog."""
    page.get_by_role("button", name="Plan actions").click()
    page.get_by_role("menuitem", name=what).click()
    dialog = page.get_by_role("dialog").or_(page.get_by_role("alertdialog"))
    expect(dialog).to_be_visible()
    return dialog


def waiting_card(page: Page, title: str) -> Locator:
    """Return the card, on top of the execution page, of a task waiting for a decision."""
    waiting = page.get_by_role("status", name="Needs attention").get_by_role("listitem")
    card = waiting.filter(has=page.get_by_role("heading", name=title, exact=True))
    expect(card).to_be_visible()
    return card


def row_of(page: Page, title: str) -> Locator:
    """A task's row in the lists of the execution."""
    rows = page.get_by_role("region", name="Tasks").get_by_role("listitem")
    return rows.filter(has=page.get_by_role("button", name=title, exact=True)).last


def open_task(page: Page, title: str) -> Locator:
    row_of(page, title).get_by_role("button", name=title, exact=True).click()
    return page.get_by_role("dialog", name=title)


def drag(page: Page, what: Locator, onto: Locator, *, drop: bool = True) -> None:
    """Drag with the mouse onto the upper half of a target, through the space between."""
    # waits until it stands still, and all the rest with it
    what.hover()
    page.mouse.down()
    box = onto.bounding_box()
    assert box is not None, "only what is to be seen can be dragged onto"
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3, steps=12)
    if drop:
        page.mouse.up()


def until_seen(
    act: Callable[[], None], seen: Callable[[float], None], again: Callable[[], None] = lambda: None
) -> None:
    """Repeat a gesture disturbed by a response of the API, as a user would.

    A response in the middle lays out the graph anew. `seen` expects the result within some ms; `again` prepares the
    next attempt.
    """
    for _ in range(4):
        act()
        with suppress(AssertionError):
            return seen(8_000)
        again()
    act()
    return seen(30_000)
