"""`python -m tests.browser.long_run`: a run over 10,000 cards in Chromium, start to end.

Only the model is fake; it responds at once. The cards are imported through the API, and the page is the real one.
Prints the maximum of rows in the document, the long tasks of the page (50 ms and more), how it scrolled, and the size
of the responses. CARDS=2000 for fewer cards. Exit status 1 if the list is drawn in full or the page had an error.
Durations depend on the machine, so they are printed but not checked.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from playwright.sync_api import Page, Request
from rich.console import Console
from rich.table import Table

from tests.browser.chromium import executable, running
from tests.browser.system import serving
from tests.browser.user import User
from tests.system.client import Client

MAX_A_CALL, MAX_ROWS = 500, 100
PATIENCE_S = 3_600
ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED")
TEXTS = ("The app crashes when I pay", "Please add a dark mode", "Search is slow and finds nothing")

_WATCH = """() => {
  window.longTasks = [];
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) window.longTasks.push(Math.round(entry.duration));
  }).observe({type: 'longtask', buffered: true});
}"""
_SCROLL = """async () => {
  const box = document.querySelector('[role=region][aria-label=Items]');
  const [frames, begun] = [[], performance.now()];
  let last = begun;
  for (let step = 1; step <= 120; step++) {
    box.scrollTop = (box.scrollHeight - box.clientHeight) * step / 120;
    await new Promise(requestAnimationFrame);
    frames.push(Math.round(performance.now() - last));
    last = performance.now();
  }
  const rows = [...box.querySelectorAll('[role=row]')];
  const shown = rows.at(-1)?.getAttribute('aria-rowindex');
  box.scrollTop = 0;
  return {frames, shown: Number(shown)};
}"""


@dataclass
class Seen:
    """Bytes of responses as sent: `whole` with all items, `since` with the changed ones."""

    rows: int = 0
    whole: list[int] = field(default_factory=list)
    since: list[int] = field(default_factory=list)
    unchanged: int = 0
    failed: int = 0
    frames: list[int] = field(default_factory=list)
    long_tasks: list[int] = field(default_factory=list)
    last_row: int = 0
    seconds: float = 0.0

    def heard(self, request: Request) -> None:
        answer = request.response() if "/progress" in request.url else None
        if answer is None:
            return
        if answer.status == 304:
            self.unchanged += 1
        elif not answer.ok:
            self.failed += 1
        else:
            size = request.sizes()["responseBodySize"]
            (self.whole if "items=true" in request.url else self.since).append(size)


def main() -> int:
    path, cards = executable(), int(os.environ.get("CARDS", "10000"))
    if path is None:
        print("This needs Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    with (
        serving(quiet=True, GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="0") as (system, client),
        running(path) as browser,
    ):
        project = _imported(client, cards)
        person, seen = User(browser, system.url, system.token), Seen()
        person.page.on("requestfinished", seen.heard)
        run = client.start(project, "ANALYZE_CARDS")
        status = _watched(person.opens(f"/projects/{project}/runs/{run}"), client, run, seen)
        troubles = person.troubles
    _print(cards, status, seen)
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    return 1 if troubles or seen.rows > MAX_ROWS or seen.last_row != cards + 1 else 0


def _imported(client: Client, cards: int) -> str:
    project: str = client.ok(client.http.post("/api/projects", json={"name": "Ten thousand voices"}))["id"]
    for first in range(0, cards, MAX_A_CALL):
        numbers = range(first, min(cards, first + MAX_A_CALL))
        lines = [json.dumps({"text": f"{TEXTS[n % len(TEXTS)]} ({n})", "externalId": f"x{n}"}) for n in numbers]
        headers = {"Content-Type": "application/x-ndjson"}
        client.ok(client.http.post(f"/api/projects/{project}/cards", content="\n".join(lines), headers=headers))
    return project


def _watched(page: Page, client: Client, run: str, seen: Seen) -> str:
    """Follow a run to its end, scrolling through the page now and then."""
    page.evaluate(_WATCH)
    begun = time.monotonic()
    ends, status = begun + PATIENCE_S, ""
    for look in _looks(page):
        answer = client.http.get(f"/api/runs/{run}/progress")
        # A busy machine may respond too late; the page retries as well.
        status = answer.json()["status"] if answer.is_success else status
        seen.failed += not answer.is_success
        seen.rows = max(seen.rows, page.get_by_role("row").count())
        ended = status in ENDED
        if look % 10 == 5 or ended:
            _scrolled(page, seen)
        if ended or time.monotonic() > ends:
            break
    seen.seconds = time.monotonic() - begun
    seen.long_tasks = page.evaluate("() => window.longTasks")
    return status


def _looks(page: Page) -> Iterator[int]:
    look = 0
    while True:
        page.wait_for_timeout(1_000)
        yield look
        look += 1


def _scrolled(page: Page, seen: Seen) -> None:
    if page.get_by_role("region", name="Items").count():
        scrolled: dict[str, Any] = page.evaluate(_SCROLL)
        seen.frames += scrolled["frames"]
        seen.last_row = scrolled["shown"]


def _print(cards: int, status: str, seen: Seen) -> None:
    table = Table("what", "measured", title=f"A run over {cards:,} cards: {status} after {seen.seconds:.0f} s")
    table.add_row("rows in the document, at most", str(seen.rows))
    table.add_row("long tasks of the page", _of(seen.long_tasks, "ms"))
    table.add_row("frames while it scrolls from one end to the other", _of(seen.frames, "ms"))
    table.add_row("answers with all items", _of(seen.whole, "bytes"))
    table.add_row("answers with what has changed", _of(seen.since, "bytes"))
    table.add_row("answers that say nothing has changed", str(seen.unchanged))
    table.add_row("requests that failed", str(seen.failed))
    Console().print(table)


def _of(values: list[int], unit: str) -> str:
    if not values:
        return "none"
    return f"{len(values)}: median {median(values):,.0f}, at most {max(values):,} {unit}"


if __name__ == "__main__":
    sys.exit(main())
