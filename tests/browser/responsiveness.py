"""How long the page takes to answer a key while it works, against the same page at rest."""

from collections.abc import Callable

from playwright.sync_api import Page

SLOW_MS = 200
ATTEMPTS = 3
MEASURE = """() => {
  window.paints = [];
  new PerformanceObserver(list => window.paints.push(...list.getEntries().map(entry => entry.duration)))
    .observe({type: 'event', durationThreshold: 16});
  window.longest = 0;
  let last = performance.now();
  const frame = now => { window.longest = Math.max(window.longest, now - last); last = now;
                         requestAnimationFrame(frame) };
  requestAnimationFrame(frame);
}"""


def assert_responsive(page: Page, attempt: Callable[[], float]) -> None:
    """Fail if each of three attempts has a slow key: a page that freezes has one every time.

    An attempt works on the page and returns its longest interaction to next paint, in ms.
    A busy machine also delays the paints of a page at rest, so the limit is measured before and after.
    """
    tried = []
    for _ in range(ATTEMPTS):
        before = _at_rest_ms(page)
        slowest = attempt()
        limit = max(SLOW_MS, 8 * before, 8 * _at_rest_ms(page))
        if slowest < limit:
            return
        tried.append((slowest, limit))
    raise AssertionError(f"slowest interaction and limit of each attempt, in ms: {tried}")


def while_pressing(page: Page, key: str, ended: Callable[[], bool]) -> float:
    """Press a key until the end; return the longest interaction to next paint, in ms."""
    page.evaluate(MEASURE)
    while not ended():
        page.keyboard.press(key)
        page.wait_for_timeout(50)
    slowest = slowest_ms(page)
    print(f"interaction to next paint at most {slowest:.0f} ms; longest frame {page.evaluate('window.longest'):.0f} ms")
    return slowest


def slowest_ms(page: Page) -> float:
    """Return the longest interaction to next paint since the measurement began, in ms."""
    slowest: float = max(page.evaluate("window.paints"), default=0)
    return slowest


def _at_rest_ms(page: Page) -> float:
    page.evaluate(MEASURE)
    for _ in range(20):
        page.keyboard.press("Shift")
        page.wait_for_timeout(50)
    return slowest_ms(page)
