"""The token: asked for, refused, forgotten."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from local.system import LocalSystem
from tests.browser.conftest import Comes
from tests.browser.system import serving


@pytest.fixture(scope="module")
def system() -> Iterator[LocalSystem]:
    with serving() as (running, _):
        yield running


def test_a_wrong_token_is_refused_and_the_right_one_opens_the_page(system: LocalSystem, comes: Comes) -> None:
    page = comes(system.url, None).opens("/repositories")
    expect(page).to_have_url(f"{system.url}/sign-in")
    page.get_by_label("Access token").fill("not-the-token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("does not accept this token")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0

    page.get_by_label("Access token").fill(system.token)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{system.url}/repositories")
    assert page.evaluate("Object.values(sessionStorage)") == [system.token]
    assert page.evaluate("Object.values(localStorage)") == []


def test_a_token_that_is_no_longer_taken_leads_back_to_sign_in(system: LocalSystem, comes: Comes) -> None:
    page = comes(system.url, None).opens("/")
    page.get_by_label("Access token").fill(system.token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.evaluate("sessionStorage.setItem('groundwork.token', 'rotated')")
    page.get_by_role("link", name="Repositories").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("no longer accepts your token")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
