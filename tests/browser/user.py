"""A user of the dashboard with their own window; records the page's errors."""

from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, TimeoutError

from tests.browser.chromium import PATIENCE_MS

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 720}
AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class User:
    """`token` None: not signed in."""

    def __init__(self, browser: Browser, url: str, token: str | None, size: dict[str, int] = DESKTOP) -> None:
        self.url, self._token = url, token
        self.context = browser.new_context(
            base_url=url, viewport={"width": size["width"], "height": size["height"]}, reduced_motion="reduce"
        )
        self.context.set_default_timeout(PATIENCE_MS)
        if token:
            self.context.add_init_script(f"sessionStorage.setItem('groundwork.token', {token!r})")
        self.page: Page = self.context.new_page()
        self.troubles: list[str] = []
        """Errors of the page: exceptions, error logs, violations of the security policy."""
        self.page.on("pageerror", lambda error: self.troubles.append(f"{error}"))
        self.page.on("console", self._heard)
        self._requests: set[Request] = set()
        self.page.on("request", lambda request: self._requests.add(request))
        self.page.on("requestfinished", lambda request: self._requests.discard(request))
        self.page.on("requestfailed", lambda request: self._requests.discard(request))

    def _heard(self, message: ConsoleMessage) -> None:
        # The browser logs every failed response itself, even an expected one.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.troubles.append(message.text)

    def opens(self, path: str) -> Page:
        """Open a page; wait for its heading and its first requests."""
        self.page.goto(path)
        self.page.get_by_role("heading", level=1).first.wait_for()
        self.wait_until_idle()
        return self.page

    def wait_until_idle(self) -> None:
        """Wait until no request is open. Fails with the open ones: each keeps a connection."""
        try:
            self.page.wait_for_load_state("networkidle")
        except TimeoutError as exc:
            raise AssertionError(f"Open requests: {sorted(request.url for request in self._requests)}") from exc

    def prefers(self, colors: Literal["light", "dark"]) -> None:
        self.page.emulate_media(color_scheme=colors, reduced_motion="reduce")

    def barriers(self) -> list[str]:
        """Return axe's findings on the current page: rule and place."""
        if not self.page.evaluate("'axe' in window"):
            # evaluated, not added as an element: the page's security policy refuses those
            self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate(
            "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", RULES
        )
        return [
            f"{violation['id']}: {node['target']} {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def overflow(self) -> list[str]:
        """Return the elements wider than the window."""
        wide: list[str] = self.page.evaluate(
            """() => document.documentElement.scrollWidth <= innerWidth ? [] :
                 [...document.querySelectorAll('body *')]
                   .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
                   .map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`).slice(0, 12)"""
        )
        return wide

    def leaves(self) -> None:
        self.context.close()
