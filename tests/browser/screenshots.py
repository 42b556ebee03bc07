"""`python -m tests.browser.screenshots`: every page, light and dark, desktop and phone.

The pictures go to docs/screenshots as WebP; Chromium itself converts them from PNG.
"""

import base64
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.chromium import executable, running
from tests.browser.sample_data import SampleData, sample_data
from tests.browser.system import ROOT
from tests.browser.user import PHONE, User

FOLDER = ROOT / "docs" / "screenshots"
ON_A_PHONE = ("project", "run", "execution")
QUALITY = 0.8

_TO_WEBP = """async ([png, quality]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext('2d').drawImage(image, 0, 0);
  return canvas.toDataURL('image/webp', quality).split(',')[1];
}"""


def main() -> int:
    path = executable()
    if path is None:
        print("Screenshots need Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.webp"):
        old.unlink()
    with (
        tempfile.TemporaryDirectory() as folder,
        sample_data(Path(folder), quiet=True) as system,
        running(path) as browser,
    ):
        _take_all(browser, system)
    return 0


def _take_all(browser: Browser, system: SampleData) -> None:
    url, token = system.system.url, system.system.token
    converter = browser.new_page()
    visitor, desk, phone = User(browser, url, None), User(browser, url, token), User(browser, url, token, PHONE)
    _take(visitor, "/sign-in", "sign-in", converter)
    for name, path in system.pages.items():
        _take(desk, path, name, converter)
        if name in ON_A_PHONE:
            _take(phone, path, f"{name}-phone", converter)


def _take(person: User, path: str, name: str, converter: Page) -> None:
    page = person.opens(path)
    for colors in ("light", "dark"):
        person.prefers(colors)
        png = base64.b64encode(page.screenshot()).decode()
        webp = base64.b64decode(converter.evaluate(_TO_WEBP, [png, QUALITY]))
        (FOLDER / f"{name}-{colors}.webp").write_bytes(webp)
    person.prefers("light")


if __name__ == "__main__":
    sys.exit(main())
