"""What people do at the dashboard, by what they read on it."""

import re

from playwright.sync_api import Locator, Page, expect


def creates_project(page: Page, name: str) -> None:
    page.get_by_role("button", name="New project").first.click()
    dialog = page.get_by_role("dialog", name="New project")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def drops_file(page: Page, name: str, text: str) -> None:
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


def asks_for_run(page: Page, verb: str) -> Locator:
    """Opens the dialog of a run such as "Generate epics"."""
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=verb).click()
    return page.get_by_role("dialog", name=verb)


def sees_run_end(page: Page, status: str) -> None:
    """On the run's page; the badge beside the heading says how it stands."""
    expect(page.get_by_role("button", name="Cancel run")).to_be_hidden()
    expect(page.get_by_text(status, exact=True).first).to_be_visible()


def done(page: Page) -> Locator:
    return page.get_by_role("progressbar", name="Progress of the run")


def sees_done(page: Page, count: int) -> None:
    expect(done(page)).to_have_attribute("aria-valuenow", str(count))


def goes_by_keyboard_to(page: Page, role: str, name: str) -> None:
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
