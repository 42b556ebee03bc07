"""A browser for the tests of a module; each has windows of its own in it."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from deploy.files import DIST, PAGE
from tests.browser.chromium import executable, running
from tests.browser.user import User

Comes = Callable[..., User]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for each module.

    A session-wide one fails: while Playwright's synchronous API is open, this thread counts as running an event loop,
    so every later `asyncio.run` would fail.
    """
    path = executable()
    if path is None:
        _left_out("The browser tests need Chromium: apt-get install chromium, or CHROMIUM=/path/to/it")
    if not (DIST / PAGE).exists():
        _left_out("The browser tests need the dashboard built: make web")
    with running(str(path)) as browser:
        yield browser


def _left_out(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def comes(browser: Browser) -> Iterator[Comes]:
    """Open a page as a user; fails if the page had an unexpected error."""
    people: list[User] = []

    def come(url: str, token: str | None, **window: dict[str, int]) -> User:
        people.append(User(browser, url, token, **window))
        return people[-1]

    yield come
    for person in people:
        person.leaves()
    assert [trouble for person in people for trouble in person.troubles] == []
